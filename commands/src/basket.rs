//! A cart on the counter: its products and its promo codes, locked together, and what they cost.

use domain::{
    Money, MoneyError, ProductId, Timestamp,
    cart::{CartLine, Contents},
    order::OrderLine,
    pricing::{self, BasketLine, PricingError, Quote, ShippingRate, Unmet},
    product::{Item, Product, ProductError},
    promo::{Promo, PromoCode, PromoError, Terms},
};

use crate::{
    desk::{Member, Members, Work},
    promo::{Grant, PromoRefusal},
    trade::Trade,
};

/// Why a cart has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BasketError {
    /// A product refuses.
    #[error("{error}")]
    Product {
        /// Which.
        product: ProductId,
        /// Why.
        error: ProductError,
    },
    /// A promo code refuses.
    #[error("{refusal}")]
    Promo {
        /// Which.
        code: PromoCode,
        /// Why.
        refusal: PromoRefusal,
    },
    /// The sums do not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What is in a cart, as members of a command.
pub(crate) struct Basket {
    pub(crate) products: Vec<(CartLine, Member<Product>)>,
    pub(crate) promos: Vec<(PromoCode, Member<Promo>)>,
}

/// What a basket costs, and what becomes of it in an order.
pub(crate) struct Priced {
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) quote: Quote,
}

impl Basket {
    /// Decide over what is in a cart, too.
    pub(crate) fn of(members: &mut Members, contents: &Contents) -> Self {
        Self {
            products: contents.lines.iter().map(|line| (*line, members.add(line.product))).collect(),
            promos: contents.promos.iter().map(|code| (code.clone(), members.add(code))).collect(),
        }
    }

    /// What it costs `at` this moment. Everything in it must be for sale, and every promo code must go.
    pub(crate) fn price(
        &self,
        work: &Work,
        trade: &Trade,
        at: Timestamp,
        shipping: Option<ShippingRate>,
    ) -> Result<Priced, BasketError> {
        let items = self.items(work)?;
        let promos = self.terms(work, at)?;
        let quote =
            pricing::quote(&pricing::Basket { lines: lines(&items, trade), promos, shipping }).map_err(refusal)?;
        let lines = items.iter().zip(&quote.line_discounts).map(|((line, item), discount)| {
            Ok(OrderLine {
                product: line.product,
                slug: item.slug.clone(),
                name: item.description.name.clone(),
                kind: item.kind,
                quantity: line.quantity,
                unit_price: item.price,
                vat_rate: trade.vat(item.vat_rate),
                total: item.price.times(line.quantity.get())?,
                discount: *discount,
            })
        });
        let lines = lines.collect::<Result<_, MoneyError>>()?;
        Ok(Priced { lines, quote })
    }

    /// Its products, if all of them are for sale.
    fn items<'work>(&self, work: &'work Work) -> Result<Vec<(CartLine, &'work Item)>, BasketError> {
        let item = |(line, product): &(CartLine, Member<Product>)| {
            let item = work.state(*product).for_sale();
            let item = item.map_err(|error| BasketError::Product { product: line.product, error })?;
            Ok((*line, item))
        };
        self.products.iter().map(item).collect()
    }

    /// What one of its promo codes grants, if it can be used.
    pub(crate) fn usable<'work>(
        &self,
        work: &'work Work,
        code: &PromoCode,
        at: Timestamp,
    ) -> Result<&'work Terms, PromoRefusal> {
        let promo = self.promos.iter().find(|(known, _)| known == code);
        let (_, promo) = promo.ok_or(PromoError::Unknown)?;
        Ok(work.state(*promo).usable(at)?)
    }

    /// What one of its promo codes grants, if it goes with everything else that is in it. What is wrong with something else is
    /// not held against the code: it is priced as the cart is shown, with what is for sale and with the codes that go.
    pub(crate) fn grant(
        &self,
        work: &Work,
        trade: &Trade,
        at: Timestamp,
        code: &PromoCode,
    ) -> Result<Grant, PromoRefusal> {
        let terms = self.usable(work, code, at)?;
        let nothing = Grant { discount: Money::nothing(), free_shipping: terms.free_shipping };
        let items = self.products.iter();
        let items: Vec<(CartLine, &Item)> =
            items.filter_map(|(line, product)| Some((*line, work.state(*product).for_sale().ok()?))).collect();
        if items.is_empty() {
            return Ok(nothing);
        }
        let promos = self.promos.iter();
        let promos = promos.filter_map(|(code, _)| Some((code, self.usable(work, code, at).ok()?))).collect();
        let basket = pricing::Basket { lines: lines(&items, trade), promos, shipping: None };
        let Ok((quote, missing)) = pricing::quote_what_goes(basket) else { return Ok(nothing) };
        if let Some((_, unmet)) = missing.iter().find(|(known, _)| known == code) {
            return Err(unmet.clone().into());
        }
        let lonely = missing.into_iter().find(|(_, unmet)| matches!(unmet, Unmet::NotCombinable { .. }));
        if let Some((with, _)) = lonely {
            return Err(Unmet::NotCombinable { with }.into());
        }
        let discount = quote.discounts.iter().find(|discount| discount.code == *code);
        Ok(discount.map_or(nothing, |discount| Grant { discount: discount.amount, ..nothing }))
    }

    /// What its promo codes grant, if all of them can be used.
    fn terms<'work>(
        &'work self,
        work: &'work Work,
        at: Timestamp,
    ) -> Result<Vec<(&'work PromoCode, &'work Terms)>, BasketError> {
        let granted = |(code, _): &'work (PromoCode, Member<Promo>)| {
            let terms = self.usable(work, code, at);
            Ok((code, terms.map_err(|refusal| BasketError::Promo { code: code.clone(), refusal })?))
        };
        self.promos.iter().map(granted).collect()
    }
}

/// Products on the counter, as the arithmetic wants them.
fn lines<'work>(items: &[(CartLine, &'work Item)], trade: &Trade) -> Vec<BasketLine<'work>> {
    let line = |(line, item): &(CartLine, &'work Item)| BasketLine {
        product: line.product,
        category: &item.description.category,
        kind: item.kind,
        unit_price: item.price,
        quantity: line.quantity,
        vat_rate: trade.vat(item.vat_rate),
    };
    items.iter().map(line).collect()
}

fn refusal(error: PricingError) -> BasketError {
    match error {
        PricingError::Money(error) => error.into(),
        PricingError::Promo { code, unmet } => BasketError::Promo { code, refusal: unmet.into() },
    }
}
