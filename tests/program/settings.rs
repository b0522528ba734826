//! What the program says of itself, and what it never says.

use std::{collections::BTreeSet, fs, path::Path};

use super::process::Place;

const SECRET: &str = "s3cr3t-that-nobody-may-ever-read-0123456789";

#[test]
fn the_help_names_every_command_and_every_setting() {
    let place = Place::new();
    for flag in ["--help", "help"] {
        let said = place.run(&[flag]);
        said.done(&["serve", "migrate", "projections", "rebuild", "verify", "replay", "config"]);
    }
    let help = place.run(&["--help"]).out;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/config.rs");
    let source = fs::read_to_string(source).unwrap();
    let names: BTreeSet<&str> =
        source.split('"').filter(|text| text.starts_with("WEBOX_") && !text.contains(' ')).collect();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let (before, _) =
            help.split_once(&format!("[env: {name}")).unwrap_or_else(|| panic!("{name} is not in {help}"));
        let text = before.rsplit("\n\n").next().unwrap();
        let words = text.lines().skip(1).flat_map(str::split_whitespace).count();
        assert!(words >= 3, "{name} is not explained: {text}");
    }
    for command in ["serve", "migrate", "projections", "rebuild", "verify", "replay", "config"] {
        place.run(&[command, "--help"]).done(&["Usage: webox", command]);
    }
    place.run(&["--version"]).done(&["webox "]);
    assert_eq!(fs::read_dir(&place.folder).unwrap().count(), 0, "asking for help leaves files");
}

#[test]
fn what_it_does_not_understand_it_says() {
    let place = Place::new();
    for arguments in [
        &["nope"][..],
        &["--nope"],
        &["--listen", "here"],
        &["--order-minutes", "0"],
        &["--cart-days", "366"],
        &["--log-format", "xml"],
        &["replay"],
        &["replay", "a", "b"],
    ] {
        let said = place.run(arguments);
        assert_eq!(said.status.code(), Some(2), "{arguments:?}: {}", said.err);
        assert!(said.err.starts_with("error: "), "{arguments:?}: {}", said.err);
    }
    place.with("WEBOX_LOG_LEVEL", "=,=").run(&["config"]).refused(&["WEBOX_LOG_LEVEL"]);
    place.with("WEBOX_LOG", "mysql://x").run(&["migrate"]).refused(&["sqlite:PATH or postgres://"]);
    place.with("WEBOX_LOG", "mysql://x").with("WEBOX_LOG_LEVEL", "off").run(&["migrate"]).refused(&["sqlite:PATH"]);
    place.run(&["replay", "nope"]).refused(&["a stream is"]);
}

#[test]
fn no_secret_is_ever_shown() {
    let place = Place::new();
    let url = format!("postgres://ana:{SECRET}@127.0.0.1:1/shop?password={SECRET}");
    let place = ["WEBOX_DATABASE", "WEBOX_LOG", "WEBOX_VIEWS", "WEBOX_VAULT"]
        .into_iter()
        .fold(place.with("WEBOX_ADMIN_TOKEN", SECRET), |place, name| place.with(name, &url));
    place.run(&["config"]).done(&["postgres://ana:***@127.0.0.1:1/shop", "\"order_minutes\": 30"]);
    // There is nobody at that port.
    place.run(&["verify"]).refused(&[]);
    for arguments in
        [&["config"][..], &["--help"], &["verify"], &["serve", "--listen", "127.0.0.1:0"], &["nope"], &["migrate"]]
    {
        for level in ["info", "trace"] {
            let said = place.with("WEBOX_LOG_LEVEL", level).run(arguments);
            for text in [said.out, said.err] {
                assert!(!text.contains("s3cr3t"), "{arguments:?} shows a secret: {text}");
            }
        }
    }
}

#[test]
fn a_token_that_could_be_guessed_is_refused() {
    let place = Place::new();
    for token in ["", "short", "s3cr3t-of-only-31-characters--1"] {
        let said = place.with("WEBOX_ADMIN_TOKEN", token).run(&["--listen", "127.0.0.1:0"]);
        said.refused(&["WEBOX_ADMIN_TOKEN", "32"]);
        assert!(token.is_empty() || !said.err.contains(token), "{}", said.err);
    }
}

#[test]
fn a_live_shop_without_a_token_says_so() {
    let place = Place::new();
    let live = place.live("sqlite:live.db");
    let served = live.serve();
    assert!(served.said.contains("No WEBOX_ADMIN_TOKEN is set"), "{}", served.said);
    assert!(!served.said.contains("demo"), "{}", served.said);
    assert!(!place.data("admin.token").exists());
    served.stop();
}

#[test]
fn a_shop_that_sells_says_who_sells() {
    let place = Place::new();
    let nameless = place.with("WEBOX_LOG", "sqlite:live.db");
    nameless.run(&["--listen", "127.0.0.1:0"]).refused(&["--shop"]);
    let wrong = place.folder.join("wrong.json");
    std::fs::write(&wrong, tests::shop::SHOP.replace("552100554", "552100555")).unwrap();
    let wrong = nameless.with("WEBOX_SHOP", wrong.display().to_string());
    wrong.run(&["--listen", "127.0.0.1:0"]).refused(&["wrong.json", "siren"]);
    let absent = nameless.with("WEBOX_SHOP", "nowhere.json");
    absent.run(&["--listen", "127.0.0.1:0"]).refused(&["nowhere.json"]);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    place.run(&["--listen", &address]).refused(&[&address, "--listen"]);
}
