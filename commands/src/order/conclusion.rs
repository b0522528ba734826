//! What becomes of everything an order holds, when its wait for money ends.

use domain::{
    OrderId,
    buyer::BuyerCommand,
    order::{Order, OrderCommand, OrderError, PaymentOutcome, Stage, Ties},
    product::ProductCommand,
    promo::PromoCommand,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Holdings, Orders, fault};
use crate::{
    CommandError, Context, Done, Failure,
    desk::{Member, Members, Work},
};

impl Orders {
    /// Asks an order something that may end its wait for money, and does with what it holds what follows, in one append.
    /// Answers `answer`.
    pub(super) async fn conclude<T: Clone + Serialize + DeserializeOwned>(
        &self,
        context: &Context,
        id: OrderId,
        command: OrderCommand,
        answer: T,
    ) -> Result<Done<T>, CommandError<OrderError>> {
        const LOOKS: u32 = 8;
        let pays = matches!(command, OrderCommand::RecordPayment { outcome: PaymentOutcome::Succeeded { .. }, .. });
        let sold = if pays { self.invoices.sold(id).await? } else { None };
        for _ in 0..LOOKS {
            let seen: Option<Ties> = self.desk.read(id, |order: &Order, _| order.ties().cloned()).await?;
            let mut members = Members::default();
            let order = members.add::<Order>(id);
            let holdings = seen.as_ref().map(|ties| Holdings::of(&mut members, ties));
            let pad = match &sold {
                Some(_) => Some(self.invoices.invoice_pad(&mut members, id).await?),
                None => None,
            };
            let outcome = self
                .desk
                .together(context, &members, |work| {
                    if work.state(order).ties() != seen.as_ref() {
                        return Err(None); // It was placed meanwhile, and what it holds is not locked.
                    }
                    let waited = work.state(order).stage() == Some(Stage::AwaitingPayment);
                    work.send(order, command.clone()).map_err(Some)?;
                    if let Some(holdings) = holdings.as_ref().filter(|_| waited) {
                        holdings.settle(work, order, id);
                    }
                    if let (Some(sold), Some(pad)) = (&sold, &pad)
                        && waited
                        && let Some(paid_on) = work.state(order).paid_on()
                        && !self.invoices.issue(work, pad, sold, paid_on)
                    {
                        tracing::error!(order = %id, "an order was paid and has no invoice");
                    }
                    Ok(answer.clone())
                })
                .await;
            match outcome {
                Err(CommandError::Refused(None)) => {}
                Err(CommandError::Refused(Some(refusal))) => return Err(CommandError::Refused(refusal)),
                Err(CommandError::Forbidden(error)) => return Err(error.into()),
                Err(CommandError::Failed(failure)) => return Err(failure.into()),
                Ok(done) => return Ok(done),
            }
        }
        Err(Failure::Contended.into())
    }
}

impl Holdings {
    /// Lets what an order holds go where it belongs: the stock leaves and the promos are used where it is paid, both come
    /// back where it fell through. What holds nothing for the order has nothing to do.
    pub(super) fn settle(&self, work: &mut Work, order: Member<Order>, id: OrderId) {
        let (stock, promo, buyer) = match work.state(order).stage() {
            Some(Stage::Paid) => (
                ProductCommand::Commit { order: id },
                PromoCommand::Confirm { order: id },
                BuyerCommand::Settle { order: id },
            ),
            Some(Stage::Expired | Stage::Cancelled) => (
                ProductCommand::Release { order: id },
                PromoCommand::Release { order: id },
                BuyerCommand::Release { order: id },
            ),
            Some(Stage::AwaitingPayment | Stage::Fulfilled | Stage::Refunded) | None => return,
        };
        for (_, product) in &self.goods {
            work.send(*product, stock.clone()).unwrap_or_else(|error| fault(id, &error));
        }
        for held in &self.promos {
            work.send(*held, promo.clone()).unwrap_or_else(|error| fault(id, &error));
        }
        work.send(self.buyer, buyer).unwrap_or_else(|error| fault(id, &error));
    }
}
