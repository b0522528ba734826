//! Stories of the PDF of a document.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use reqwest::Response;
use store::chain::{hex, sha256};

use super::*;

/// Asks for a document.
pub(super) async fn download(shop: &Shop, invoice: &str, token: Option<&str>, known: Option<&str>) -> Response {
    let mut request = shop.request(Method::GET, &format!("/api/invoice/download/{invoice}"));
    request = request.header("webox-position", shop.head().0);
    for (name, value) in [("webox-order-token", token), ("if-none-match", known)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    request.send().await.unwrap()
}

/// What a PDF says, as somebody reads it.
pub(super) fn text(pdf: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-layout", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext is installed");
    reader.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().replace(['\u{a0}', '\u{202f}'], " ")
}

on_both! {
    async fn the_owner_and_the_staff_get_the_same_bytes_for_ever(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let before = shop.head();
        let order = bought(&shop, &product).await;
        let stranger = shop.guest().buy(&product, 1).await;
        let id = generate(&shop, &order).await.body["invoice"].as_str().unwrap().to_owned();
        let own = download(&shop, &id, Some(&order.token), None).await;
        assert_eq!((own.status(), &own.headers()["content-type"]), (StatusCode::OK, &"application/pdf".parse().unwrap()));
        let tag = own.headers()["etag"].to_str().unwrap().to_owned();
        let pdf = own.bytes().await.unwrap();
        let printed = says(&shop.wait_for("InvoicePrinted", before).await);
        assert_eq!((&printed["sha256"], &printed["bytes"]), (&json!(hex(&sha256(&pdf))), &json!(pdf.len())));
        assert_eq!(tag, format!("\"{}\"", printed["sha256"].as_str().unwrap()));
        assert_eq!(listed(&shop, "").await["items"][0]["sha256"], printed["sha256"]);

        let staff = shop.staff(Method::GET, &format!("/api/invoice/download/{id}")).send().await.unwrap();
        assert_eq!(staff.bytes().await.unwrap(), pdf);
        let known = download(&shop, &id, Some(&order.token), Some(&tag)).await;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert!(known.bytes().await.unwrap().is_empty());
        for token in [None, Some(stranger.token.as_str()), Some("")] {
            for known in [None, Some(tag.as_str())] {
                assert_eq!(download(&shop, &id, token, known).await.status(), StatusCode::NOT_FOUND);
            }
        }
        let absent = download(&shop, "019ab000-0000-7000-8000-000000000000", Some(&order.token), None).await;
        assert_eq!(absent.status(), StatusCode::NOT_FOUND);
        let head = shop.head();
        shop.reopen().await;
        let again = download(&shop, &id, Some(&order.token), None).await;
        assert_eq!(again.bytes().await.unwrap(), pdf);
        assert_eq!(shop.head(), head, "it is not printed twice");
        shop.close().await;
    }

    async fn documents_say_what_the_law_wants(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let id = generate(&shop, &order).await.body["invoice"].as_str().unwrap().to_owned();
        let invoice = text(&download(&shop, &id, Some(&order.token), None).await.bytes().await.unwrap());
        for word in [
            "WBX-2026-000001", "Boutique d’essai", "552", "FR96552100554", "Ana Martin", "12 rue des Lilas", "brume",
            "39,80", "33,17", "6,63", "22/11/2026",
        ] {
            assert!(invoice.contains(word), "{word}:\n{invoice}");
        }
        let note = refunded(&shop, &order).await;
        let note = text(&download(&shop, &note, Some(&order.token), None).await.bytes().await.unwrap());
        for word in ["WBX-AV-2026-000001", "WBX-2026-000001", "Retour du client", "39,80", "33,17", "6,63", "Ana Martin"] {
            assert!(note.contains(word), "{word}:\n{note}");
        }
        shop.close().await;
    }
}
