//! Words as they are compared: without accents, capitals and elisions, and what is left of them in either language when
//! number and gender are taken off.

use domain::Language;
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Tongue, LowerCaser, RawTokenizer, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer,
};

/// The longest word, in bytes; what is longer is no word.
const LONGEST: usize = 40;

/// What is said around what is looked for, without accents, sorted.
const STOP_WORDS: &[&str] = &[
    "acheter", "afin", "an", "and", "are", "as", "at", "au", "aussi", "autour", "aux", "avec", "avoir", "be", "besoin",
    "by", "ca", "car", "ce", "cela", "ces", "cet", "cette", "cherche", "chercher", "comme", "comment", "dans", "de",
    "des", "doit", "donc", "donner", "du", "elle", "elles", "en", "est", "et", "etre", "eux", "faire", "faut", "for",
    "from", "how", "ici", "il", "ils", "in", "is", "it", "je", "la", "le", "les", "leur", "leurs", "lui", "ma", "mais",
    "me", "mes", "mettre", "moi", "mon", "my", "ne", "nos", "notre", "nous", "of", "on", "or", "ou", "our", "par",
    "pas", "plus", "pour", "prendre", "qu", "quand", "que", "quel", "quelle", "quels", "qui", "sa", "sans", "se",
    "ses", "si", "son", "sont", "sous", "sur", "ta", "te", "tes", "that", "the", "this", "to", "ton", "tous", "tout",
    "toute", "trouver", "tu", "un", "une", "veux", "vos", "votre", "voudrais", "vous", "what", "with", "you", "your",
];

/// Whether a word says nothing of what is looked for. What is left of an elision (`l'art`, `d’auteur`) does not either.
pub(super) fn is_filler(word: &str) -> bool {
    let is_letter = word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    is_letter || STOP_WORDS.binary_search(&word).is_ok()
}

/// Takes text apart.
#[derive(Clone)]
pub(super) struct Analyzer {
    words: TextAnalyzer,
    french: TextAnalyzer,
    english: TextAnalyzer,
}

impl Analyzer {
    pub(super) fn new() -> Self {
        let words = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(LowerCaser)
            .filter(AsciiFoldingFilter)
            .filter(RemoveLongFilter::limit(LONGEST))
            .build();
        let stems = |tongue| TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(tongue)).build();
        Self { words, french: stems(Tongue::French), english: stems(Tongue::English) }
    }

    /// The words of a text, in their order.
    pub(super) fn words(&mut self, text: &str) -> Vec<String> {
        let text = even_out(text);
        let mut stream = self.words.token_stream(&text);
        let mut words = Vec::new();
        while stream.advance() {
            words.push(stream.token().text.clone());
        }
        words
    }

    /// What is left of a word without number and gender. A number has none: it is itself.
    pub(super) fn stem(&mut self, word: &str, language: Language) -> String {
        if has_digit(word) {
            return word.to_owned();
        }
        let analyzer = match language {
            Language::Fr => &mut self.french,
            Language::En => &mut self.english,
        };
        let mut stream = analyzer.token_stream(word);
        let mut stem = if stream.advance() { stream.token().text.clone() } else { word.to_owned() };
        // Snowball goes by accents that customers leave out: `générée` and `genere` end alike only from here on.
        while stem.len() > 3 && stem.ends_with(['e', 's']) {
            stem.pop();
        }
        let mut ends = stem.chars().rev();
        if stem.len() > 3 && ends.next() == ends.next() {
            stem.pop();
        }
        stem
    }
}

pub(super) fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

/// How a word with its neighbour is written as one: `marque-pages` as `marquepages`, `tirage d’art` as `tiragedart`.
pub(super) fn joined(words: &[String]) -> Vec<String> {
    let mut joined: Vec<String> =
        words.windows(2).filter(|two| !two.iter().any(|word| has_digit(word))).map(<[_]>::concat).collect();
    let elided = |three: &&[String]| three[1].len() == 1 && !three.iter().any(|word| has_digit(word));
    joined.extend(words.windows(3).filter(elided).map(<[_]>::concat));
    joined.retain(|word| word.len() <= LONGEST);
    joined
}

/// Writes the same text the same way: an accent that is a character of its own is left out, `1 000` and `1,000` are `1000`,
/// `50x70`, `50 × 70` and `50 x 70cm` are the same numbers.
fn even_out(text: &str) -> String {
    let text: Vec<char> = text.chars().filter(|character| !('\u{300}'..='\u{36f}').contains(character)).collect();
    let mut even = String::with_capacity(text.len() + 8);
    let is_digit = |at: usize| text.get(at).is_some_and(char::is_ascii_digit);
    let mut follows_number = false;
    for (at, &character) in text.iter().enumerate() {
        let after_digit = at > 0 && is_digit(at - 1);
        let groups = matches!(character, ' ' | ',' | '\u{a0}' | '\u{202f}');
        if groups && after_digit && (1..=3).all(|next| is_digit(at + next)) && !is_digit(at + 4) {
            continue;
        }
        if character.is_alphabetic() || character == '×' {
            if after_digit {
                even.push(' ');
                follows_number = true;
            }
        } else if character.is_ascii_digit() {
            if follows_number {
                even.push(' ');
            }
            follows_number = false;
        } else {
            follows_number = false;
        }
        even.push(if character == '×' { 'x' } else { character });
    }
    even
}

/// How a word sounds in French, roughly: `lexic` like `lexique`, `foto` like `photo`.
pub(super) fn sound(word: &str) -> String {
    const LIKE: &[(&str, &str)] = &[
        ("eaux", "o"),
        ("eau", "o"),
        ("aux", "o"),
        ("au", "o"),
        ("ph", "f"),
        ("qu", "k"),
        ("ck", "k"),
        ("sch", "S"),
        ("ch", "S"),
        ("ce", "se"),
        ("ci", "si"),
        ("cy", "si"),
        ("c", "k"),
        ("ge", "je"),
        ("gi", "ji"),
        ("gu", "g"),
        ("gn", "ni"),
        ("ai", "e"),
        ("ei", "e"),
        ("oe", "e"),
        ("en", "an"),
        ("em", "am"),
        ("x", "ks"),
        ("y", "i"),
        ("z", "s"),
        ("w", "v"),
        ("h", ""),
    ];
    let (mut rest, mut sound) = (word, String::with_capacity(word.len()));
    while let Some(first) = rest.chars().next() {
        let like = LIKE.iter().find(|(letters, _)| rest.starts_with(letters));
        let (said, length) = like.map_or((&rest[..first.len_utf8()], first.len_utf8()), |(from, to)| (*to, from.len()));
        if !(said.len() == 1 && sound.ends_with(said)) {
            sound.push_str(said);
        }
        rest = &rest[length..];
    }
    while sound.len() > 3 && sound.ends_with(['e', 's', 't', 'd']) {
        sound.pop();
    }
    sound
}

/// How many letters were mistyped: put in, left out, replaced, or swapped with a neighbour.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut higher: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for row in 1..=one.len() {
        let mut this = vec![row];
        for column in 1..=other.len() {
            let same = one[row - 1] == other[column - 1];
            let mut least = (above[column - 1] + usize::from(!same)).min(above[column] + 1).min(this[column - 1] + 1);
            if row > 1 && column > 1 && one[row - 1] == other[column - 2] && one[row - 2] == other[column - 1] {
                least = least.min(higher[column - 2] + 1);
            }
            this.push(least);
        }
        higher = std::mem::replace(&mut above, this);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_words() {
        let words = |text: &str| Analyzer::new().words(text).join(" ");
        assert_eq!(words("L’Été, à l'œuvre : ÉCRIRE"), "l ete a l oeuvre ecrire");
        assert_eq!(words("e\u{301}te\u{301}"), "ete");
        for text in ["50x70", "50 × 70", "50 x 70", "50X70"] {
            assert_eq!(words(text), "50 x 70", "{text}");
        }
        for text in ["1 000 crédits", "1,000 credits", "1\u{202f}000 crédits", "1000 CREDITS"] {
            assert_eq!(words(text), "1000 credits", "{text}");
        }
        assert_eq!(words("30×40cm"), "30 x 40 cm");
        assert_eq!(words("\"NOT\" name:* (a OR b) \\ %_"), "not name a or b");
        assert_eq!(words(&"x".repeat(500)), "");
    }

    #[test]
    fn number_and_gender_do_not_count() {
        let mut analyzer = Analyzer::new();
        for words in [
            ["affiche", "affiches", "Affiches"],
            ["générée", "genere", "générés"],
            ["illustré", "illustrée", "illustrees"],
            ["atelier", "ateliers", "ATELIER"],
        ] {
            let stems = words.map(|word| {
                let word = analyzer.words(word).remove(0);
                analyzer.stem(&word, Language::Fr)
            });
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{words:?} are {stems:?}");
        }
        assert_eq!(analyzer.stem("bookmarks", Language::En), analyzer.stem("bookmark", Language::En));
    }

    #[test]
    fn words_that_sound_alike_are_alike() {
        for (one, other) in [
            ("lexic", "lexique"),
            ("fotos", "photos"),
            ("grafik", "graphique"),
            ("vandre", "vendre"),
            ("kado", "cadeaux"),
            ("tipografie", "typographie"),
        ] {
            assert_eq!(sound(one), sound(other), "{one}, {other}");
        }
        assert_ne!(sound("carte"), sound("charte"));
    }

    #[test]
    fn fillers_are_sorted_and_folded() {
        assert!(STOP_WORDS.is_sorted() && STOP_WORDS.iter().all(|word| word.is_ascii()));
    }

    #[test]
    fn a_swap_is_one_mistake() {
        assert_eq!(distance("affihce", "affiche"), 1);
        assert_eq!(distance("afiche", "affiche"), 1);
        assert_eq!(distance("tryptique", "triptyque"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
