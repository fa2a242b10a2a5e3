//! `property/unicode-kept`: a text is read back with the code points with which it was written. Row RT-07.

use serde_json::Value;

use super::compare::Difference;
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct UnicodeKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/unicode-kept",
    title: "A text is read back with the code points with which it was written",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a text beyond ASCII was accepted and read back",
    usual_causes: &[
        "text is normalised to NFC before it is stored",
        "a database column holds three bytes per character or another encoding",
        "characters without a glyph are taken for dirt and removed",
    ],
};

/// Part of the signature of code points that XML cannot hold.
const NONCHARACTER: &str = "noncharacter";
/// Texts of one difficulty each: composed and decomposed, beyond the basic plane, joined, turned, lonely.
const TEXTS: &[&str] = &[
    "Am\u{e9}lie",
    "Ame\u{301}lie",
    "\u{c5}ngstrom",
    "A\u{30a}ngstrom",
    "\u{212b}ngstrom",
    "\u{fb01}ne",
    "\u{1d49c}da",
    "\u{20bb7}野",
    "\u{1f469}\u{200d}\u{2695}\u{fe0f}",
    "\u{5e9}\u{5dc}\u{200f}abc",
    "\u{202b}abc\u{202c}",
    "\u{301}alone",
    "zero\u{200b}width",
    "soft\u{ad}hyphen",
    "\u{feff}mark",
    "\u{2028}line",
];
/// Refused by some, lost by those that keep XML.
const ODD: &str = "odd \u{fffe} one";

impl Property for UnicodeKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let text = if values.chance(6) {
            ODD
        } else {
            *values.pick(TEXTS)
        };
        document::written_and_read(SPEC.id, document::telling(resource_type, text))
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let holds = |sent: &Value| document::told(sent).is_some_and(|text| !text.is_ascii());
        document::judge(&SPEC, trace, holds, kind)
    }

    /// XML has no such characters, so a server that keeps XML cannot keep them.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == NONCHARACTER => Level::May,
            _ => SPEC.level,
        }
    }
}

fn kind(difference: &Difference) -> Option<Kind> {
    if !document::is_told(&difference.path) {
        return None;
    }
    if difference.kind == "lost" {
        return Some(("lost", "A text beyond ASCII is lost"));
    }
    let mut found = difference.found.chars();
    let first = difference
        .sent
        .chars()
        .find(|letter| found.next() != Some(*letter));
    let decomposed = |letter: &char| ('\u{300}'..='\u{36f}').contains(letter);
    let composes = difference.sent.chars().any(|letter| decomposed(&letter))
        != difference.found.chars().any(|letter| decomposed(&letter));
    Some(match first {
        Some('\u{fffe}' | '\u{ffff}') => (NONCHARACTER, "A character that XML lacks is changed"),
        _ if composes => (
            "composition",
            "Accents are read back composed or decomposed otherwise than they were written",
        ),
        Some('\u{10000}'..) => (
            "astral",
            "A character beyond the basic plane is read back as another one",
        ),
        _ => ("changed", "A text is read back with other characters"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{
        assert_faithful, assert_refusal_is_open, judged, signs,
    };

    fn patient(text: &str) -> Value {
        document::telling("Patient", text)
    }

    #[test]
    fn kept_characters_and_refusals_are_silent() {
        for text in TEXTS {
            assert_faithful(&UnicodeKept, patient(text));
        }
        assert_refusal_is_open(&UnicodeKept, patient(ODD));
    }

    #[test]
    fn changes_are_told_apart() {
        for (sent, found, sign) in [
            ("Ame\u{301}lie", "Am\u{e9}lie", "composition"),
            ("Am\u{e9}lie", "Ame\u{301}lie", "composition"),
            ("\u{1d49c}da", "??da", "astral"),
            ("zero\u{200b}width", "zerowidth", "changed"),
            (ODD, "odd \u{fffd} one", NONCHARACTER),
        ] {
            let judgement = judged(&UnicodeKept, patient(sent), patient(found));
            assert_eq!(signs(&judgement), [sign]);
        }
    }

    #[test]
    fn plain_text_says_nothing() {
        assert_eq!(
            judged(&UnicodeKept, patient("Ada"), patient("Ada")).weighed,
            0
        );
    }
}
