//! What can be done with promo codes, and by whom.

use std::sync::Arc;

use domain::{
    CartId, Email, Money,
    buyer::{Buyer, BuyerError},
    cart::{Cart, CartError, Contents},
    pricing::Unmet,
    promo::{Promo, PromoCode, PromoCommand, PromoError, Terms},
};

use crate::{
    CommandError, Context, Desk, Done,
    basket::Basket,
    desk::{Members, Work},
    tokens::Tokens,
    trade::Trade,
};

/// Why a promo code does not go with an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromoRefusal {
    /// The code itself refuses.
    #[error(transparent)]
    Promo(#[from] PromoError),
    /// The cart lacks something.
    #[error(transparent)]
    Cart(#[from] Unmet),
    /// The person may not.
    #[error(transparent)]
    Buyer(#[from] BuyerError),
}

/// What a promo code would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// What it grants, or which condition fails.
    pub outcome: Result<Grant, PromoRefusal>,
    /// Whether a condition on the person was not looked at, because nobody said who it is.
    pub depends_on_buyer: bool,
}

/// What a promo code grants a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What it takes off, VAT included; nothing without a cart.
    pub discount: Money,
    /// Whether shipping is free with it.
    pub free_shipping: bool,
}

/// The promo desk.
#[derive(Clone)]
pub struct Promos {
    desk: Desk,
    tokens: Tokens,
    trade: Arc<Trade>,
}

impl Promos {
    pub(crate) const fn new(desk: Desk, tokens: Tokens, trade: Arc<Trade>) -> Self {
        Self { desk, tokens, trade }
    }

    /// Puts a new code into the world. Staff only.
    pub async fn issue(
        &self,
        context: &Context,
        code: &PromoCode,
        terms: Terms,
    ) -> Result<Done<()>, CommandError<PromoError>> {
        self.ask(context, code, PromoCommand::Issue { terms: Box::new(terms) }).await
    }

    /// Gives a code other terms, which `change` makes of those it has, and switches it on or off where `active` says so.
    /// Staff only.
    pub async fn amend(
        &self,
        context: &Context,
        code: &PromoCode,
        active: Option<bool>,
        change: impl Fn(Terms) -> Terms,
    ) -> Result<Done<()>, CommandError<PromoError>> {
        context.actor.must_be_staff()?;
        let mut members = Members::default();
        let promo = members.add::<Promo>(code);
        self.desk
            .together(context, &members, |work| {
                let terms = work.state(promo).terms().cloned().ok_or(PromoError::Unknown)?;
                work.send(promo, PromoCommand::Amend { terms: Box::new(change(terms)) })?;
                match active {
                    Some(true) => work.send(promo, PromoCommand::Activate),
                    Some(false) => work.send(promo, PromoCommand::Deactivate),
                    None => Ok(()),
                }
            })
            .await
    }

    /// Switches a code off. Orders that hold it keep what they were granted. Staff only.
    pub async fn deactivate(&self, context: &Context, code: &PromoCode) -> Result<Done<()>, CommandError<PromoError>> {
        self.ask(context, code, PromoCommand::Deactivate).await
    }

    /// What `code` would do for `cart`, beside the codes it holds, and for the person behind `email`. Reserves nothing.
    pub async fn assess(
        &self,
        context: &Context,
        cart: Option<CartId>,
        code: &PromoCode,
        email: Option<&Email>,
    ) -> Result<Assessment, CommandError<CartError>> {
        let mut contents = match cart {
            None => Contents::default(),
            Some(cart) => {
                let contents = self.desk.read(cart, |cart: &Cart, _| cart.contents().cloned()).await?;
                contents.unwrap_or_default() // A cart that is closed is no cart any more.
            }
        };
        contents.promos.retain(|known| known != code);
        contents.promos.push(code.clone());
        let mut members = Members::default();
        let basket = Basket::of(&mut members, &contents);
        let buyer = email.map(|email| members.add::<Buyer>(self.tokens.buyer(email)));
        // A question is not kept under a key, and nothing is stored.
        let question = Context { key: None, ..context.clone() };
        let mut assessment = None;
        self.desk
            .together(&question, &members, |work| {
                let buyer = buyer.map(|buyer| work.state(buyer));
                assessment = Some(self.judge(work, &basket, code, buyer));
                Ok::<_, CartError>(())
            })
            .await?;
        Ok(assessment.unwrap_or_else(|| unreachable!("a question that was answered was decided")))
    }

    /// What a promo code of `basket` would do.
    fn judge(&self, work: &Work, basket: &Basket, code: &PromoCode, buyer: Option<&Buyer>) -> Assessment {
        let now = self.desk.now();
        let terms = match basket.usable(work, code, now) {
            Ok(terms) => terms,
            Err(refusal) => return Assessment { outcome: Err(refusal), depends_on_buyer: false },
        };
        let personal = terms.first_order_only || terms.limit_per_buyer.is_some();
        let may = buyer.map_or(Ok(()), |buyer| buyer.may_use(code, terms));
        let outcome = may.map_err(PromoRefusal::from).and_then(|()| basket.grant(work, &self.trade, now, code));
        Assessment { outcome, depends_on_buyer: personal && buyer.is_none() }
    }

    async fn ask(
        &self,
        context: &Context,
        code: &PromoCode,
        command: PromoCommand,
    ) -> Result<Done<()>, CommandError<PromoError>> {
        context.actor.must_be_staff()?;
        self.desk.send::<Promo>(context, code, command).await
    }
}
