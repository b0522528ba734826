//! Reads a PDF as its readers do: with the programs of poppler.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// A word, and where it stands, in thousandths of a point.
pub(crate) struct Word {
    pub(crate) page: usize,
    pub(crate) text: String,
    pub(crate) left: i64,
    pub(crate) top: i64,
    pub(crate) right: i64,
    pub(crate) bottom: i64,
}

/// The text of each page, its lines as they are seen, every white space one space.
pub(crate) fn pages(pdf: &[u8]) -> Vec<String> {
    let text = run("pdftotext", &["-layout", "-", "-"], pdf);
    let mut pages: Vec<String> = text.split('\u{c}').map(plain).collect();
    assert_eq!(pages.pop().as_deref(), Some(""), "every page ends with a form feed");
    pages
}

/// The whole text.
pub(crate) fn text(pdf: &[u8]) -> String {
    pages(pdf).join("\n")
}

/// `text` with one space for every white space in a line, and without empty lines.
pub(crate) fn plain(text: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Every word.
pub(crate) fn words(pdf: &[u8]) -> Vec<Word> {
    let text = run("pdftotext", &["-bbox", "-", "-"], pdf);
    let mut words = Vec::new();
    let mut page = 0;
    for line in text.lines().map(str::trim) {
        page += usize::from(line.starts_with("<page "));
        let Some(rest) = line.strip_prefix("<word ") else { continue };
        let (attributes, rest) = rest.split_once('>').unwrap();
        let edges: Vec<i64> = attributes.split('"').skip(1).step_by(2).map(thousandths).collect();
        let text = rest.trim_end_matches("</word>").to_owned();
        words.push(Word { page, text, left: edges[0], top: edges[1], right: edges[2], bottom: edges[3] });
    }
    words
}

fn thousandths(points: &str) -> i64 {
    let (whole, rest) = points.split_once('.').unwrap();
    whole.parse::<i64>().unwrap() * 1_000 + rest[..3].parse::<i64>().unwrap()
}

/// What `pdffonts` says of each font.
pub(crate) fn fonts(pdf: &[u8]) -> Vec<String> {
    run("pdffonts", &["-"], pdf).lines().skip(2).map(str::to_owned).collect()
}

/// What `pdfinfo` says.
pub(crate) fn info(pdf: &[u8]) -> String {
    run("pdfinfo", &["-"], pdf)
}

fn run(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is missing ({error}): install poppler-utils, or run tests/run"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{program}: {complaints}");
    // poppler writes letters beyond the first plane in UTF-16, in what it says of the file itself.
    String::from_utf8_lossy(&output.stdout).into_owned()
}
