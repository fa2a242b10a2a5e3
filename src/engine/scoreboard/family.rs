//! What a case is about, in one word: the family of a property, the area of a conformance case, the area of a check.

use crate::check;
use crate::property::{self, FAMILIES};
use crate::record::run::{CaseKind, CaseRecord};

/// Expectations that are about one thing wherever they stand: rule, family.
const EXPECTATIONS: &[(&str, &str)] = &[("expect/header", "headers"), ("expect/ids", "search")];

/// The families of a finding, that of its case first: a property has one; a conformance case has its area, the first
/// word of an area of several, and what the broken rule is about by itself: the area of a check, a header, the matches
/// of a search.
pub fn families(case: &CaseRecord, rule: &str) -> Vec<String> {
    if case.kind == CaseKind::Property {
        let known = property::find(&case.id);
        return known
            .map(|property| property.spec().family.name().to_owned())
            .into_iter()
            .collect();
    }
    let area = area(&case.id);
    let mut families = vec![area.to_owned()];
    families.extend(area.split_once('-').map(|(first, _)| first.to_owned()));
    if check::by_id(rule).is_some() {
        families.push(self::area(rule).to_owned());
    }
    let expectations = EXPECTATIONS.iter().filter(|(known, _)| *known == rule);
    families.extend(expectations.map(|(_, family)| (*family).to_owned()));
    families
}

fn area(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

/// True if a word is a family: of a property, of a check, or of one of these ids of conformance cases.
pub fn is_family<'a>(word: &str, mut cases: impl Iterator<Item = &'a str>) -> bool {
    let is_area = |id: &str| {
        let area = area(id);
        area == word || area.split_once('-').is_some_and(|(first, _)| first == word)
    };
    FAMILIES.iter().any(|family| family.name() == word)
        || check::all().any(|check| area(check.spec().id) == word)
        || cases.any(is_area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::run::sample;

    #[test]
    fn a_property_has_one_family_and_a_case_its_areas() {
        let mut case = sample().cases.remove(0);
        case.kind = CaseKind::Property;
        case.id = "property/round-trip".to_owned();
        assert_eq!(families(&case, "property/round-trip"), ["round-trip"]);
        case.kind = CaseKind::Conformance;
        case.id = "conditional-create/one-match".to_owned();
        assert_eq!(
            families(&case, "expect/status"),
            ["conditional-create", "conditional"]
        );
        assert_eq!(families(&case, "expect/header")[2], "headers");
        case.id = "read/by-id[Patient]".to_owned();
        assert_eq!(families(&case, "http/content-type"), ["read", "http"]);
    }

    #[test]
    fn a_word_is_a_family_if_something_is_about_it() {
        let cases = || ["conditional-create/one-match", "read/by-id"].into_iter();
        for word in ["round-trip", "http", "read", "conditional"] {
            assert!(is_family(word, cases()), "{word}");
        }
        assert!(!is_family("bulk", cases()));
    }
}
