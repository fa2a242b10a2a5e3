//! Values for cases: one seeded source and the proptest strategies for strings, dates and decimals. Commands are
//! not drawn here; proptest makes values only, its runner and its shrinking own nothing.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::seed::Seed;

/// A seeded source of values: the same seed gives the same values.
pub struct Values {
    runner: TestRunner,
}

impl Values {
    /// The source of a seed.
    pub fn new(seed: Seed) -> Self {
        let mut bytes = [0u8; 32];
        for (index, chunk) in bytes.chunks_exact_mut(8).enumerate() {
            chunk.copy_from_slice(&seed.index(index as u64).0.to_be_bytes());
        }
        let config = Config {
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Values {
            runner: TestRunner::new_with_rng(config, rng),
        }
    }

    /// One value of a strategy.
    pub fn draw<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy
            .new_tree(&mut self.runner)
            .expect("the strategies of this module filter nothing")
            .current()
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: u32) -> u32 {
        self.draw(&(0..end.max(1)))
    }

    /// True in `percent` of 100 draws.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of some things.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let index = self.below(u32::try_from(things.len()).unwrap_or(u32::MAX));
        &things[index as usize]
    }

    /// An index drawn by weight.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut point = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if point < *weight {
                return index;
            }
            point -= weight;
        }
        0
    }
}

/// Text that JSON must carry unchanged and that tempts servers to tidy it: accents composed and decomposed, letters
/// beyond the basic plane, joined emoji, quotes, markup, inner spaces. It neither begins nor ends with white space:
/// R4 lets XML stores trim that (<http://hl7.org/fhir/R4/datatypes.html#string>).
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Za-z][A-Za-z0-9]{0,11}",
        2 => "[A-Z][a-z]{1,5} {1,3}[A-Z][a-z]{1,5}",
        5 => prop::sample::select(&[
            "Ame\u{301}lie", "Am\u{e9}lie", "Ångström", "A\u{30a}ngstro\u{308}m", "Łódź", "Nguyễn",
            "𝒜da", "𠮷野", "👩‍⚕️ on duty", "שלום", "عائشة", "Ωmega", "O'Brien", "a \"quoted\" word",
            "back\\slash", "5 < 6 & 7 > 2", "{\"not\": \"json\"}", "null", "true", "0", "ß", "İstanbul",
            "one\ttwo", "line one\nline two", "'; drop", "${x}", "%41", "a+b", "\u{2028}sep", "ﬁne",
        ][..]).prop_map(str::to_owned).prop_map(trimmed),
    ]
}

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

/// A FHIR date of any precision, <http://hl7.org/fhir/R4/datatypes.html#date>.
pub fn date() -> impl Strategy<Value = String> {
    let full = (1900..2024i32, 1..=12u32, 1..=28u32);
    prop_oneof![
        6 => full.prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}")),
        2 => (1900..2024i32, 1..=12u32).prop_map(|(year, month)| format!("{year:04}-{month:02}")),
        1 => (1900..2024i32).prop_map(|year| format!("{year:04}")),
        1 => prop::sample::select(&["2000-02-29", "1904-02-29", "1999-12-31"][..]).prop_map(str::to_owned),
    ]
}

/// A FHIR dateTime of any precision and zone.
pub fn date_time() -> impl Strategy<Value = String> {
    let zone = prop::sample::select(&["Z", "+02:00", "-05:00", "+05:30", "+00:00"][..]);
    let fraction = prop::sample::select(&["", "", ".5", ".120", ".123"][..]);
    let moment = (
        (1990..2024i32, 1..=12u32, 1..=28u32),
        (0..24u32, 0..60u32, 0..60u32),
        fraction,
        zone,
    );
    prop_oneof![
        3 => moment.prop_map(|((year, month, day), (hour, minute, second), fraction, zone)| {
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
        }),
        1 => date(),
    ]
}

/// The text of a FHIR decimal of at most 18 digits, the precision that XML Schema demands of every processor,
/// <http://hl7.org/fhir/R4/datatypes.html#decimal>.
pub fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&[
            "0.10", "0.1", "1.0", "1", "100", "0.010", "1.50", "-0.50", "10.00", "37.0", "0.0", "98.60",
            "12345678901234.5678", "0.00000001", "123456789.123456789", "3.1415926535897932", "6.30",
        ][..]).prop_map(str::to_owned),
        3 => (0..1000u32, 0..1000u32, 1..=3usize).prop_map(|(whole, part, digits)| {
            let part = format!("{part:03}");
            format!("{whole}.{}", &part[..digits])
        }),
        1 => (-5000..5000i32).prop_map(|number| number.to_string()),
    ]
}

/// A JSON number with exactly this text.
pub fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_values_and_another_seed_others() {
        let draw = |seed| {
            let mut values = Values::new(Seed(seed));
            (0..40).map(|_| values.draw(&text())).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn text_has_no_white_space_at_its_ends_and_decimals_are_json_numbers() {
        let mut values = Values::new(Seed(9));
        for _ in 0..300 {
            let drawn = values.draw(&text());
            assert_eq!(drawn, drawn.trim());
            assert!(!drawn.is_empty());
            let decimal = values.draw(&decimal());
            assert_eq!(number(&decimal).to_string(), decimal);
        }
    }

    #[test]
    fn weights_of_zero_are_never_drawn() {
        let mut values = Values::new(Seed(4));
        assert!((0..100).all(|_| values.weighted(&[0, 3, 0]) == 1));
    }
}
