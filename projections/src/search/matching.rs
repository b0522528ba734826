//! Which products the words of a customer mean, and how well each of them matches.
//!
//! Every word is looked for as it is, as its stem in either language, joined with its neighbour; the last one also as the
//! beginning of a word. A word that nobody wrote like this is looked for as it may have been mistyped. All words must
//! match; where no product has them all, mistakes are searched in every word, and at last any word is enough.

use std::io;

use domain::Language;
use serde::{Deserialize, Serialize};
use tantivy::{
    DocSet as _, InvertedIndexReader, TERMINATED, TantivyError, Term, postings::TermInfo, query::FuzzyTermQuery,
    schema::IndexRecordOption,
};

use super::{
    index::{Dictionary, LEVELS, Segment, sound_term, stem_term},
    words::{Analyzer, distance, has_digit, is_filler},
};

/// The most words of a query that count.
const MAX_WORDS: usize = 12;
/// The most words of the shop that one beginning, or one mistyped word, is taken for.
const MAX_MEANINGS: usize = 64;
/// What a word is worth in the name, in category and tags, in the description.
const WORTH: [u32; LEVELS] = [1_000, 600, 250];
/// What a product is worth for each word it has, where not all are asked of it.
const PER_WORD: u32 = 1 << 20;

/// How well a word of a product is the one that is looked for, in hundredths.
mod quality {
    pub(super) const EXACT: u32 = 100;
    pub(super) const STEM: u32 = 90;
    pub(super) const JOINED: u32 = 85;
    pub(super) const BEGINNING: u32 = 70;
    pub(super) const ONE_MISTAKE: u32 = 55;
    pub(super) const SOUND: u32 = 50;
    pub(super) const MISTYPED_BEGINNING: u32 = 45;
    pub(super) const TWO_MISTAKES: u32 = 40;
}

/// How generously words were matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reading {
    /// All words, as they are written.
    Strict,
    /// All words, each perhaps mistyped.
    Mistyped,
    /// Any of the words.
    Relaxed,
}

/// What a product has of one word, level by level.
type Cell = [u32; LEVELS];

/// The words of a query.
pub(super) struct Asked {
    words: Vec<Word>,
    /// All of them in their order, to be compared with names.
    pub(super) phrase: String,
}

struct Word {
    text: String,
    stems: [String; 2],
    /// The words it makes with its neighbours.
    joined: Vec<Word>,
    is_last: bool,
}

/// What was found: a score for each product number, 0 for those that do not match.
pub(super) struct Matches {
    pub(super) scores: Vec<u32>,
    pub(super) reading: Reading,
}

impl Asked {
    /// Takes the text of a query apart; `None` where there is no word in it.
    pub(super) fn read(analyzer: &mut Analyzer, text: &str) -> Option<Self> {
        let mut all = analyzer.words(text);
        // What a customer writes on and on about says most at its beginning.
        all.truncate(MAX_WORDS * 2);
        let says_something = all.iter().any(|word| !is_filler(word));
        let mut words = Vec::new();
        for (at, text) in all.iter().enumerate() {
            if words.len() == MAX_WORDS || (says_something && is_filler(text)) {
                continue;
            }
            let is_last = at + 1 == all.len();
            let mut joined = Vec::new();
            for (from, to, ends) in [(at.wrapping_sub(1), at, is_last), (at, at + 1, at + 2 == all.len())] {
                if let (Some(one), Some(other)) = (all.get(from), all.get(to)) {
                    joined.push(Word::read(analyzer, format!("{one}{other}"), ends, Vec::new()));
                }
            }
            words.push(Word::read(analyzer, text.clone(), is_last, joined));
        }
        (!words.is_empty()).then(|| Self { words, phrase: format!(" {}", all.join(" ")) })
    }
}

impl Word {
    fn read(analyzer: &mut Analyzer, text: String, is_last: bool, joined: Vec<Self>) -> Self {
        let stems = stem_terms(analyzer, &text);
        Self { text, stems, joined, is_last }
    }

    /// How many mistakes it may have.
    fn mistakes(&self) -> u8 {
        match self.text.chars().count() {
            _ if has_digit(&self.text) => 0,
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        }
    }
}

fn stem_terms(analyzer: &mut Analyzer, word: &str) -> [String; 2] {
    [Language::Fr, Language::En].map(|language| stem_term(language, &analyzer.stem(word, language)))
}

/// Finds the products that `asked` means, among `count`. A page that goes on is read as the one before it was.
pub(super) fn find(
    dictionary: &Dictionary,
    analyzer: &mut Analyzer,
    asked: &Asked,
    count: usize,
    reading: Option<Reading>,
) -> Result<Matches, TantivyError> {
    let mut finder = Finder { dictionary, analyzer, count };
    let mut words = Vec::with_capacity(asked.words.len());
    for word in &asked.words {
        let mut cells = finder.as_written(word)?;
        let is_known = cells.iter().any(|cell| *cell != Cell::default());
        if !is_known {
            finder.mistyped(word, true, &mut cells)?;
        }
        words.push((word, cells, is_known));
    }
    if reading.is_none_or(|reading| reading == Reading::Strict) {
        let scores = all_of(&words, count);
        if reading.is_some() || scores.iter().any(|score| *score > 0) {
            return Ok(Matches { scores, reading: Reading::Strict });
        }
    }
    if reading.is_none_or(|reading| reading == Reading::Mistyped) {
        let mut wider = Vec::with_capacity(words.len());
        for (word, cells, is_known) in &words {
            let mut cells = cells.clone();
            finder.mistyped(word, false, &mut cells)?;
            wider.push((*word, cells, *is_known));
        }
        let scores = all_of(&wider, count);
        if reading.is_some() || scores.iter().any(|score| *score > 0) {
            return Ok(Matches { scores, reading: Reading::Mistyped });
        }
    }
    let mut scores = vec![0; count];
    for (_, cells, _) in &words {
        for (score, cell) in scores.iter_mut().zip(cells) {
            *score += match worth(cell) {
                0 => 0,
                worth => worth + PER_WORD,
            };
        }
    }
    Ok(Matches { scores, reading: Reading::Relaxed })
}

/// The scores of products that have all the words.
fn all_of(words: &[(&Word, Vec<Cell>, bool)], count: usize) -> Vec<u32> {
    let score = |number: usize| {
        let mut score = 0;
        for (_, cells, _) in words {
            match worth(&cells[number]) {
                0 => return 0,
                worth => score += worth,
            }
        }
        score
    };
    (0..count).map(score).collect()
}

/// The best place counts, the others a little.
fn worth(cell: &Cell) -> u32 {
    let best = cell.iter().max().copied().unwrap_or(0);
    best + (cell.iter().sum::<u32>() - best) / 8
}

struct Finder<'search> {
    dictionary: &'search Dictionary,
    analyzer: &'search mut Analyzer,
    count: usize,
}

impl Finder<'_> {
    fn as_written(&self, word: &Word) -> Result<Vec<Cell>, TantivyError> {
        let mut cells = vec![Cell::default(); self.count];
        self.mark(word, quality::EXACT, quality::STEM, quality::BEGINNING, &mut cells)?;
        for joined in &word.joined {
            self.mark(joined, quality::JOINED, quality::JOINED, quality::BEGINNING, &mut cells)?;
        }
        Ok(cells)
    }

    fn mark(&self, word: &Word, exact: u32, stem: u32, beginning: u32, cells: &mut [Cell]) -> io::Result<()> {
        for segment in &self.dictionary.segments {
            mark_term(segment, &word.text, exact, cells)?;
            for term in &word.stems {
                mark_term(segment, term, stem, cells)?;
            }
            if word.is_last {
                for (level, reader) in segment.levels.iter().enumerate() {
                    let range = reader.terms().range().ge(&word.text).lt(format!("{}\u{10ffff}", word.text));
                    let mut terms = range.into_stream()?;
                    for _ in 0..MAX_MEANINGS {
                        if !terms.advance() {
                            break;
                        }
                        mark_documents(segment, reader, terms.value(), level, beginning, cells)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Marks what the word may have been meant as: `nearest` takes those with the fewest mistakes alone.
    fn mistyped(&mut self, word: &Word, nearest: bool, cells: &mut [Cell]) -> Result<(), TantivyError> {
        let most = word.mistakes();
        if most == 0 {
            return Ok(());
        }
        let mut meant = self.words_like(&word.text, most, false)?;
        if nearest {
            let fewest = meant.iter().map(|(_, mistakes)| *mistakes).min();
            meant.retain(|(_, mistakes)| Some(*mistakes) == fewest);
        }
        for (text, mistakes) in &meant {
            let quality = if *mistakes <= 1 { quality::ONE_MISTAKE } else { quality::TWO_MISTAKES };
            self.mark_meaning(text, quality, cells)?;
        }
        let sound = sound_term(&word.text);
        for segment in &self.dictionary.segments {
            mark_term(segment, &sound, quality::SOUND, cells)?;
        }
        // Who is still typing has mistyped one letter of a long word rather than two of a short one.
        if word.is_last && meant.iter().all(|(_, mistakes)| *mistakes > 1) {
            for (text, _) in self.words_like(&word.text, 1, true)? {
                self.mark_meaning(&text, quality::MISTYPED_BEGINNING, cells)?;
            }
        }
        Ok(())
    }

    fn mark_meaning(&mut self, text: &str, quality: u32, cells: &mut [Cell]) -> io::Result<()> {
        let stems = stem_terms(self.analyzer, text);
        for segment in &self.dictionary.segments {
            for term in stems.iter().map(String::as_str).chain([text]) {
                mark_term(segment, term, quality, cells)?;
            }
        }
        Ok(())
    }

    /// Words of the shop with at most so many mistakes in them, and how many they have.
    fn words_like(&self, text: &str, most: u8, begins: bool) -> Result<Vec<(String, usize)>, TantivyError> {
        let term = Term::from_field_text(self.dictionary.fields.vocabulary, text);
        let query =
            if begins { FuzzyTermQuery::new_prefix(term, most, true) } else { FuzzyTermQuery::new(term, most, true) };
        let mut found = Vec::new();
        for segment in &self.dictionary.segments {
            let mut terms = segment.vocabulary.terms().search(query.automaton()?).into_stream()?;
            for _ in 0..MAX_MEANINGS {
                if !terms.advance() {
                    break;
                }
                if let Ok(like) = std::str::from_utf8(terms.key()) {
                    found.push((like.to_owned(), distance(text, like)));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

fn mark_term(segment: &Segment, term: &str, quality: u32, cells: &mut [Cell]) -> io::Result<()> {
    for (level, reader) in segment.levels.iter().enumerate() {
        if let Some(found) = reader.terms().get(term)? {
            mark_documents(segment, reader, &found, level, quality, cells)?;
        }
    }
    Ok(())
}

fn mark_documents(
    segment: &Segment,
    reader: &InvertedIndexReader,
    term: &TermInfo,
    level: usize,
    quality: u32,
    cells: &mut [Cell],
) -> io::Result<()> {
    let mut postings = reader.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
    let worth = WORTH[level] * quality / 100;
    let mut document = postings.doc();
    while document != TERMINATED {
        let number = segment.numbers.get(document as usize).copied().flatten();
        if let Some(cell) = number.and_then(|number| cells.get_mut(number as usize)) {
            cell[level] = cell[level].max(worth);
        }
        document = postings.advance();
    }
    Ok(())
}
