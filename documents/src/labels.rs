//! The words around what a document says, in the two languages. What the law words itself stays French.

use domain::{
    BusinessDate, Language, VatRate,
    invoice::{Invoice, Nature},
};

use crate::format;

/// The words of one document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) language: Language,
    pub(crate) title: &'static str,
    pub(crate) issued: &'static str,
    pub(crate) supplied: &'static str,
    pub(crate) order: &'static str,
    pub(crate) ordered: &'static str,
    pub(crate) nature: &'static str,
    pub(crate) corrects: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) seller: &'static str,
    pub(crate) buyer: &'static str,
    pub(crate) delivery: &'static str,
    pub(crate) vat_number: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) item: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) unit_net: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) rate: &'static str,
    pub(crate) net: &'static str,
    pub(crate) gross: &'static str,
    pub(crate) total: &'static str,
    pub(crate) carried: &'static str,
    pub(crate) brought: &'static str,
    pub(crate) subtotal: &'static str,
    pub(crate) discount: &'static str,
    pub(crate) discounts: &'static str,
    pub(crate) shipping: &'static str,
    pub(crate) off: &'static str,
    pub(crate) carriage: &'static str,
    pub(crate) by_rate: &'static str,
    pub(crate) base: &'static str,
    pub(crate) vat: &'static str,
    pub(crate) total_net: &'static str,
    pub(crate) total_vat: &'static str,
    pub(crate) total_gross: &'static str,
    pub(crate) settled: &'static str,
    pub(crate) due: &'static str,
    pub(crate) settled_on: &'static str,
    pub(crate) by: &'static str,
    pub(crate) nothing_due: &'static str,
    pub(crate) page: &'static str,
}

const FRENCH: Labels = Labels {
    language: Language::Fr,
    title: "Facture",
    issued: "Date d’émission",
    supplied: "Date de la vente",
    order: "Commande",
    ordered: "du",
    nature: "Nature de l’opération",
    corrects: "Cet avoir corrige la facture",
    reason: "Motif",
    seller: "Vendeur",
    buyer: "Facturé à",
    delivery: "Livré à",
    vat_number: "N°\u{a0}TVA",
    reference: "Votre référence",
    item: "Désignation",
    quantity: "Qté",
    unit_net: "Prix unit. HT",
    unit: "Prix unitaire",
    rate: "TVA",
    net: "Total HT",
    gross: "Total TTC",
    total: "Total",
    carried: "À reporter",
    brought: "Report",
    subtotal: "Sous-total",
    discount: "Remise, code",
    discounts: "Total des remises",
    shipping: "Livraison :",
    off: "Remise HT",
    carriage: "Livraison HT",
    by_rate: "Taux de TVA",
    base: "Base HT",
    vat: "Montant TVA",
    total_net: "Total HT",
    total_vat: "Total TVA",
    total_gross: "Total TTC",
    settled: "Payé",
    due: "Reste à payer",
    settled_on: "Payée le",
    by: "par",
    nothing_due: "Aucun paiement dû.",
    page: "Page",
};

const ENGLISH: Labels = Labels {
    language: Language::En,
    title: "Invoice",
    issued: "Issue date",
    supplied: "Date of sale",
    order: "Order",
    ordered: "of",
    nature: "Nature of the transaction",
    corrects: "This credit note corrects invoice",
    reason: "Reason",
    seller: "Seller",
    buyer: "Billed to",
    delivery: "Delivered to",
    vat_number: "VAT\u{a0}no.",
    reference: "Your reference",
    item: "Description",
    quantity: "Qty",
    unit_net: "Unit price excl. VAT",
    unit: "Unit price",
    rate: "VAT",
    net: "Total excl. VAT",
    gross: "Total incl. VAT",
    total: "Total",
    carried: "Carried forward",
    brought: "Brought forward",
    subtotal: "Subtotal",
    discount: "Discount, code",
    discounts: "Total discounts",
    shipping: "Shipping:",
    off: "Discount excl. VAT",
    carriage: "Shipping excl. VAT",
    by_rate: "VAT rate",
    base: "Net amount",
    vat: "VAT amount",
    total_net: "Total excl. VAT",
    total_vat: "Total VAT",
    total_gross: "Total incl. VAT",
    settled: "Paid",
    due: "Balance due",
    settled_on: "Paid on",
    by: "by",
    nothing_due: "No payment due.",
    page: "Page",
};

impl Labels {
    /// The words of `invoice`: in its buyer's language, those of a credit note where it is one.
    pub(crate) fn of(invoice: &Invoice) -> Self {
        match (invoice.content.buyer.language, invoice.content.corrects.is_some()) {
            (Language::Fr, false) => FRENCH,
            (Language::En, false) => ENGLISH,
            (Language::Fr, true) => Self {
                title: "Avoir",
                settled: "Remboursé",
                due: "Reste à rembourser",
                settled_on: "Remboursé le",
                nothing_due: "Aucun remboursement dû.",
                ..FRENCH
            },
            (Language::En, true) => Self {
                title: "Credit note",
                settled: "Refunded",
                due: "Balance to refund",
                settled_on: "Refunded on",
                nothing_due: "No refund due.",
                ..ENGLISH
            },
        }
    }

    /// The day as it is written in this language.
    pub(crate) fn day(&self, day: BusinessDate) -> String {
        format::day(day, self.language)
    }

    /// The rate as it is written in this language.
    pub(crate) fn percent(&self, rate: VatRate) -> String {
        format::rate(rate, self.language)
    }
}

/// What was sold, in the words of the law.
pub(crate) const fn nature(nature: Nature) -> &'static str {
    match nature {
        Nature::Goods => "Livraison de biens",
        Nature::Services => "Prestation de services",
        Nature::Both => "Livraison de biens et prestation de services",
    }
}
