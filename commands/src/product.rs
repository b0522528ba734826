//! What can be done with products: the staff's work.

use domain::{
    Money, ProductId, Slug, VatRate,
    product::{Description, Kind, Product, ProductCommand, ProductError, Revision},
    reservation::{Reservation, ReservationCommand, ReservationError, of_slug},
};
use uuid::Uuid;

use crate::{CommandError, Context, Desk, Done, desk::Members};

/// A product to be drafted.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// Its name in addresses.
    pub slug: Slug,
    /// What it physically is.
    pub kind: Kind,
    /// What is said of it.
    pub description: Description,
    /// What one costs, VAT included.
    pub price: Money,
    /// The VAT inside `price`.
    pub vat_rate: VatRate,
}

/// What is to be different about a product.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What is said of it.
    pub revision: Revision,
    /// What one costs.
    pub price: Option<Money>,
    /// The VAT inside the price.
    pub vat_rate: Option<VatRate>,
}

/// Why a product cannot be drafted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Another product has the slug.
    #[error("another product has this slug")]
    SlugTaken,
    /// The product refuses.
    #[error(transparent)]
    Product(#[from] ProductError),
}

impl From<ReservationError> for DraftError {
    fn from(error: ReservationError) -> Self {
        match error {
            ReservationError::Taken => Self::SlugTaken,
        }
    }
}

/// The product desk.
#[derive(Clone)]
pub struct Products {
    desk: Desk,
}

impl Products {
    pub(crate) const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Drafts a product and claims its slug, both in one append.
    pub async fn draft(&self, context: &Context, new: NewProduct) -> Result<Done<ProductId>, CommandError<DraftError>> {
        context.actor.must_be_staff()?;
        let id = ProductId(Uuid::now_v7());
        let mut members = Members::default();
        let product = members.add::<Product>(id);
        let reservation = members.add::<Reservation>(of_slug(&new.slug));
        let on = self.desk.today();
        self.desk
            .together(context, &members, |work| {
                let NewProduct { slug, kind, description, price, vat_rate } = new.clone();
                work.send(reservation, ReservationCommand::Claim { owner: id.0 })?;
                let description = Box::new(description);
                work.send(product, ProductCommand::Draft { slug, kind, description, price, vat_rate, on })?;
                Ok(id)
            })
            .await
    }

    /// Changes what is said of a product and what it costs.
    pub async fn change(
        &self,
        context: &Context,
        id: ProductId,
        changes: Changes,
    ) -> Result<Done<()>, CommandError<ProductError>> {
        context.actor.must_be_staff()?;
        let mut members = Members::default();
        let product = members.add::<Product>(id);
        let on = self.desk.today();
        self.desk
            .together(context, &members, |work| {
                let Changes { revision, price, vat_rate } = changes.clone();
                work.send(product, ProductCommand::Revise { revision: Box::new(revision) })?;
                let item = work.state(product).item().ok_or(ProductError::Unknown)?;
                let (price, vat_rate) = (price.unwrap_or(item.price), vat_rate.unwrap_or(item.vat_rate));
                work.send(product, ProductCommand::Reprice { price, vat_rate, on })
            })
            .await
    }

    /// Offers a product.
    pub async fn publish(&self, context: &Context, id: ProductId) -> Result<Done<()>, CommandError<ProductError>> {
        self.ask(context, id, ProductCommand::Publish).await
    }

    /// Offers a product no more.
    pub async fn archive(&self, context: &Context, id: ProductId) -> Result<Done<()>, CommandError<ProductError>> {
        self.ask(context, id, ProductCommand::Archive).await
    }

    /// Puts pieces on the shelf, or takes them off where `change` is negative.
    pub async fn adjust_stock(
        &self,
        context: &Context,
        id: ProductId,
        change: i64,
    ) -> Result<Done<()>, CommandError<ProductError>> {
        self.ask(context, id, ProductCommand::AdjustStock { change }).await
    }

    async fn ask(
        &self,
        context: &Context,
        id: ProductId,
        command: ProductCommand,
    ) -> Result<Done<()>, CommandError<ProductError>> {
        context.actor.must_be_staff()?;
        self.desk.send::<Product>(context, id, command).await
    }
}
