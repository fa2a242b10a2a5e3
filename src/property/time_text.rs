//! `property/time-text`: a date or time is read back with the precision with which it was written. Row RT-05. Another
//! zone for the same instant is no difference.

use serde_json::{Value, json};

use super::compare::Difference;
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct TimeText;

static SPEC: PropertySpec = PropertySpec {
    id: "property/time-text",
    title: "A date or time is read back as precise as it was written",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a date was accepted and read back",
    usual_causes: &[
        "dates are stored as instants, so a year or a month gains a day",
        "a date without a zone is taken for local midnight and moves by a day",
        "a database column keeps whole seconds only",
    ],
};

/// Members that may hold the date.
const MEMBERS: &[&str] = &[
    "birthDate",
    "deceasedDateTime",
    "effectiveDateTime",
    "issued",
];
/// Both ends of a year and of a leap day's February.
const DATES: &[&str] = &[
    "1980",
    "1980-02",
    "1980-02-29",
    "1979-12-31",
    "2000-01-01",
    "1923-07",
];
/// Both ends of a day, in zones that move it over the ends of a year.
const TIMES: &[&str] = &[
    "2020-02-29T00:00:00Z",
    "2019-12-31T23:59:59Z",
    "2020-01-01T00:30:00+14:00",
    "2019-12-31T23:30:00-12:00",
    "2021-06-01T12:00:00+05:30",
    "2021-06-01T12:00:00.5Z",
    "2021-06-01T12:00:00.123+02:00",
];
/// More digits than milliseconds.
const FINE: &str = "2021-06-01T12:00:00.123456Z";
/// Part of the signature of digits beyond milliseconds that are gone.
const FINE_CUT: &str = "fine-fraction-cut";
/// Length of a date with day, and of one with seconds.
const DAY: usize = 10;

impl Property for TimeText {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut resource = document::bare(resource_type);
        let time = if values.chance(10) {
            FINE
        } else {
            *values.pick(TIMES)
        };
        let date = *values.pick(DATES);
        let (name, text) = match (resource_type, values.below(3)) {
            ("Observation", 0) => ("issued", time),
            ("Observation", 1) => ("effectiveDateTime", date),
            ("Observation", _) => ("effectiveDateTime", time),
            (_, 0) => ("birthDate", date),
            (_, 1) => ("deceasedDateTime", date),
            (_, _) => ("deceasedDateTime", time),
        };
        resource[name] = json!(text);
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let holds = |sent: &Value| MEMBERS.iter().any(|name| sent.get(name).is_some());
        document::judge(&SPEC, trace, holds, kind)
    }

    /// R4 leaves it to the server how fine a time it keeps.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == FINE_CUT => Level::May,
            _ => SPEC.level,
        }
    }
}

fn kind(difference: &Difference) -> Option<Kind> {
    let name = difference.path.rsplit('.').next()?;
    if !MEMBERS.contains(&name) {
        return None;
    }
    let (sent, found) = (precision(&difference.sent), precision(&difference.found));
    Some(match difference.kind {
        "lost" => ("lost", "A date that was written is lost"),
        _ if is_fine_cut(&difference.sent, &difference.found) => (
            FINE_CUT,
            "A time is read back without its digits beyond milliseconds",
        ),
        _ if found > sent => (
            "precision-invented",
            "A date is read back more precise than it was written",
        ),
        _ if found < sent => (
            "precision-lost",
            "A date is read back less precise than it was written",
        ),
        _ => ("moved", "A date is read back as another one"),
    })
}

/// Year, month, day, or time with so many digits of a second.
fn precision(text: &str) -> usize {
    if text.len() <= DAY {
        return text.len();
    }
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit);
    DAY + 1 + digits.count()
}

/// The same up to milliseconds, rounded or cut.
fn is_fine_cut(sent: &str, found: &str) -> bool {
    let (Ok(one), Ok(other)) = (
        sent.parse::<jiff::Timestamp>(),
        found.parse::<jiff::Timestamp>(),
    ) else {
        return false;
    };
    let apart = one.as_nanosecond().abs_diff(other.as_nanosecond());
    let is_fine = !one.as_nanosecond().unsigned_abs().is_multiple_of(1_000_000);
    is_fine && apart < 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn patient(date: &str) -> Value {
        json!({"resourceType": "Patient", "deceasedDateTime": date})
    }

    fn judge(sent: &str, found: &str) -> Judgement {
        judged(&TimeText, patient(sent), patient(found))
    }

    #[test]
    fn kept_dates_and_other_zones_are_silent() {
        assert_faithful(&TimeText, patient("1980-02"));
        let shifted = judge("2020-01-01T00:30:00+14:00", "2019-12-31T10:30:00Z");
        assert_eq!((signs(&shifted).len(), shifted.weighed), (0, 1));
    }

    #[test]
    fn precision_and_instants_that_change_are_told_apart() {
        assert_eq!(signs(&judge("1980", "1980-01-01")), ["precision-invented"]);
        assert_eq!(signs(&judge("1980-02-29", "1980-02")), ["precision-lost"]);
        assert_eq!(signs(&judge("1980-02-29", "1980-02-28")), ["moved"]);
        assert_eq!(
            signs(&judge("2021-06-01T12:00:00.5Z", "2021-06-01T12:00:00Z")),
            ["precision-lost"]
        );
        let lost = judged(
            &TimeText,
            patient("1980"),
            json!({"resourceType": "Patient"}),
        );
        assert_eq!(signs(&lost), ["lost"]);
    }

    #[test]
    fn digits_beyond_milliseconds_are_the_servers_choice() {
        let judgement = judge(FINE, "2021-06-01T12:00:00.123Z");
        assert_eq!(signs(&judgement), [FINE_CUT]);
        assert_eq!(TimeText.level_of(&judgement.violations[0]), Level::May);
    }

    #[test]
    fn a_resource_without_a_date_says_nothing() {
        let bare = document::bare("Patient");
        assert_eq!(judged(&TimeText, bare.clone(), bare).weighed, 0);
    }
}
