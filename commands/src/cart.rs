//! What can be done with carts, by whoever holds their token.

use std::sync::Arc;

use domain::{
    CartId, ProductId, Quantity,
    cart::{Cart, CartCommand, CartError},
    product::{Product, ProductError},
    promo::PromoCode,
};
use store::StoreError;

use crate::{
    CommandError, Context, Desk, Done, Failure,
    basket::Basket,
    desk::Members,
    promo::PromoRefusal,
    tokens::{CartToken, Tokens},
    trade::Trade,
};

/// Why something cannot be put into a cart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The cart refuses.
    #[error(transparent)]
    Cart(#[from] CartError),
    /// The product refuses.
    #[error(transparent)]
    Product(#[from] ProductError),
}

/// Why a promo code does not go into a cart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The cart refuses.
    #[error(transparent)]
    Cart(#[from] CartError),
    /// The promo code does not go.
    #[error(transparent)]
    Promo(#[from] PromoRefusal),
    /// The cart was changed while it was read: look again.
    #[error("the cart is being changed")]
    Moved,
}

/// The cart desk.
#[derive(Clone)]
pub struct Carts {
    desk: Desk,
    tokens: Tokens,
    trade: Arc<Trade>,
}

impl Carts {
    pub(crate) const fn new(desk: Desk, tokens: Tokens, trade: Arc<Trade>) -> Self {
        Self { desk, tokens, trade }
    }

    /// The cart to put things into: the one that `held` opens while it is open, otherwise a new one. With an idempotency
    /// key the same request gets the same new cart.
    pub async fn open_one(&self, held: Option<CartToken>, idempotency_key: Option<&str>) -> Result<CartToken, Failure> {
        if let Some(token) = held
            && self.desk.read(token.cart(), |cart: &Cart, _| cart.contents().is_ok()).await?
        {
            return Ok(token);
        }
        self.tokens.new_cart(idempotency_key).map_err(|error: StoreError| error.into())
    }

    /// Puts `quantity` more of a product in. Only what is for sale goes in.
    pub async fn add(
        &self,
        context: &Context,
        cart: CartId,
        product: ProductId,
        quantity: Quantity,
    ) -> Result<Done<()>, CommandError<AddError>> {
        let price = |product: &Product, _| product.for_sale().map(|item| item.price);
        let shown = match self.desk.read(product, price).await? {
            Ok(shown) => shown,
            Err(refusal) => {
                // The request may have been answered while the product was for sale.
                let answered = self.desk.answered(context).await?;
                return answered.ok_or(CommandError::Refused(refusal.into()));
            }
        };
        self.ask(context, cart, CartCommand::Add { product, quantity, shown })
            .await
            .map_err(|error| error.map(AddError::Cart))
    }

    /// Has exactly `quantity` of a product that is in.
    pub async fn change_quantity(
        &self,
        context: &Context,
        cart: CartId,
        product: ProductId,
        quantity: Quantity,
    ) -> Result<Done<()>, CommandError<CartError>> {
        self.ask(context, cart, CartCommand::ChangeQuantity { product, quantity }).await
    }

    /// Takes a product out.
    pub async fn remove(
        &self,
        context: &Context,
        cart: CartId,
        product: ProductId,
    ) -> Result<Done<()>, CommandError<CartError>> {
        self.ask(context, cart, CartCommand::Remove { product }).await
    }

    /// Puts a promo code in. It must go with what is in the cart now; what changes later is told by the cart and decided by
    /// the checkout.
    pub async fn apply_promo(
        &self,
        context: &Context,
        cart: CartId,
        code: &PromoCode,
    ) -> Result<Done<()>, CommandError<ApplyError>> {
        const LOOKS: u32 = 8;
        for _ in 0..LOOKS {
            let seen = self.desk.read(cart, |cart: &Cart, version| (cart.contents().cloned(), version)).await?;
            let (Ok(mut contents), seen_version) = seen else {
                // Closed: the cart itself says so, unless the request was answered before it closed.
                let command = CartCommand::ApplyPromo { code: code.clone() };
                return self.ask(context, cart, command).await.map_err(|error| error.map(ApplyError::Cart));
            };
            contents.promos.retain(|known| known != code);
            contents.promos.push(code.clone());
            let mut members = Members::default();
            let in_cart = members.add::<Cart>(cart);
            let basket = Basket::of(&mut members, &contents);
            let outcome = self
                .desk
                .together(context, &members, |work| {
                    if work.version(in_cart) != seen_version {
                        return Err(ApplyError::Moved);
                    }
                    basket.grant(work, &self.trade, self.desk.now(), code)?;
                    Ok(work.send(in_cart, CartCommand::ApplyPromo { code: code.clone() })?)
                })
                .await;
            match outcome {
                Err(CommandError::Refused(ApplyError::Moved)) => {}
                outcome => return outcome,
            }
        }
        Err(Failure::Contended.into())
    }

    /// Takes a promo code out; all of them where none is named.
    pub async fn remove_promo(
        &self,
        context: &Context,
        cart: CartId,
        code: Option<&PromoCode>,
    ) -> Result<Done<()>, CommandError<CartError>> {
        let mut members = Members::default();
        let cart = members.add::<Cart>(cart);
        self.desk
            .together(context, &members, |work| {
                let held = work.state(cart).contents()?.promos.clone();
                for code in code.map_or(held, |code| vec![code.clone()]) {
                    work.send(cart, CartCommand::RemovePromo { code })?;
                }
                Ok(())
            })
            .await
    }

    /// Closes a cart that nobody touched for too long since it had this version. One that was touched since stays as it
    /// is. Safe to repeat.
    pub async fn expire(
        &self,
        context: &Context,
        cart: CartId,
        left_at: u64,
    ) -> Result<Done<()>, CommandError<CartError>> {
        let mut members = Members::default();
        let cart = members.add::<Cart>(cart);
        self.desk
            .together(context, &members, |work| {
                if work.version(cart) == left_at {
                    work.send(cart, CartCommand::Expire)?;
                }
                Ok(())
            })
            .await
    }

    async fn ask(
        &self,
        context: &Context,
        cart: CartId,
        command: CartCommand,
    ) -> Result<Done<()>, CommandError<CartError>> {
        self.desk.send::<Cart>(context, cart, command).await
    }
}
