//! Amounts, rates and days as people write them in the two languages.

use domain::{BusinessDate, Currency, Language, VatRate};

/// A space that does not break and is narrow: between thousands, and before a unit.
const NARROW: char = '\u{202f}';

/// An amount of `cents`: `1 234,56 €`, `€1,234.56`.
pub(crate) fn money(cents: i128, currency: Currency, language: Language) -> String {
    amount(cents, 2, currency, language)
}

/// What one of `quantity` costs where all cost `cents`: with two decimals where these tell the truth, else with four,
/// the last one rounded half up. `None` where there is none.
pub(crate) fn unit_price(cents: i64, quantity: u32, currency: Currency, language: Language) -> Option<String> {
    let (cents, quantity) = (i128::from(cents), i128::from(quantity));
    if quantity == 0 {
        return None;
    }
    if cents % quantity == 0 {
        return Some(money(cents / quantity, currency, language));
    }
    let sign = cents.signum();
    let rounded = (2 * cents.abs() * 100 + quantity) / (2 * quantity);
    Some(amount(sign * rounded, 4, currency, language))
}

/// An amount of which there are 10^`decimals` to the euro.
fn amount(parts: i128, decimals: u32, currency: Currency, language: Language) -> String {
    let whole = 10_u128.pow(decimals);
    let minus = if parts < 0 { "−" } else { "" };
    let (number, rest) = (parts.unsigned_abs() / whole, parts.unsigned_abs() % whole);
    let width = decimals as usize;
    let Currency::Eur = currency;
    match language {
        Language::Fr => format!("{minus}{},{rest:0width$}{NARROW}€", grouped(number, NARROW)),
        Language::En => format!("{minus}€{}.{rest:0width$}", grouped(number, ',')),
    }
}

/// A count: `10 000`, `10,000`.
pub(crate) fn count(number: u32, language: Language) -> String {
    grouped(u128::from(number), if language == Language::Fr { NARROW } else { ',' })
}

fn grouped(number: u128, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// A rate: `5,5 %`, `5.5%`.
pub(crate) fn rate(rate: VatRate, language: Language) -> String {
    let (whole, rest) = (rate.basis_points() / 100, rate.basis_points() % 100);
    let rest = if rest == 0 { String::new() } else { format!("{rest:02}") };
    let rest = rest.trim_end_matches('0');
    match (language, rest) {
        (Language::Fr, "") => format!("{whole}{NARROW}%"),
        (Language::Fr, rest) => format!("{whole},{rest}{NARROW}%"),
        (Language::En, "") => format!("{whole}%"),
        (Language::En, rest) => format!("{whole}.{rest}%"),
    }
}

/// A day: `22/11/2026`, `22 Nov 2026`.
pub(crate) fn day(day: BusinessDate, language: Language) -> String {
    match language {
        Language::Fr => day.format("%d/%m/%Y").to_string(),
        Language::En => day.format("%-d\u{a0}%b\u{a0}%Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_do_not_break() {
        let both = |cents| [Language::Fr, Language::En].map(|language| money(cents, Currency::Eur, language));
        assert_eq!(both(0), ["0,00\u{202f}€", "€0.00"]);
        assert_eq!(both(123_456), ["1\u{202f}234,56\u{202f}€", "€1,234.56"]);
        assert_eq!(both(-100_000_005), ["−1\u{202f}000\u{202f}000,05\u{202f}€", "−€1,000,000.05"]);
        assert_eq!(both(-7)[0], "−0,07\u{202f}€");
    }

    #[test]
    fn a_unit_price_has_four_decimals_only_where_two_would_lie() {
        let price = |cents, quantity| unit_price(cents, quantity, Currency::Eur, Language::En);
        assert_eq!(price(2_500, 2).as_deref(), Some("€12.50"));
        assert_eq!(price(2_498, 3).as_deref(), Some("€8.3267"));
        assert_eq!(price(1, 200).as_deref(), Some("€0.0001"), "half up");
        assert_eq!(price(-2_498, 3).as_deref(), Some("−€8.3267"));
        assert_eq!(price(100, 0), None);
        assert!(price(i64::MIN, u32::MAX).is_some() && price(i64::MAX, 3).is_some());
    }

    #[test]
    fn rates_and_days() {
        let rates =
            |points| [Language::Fr, Language::En].map(|language| rate(VatRate::parse(points).unwrap(), language));
        assert_eq!(rates(2000), ["20\u{202f}%", "20%"]);
        assert_eq!(rates(550), ["5,5\u{202f}%", "5.5%"]);
        assert_eq!(rates(105), ["1,05\u{202f}%", "1.05%"]);
        assert_eq!(rates(90), ["0,9\u{202f}%", "0.9%"]);
        let date = "2026-11-02".parse().unwrap();
        assert_eq!(day(date, Language::Fr), "02/11/2026");
        assert_eq!(day(date, Language::En), "2\u{a0}Nov\u{a0}2026");
        assert_eq!(count(10_000, Language::Fr), "10\u{202f}000");
    }
}
