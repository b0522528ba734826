//! Text from people: trimmed, bounded, free of what would deceive its readers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but spaces.
    #[error("must not be empty")]
    Empty,
    /// More characters than the field holds.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The limit in characters.
        max: usize,
    },
    /// A control character, or one that turns the direction of the text around it (U+202A to U+202E, U+2066 to
    /// U+2069, U+200E, U+200F, U+061C): with these a text can show what it does not say.
    #[error("must not hold control characters")]
    Control,
    /// Not of the form the field has.
    #[error("{0}")]
    Form(&'static str),
}

fn parse(text: &str, max: usize, may_break: bool) -> Result<String, TextError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().any(|character| deceives(character, may_break)) {
        return Err(TextError::Control);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong { max });
    }
    Ok(text.to_owned())
}

fn deceives(character: char, may_break: bool) -> bool {
    match character {
        '\n' | '\r' | '\t' => !may_break,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $may_break:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name<const MAX: usize>(String);

        impl<const MAX: usize> $name<MAX> {
            /// `text` without the spaces around it, if it is not empty, not too long and holds no control character.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                parse(text, MAX, $may_break).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text!(
    /// One line of at most `MAX` characters.
    Line,
    false
);
text!(
    /// Text of at most `MAX` characters that may break into lines.
    Prose,
    true
);

/// A name that goes into an address: lower-case ASCII words joined by single hyphens, 80 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// `text`, if it has the form of a slug.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let Line(text) = Line::<80>::parse(text)?;
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if text.split('-').all(word) {
            Ok(Self(text))
        } else {
            Err(TextError::Form("must be lower-case letters and digits in words joined by hyphens"))
        }
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A language the shop speaks. French is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

/// A text in French and, where somebody wrote it, in English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Localized<T> {
    /// The French text.
    pub fr: T,
    /// The English text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<T>,
}

impl<T> Localized<T> {
    /// The text in `language`, or else in French.
    pub fn get(&self, language: Language) -> &T {
        match language {
            Language::Fr => &self.fr,
            Language::En => self.en.as_ref().unwrap_or(&self.fr),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_bounded() {
        assert_eq!(Line::<3>::parse(" été ").unwrap().as_str(), "été");
        assert_eq!(Line::<3>::parse("  "), Err(TextError::Empty));
        assert_eq!(Line::<3>::parse("étés"), Err(TextError::TooLong { max: 3 }));
    }

    #[test]
    fn what_deceives_a_reader_is_refused() {
        for text in ["a\0b", "a\u{202e}b", "a\u{2066}b", "a\u{1b}[2J", "a\nb"] {
            assert_eq!(Line::<9>::parse(text), Err(TextError::Control), "{text:?}");
        }
        assert!(Prose::<9>::parse("a\nb").is_ok());
        assert!(Line::<9>::parse("שלום").is_ok(), "a language is not a deceit");
    }

    #[test]
    fn a_slug_is_words_and_hyphens() {
        assert!(Slug::parse("affiche-50x70").is_ok());
        for text in ["-a", "a-", "a--b", "A", "é", "a b", ""] {
            assert!(Slug::parse(text).is_err(), "{text:?}");
        }
    }
}
