//! Stories of what a document says of a person: sealed, kept as long as the law wants, and then gone.

use domain::SubjectId;
use store::verify::verify;
use tests::rows::dump;
use uuid::Uuid;

use super::{
    download::{download, text},
    *,
};

const WORDS: [&str; 5] = ["ana@example.fr", "Ana Martin", "Martin", "Lilas", "69003"];

on_both! {
    async fn neither_the_log_nor_the_archive_names_anybody(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let before = shop.head();
        let order = bought(&shop, &product).await;
        refunded(&shop, &order).await;
        shop.wait_for_all("InvoicePrinted", before, 2).await;
        let events = shop.events_after(before).await;
        shop.close().await;
        for word in WORDS {
            assert!(events.iter().all(|event| !event.payload.contains(word)), "{word}");
        }
        let rows = dump(&shop.config().archive_target().unwrap()).await;
        assert_eq!(rows["documents"].len(), 2);
        for word in WORDS.into_iter().chain(["%PDF"]) {
            // SQLite and PostgreSQL show bytes as hexadecimal digits.
            let digits = store::chain::hex(word.as_bytes());
            let shown = format!("{:?}", rows["documents"]);
            assert!(!shown.contains(word) || word == "69003", "{word}");
            // Few digits stand somewhere in a cipher by chance.
            assert!(word.len() < 6 || !shown.to_lowercase().contains(&digits), "{word}");
        }
    }

    async fn the_invoice_outlives_the_person_and_ends_with_its_year(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let before = shop.head();
        let order = bought(&shop, &product).await;
        let id = generate(&shop, &order).await.body["invoice"].as_str().unwrap().to_owned();
        shop.wait_for("InvoicePrinted", before).await;
        let buyer: Uuid = says(&shop.wait_for("OrderPlaced", before).await)["buyer"].as_str().unwrap().parse().unwrap();
        assert_eq!(shop.app.vault().forget(buyer).await.unwrap(), 1);
        shop.reopen().await;
        let shown = download(&shop, &id, Some(&order.token), None).await;
        assert!(text(&shown.bytes().await.unwrap()).contains("Ana Martin"));
        // Whoever is forgotten still gets the money back, and a credit note for it.
        let head = shop.head();
        let note = refunded(&shop, &order).await;
        shop.wait_for("OrderRefundPaid", head).await;
        assert_eq!(shop.types_after(head).await, ["OrderRefundGranted", "RegisterEntered", "InvoiceIssued", "OrderRefundPaid"]);
        let shown = download(&shop, &note, Some(&order.token), None).await;
        assert!(text(&shown.bytes().await.unwrap()).contains("Ana Martin"));

        let year = SubjectId::fiscal_year("2026-11-22".parse().unwrap());
        assert_eq!(shop.app.vault().forget(year.0).await.unwrap(), 1);
        for id in [&id, &note] {
            let path = format!("/api/invoice/download/{id}");
            let owner = shop.request(Method::GET, &path).header("webox-order-token", &order.token);
            Answer::of(owner).await.expect_problem(StatusCode::GONE, "invoice-erased");
            Answer::of(shop.staff(Method::GET, &path)).await.expect_problem(StatusCode::GONE, "invoice-erased");
        }
        shop.reopen().await;
        let path = format!("/api/invoice/download/{id}");
        Answer::of(shop.staff(Method::GET, &path)).await.expect_problem(StatusCode::GONE, "invoice-erased");
        assert_eq!(numbers(&listed(&shop, "").await).len(), 2, "the books still count it");
        let audit = verify(shop.app.log(), |_| {}).await.expect("the log is read");
        assert_eq!((audit.events, audit.fault), (shop.head().0, None));
        shop.close().await;
    }
}
