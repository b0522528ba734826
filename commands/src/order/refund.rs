//! Money that the shop gives back: granted, credited and, where asked, back on the shelf, in one append.

use domain::{
    Line, OrderId, ProductId, RefundId,
    order::{Extent, Order, OrderCommand, OrderError, OrderEvent, Returned},
    product::{ProductCommand, ProductError},
};

use super::{Holdings, Orders};
use crate::{
    CommandError, Context, Done, Failure,
    desk::{Members, Work},
    invoice::Credited,
};

/// What is to be given back.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    /// How much.
    pub extent: Extent,
    /// Whether the pieces go back on the shelf.
    pub restock: bool,
    /// Why, as the credit note says it.
    pub reason: Line<200>,
}

/// Why nothing is given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The order refuses.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A product cannot go back on the shelf.
    #[error("{error}")]
    Product {
        /// Which.
        product: ProductId,
        /// Why.
        error: ProductError,
    },
    /// Another refund was faster: look again.
    #[error("the order is being changed")]
    Moved,
}

impl Orders {
    /// Gives money back: never more than was paid, whatever else is given back at the same time. The credit note is issued
    /// in the same append; the provider is asked after it. Staff only.
    pub async fn refund(
        &self,
        context: &Context,
        id: OrderId,
        request: &RefundRequest,
    ) -> Result<Done<RefundId>, CommandError<RefundError>> {
        const LOOKS: u32 = 8;
        context.actor.must_be_staff()?;
        let Some(sold) = self.invoices.sold(id).await? else {
            return Err(CommandError::Refused(OrderError::Unknown.into()));
        };
        for _ in 0..LOOKS {
            let look = |order: &Order, _| (order.next_refund(), order.ties().cloned());
            let (Some(next), Some(ties)) = self.desk.read(id, look).await? else {
                return Err(CommandError::Refused(OrderError::Unknown.into()));
            };
            let mut members = Members::default();
            let order = members.add::<Order>(id);
            let holdings = Holdings::of(&mut members, &ties);
            let pad = self.invoices.credit_pad(&mut members, id, next).await?;
            let outcome = self
                .desk
                .together(context, &members, |work| {
                    if work.state(order).next_refund() != Some(next) {
                        return Err(RefundError::Moved);
                    }
                    let RefundRequest { extent, restock, reason } = request.clone();
                    let on = self.desk.today();
                    let command = OrderCommand::Refund { extent, restock, reason, on };
                    let granted = work.send_and_hear(order, command, <[OrderEvent]>::to_vec)?;
                    let paid_on = work.state(order).paid_on().unwrap_or(on);
                    for event in granted.unwrap_or_default() {
                        let OrderEvent::RefundGranted { parts, vat, reason, returned, .. } = &event else { continue };
                        put_back(work, &holdings, id, returned)?;
                        let credited = Credited { parts, vat, reason };
                        if !self.invoices.credit(work, &pad, &sold, paid_on, &credited) {
                            tracing::error!(order = %id, "money is given back without a credit note");
                        }
                    }
                    Ok(next)
                })
                .await;
            match outcome {
                Err(CommandError::Refused(RefundError::Moved)) => {}
                outcome => return outcome,
            }
        }
        Err(Failure::Contended.into())
    }
}

/// Puts what came back on the shelf.
fn put_back(work: &mut Work, holdings: &Holdings, order: OrderId, returned: &[Returned]) -> Result<(), RefundError> {
    for Returned { product, quantity } in returned {
        for (_, shelf) in holdings.goods.iter().filter(|(known, _)| known == product) {
            work.send(*shelf, ProductCommand::Return { order, quantity: *quantity })
                .map_err(|error| RefundError::Product { product: *product, error })?;
        }
    }
    Ok(())
}
