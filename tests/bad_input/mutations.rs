//! How a body is bent.

use serde_json::{Value, json};

use super::endpoints::Endpoint;

/// A body that no command should take.
pub(super) struct Bent {
    pub(super) what: String,
    pub(super) text: Vec<u8>,
}

/// Every field bent in every way.
pub(super) fn of_fields(endpoint: &Endpoint) -> Vec<Bent> {
    let Some(body) = &endpoint.body else { return vec![] };
    let mut bent = Vec::new();
    for path in paths(body) {
        let value = body.pointer(&path).unwrap();
        let is_optional = endpoint.optional.contains(&path.as_str());
        if !is_optional && !path.is_empty() && !is_element(body, &path) {
            bent.push(Bent { what: format!("{path} missing"), text: without(body, &path) });
        }
        for raw in bends(value, is_optional) {
            let is_taken = endpoint.taken.iter().any(|(at, value)| *at == path && value.as_bytes() == raw);
            // Whether the whole may be empty is the matter of `of_bodies`.
            let is_nothing = path.is_empty() && raw == b"{}";
            if !is_taken && !is_nothing {
                let shown = String::from_utf8_lossy(&raw[..raw.len().min(60)]).into_owned();
                bent.push(Bent { what: format!("{path} = {shown}"), text: with(body, &path, &raw) });
            }
        }
        if value.is_object() {
            let text = value.to_string();
            let more = format!("{},\"unknown_field\":1}}", &text[..text.len() - 1]);
            bent.push(Bent { what: format!("{path} with an unknown field"), text: with(body, &path, more.as_bytes()) });
        }
        if !path.is_empty() && !is_element(body, &path) {
            let key = path.rsplit('/').next().unwrap();
            let twice = format!("{value},\"{key}\":{value}");
            bent.push(Bent { what: format!("{path} twice"), text: with(body, &path, twice.as_bytes()) });
        }
    }
    bent
}

/// The whole body bent in every way.
pub(super) fn of_bodies(endpoint: &Endpoint) -> Vec<Bent> {
    let good = endpoint.good();
    let text = String::from_utf8(good.clone()).unwrap();
    let mut bent = vec![
        ("an array", b"[]".to_vec()),
        ("an array around it", format!("[{text}]").into_bytes()),
        ("null", b"null".to_vec()),
        ("a text", b"\"x\"".to_vec()),
        ("a number", b"42".to_vec()),
        ("a truth", b"true".to_vec()),
        ("half of it", good[..good.len() - 1].to_vec()),
        ("an opening brace", b"{".to_vec()),
        ("more behind it", format!("{text} x").into_bytes()),
        ("another one behind it", format!("{text}{text}").into_bytes()),
        ("a comma at the end", text.replacen('}', ",}", 1).into_bytes()),
        ("a comment", format!("{text} // yes").into_bytes()),
        ("a byte order mark", [b"\xef\xbb\xbf", good.as_slice()].concat()),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("single quotes", b"{'a': 1}".to_vec()),
        ("an unknown field", b"{\"unknown_field\": 1}".to_vec()),
        ("an unknown field that is invalid UTF-8", b"{\"\xff\xfe\": 1}".to_vec()),
        ("a prototype", b"{\"__proto__\": {\"staff\": true}}".to_vec()),
        ("10,000 arrays", [vec![b'['; 10_000], vec![b']'; 10_000]].concat()),
        ("10,000 objects", [b"{\"a\":".repeat(10_000), b"1".to_vec(), vec![b'}'; 10_000]].concat()),
        ("nothing but spaces", b"   \n".to_vec()),
        ("300 KiB of spaces", [good.as_slice(), &vec![b' '; 300 * 1024]].concat()),
        ("300 KiB of a text", format!("{{\"a\": \"{}\"}}", "x".repeat(300 * 1024)).into_bytes()),
    ];
    let all_optional = endpoint.body.as_ref().is_none_or(|body| {
        body.as_object().unwrap().keys().all(|key| endpoint.optional.contains(&format!("/{key}").as_str()))
    });
    if !all_optional {
        bent.push(("nothing", vec![]));
        bent.push(("an empty object", b"{}".to_vec()));
    }
    bent.into_iter().map(|(what, text)| Bent { what: what.to_owned(), text }).collect()
}

/// What a value is never to be, as raw JSON.
fn bends(value: &Value, is_optional: bool) -> Vec<Vec<u8>> {
    let mut raws: Vec<Vec<u8>> = Vec::new();
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    match value {
        Value::String(good) => {
            for text in bad_texts(good) {
                raws.push(json!(text).to_string().into_bytes());
            }
            let bytes: [&[u8]; 5] = [b"\"a\\ud800b\"", b"\"a\\udc00\"", b"\"a\xff\xfeb\"", b"\"a\nb\"", b"\"a\\x\""];
            raws.extend(bytes.map(<[u8]>::to_vec));
            raws.extend(raw(&["42", "-1", "1.5", "true", "{}", "[]"]));
            raws.push(format!("[{value}]").into_bytes());
            raws.push(format!("{{{value}:null}}").into_bytes());
        }
        Value::Number(_) => {
            raws.extend(raw(&[
                "0",
                "-1",
                "-9223372036854775808",
                "9223372036854775807",
                "9223372036854775808",
                "-9223372036854775809",
                "18446744073709551615",
                "99999999999999999999",
                "-99999999999999999999",
                "1e999",
                "-1e999",
                "1.5",
                "1e2",
                "0x10",
                "01",
                "+1",
                "NaN",
                "Infinity",
                "\"1\"",
                "\"\"",
                "true",
                "[]",
                "[1]",
                "{}",
            ]));
        }
        Value::Array(_) => {
            raws.extend(raw(&["\"x\"", "{}", "{\"0\":\"a\"}", "1", "true", "[1]", "[null]", "[[]]", "[\"\"]"]));
            raws.push(json!(vec!["papier"; 21]).to_string().into_bytes());
            raws.push(json!(vec!["x"; 50_000]).to_string().into_bytes());
        }
        Value::Object(object) => {
            raws.extend(raw(&["\"x\"", "1", "true", "[]", "[{}]", "{}"]));
            // What a positional reader would take for the object.
            raws.push(json!(object.values().collect::<Vec<_>>()).to_string().into_bytes());
            raws.push(json!(object.values().rev().collect::<Vec<_>>()).to_string().into_bytes());
        }
        Value::Null | Value::Bool(_) => {}
    }
    if !is_optional {
        raws.extend(raw(&["null"]));
    }
    raws.push(deep);
    raws
}

/// Texts that no field takes: empty, too long, or holding what deceives the eye or the machine.
fn bad_texts(good: &str) -> Vec<String> {
    let middle = good.char_indices().nth(good.chars().count() / 2).map_or(0, |(at, _)| at);
    let (left, right) = good.split_at(middle);
    let mut texts = vec![String::new(), "   ".to_owned(), "x".repeat(5_000), "é".repeat(5_000)];
    let deceits = [
        '\0', '\u{1}', '\u{7}', '\u{8}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{202a}', '\u{202d}', '\u{202e}',
        '\u{2066}', '\u{2069}', '\u{200e}', '\u{200f}', '\u{61c}',
    ];
    texts.extend(deceits.map(|deceit| format!("{left}{deceit}{right}")));
    texts
}

fn raw(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Every place in the body, the whole first.
fn paths(body: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        next += 1;
        match body.pointer(&path) {
            Some(Value::Object(object)) => found.extend(object.keys().map(|key| format!("{path}/{key}"))),
            Some(Value::Array(array)) => found.extend((0..array.len()).map(|index| format!("{path}/{index}"))),
            _ => {}
        }
    }
    found
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_element(body: &Value, path: &str) -> bool {
    body.pointer(parent(path)).is_some_and(Value::is_array)
}

fn without(body: &Value, path: &str) -> Vec<u8> {
    let mut body = body.clone();
    let key = path.rsplit('/').next().unwrap();
    body.pointer_mut(parent(path)).and_then(Value::as_object_mut).unwrap().remove(key);
    body.to_string().into_bytes()
}

/// The body with these bytes in one place.
fn with(body: &Value, path: &str, raw: &[u8]) -> Vec<u8> {
    const PLACE: &str = "here it goes";
    let mut body = body.clone();
    *body.pointer_mut(path).unwrap() = json!(PLACE);
    let text = body.to_string();
    let (before, after) = text.split_once(&format!("\"{PLACE}\"")).unwrap();
    [before.as_bytes(), raw, after.as_bytes()].concat()
}
