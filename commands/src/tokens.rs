//! What a guest holds instead of a password: a cart's token and an order's token. Neither is stored.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{BuyerId, CartId, Email, InvoiceId, OrderId};
use store::{
    StoreError, Vault,
    chain::hex,
    vault::{Secret, random},
};
use subtle::ConstantTimeEq as _;

/// Makes and checks tokens with the shop's secret.
#[derive(Clone)]
pub struct Tokens(Secret);

/// 128 random bits that open a cart, written in base64url (22 characters).
#[derive(Clone)]
pub struct CartToken([u8; 16]);

impl CartToken {
    /// Reads what [`CartToken::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The token as the customer keeps it.
    pub fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The cart it opens.
    pub fn cart(&self) -> CartId {
        CartId::of_token(&self.0)
    }
}

impl Tokens {
    pub(crate) async fn open(vault: &Vault) -> Result<Self, StoreError> {
        vault.secret("tokens").await.map(Self)
    }

    /// A token for a new cart. Asked again with the same idempotency key it is the same one, so that a repeated request
    /// does not open a second cart; without a key it is random.
    pub fn new_cart(&self, idempotency_key: Option<&str>) -> Result<CartToken, StoreError> {
        match idempotency_key {
            None => random().map(CartToken),
            Some(key) => {
                let signature = self.0.sign("cart", key.as_bytes());
                let mut token = [0; 16];
                token.copy_from_slice(&signature[..16]);
                Ok(CartToken(token))
            }
        }
    }

    /// The token with which a guest reads `order`.
    pub fn order(&self, order: OrderId) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.sign("order", order.0.as_bytes()))
    }

    /// Whether `token` is the one of `order`. Takes the same time whatever is wrong with it.
    pub fn opens(&self, order: OrderId, token: &str) -> bool {
        self.order(order).as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// What makes the hash of `document` tell nothing about it.
    pub(crate) fn salt(&self, document: InvoiceId) -> String {
        hex(&self.0.sign("invoice", document.0.as_bytes()))
    }

    /// The person behind an e-mail address, without the address.
    pub fn buyer(&self, email: &Email) -> BuyerId {
        let signature = self.0.sign("buyer", email.normalized().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&signature[..16]);
        BuyerId(uuid::Builder::from_custom_bytes(id).into_uuid())
    }
}

impl std::fmt::Debug for CartToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CartToken(..)")
    }
}
