//! The register of documents: numbers without a gap, one series for invoices and one for credit notes, anew each year.
//!
//! A number is handed out in the append that issues the document, so a refusal burns none. Dates never go back as numbers
//! go up (CGI ann. II art. 242 nonies A, I, 7°).

use std::fmt;

use chrono::Datelike as _;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{BusinessDate, InvoiceId, OrderId, Personal};

/// What is numbered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Invoices: `WBX-2026-000001`.
    Invoice,
    /// Credit notes: `WBX-AV-2026-000001`.
    CreditNote,
}

impl Series {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Invoice => "WBX",
            Self::CreditNote => "WBX-AV",
        }
    }

    /// The id of the register of this series for the year of `on`.
    pub fn register(self, on: BusinessDate) -> String {
        format!("{}-{:04}", self.prefix(), on.year())
    }
}

/// The number of a document, such as `WBX-2026-000001`: 35 characters of A–Z, 0–9 and `-` at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentNumber(String);

impl DocumentNumber {
    /// The `number`th document of `series` in the year of `on`, counted from 1.
    pub fn new(series: Series, on: BusinessDate, number: u32) -> Self {
        Self(format!("{}-{number:06}", series.register(on)))
    }

    /// The number as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The series it is of.
    pub fn series(&self) -> Series {
        if self.0.starts_with("WBX-AV-") { Series::CreditNote } else { Series::Invoice }
    }
}

impl fmt::Display for DocumentNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What may be asked of a register.
#[derive(Debug, Clone)]
pub enum RegisterCommand {
    /// Give `document` its number.
    Enter {
        /// Which series this register is of.
        series: Series,
        /// The document.
        document: InvoiceId,
        /// The order it is for.
        order: OrderId,
        /// SHA-256 of what it says, hexadecimal.
        content: String,
        /// Today.
        on: BusinessDate,
    },
}

/// What has happened to a register. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegisterEvent {
    /// A document has its number.
    Entered { number: DocumentNumber, document: InvoiceId, order: OrderId, content: String, on: BusinessDate },
}

/// Why a register refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The year of this register has ended, and another one is used.
    #[error("this register is closed")]
    OtherYear,
    /// More documents than a year has numbers for.
    #[error("this register is full")]
    Full,
}

/// A register as its events have left it. It remembers no document: whoever asks makes sure that a document is new.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Register {
    /// The number of the last document, and its day.
    last: Option<(u32, BusinessDate)>,
    /// The number and the day that were handed out last.
    newest: Option<(DocumentNumber, BusinessDate)>,
}

impl Register {
    /// The last number a year has: documents are numbered with six digits, and with more where that is not enough.
    const MAX: u32 = 999_999_999;

    /// The number and the day of the newest document.
    pub const fn newest(&self) -> Option<&(DocumentNumber, BusinessDate)> {
        self.newest.as_ref()
    }

    fn decide(&self, command: RegisterCommand) -> Result<Vec<RegisterEvent>, RegisterError> {
        let RegisterCommand::Enter { series, document, order, content, on } = command;
        let (number, on) = match self.last {
            None => (1, on),
            Some((_, last)) if last.year() != on.year() => return Err(RegisterError::OtherYear),
            Some((Self::MAX, _)) => return Err(RegisterError::Full),
            Some((number, last)) => (number + 1, on.max(last)), // A clock that was put back.
        };
        Ok(vec![RegisterEvent::Entered {
            number: DocumentNumber::new(series, on, number),
            document,
            order,
            content,
            on,
        }])
    }
}

impl Aggregate for Register {
    const TYPE: &'static str = "register";
    type Command = RegisterCommand;
    type Event = RegisterEvent;
    type Error = RegisterError;
    type Services = ();

    async fn handle(&mut self, command: RegisterCommand, (): &(), sink: &EventSink<Self>) -> Result<(), RegisterError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: RegisterEvent) {
        let RegisterEvent::Entered { number, on, .. } = event;
        self.last = Some((self.last.map_or(1, |(last, _)| last + 1), on));
        self.newest = Some((number, on));
    }
}

impl DomainEvent for RegisterEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Entered { .. } => "RegisterEntered",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for RegisterEvent {}

#[cfg(test)]
mod tests {
    use cqrs_es::test::{AggregateTestExecutor, TestFramework};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn numbers_have_no_gap() {
        given([]).when(enter("2026-03-01")).then_expect_events(vec![entered(1, "2026-03-01")]);
        given([entered(1, "2026-03-01")]).when(enter("2026-03-02")).then_expect_events(vec![entered(2, "2026-03-02")]);
    }

    #[test]
    fn dates_never_go_back() {
        given([entered(1, "2026-03-02")]).when(enter("2026-03-01")).then_expect_events(vec![entered(2, "2026-03-02")]);
    }

    #[test]
    fn a_register_is_of_one_year() {
        given([entered(1, "2026-12-31")]).when(enter("2027-01-01")).then_expect_error(RegisterError::OtherYear);
    }

    #[test]
    fn a_number_says_its_series_and_its_year() {
        let number = |series, number| DocumentNumber::new(series, day("2026-01-01"), number).to_string();
        assert_eq!(number(Series::Invoice, 1), "WBX-2026-000001");
        assert_eq!(number(Series::CreditNote, 42), "WBX-AV-2026-000042");
        assert_eq!(number(Series::Invoice, 1_000_000), "WBX-2026-1000000");
        assert_eq!(DocumentNumber::new(Series::CreditNote, day("2026-01-01"), 1).series(), Series::CreditNote);
    }

    fn given<const N: usize>(history: [RegisterEvent; N]) -> AggregateTestExecutor<Register> {
        TestFramework::with(()).given(history.into())
    }

    fn enter(on: &str) -> RegisterCommand {
        let (document, order) = (InvoiceId(Uuid::nil()), OrderId(Uuid::nil()));
        RegisterCommand::Enter { series: Series::Invoice, document, order, content: "00".to_owned(), on: day(on) }
    }

    fn entered(number: u32, on: &str) -> RegisterEvent {
        RegisterEvent::Entered {
            number: DocumentNumber::new(Series::Invoice, day(on), number),
            document: InvoiceId(Uuid::nil()),
            order: OrderId(Uuid::nil()),
            content: "00".to_owned(),
            on: day(on),
        }
    }

    fn day(text: &str) -> BusinessDate {
        text.parse().unwrap()
    }
}
