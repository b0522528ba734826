//! What can be done with carts, by whoever holds their token.

use domain::{
    CartId, ProductId, Quantity,
    cart::{Cart, CartCommand, CartError},
    product::{Product, ProductError},
};
use store::StoreError;

use crate::{
    CommandError, Context, Desk, Done, Failure,
    desk::Members,
    tokens::{CartToken, Tokens},
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

/// The cart desk.
#[derive(Clone)]
pub struct Carts {
    desk: Desk,
    tokens: Tokens,
}

impl Carts {
    pub(crate) const fn new(desk: Desk, tokens: Tokens) -> Self {
        Self { desk, tokens }
    }

    /// The cart to put things into: the one that `held` opens while it is open, otherwise a new one. With an idempotency
    /// key the same request gets the same new cart.
    pub async fn open_one(&self, held: Option<CartToken>, idempotency_key: Option<&str>) -> Result<CartToken, Failure> {
        if let Some(token) = held
            && self.desk.read(token.cart(), |cart: &Cart, _| cart.lines().is_ok()).await?
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
