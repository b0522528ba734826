//! Stories of orders: from a product to money, and everything that comes between.

use reqwest::StatusCode;
use tests::{
    on_both,
    shop::{Backend, Shop},
};

on_both! {
    async fn somebody_buys_and_pays(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        let paid = guest.pay(&order, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
        assert_eq!(
            shop.types_after(before).await,
            [
                "CartItemAdded", "CartCheckedOut", "OrderPlaced", "ProductStockReserved", "OrderPaymentRequested",
                "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted",
            ]
        );
        shop.close().await;
    }
}
