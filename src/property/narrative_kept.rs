//! `property/narrative-kept`: the words of a narrative that people wrote are read back. Row RT-15. A server may write
//! narratives of its own and may remove markup that it does not trust.

use serde_json::{Value, json};

use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::fhir::xml::narrative_text;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct NarrativeKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/narrative-kept",
    title: "The words of a narrative are read back",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a narrative was accepted and read back with that narrative",
    usual_causes: &[
        "the markup is escaped twice, or its entities are replaced before it is parsed",
        "a sanitiser removes elements with all that is in them",
        "characters outside of a code page are replaced",
    ],
};

/// A word by which our narrative is known.
const MARK: &str = "Keepsake";
/// Narratives without their frame, one difficulty each.
const BODIES: &[&str] = &[
    "<p>Keepsake 5 &lt; 6 &amp; 7 &gt; 2</p>",
    "<p>Keepsake of Am&#233;lie &#x1D49C;da</p>",
    "<p>Keepsake &quot;quoted&quot; &apos;once&apos;</p>",
    "<table><tbody><tr><td>Keepsake</td><td>7</td></tr></tbody></table>",
    "<p>Keepsake<br/>below</p>",
    "<ul><li>Keepsake</li><li>second <b>bold <i>both</i></b> plain</li></ul>",
    "<p title=\"a &amp; b\">Keepsake &amp;amp; &amp;lt;b&amp;gt;</p>",
    "<pre>Keepsake\n  two lines</pre>",
];

impl Property for NarrativeKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut resource = document::bare(document::one_type(ground, values));
        let body = *values.pick(BODIES);
        // Not generated from the data: nobody else can write it again.
        resource["text"] = json!({ "status": "additional",
            "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{body}</div>") });
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in document::kept(trace, &mut judgement) {
            let Some(sent) = div(&pair.sent) else {
                continue;
            };
            let found = div(&pair.found);
            if found.is_some_and(|found| !found.contains(MARK)) {
                let reason = "the target writes narratives of its own".to_owned();
                judgement.open.push(Open::Unsupported(reason));
                continue;
            }
            judgement.weighed += 1;
            if let Some(kind) = kind(sent, found) {
                let expected = Phrase::default().data(sent);
                let actual = match found {
                    Some(found) => Phrase::default().data(found),
                    None => Phrase::say("no narrative"),
                };
                let violation = document::broken(&SPEC, kind, expected, actual);
                judgement
                    .violations
                    .push(violation.at("text.div").seen_in(pair.exchanges));
            }
        }
        judgement
    }

    /// Resources should have a narrative; markup may be removed.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first().map(String::as_str) {
            Some("lost") => Level::Should,
            Some("markup") => Level::May,
            _ => SPEC.level,
        }
    }
}

fn div(resource: &Value) -> Option<&str> {
    resource.pointer("/text/div")?.as_str()
}

fn kind(sent: &str, found: Option<&str>) -> Option<Kind> {
    let Some(found) = found else {
        return Some(("lost", "A narrative is lost"));
    };
    // Entities that XML has not are beyond what can be compared.
    let (one, other) = (narrative_text(sent)?, narrative_text(found)?);
    if one != other {
        return Some(("words", "A narrative is read back with other words"));
    }
    (elements(sent) != elements(found))
        .then_some(("markup", "A narrative is read back with other markup"))
}

/// Names of the elements in their order, an implied `tbody` left out.
fn elements(text: &str) -> Vec<String> {
    text.split('<')
        .skip(1)
        .map(|rest| {
            let name = rest.chars().take_while(char::is_ascii_alphanumeric);
            name.collect::<String>().to_ascii_lowercase()
        })
        .filter(|name| !name.is_empty() && name != "tbody")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn patient(body: &str) -> Value {
        json!({"resourceType": "Patient", "text": {"status": "additional",
            "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{body}</div>")}})
    }

    fn judge(sent: &str, found: &str) -> Judgement {
        judged(&NarrativeKept, patient(sent), patient(found))
    }

    #[test]
    fn other_spellings_of_the_same_words_are_silent() {
        for body in BODIES {
            assert_faithful(&NarrativeKept, patient(body));
        }
        let judgement = judge(
            "<p>Keepsake Am&#233;lie<br/></p>",
            "<p>Keepsake\n Amélie<br></br></p>",
        );
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn words_markup_and_loss_are_told_apart() {
        let twice = judge("<p>Keepsake 5 &lt; 6</p>", "<p>Keepsake 5 &amp;lt; 6</p>");
        assert_eq!(signs(&twice), ["words"]);
        let plain = judge("<p>Keepsake <b>bold</b></p>", "<p>Keepsake bold</p>");
        assert_eq!(signs(&plain), ["markup"]);
        assert_eq!(NarrativeKept.level_of(&plain.violations[0]), Level::May);
        let lost = judged(&NarrativeKept, patient("<p>Keepsake</p>"), json!({}));
        assert_eq!(signs(&lost), ["lost"]);
    }

    #[test]
    fn a_narrative_of_the_servers_own_says_nothing() {
        let judgement = judge("<p>Keepsake</p>", "<p>A patient</p>");
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
