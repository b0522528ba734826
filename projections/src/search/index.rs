//! The text of published products, word by word: a tantivy index in memory.
//!
//! tantivy keeps the dictionaries, the postings and the automata that find misspelt words in them. What a match is worth
//! is counted in whole numbers from the product alone (`matching`): a score that depends on what else is in the shop, as
//! BM25 does, changes while somebody turns the pages.

use std::sync::Arc;

use domain::Language;
use tantivy::{
    Index, IndexReader, IndexWriter, InvertedIndexReader, ReloadPolicy, TantivyDocument, TantivyError, Term,
    indexer::IndexWriterOptions,
    schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{PreTokenizedString, Token},
};

use super::words::{Analyzer, has_digit, is_filler, joined, sound};
use crate::products::ProductView;

/// How much text is gathered in memory before it becomes a segment; tantivy takes no less.
const BUDGET: usize = 15_000_000;
/// Where words are, the most telling first: in the name, in category and tags, in the description.
pub(super) const LEVELS: usize = 3;

/// The fields of the index. Each holds words, and their stems and sounds behind a mark.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    number: Field,
    levels: [Field; LEVELS],
    pub(super) vocabulary: Field,
}

/// The index, open to be written.
pub(super) struct Texts {
    writer: IndexWriter,
    reader: IndexReader,
    fields: Fields,
    analyzer: Analyzer,
}

/// A part of the index as it was at a moment.
pub(super) struct Segment {
    /// The words of each level.
    pub(super) levels: [Arc<InvertedIndexReader>; LEVELS],
    /// Every word of any level.
    pub(super) vocabulary: Arc<InvertedIndexReader>,
    /// The number of the product that a document speaks of; `None` where it does no more.
    pub(super) numbers: Vec<Option<u32>>,
}

/// The index as it was at a moment.
pub(super) struct Dictionary {
    pub(super) segments: Vec<Segment>,
    pub(super) fields: Fields,
}

impl Texts {
    pub(super) fn make() -> Result<Self, TantivyError> {
        let mut schema = Schema::builder();
        let words = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_index_option(IndexRecordOption::Basic).set_fieldnorms(false),
        );
        let fields = Fields {
            number: schema.add_u64_field("number", INDEXED | FAST),
            levels: ["name", "label", "text"].map(|name| schema.add_text_field(name, words.clone())),
            vocabulary: schema.add_text_field("vocabulary", words),
        };
        let index = Index::create_in_ram(schema.build());
        let options = IndexWriterOptions::builder().memory_budget_per_thread(BUDGET).num_worker_threads(1);
        let writer = index.writer_with_options(options.num_merge_threads(1).build())?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { writer, reader, fields, analyzer: Analyzer::new() })
    }

    /// Holds this text of the product `number` from the next [`Texts::publish`] on.
    pub(super) fn put(&mut self, number: u32, view: &ProductView) -> Result<(), TantivyError> {
        self.remove(number);
        let mut levels: [Vec<String>; LEVELS] = Default::default();
        let mut vocabulary = Vec::new();
        let names = [(&view.name.fr, Language::Fr)].into_iter();
        for (name, language) in names.chain(view.name.en.iter().map(|name| (name, Language::En))) {
            self.take_apart(name, &[language], true, &mut levels[0], &mut vocabulary);
        }
        for label in view.tags.iter().chain([&view.category]) {
            self.take_apart(label, &[Language::Fr, Language::En], true, &mut levels[1], &mut vocabulary);
        }
        let texts = [(&view.description.fr, Language::Fr)].into_iter();
        for (text, language) in texts.chain(view.description.en.iter().map(|text| (text, Language::En))) {
            self.take_apart(text, &[language], false, &mut levels[2], &mut vocabulary);
        }
        let mut document = TantivyDocument::default();
        document.add_u64(self.fields.number, number.into());
        for (field, words) in self.fields.levels.into_iter().zip(levels) {
            document.add_pre_tokenized_text(field, tokens(words));
        }
        document.add_pre_tokenized_text(self.fields.vocabulary, tokens(vocabulary));
        self.writer.add_document(document)?;
        Ok(())
    }

    fn take_apart(
        &mut self,
        text: &str,
        languages: &[Language],
        joins: bool,
        level: &mut Vec<String>,
        vocabulary: &mut Vec<String>,
    ) {
        let mut words = self.analyzer.words(text);
        if joins {
            let together = joined(&words);
            words.extend(together);
        }
        for word in words {
            level.extend(languages.iter().map(|language| stem_term(*language, &self.analyzer.stem(&word, *language))));
            // A word that says nothing is not what somebody mistyped, and neither is a number.
            if !is_filler(&word) && !has_digit(&word) {
                level.push(sound_term(&word));
                vocabulary.push(word.clone());
            }
            level.push(word);
        }
    }

    /// Holds nothing of the product `number` from the next [`Texts::publish`] on.
    pub(super) fn remove(&mut self, number: u32) {
        self.writer.delete_term(Term::from_field_u64(self.fields.number, number.into()));
    }

    /// Makes what was changed findable.
    pub(super) fn publish(&mut self) -> Result<Dictionary, TantivyError> {
        self.writer.commit()?;
        self.reader.reload()?;
        let searcher = self.reader.searcher();
        let segments = searcher.segment_readers().iter().map(|segment| {
            let column = segment.fast_fields().u64("number")?;
            let number = |document| column.first(document).and_then(|number| u32::try_from(number).ok());
            let numbers = (0..segment.max_doc())
                .map(|document| if segment.is_deleted(document) { None } else { number(document) })
                .collect();
            let [name, label, text] = self.fields.levels;
            let levels = [segment.inverted_index(name)?, segment.inverted_index(label)?, segment.inverted_index(text)?];
            Ok(Segment { levels, vocabulary: segment.inverted_index(self.fields.vocabulary)?, numbers })
        });
        let segments = segments.collect::<Result<_, TantivyError>>()?;
        Ok(Dictionary { segments, fields: self.fields })
    }
}

/// A stem as it stands in a level, apart from words and from the stems of the other language.
pub(super) fn stem_term(language: Language, stem: &str) -> String {
    let mark = match language {
        Language::Fr => '\u{1}',
        Language::En => '\u{2}',
    };
    format!("{mark}{stem}")
}

/// How a word sounds, as it stands in a level.
pub(super) fn sound_term(word: &str) -> String {
    format!("\u{3}{}", sound(word))
}

fn tokens(mut words: Vec<String>) -> PreTokenizedString {
    words.sort_unstable();
    words.dedup();
    let token = |(position, text)| Token { text, position, ..Token::default() };
    PreTokenizedString { text: String::new(), tokens: words.into_iter().enumerate().map(token).collect() }
}
