//! The first minute: the program in an empty folder.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tests::shop::Answer;

use super::process::{Place, Served};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_becomes_a_demo_shop() {
    let place = Place::new();
    let served = place.serve();
    assert!(served.said.contains("demo"), "{}", served.said);
    assert!(served.said.contains("admin.token"), "{}", served.said);

    let products = get(&served, "/api/products?limit=100").await;
    let products = products["items"].as_array().unwrap();
    assert_eq!(products.len(), 40);
    for product in products {
        for text in [&product["name"], &product["description"]] {
            for language in ["fr", "en"] {
                assert!(text[language].as_str().is_some_and(|text| text.len() > 2), "{product}");
            }
        }
        let is_goods = product["kind"] == "physical";
        assert_eq!(product["available"].as_i64().is_some_and(|count| count > 0), is_goods, "{product}");
    }

    let file = place.data("admin.token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).unwrap();
    assert!(token.len() >= 32, "{token}");
    assert!(!served.said.contains(&token), "the token is shown");
    for (token, status) in [(token.as_str(), StatusCode::OK), (&token[1..], StatusCode::UNAUTHORIZED)] {
        let request = Client::new().get(format!("{}/api/admin/projections", served.url)).bearer_auth(token);
        Answer::of(request).await.expect(status);
    }
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_shop_is_stocked_once() {
    let place = Place::new();
    let served = place.serve();
    let (head, products) = (head(&served).await, get(&served, "/api/products?limit=100").await);
    let token = fs::read_to_string(place.data("admin.token")).unwrap();
    served.stop();
    for _ in 0..2 {
        let served = place.serve();
        assert_eq!(self::head(&served).await, head, "it wrote something when it was opened again");
        assert_eq!(get(&served, "/api/products?limit=100").await, products);
        served.stop();
    }
    assert_eq!(fs::read_to_string(place.data("admin.token")).unwrap(), token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_shop_has_its_promo_codes_once() {
    let place = Place::new();
    let mut seen: Option<Value> = None;
    for _ in 0..3 {
        let served = place.serve();
        let token = fs::read_to_string(place.data("admin.token")).unwrap();
        let list = Client::new().get(format!("{}/api/promo/list?limit=100", served.url)).bearer_auth(token);
        let list = Answer::of(list.header("webox-position", head(&served).await)).await.expect(StatusCode::OK).clone();
        served.stop();
        let promo = |code: &str| {
            let found = list["items"].as_array().unwrap().iter().filter(|promo| promo["code"] == code);
            let found: Vec<&Value> = found.collect();
            assert_eq!(found.len(), 1, "{code} in {list}");
            assert_eq!(found[0]["status"], "active");
            assert!(found[0]["label"]["fr"].is_string() && found[0]["label"]["en"].is_string(), "{}", found[0]);
            found[0].clone()
        };
        assert_eq!(list["items"].as_array().unwrap().len(), 4);
        let welcome = promo("BIENVENUE10");
        assert_eq!((&welcome["reduction"]["basis_points"], &welcome["first_order_only"]), (&1000.into(), &true.into()));
        assert_eq!(promo("VIP20")["reduction"]["basis_points"], 2000);
        let five = promo("PROMO5");
        assert_eq!((&five["reduction"]["amount"]["amount"], &five["minimum"]["amount"]), (&500.into(), &2000.into()));
        let flash = promo("FLASH50");
        assert_eq!((&flash["reduction"]["basis_points"], &flash["exclusive"]), (&5000.into(), &true.into()));
        assert_eq!((&flash["limit"], &flash["left"]), (&100.into(), &100.into()));
        assert_eq!(*seen.get_or_insert_with(|| list.clone()), list, "they are what they were");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_belongs_to_one_process() {
    let place = Place::new();
    let served = place.serve();
    for arguments in [&["--listen", "127.0.0.1:0"][..], &["serve", "--listen", "127.0.0.1:0"], &["migrate"]] {
        place.run(arguments).refused(&["in use", &served.url]);
    }
    // Those who only read may come at any time.
    let head = head(&served).await;
    place.run(&["verify"]).done(&[&format!("{head} events are what was recorded")]);
    let replayed = place.run(&["replay", "shop-main"]);
    replayed.done(&[]);
    let lines: Vec<Value> = replayed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["position"], &lines[0]["event"]), (&Value::from(1), &Value::from("ShopOpened")));
    assert_eq!(lines[0]["payload"]["Opened"]["mode"], "demo");
    assert_eq!(lines[0]["hash"].as_str().unwrap().len(), 64);
    place.run(&["replay", "order-none"]).refused(&["there is no stream order-none"]);
    assert_eq!(get(&served, "/api/monitoring/health").await["status"], "ok");
    served.stop();
    place.run(&["migrate"]).done(&[&head.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_answered_before_the_end() {
    let place = Place::new();
    let served = place.serve();
    let address = served.url.trim_start_matches("http://").to_owned();
    let mut under_way = TcpStream::connect(&address).unwrap();
    under_way.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head =
        "POST /api/checkout HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{";
    under_way.write_all(head.as_bytes()).unwrap();
    // Idle connections are no requests, and hold nobody up.
    let _idle = TcpStream::connect(&address).unwrap();
    // A request that is answered shows that the one before it has come in.
    get(&served, "/api/cart").await;
    served.terminate();
    // Until nobody new is let in.
    let mut is_closed = false;
    for _ in 0..200 {
        is_closed = TcpStream::connect(&address).is_err();
        if is_closed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_closed, "it still takes connections");
    under_way.write_all(b"}").unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(answer.contains("body-invalid"), "{answer}");
    assert_eq!(served.end().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_never_becomes_a_real_shop() {
    let place = Place::new();
    let served = place.serve();
    served.stop();
    let log = format!("sqlite:{}", place.data("log.db").display());
    let live = place.live(log).with("WEBOX_ADMIN_TOKEN", "a-token-that-is-long-enough-0123456789");
    let said = live.run(&["--listen", "127.0.0.1:0"]);
    said.refused(&["this data belongs to another shop", "--demo", "--data", "Demo", "Live"]);
    // Nothing was written, and the demo goes on.
    let head = live.run(&["verify"]);
    head.done(&["events are what was recorded"]);
    let served = place.serve();
    assert_eq!(get(&served, "/api/products?limit=100").await["items"].as_array().unwrap().len(), 40);
    served.stop();

    let place = Place::new();
    let live = place.live(format!("sqlite:{}", place.data("log.db").display()));
    live.serve().stop();
    let said = place.with("WEBOX_DEMO", "true").run(&["--listen", "127.0.0.1:0"]);
    said.refused(&["this data belongs to another shop", "Demo", "Live"]);
    // Without a word it is what it was, and says who sells.
    let served = place.with("WEBOX_SHOP", place.folder.join("shop.json").display().to_string()).serve();
    assert!(!served.said.contains("demo"), "{}", served.said);
    served.stop();
}

pub(super) async fn get(served: &Served, path: &str) -> Value {
    let request = Client::new().request(Method::GET, format!("{}{path}", served.url));
    Answer::of(request.header("accept", "application/json")).await.expect(StatusCode::OK).clone()
}

pub(super) async fn head(served: &Served) -> u64 {
    get(served, "/api/monitoring/health").await["stores"]["head"].as_u64().unwrap()
}
