//! `property/white-space-kept`: white space in a text is read back as it was written. Row RT-06.

use serde_json::Value;

use super::compare::Difference;
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct WhiteSpaceKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/white-space-kept",
    title: "White space in a text is read back as it was written",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/datatypes.html#string",
    sentence: "Leading and Trailing whitespace is allowed, but SHOULD be removed when using the XML format.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a text with white space was accepted and read back",
    usual_causes: &[
        "text is trimmed before it is stored",
        "resources are stored as XML without character references for tab and line feed",
        "line ends are rewritten",
    ],
};

/// Part of the signature of white space at the ends that is gone.
const TRIMMED: &str = "trimmed";
/// Texts with one kind of white space each.
const TEXTS: &[&str] = &[
    " before",
    "after ",
    "  both  ",
    "two  spaces",
    "three   spaces",
    "a\ttab",
    "line one\nline two",
    "line one\r\nline two",
    "ends with a line\n",
    "\tstarts with a tab",
    "paragraph one\n\nparagraph two",
];

impl Property for WhiteSpaceKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let text = *values.pick(TEXTS);
        document::written_and_read(SPEC.id, document::telling(resource_type, text))
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let holds = |sent: &Value| {
            document::told(sent).is_some_and(|text| text.trim() != text || is_spaced(text))
        };
        document::judge(&SPEC, trace, holds, kind)
    }

    /// A store that keeps XML is asked to trim.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == TRIMMED => Level::Should,
            _ => SPEC.level,
        }
    }
}

/// White space other than single spaces.
fn is_spaced(text: &str) -> bool {
    text.contains(['\t', '\r', '\n']) || text.contains("  ")
}

fn kind(difference: &Difference) -> Option<Kind> {
    let (sent, found) = (difference.sent.as_str(), difference.found.as_str());
    if !document::is_told(&difference.path) || difference.kind != "changed" {
        return None;
    }
    let collapsed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = |text: &str| text.replace("\r\n", "\n");
    if sent.trim() == found.trim() {
        Some((TRIMMED, "White space at the ends of a text is gone"))
    } else if lines(sent).trim() == lines(found).trim() {
        Some(("line-ends", "The line ends of a text are rewritten"))
    } else if collapsed(sent) == collapsed(found) {
        Some(("inner", "White space inside a text is rewritten"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};
    use serde_json::json;

    fn patient(text: &str) -> Value {
        document::telling("Patient", text)
    }

    #[test]
    fn white_space_that_is_kept_is_silent() {
        for text in TEXTS {
            assert_faithful(&WhiteSpaceKept, patient(text));
        }
    }

    #[test]
    fn trimming_is_a_should_and_rewriting_is_lost_data() {
        for (sent, found, sign, level) in [
            (" before", "before", TRIMMED, Level::Should),
            ("two  spaces", "two spaces", "inner", Level::Robust),
            ("a\ttab", "a tab", "inner", Level::Robust),
            ("a\r\nb", "a\nb", "line-ends", Level::Robust),
        ] {
            let judgement = judged(&WhiteSpaceKept, patient(sent), patient(found));
            assert_eq!(signs(&judgement), [sign]);
            assert_eq!(WhiteSpaceKept.level_of(&judgement.violations[0]), level);
        }
    }

    #[test]
    fn other_changes_and_texts_without_white_space_are_left_to_others() {
        let judgement = judged(&WhiteSpaceKept, patient("a  b"), patient("c  d"));
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
        let plain = judged(&WhiteSpaceKept, patient("ab"), json!({}));
        assert_eq!((signs(&plain).len(), plain.weighed), (0, 0));
    }
}
