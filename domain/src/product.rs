//! A product: what it is called, what it costs, how many are left.
//!
//! It is drafted, published, and one day archived. Its events are the history of its prices. Stock is held for an
//! order when it is placed, leaves the shelf when the order is paid, and comes back when the order falls through; only
//! physical products have any.

use std::collections::BTreeMap;

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{BusinessDate, Line, Localized, Money, OrderId, Personal, Prose, Quantity, Slug, VatRate};

/// What a product physically is; it decides whether there is stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Goods on a shelf.
    Physical,
    /// A file to download.
    Digital,
    /// Work for the customer.
    Service,
    /// Credits that pay for generations.
    Credits,
}

/// Everything that is said of a product but its price and its stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub name: Localized<Line<200>>,
    /// What the customer should know.
    pub text: Localized<Prose<4000>>,
    /// The shelf it stands on.
    pub category: Slug,
    /// Words to find it by, at most [`Description::MAX_TAGS`].
    pub tags: Vec<Slug>,
}

impl Description {
    /// The most tags one product may have.
    pub const MAX_TAGS: usize = 20;
}

/// A change to a [`Description`]: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Revision {
    /// The new name.
    pub name: Option<Localized<Line<200>>>,
    /// The new text.
    pub text: Option<Localized<Prose<4000>>>,
    /// The new category.
    pub category: Option<Slug>,
    /// The new tags, all of them.
    pub tags: Option<Vec<Slug>>,
}

/// What may be asked of a product.
#[derive(Debug, Clone)]
pub enum ProductCommand {
    /// Describe a new product, which nobody can buy yet.
    Draft { slug: Slug, kind: Kind, description: Box<Description>, price: Money, vat_rate: VatRate, on: BusinessDate },
    /// Change what is said of it.
    Revise { revision: Box<Revision> },
    /// Change what it costs.
    Reprice { price: Money, vat_rate: VatRate, on: BusinessDate },
    /// Offer it.
    Publish,
    /// Offer it no more.
    Archive,
    /// Put `change` pieces on the shelf, or take them off where it is negative.
    AdjustStock { change: i64 },
    /// Hold `quantity` for `order`, which was shown `price` and `vat_rate`.
    Reserve { order: OrderId, quantity: Quantity, price: Money, vat_rate: VatRate },
    /// Let the pieces held for `order` leave: it is paid.
    Commit { order: OrderId },
    /// Put the pieces held for `order` back: it fell through.
    Release { order: OrderId },
    /// Put pieces on the shelf that came back from `order`.
    Return { order: OrderId, quantity: Quantity },
}

/// What has happened to a product. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProductEvent {
    /// It exists, for the shop alone.
    Drafted { slug: Slug, kind: Kind, description: Description, price: Money, vat_rate: VatRate, on: BusinessDate },
    /// What is said of it, from here on.
    Revised { description: Description },
    /// What it costs from here on, and what it cost before.
    Repriced { price: Money, vat_rate: VatRate, was: Money, on: BusinessDate },
    /// It can be bought.
    Published,
    /// It cannot be bought any more.
    Archived,
    /// Pieces came or went without an order.
    StockAdjusted { change: i64, on_hand: i64, available: i64 },
    /// Pieces are held for an order.
    StockReserved { order: OrderId, quantity: Quantity, available: i64 },
    /// Pieces held for an order have left the shelf.
    StockCommitted { order: OrderId, quantity: Quantity, on_hand: i64 },
    /// Pieces held for an order are for sale again.
    StockReleased { order: OrderId, quantity: Quantity, available: i64 },
    /// Pieces that had left for an order are on the shelf again.
    StockReturned { order: OrderId, quantity: Quantity, on_hand: i64, available: i64 },
}

/// Why a product refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// No event speaks of it.
    #[error("there is no such product")]
    Unknown,
    /// Its id is in use.
    #[error("this product exists already")]
    AlreadyDrafted,
    /// Only published products can be bought.
    #[error("this product is not for sale")]
    NotForSale,
    /// An archived product stays as it was.
    #[error("this product is archived")]
    Archived,
    /// Only physical products have stock.
    #[error("this product has no stock to count")]
    Stockless,
    /// There are not that many.
    #[error("there are only {available} left")]
    OutOfStock { available: i64 },
    /// The shelf would hold less than is promised to orders, or more than can be counted.
    #[error("the stock cannot become this")]
    ImpossibleStock,
    /// It costs something else now.
    #[error("the price has changed")]
    PriceChanged,
    /// Too many tags.
    #[error("a product has at most {} tags", Description::MAX_TAGS)]
    TooManyTags,
}

/// A product as its events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Product {
    /// No event speaks of it.
    #[default]
    Undrafted,
    /// It exists.
    Drafted(Item),
}

/// What is known of a product that exists.
#[derive(Debug, Serialize, Deserialize)]
pub struct Item {
    stage: Stage,
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
    on_hand: i64,
    held: BTreeMap<OrderId, Quantity>,
}

/// Who can see and buy a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// The shop alone sees it.
    Draft,
    /// It is for sale.
    Published,
    /// It is no longer for sale; held stock can still leave or come back.
    Archived,
}

impl Product {
    /// What is known of it, where it exists.
    pub const fn item(&self) -> Option<&Item> {
        match self {
            Self::Undrafted => None,
            Self::Drafted(item) => Some(item),
        }
    }

    /// What is for sale, or why it is not.
    pub fn for_sale(&self) -> Result<&Item, ProductError> {
        match self.item() {
            None => Err(ProductError::Unknown),
            Some(item) if item.stage == Stage::Published => Ok(item),
            Some(_) => Err(ProductError::NotForSale),
        }
    }

    fn decide(&self, command: ProductCommand) -> Result<Vec<ProductEvent>, ProductError> {
        match (self, command) {
            (Self::Undrafted, ProductCommand::Draft { slug, kind, description, price, vat_rate, on }) => {
                enough_tags(&description)?;
                Ok(vec![ProductEvent::Drafted { slug, kind, description: *description, price, vat_rate, on }])
            }
            (Self::Undrafted, _) => Err(ProductError::Unknown),
            (Self::Drafted(item), command) => item.decide(command),
        }
    }
}

impl Item {
    /// The whole rule book: one line for each thing that may be asked at each stage.
    fn decide(&self, command: ProductCommand) -> Result<Vec<ProductEvent>, ProductError> {
        use ProductCommand as Ask;
        match (self.stage, command) {
            (_, Ask::Draft { .. }) => Err(ProductError::AlreadyDrafted),

            (Stage::Draft, Ask::Publish) => Ok(vec![ProductEvent::Published]),
            (Stage::Published, Ask::Publish) => Ok(vec![]),
            (Stage::Draft | Stage::Published, Ask::Archive) => Ok(vec![ProductEvent::Archived]),
            (Stage::Archived, Ask::Archive) => Ok(vec![]),

            (Stage::Published, Ask::Reserve { order, quantity, price, vat_rate }) => {
                self.reserve(order, quantity, price, vat_rate)
            }
            (Stage::Draft | Stage::Archived, Ask::Reserve { .. }) => Err(ProductError::NotForSale),
            (_, Ask::Commit { order }) => Ok(self.commit(order)),
            (_, Ask::Release { order }) => Ok(self.release(order)),
            (_, Ask::Return { order, quantity }) => self.take_back(order, quantity),

            (Stage::Archived, Ask::Publish | Ask::Revise { .. } | Ask::Reprice { .. } | Ask::AdjustStock { .. }) => {
                Err(ProductError::Archived)
            }
            (_, Ask::Revise { revision }) => self.revise(*revision),
            (_, Ask::Reprice { price, vat_rate, on }) => Ok(self.reprice(price, vat_rate, on)),
            (_, Ask::AdjustStock { change }) => self.adjust(change),
        }
    }

    /// How many can still be bought; `None` where there is no stock to count.
    pub fn available(&self) -> Option<i64> {
        (self.kind == Kind::Physical).then(|| self.on_hand - self.promised())
    }

    fn promised(&self) -> i64 {
        self.held.values().map(|quantity| i64::from(quantity.get())).sum()
    }

    fn revise(&self, revision: Revision) -> Result<Vec<ProductEvent>, ProductError> {
        let now = &self.description;
        let description = Description {
            name: revision.name.unwrap_or_else(|| now.name.clone()),
            text: revision.text.unwrap_or_else(|| now.text.clone()),
            category: revision.category.unwrap_or_else(|| now.category.clone()),
            tags: revision.tags.unwrap_or_else(|| now.tags.clone()),
        };
        enough_tags(&description)?;
        Ok(if description == *now { vec![] } else { vec![ProductEvent::Revised { description }] })
    }

    fn reprice(&self, price: Money, vat_rate: VatRate, on: BusinessDate) -> Vec<ProductEvent> {
        if (price, vat_rate) == (self.price, self.vat_rate) {
            return vec![];
        }
        vec![ProductEvent::Repriced { price, vat_rate, was: self.price, on }]
    }

    fn adjust(&self, change: i64) -> Result<Vec<ProductEvent>, ProductError> {
        let (on_hand, available) = self.shelf_after(change)?;
        Ok(if change == 0 { vec![] } else { vec![ProductEvent::StockAdjusted { change, on_hand, available }] })
    }

    fn take_back(&self, order: OrderId, quantity: Quantity) -> Result<Vec<ProductEvent>, ProductError> {
        let (on_hand, available) = self.shelf_after(i64::from(quantity.get()))?;
        Ok(vec![ProductEvent::StockReturned { order, quantity, on_hand, available }])
    }

    /// What would be on the shelf, and for sale, with `change` more pieces.
    fn shelf_after(&self, change: i64) -> Result<(i64, i64), ProductError> {
        const MAX_STOCK: i64 = 1_000_000_000;
        if self.kind != Kind::Physical {
            return Err(ProductError::Stockless);
        }
        let on_hand = self.on_hand.checked_add(change).ok_or(ProductError::ImpossibleStock)?;
        let available = on_hand - self.promised();
        if available < 0 || on_hand > MAX_STOCK {
            return Err(ProductError::ImpossibleStock);
        }
        Ok((on_hand, available))
    }

    fn reserve(
        &self,
        order: OrderId,
        quantity: Quantity,
        price: Money,
        vat_rate: VatRate,
    ) -> Result<Vec<ProductEvent>, ProductError> {
        if (price, vat_rate) != (self.price, self.vat_rate) {
            return Err(ProductError::PriceChanged);
        }
        let Some(available) = self.available() else { return Ok(vec![]) };
        if self.held.contains_key(&order) {
            return Ok(vec![]); // Asked twice, held once.
        }
        let left = available - i64::from(quantity.get());
        if left < 0 {
            return Err(ProductError::OutOfStock { available });
        }
        Ok(vec![ProductEvent::StockReserved { order, quantity, available: left }])
    }

    fn commit(&self, order: OrderId) -> Vec<ProductEvent> {
        let Some(&quantity) = self.held.get(&order) else { return vec![] };
        let on_hand = self.on_hand - i64::from(quantity.get());
        vec![ProductEvent::StockCommitted { order, quantity, on_hand }]
    }

    fn release(&self, order: OrderId) -> Vec<ProductEvent> {
        let Some(&quantity) = self.held.get(&order) else { return vec![] };
        let available = self.on_hand - self.promised() + i64::from(quantity.get());
        vec![ProductEvent::StockReleased { order, quantity, available }]
    }
}

fn enough_tags(description: &Description) -> Result<(), ProductError> {
    if description.tags.len() > Description::MAX_TAGS { Err(ProductError::TooManyTags) } else { Ok(()) }
}

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    type Command = ProductCommand;
    type Event = ProductEvent;
    type Error = ProductError;
    type Services = ();

    async fn handle(&mut self, command: ProductCommand, (): &(), sink: &EventSink<Self>) -> Result<(), ProductError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ProductEvent) {
        match (&mut *self, event) {
            (_, ProductEvent::Drafted { slug, kind, description, price, vat_rate, on: _ }) => {
                let (stage, held) = (Stage::Draft, BTreeMap::new());
                *self = Self::Drafted(Item { stage, slug, kind, description, price, vat_rate, on_hand: 0, held });
            }
            (Self::Drafted(item), event) => item.apply(event),
            (Self::Undrafted, _) => {}
        }
    }
}

impl Item {
    fn apply(&mut self, event: ProductEvent) {
        match event {
            ProductEvent::Drafted { .. } => {}
            ProductEvent::Published => self.stage = Stage::Published,
            ProductEvent::Archived => self.stage = Stage::Archived,
            ProductEvent::Revised { description } => self.description = description,
            ProductEvent::Repriced { price, vat_rate, was: _, on: _ } => {
                self.price = price;
                self.vat_rate = vat_rate;
            }
            ProductEvent::StockAdjusted { on_hand, .. } | ProductEvent::StockReturned { on_hand, .. } => {
                self.on_hand = on_hand;
            }
            ProductEvent::StockReserved { order, quantity, .. } => {
                self.held.insert(order, quantity);
            }
            ProductEvent::StockCommitted { order, on_hand, .. } => {
                self.on_hand = on_hand;
                self.held.remove(&order);
            }
            ProductEvent::StockReleased { order, .. } => {
                self.held.remove(&order);
            }
        }
    }
}

impl DomainEvent for ProductEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Drafted { .. } => "ProductDrafted",
            Self::Revised { .. } => "ProductRevised",
            Self::Repriced { .. } => "ProductRepriced",
            Self::Published => "ProductPublished",
            Self::Archived => "ProductArchived",
            Self::StockAdjusted { .. } => "ProductStockAdjusted",
            Self::StockReserved { .. } => "ProductStockReserved",
            Self::StockCommitted { .. } => "ProductStockCommitted",
            Self::StockReleased { .. } => "ProductStockReleased",
            Self::StockReturned { .. } => "ProductStockReturned",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for ProductEvent {}

#[cfg(test)]
mod tests;
