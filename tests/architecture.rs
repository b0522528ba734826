//! What the map promises: which crate knows which, and what is nowhere to be found.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every crate, and what it may know of ours.
const ARROWS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("store", &[]),
    ("commands", &["domain", "store"]),
    ("projections", &["domain", "store"]),
    ("providers", &["domain"]),
    ("documents", &["domain"]),
    ("api", &["commands", "documents", "domain", "projections", "providers", "store"]),
    ("tests", &["api", "commands", "documents", "domain", "projections", "providers", "store"]),
];

#[test]
fn every_crate_of_the_workspace_is_on_the_map() {
    let manifest = read(&root().join("Cargo.toml"));
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(members, ARROWS.iter().map(|(name, _)| *name).collect());
}

#[test]
fn arrows_point_downward_only() {
    for (name, allowed) in ARROWS {
        let ours: BTreeSet<String> =
            dependencies(name).into_iter().filter(|known| ARROWS.iter().any(|(one, _)| one == known)).collect();
        let allowed: BTreeSet<String> = allowed.iter().map(|&known| known.to_owned()).collect();
        assert!(ours.is_subset(&allowed), "{name} knows {ours:?}, and may know {allowed:?}");
    }
}

#[test]
fn the_rules_know_no_database_no_http_and_no_runtime() {
    let known = dependencies("domain");
    for forbidden in ["sqlx", "axum", "tokio", "hyper", "reqwest", "tracing", "getrandom", "postgres-es"] {
        assert!(!known.contains(forbidden), "domain knows {forbidden}");
    }
}

#[test]
fn only_the_api_speaks_http() {
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "api") {
        let known = dependencies(name);
        for forbidden in ["axum", "hyper", "hyper-util", "tower-http", "utoipa", "utoipa-axum"] {
            assert!(!known.contains(forbidden), "{name} knows {forbidden}");
        }
    }
}

#[test]
fn only_those_who_store_know_sql() {
    for name in ["domain", "commands", "providers", "api"] {
        assert!(!dependencies(name).contains("sqlx"), "{name} knows sqlx");
    }
    for (path, line, code) in code_of("api") {
        let code = code.to_lowercase();
        for word in ["select ", "insert into", "insert or", "delete from", "create table", "sqlx::"] {
            assert!(!code.contains(word), "{}:{line} holds SQL: {code}", path.display());
        }
    }
}

#[test]
fn only_the_clock_asks_the_machine_what_time_it_is() {
    let clock = root().join("commands/src/clock.rs");
    assert!(read(&clock).contains("Utc::now"), "the clock has moved");
    for (path, line, code) in every_code().filter(|(path, ..)| *path != clock) {
        for call in ["SystemTime::now", "Utc::now", "Local::now"] {
            assert!(!code.contains(call), "{}:{line} asks for the time: {code}", path.display());
        }
    }
}

#[test]
fn no_file_is_called_mod() {
    let mut sources = Vec::new();
    for (name, _) in ARROWS {
        sources_below(&root().join(name), &mut sources);
    }
    assert!(sources.len() > 50, "there are only {} sources", sources.len());
    let named: Vec<_> = sources.iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn no_provider_is_named_outside_providers_and_configuration() {
    for name in ["domain", "store", "commands", "projections"] {
        for (path, line, code) in code_of(name) {
            let names_one = code.to_lowercase().contains("sandbox");
            assert!(!names_one, "{}:{line} names a provider: {code}", path.display());
        }
    }
}

#[test]
fn the_two_sides_never_meet() {
    assert!(!dependencies("commands").contains("projections"));
    assert!(!dependencies("projections").contains("commands"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a crate depends on, under whatever heading.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = read(&root().join(name).join("Cargo.toml"));
    let mut known = BTreeSet::new();
    let mut counts = false;
    for line in manifest.lines() {
        if let Some(heading) = line.strip_prefix('[') {
            counts = heading.contains("dependencies]");
            if let Some((_, one)) = heading.split_once("dependencies.") {
                known.insert(one.trim_end_matches(']').to_owned());
            }
        } else if counts && let Some((dependency, _)) = line.split_once(['.', '=', ' ']) {
            known.insert(dependency.trim().to_owned());
        }
    }
    assert!(!known.is_empty(), "{name} depends on nothing: the manifest was not understood");
    known
}

/// The lines of a crate's sources that are compiled into the program: no comments, no tests.
fn code_of(name: &str) -> Vec<(PathBuf, usize, String)> {
    let mut sources = Vec::new();
    sources_below(&root().join(name).join("src"), &mut sources);
    assert!(!sources.is_empty(), "{name} has no sources");
    let mut code = Vec::new();
    for path in sources.into_iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = read(&path);
        let program = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in program.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default().trim();
            if !line.is_empty() {
                code.push((path.clone(), number + 1, line.to_owned()));
            }
        }
    }
    code
}

fn every_code() -> impl Iterator<Item = (PathBuf, usize, String)> {
    ARROWS.into_iter().flat_map(|(name, _)| code_of(name))
}

fn sources_below(folder: &Path, sources: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources_below(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}
