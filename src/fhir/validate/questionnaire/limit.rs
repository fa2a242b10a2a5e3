//! Limits on answers: the least and the greatest value, lengths, decimal places, patterns of text.
//! Not units (`unit`) and not attachments (`content`).

use std::cmp::Ordering;

use regex::RegexBuilder;

use super::compare::{Typed, order};
use super::{Completion, extensions, text};
use crate::fhir::decimal::Decimal;
use crate::fhir::validate::rule;
use serde_json::Value;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
const SDC: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-";

/// Bytes of a compiled regular expression.
const PATTERN_LIMIT: usize = 1 << 20;

impl<'v> Completion<'_, 'v> {
    /// Holds a value to all limits of its question.
    pub(super) fn limits(&mut self, question: usize, value: Typed<'v>) {
        let item = self.form.question(question).item;
        let least = [format!("{CORE}minValue"), format!("{SDC}minQuantity")];
        let greatest = [format!("{CORE}maxValue"), format!("{SDC}maxQuantity")];
        self.bound(question, value, &least, Ordering::Less);
        self.bound(question, value, &greatest, Ordering::Greater);
        if let Some(max) = integer(item, "maxDecimalPlaces")
            && decimal_places(value).is_some_and(|places| places > max)
        {
            self.report(
                rule::ANSWER_LIMIT,
                "has more decimal places than maxDecimalPlaces allows",
            );
        }
        if let ("String" | "Uri", Some(answer)) = (value.type_name, value.value.as_str()) {
            self.length(item, answer);
            self.pattern(question, answer);
        }
    }

    /// A limit that the value must not be beyond, on the side of an order.
    fn bound(&mut self, question: usize, value: Typed<'v>, urls: &[String; 2], beyond: Ordering) {
        let item = self.form.question(question).item;
        let limits = urls.iter().flat_map(|url| extensions(item, url));
        for extension in limits {
            // Guides compute limits in an extension of the value.
            let Some(limit) = Typed::of(extension, "value") else {
                self.open(rule::ANSWER_LIMIT, question, "");
                continue;
            };
            // A day lies in its month, whichever limit the month is.
            let is_within = limit.moment().zip(value.moment());
            if is_within.is_some_and(|(limit, value)| limit.contains(&value)) {
                continue;
            }
            match order(value, limit) {
                Some(order) if order == beyond => {
                    let side = if beyond == Ordering::Less {
                        "less than the least"
                    } else {
                        "more than the greatest"
                    };
                    self.report(
                        rule::ANSWER_LIMIT,
                        format!("is {side} value that the question allows"),
                    );
                }
                Some(_) => {}
                None => self.open(rule::ANSWER_LIMIT, question, ""),
            }
        }
    }

    /// Lengths in characters.
    fn length(&mut self, item: &Value, answer: &str) {
        let length = answer.chars().count() as u64;
        let max = item.get("maxLength").and_then(Value::as_u64);
        if max.is_some_and(|max| length > max) {
            self.report(rule::ANSWER_LIMIT, "is longer than maxLength allows");
        }
        if integer(item, "minLength").is_some_and(|min| length < min) {
            self.report(rule::ANSWER_LIMIT, "is shorter than minLength demands");
        }
    }

    /// The whole of the text fits the expression. One that this engine cannot run is noted as not checked.
    fn pattern(&mut self, question: usize, answer: &str) {
        let url = format!("{CORE}regex");
        let item = self.form.question(question).item;
        let Some(pattern) = extensions(item, &url)
            .next()
            .and_then(|found| text(found, "valueString"))
        else {
            return;
        };
        let whole = format!("\\A(?:{pattern})\\z");
        match RegexBuilder::new(&whole).size_limit(PATTERN_LIMIT).build() {
            Ok(expression) if !expression.is_match(answer) => {
                self.report(
                    rule::ANSWER_LIMIT,
                    "does not fit the regular expression of the question",
                );
            }
            Ok(_) => {}
            Err(_) => self.open(rule::ANSWER_LIMIT, question, ".extension"),
        }
    }
}

/// A limit of R4 that is a whole number.
fn integer(item: &Value, name: &str) -> Option<u64> {
    let url = format!("{CORE}{name}");
    extensions(item, &url).next()?.get("valueInteger")?.as_u64()
}

/// Decimal places without zeros at the end, which only say how exact a value is.
fn decimal_places(value: Typed<'_>) -> Option<u64> {
    let number = match value.type_name {
        "Decimal" => value.value,
        "Quantity" => value.value.get("value")?,
        _ => return None,
    };
    let Value::Number(number) = number else {
        return None;
    };
    let decimal = Decimal::parse(number.as_str())?.value().normalize();
    Some(u64::from(decimal.scale()))
}
