//! Units of quantities: those that a question offers, as a list or as a value set.
//! Not conversion: another unit is another choice, even if it measures the same.

use serde_json::Value;

use super::compare::Typed;
use super::{Completion, extensions, text};
use crate::fhir::validate::binding::{Membership, membership};
use crate::fhir::validate::occurrence::Occurrence;
use crate::fhir::validate::rule;

const OPTION: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption";
const VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitValueSet";
/// Of later releases: other units are allowed, too.
const OPEN: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOpen";

impl<'v> Completion<'_, 'v> {
    /// The unit of a quantity must be one of those offered.
    pub(super) fn units(&mut self, question: usize, value: Typed<'v>) {
        let item = self.form.question(question).item;
        if value.type_name != "Quantity" || extensions(item, OPEN).next().is_some() {
            return;
        }
        let options: Vec<Option<bool>> = extensions(item, OPTION)
            .filter_map(|option| option.get("valueCoding"))
            .map(|unit| is_unit(value.value, unit))
            .collect();
        if !options.is_empty() && !options.contains(&Some(true)) {
            match options.contains(&None) {
                true => self.open(rule::ANSWER_UNIT, question, ""),
                false => self.report(
                    rule::ANSWER_UNIT,
                    "has a unit that the question does not offer",
                ),
            }
        }
        let value_set = extensions(item, VALUE_SET).next();
        if let Some(url) = value_set.and_then(|found| text(found, "valueCanonical")) {
            self.unit_of_set(url, value);
        }
    }

    fn unit_of_set(&mut self, value_set: &str, value: Typed<'v>) {
        let quantity = Occurrence::named(self.walk.table, "Quantity", Some(value.value), None);
        let Some((quantity, full)) = quantity.zip(self.walk.full.as_mut()) else {
            return;
        };
        let members = full.library().members(value_set);
        match members.map(|members| membership(members, &quantity)) {
            Some(Membership::In) => {}
            Some(Membership::Out) => {
                self.report(
                    rule::ANSWER_UNIT,
                    "has a unit outside of the value set of the question",
                );
            }
            _ => full.open(rule::ANSWER_UNIT, value_set.to_owned()),
        }
    }
}

/// Whether a quantity has a unit; a quantity without code may mean it in other words.
fn is_unit(quantity: &Value, unit: &Value) -> Option<bool> {
    if let Some(shown) = text(quantity, "unit")
        && quantity.get("code").is_none()
    {
        let is_same = [text(unit, "display"), text(unit, "code")].contains(&Some(shown));
        return is_same.then_some(true);
    }
    let (own, offered) = (text(quantity, "code")?, text(unit, "code")?);
    if own != offered {
        return Some(false);
    }
    match (text(quantity, "system"), text(unit, "system")) {
        (Some(own), Some(offered)) => Some(own == offered),
        (None, None) => Some(true),
        _ => None,
    }
}
