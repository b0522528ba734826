//! The demo shop: a real little assortment and four promo codes, made through the same commands as any other.

use commands::{Actor, CommandError, Context, product::NewProduct};
use domain::{
    Currency, Line, Localized, Money, ProductId, Prose, Slug, VatRate,
    product::{Description, Kind},
    promo::{PromoCode, PromoError, Reduction, Terms},
};
use futures::{StreamExt as _, TryStreamExt as _};
use projections::products::Status;
use serde::Deserialize;

use crate::App;

const PRODUCTS: &str = include_str!("../demo/products.json");
/// How many products are made at once.
const AT_ONCE: usize = 16;

/// A product of the demo shop, as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    slug: String,
    kind: Kind,
    name: Localized<String>,
    description: Localized<String>,
    price: i64,
    vat_rate: i64,
    category: String,
    tags: Vec<String>,
    stock: Option<i64>,
}

/// Makes the products and the promo codes that are not there yet. Interrupted, it goes on at the next start.
pub(crate) async fn stock(app: &App) -> anyhow::Result<()> {
    let head = || *app.log.watch().borrow();
    // Taken before it is waited on: who held the head while waiting would let nobody move it.
    let before = head();
    app.views.products.wait(before).await?;
    let samples: Vec<Sample> = serde_json::from_str(PRODUCTS)?;
    futures::stream::iter(samples)
        .map(|sample| offer(app, sample))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    for (code, terms) in promos() {
        let code = PromoCode::parse(code)?;
        match app.commands.promos.issue(&Context::new(Actor::Shop), &code, terms).await {
            Ok(_) | Err(CommandError::Refused(PromoError::AlreadyIssued)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let stocked = head();
    app.views.products.wait(stocked).await?;
    Ok(app.views.search.wait(stocked).await?)
}

/// The promo codes of the demo shop.
fn promos() -> [(&'static str, Terms); 4] {
    let label = |fr: &str, en: &str| Line::parse(fr).ok().map(|fr| Localized { fr, en: Line::parse(en).ok() });
    let percent = |basis_points| Terms::granting(Reduction::Percent(basis_points));
    let five_euros = Terms::granting(Reduction::Fixed(Money::eur(500)));
    [
        (
            "BIENVENUE10",
            Terms {
                label: label("10 % sur votre première commande", "10 % off your first order"),
                first_order_only: true,
                ..percent(1_000)
            },
        ),
        ("VIP20", Terms { label: label("20 % pour nos fidèles", "20 % for our regulars"), ..percent(2_000) }),
        (
            "PROMO5",
            Terms {
                label: label("5 € dès 20 € d’achat", "€5 off from €20"),
                minimum: Some(Money::eur(2_000)),
                ..five_euros
            },
        ),
        (
            "FLASH50",
            Terms {
                label: label("50 % pour les cent premiers, non cumulable", "50 % for the first hundred, on its own"),
                limit: Some(100),
                limit_per_buyer: Some(1),
                exclusive: true,
                ..percent(5_000)
            },
        ),
    ]
}

async fn offer(app: &App, sample: Sample) -> anyhow::Result<()> {
    let products = &app.commands.products;
    let context = || Context::new(Actor::Shop);
    let known = app.views.products.by_slug(&sample.slug).await?;
    let stocked = known.as_ref().is_some_and(|known| known.on_hand.unwrap_or(1) > 0);
    let id: ProductId = match known {
        Some(known) if known.status != Status::Draft => return Ok(()),
        Some(known) => known.id,
        None => products.draft(&context(), sample.parse()?).await?.value,
    };
    if let Some(stock) = sample.stock
        && !stocked
    {
        products.adjust_stock(&context(), id, stock).await?;
    }
    products.publish(&context(), id).await?;
    Ok(())
}

impl Sample {
    fn parse(&self) -> anyhow::Result<NewProduct> {
        let price = Money::price(self.price, Currency::Eur);
        let tags = self.tags.iter().map(|tag| Slug::parse(tag));
        let english = |text: &Localized<String>| text.en.clone();
        Ok(NewProduct {
            slug: Slug::parse(&self.slug)?,
            kind: self.kind,
            description: Description {
                name: Localized {
                    fr: Line::parse(&self.name.fr)?,
                    en: english(&self.name).as_deref().map(Line::parse).transpose()?,
                },
                text: Localized {
                    fr: Prose::parse(&self.description.fr)?,
                    en: english(&self.description).as_deref().map(Prose::parse).transpose()?,
                },
                category: Slug::parse(&self.category)?,
                tags: tags.collect::<Result<_, _>>()?,
            },
            price: price.ok_or_else(|| anyhow::anyhow!("{} costs too much", self.slug))?,
            vat_rate: VatRate::parse(self.vat_rate)
                .ok_or_else(|| anyhow::anyhow!("{} is taxed at no French rate", self.slug))?,
        })
    }
}
