//! `property/date-prefixes-nest`: what starts after a date is greater, what is greater or equal is at least that, and
//! so on: `sa` ⊆ `gt` ⊆ `ge` ⊇ `eq` ⊆ `le` ⊇ `lt` ⊇ `eb` (SM-10). Row SM-10 of the catalogue. Not `ap`, whose margin is
//! the server's.

use super::case::{Case, Criterion, Term};
use super::relation::{self, Ruling, Sets, by_prefix};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dated};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct DatePrefixesNest;

/// The narrower prefix first.
const NESTED: &[(&str, &str)] = &[
    ("sa", "gt"),
    ("gt", "ge"),
    ("eq", "ge"),
    ("eq", "le"),
    ("lt", "le"),
    ("eb", "lt"),
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-prefixes-nest",
    title: "What a narrower date prefix matches, the wider one matches too",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#prefix",
    sentence: "the range of the search value does not overlap with the range of the target value, and the range above the search value contains the range of the target value",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a narrower prefix matched something and the wider one was answered",
    usual_causes: &[
        "ge and le leave out the day of the value",
        "sa and eb compare the wrong end of a Period",
        "a prefix that is not known is taken for eq",
    ],
};

impl Property for DatePrefixesNest {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(dated::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(dated::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, 1, |inquiry, values| {
            let value = inquiry.criterion(values);
            for prefix in ["sa", "gt", "ge", "eq", "le", "lt", "eb"] {
                let term = Term::prefixed(prefix, value.value.clone());
                inquiry.ask(prefix, vec![Criterion::new(value.name.clone(), term)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for (narrow, wide) in NESTED {
            let one = relation::judge(1, |_| judge(trace, narrow, wide));
            judgement.weighed += one.weighed;
            judgement.violations.extend(one.violations);
            judgement.open.extend(one.open);
        }
        // One population is one test, however many pairs it has; a prefix that is refused leaves the others.
        judgement.weighed = judgement.weighed.min(1);
        judgement.open.sort();
        judgement
            .open
            .dedup_by(|one, other| is_refusal(one) && one == other);
        judgement
    }
}

fn is_refusal(reason: &Open) -> bool {
    matches!(reason, Open::Unsupported(_))
}

fn judge(trace: &Trace, narrow: &str, wide: &str) -> Ruling {
    let [inner, outer] = [narrow, wide].map(|prefix| format!("{prefix}0"));
    if by_prefix(trace, &[(&inner, narrow), (&outer, wide)]).is_none() {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let (Some(a), Some(b)) = (sets.get(&inner), sets.get(&outer)) else {
        return sets.ruling(false, Vec::new());
    };
    let lost = a.difference(&b).count();
    let violation = (lost > 0).then(|| {
        sets.broken(
            "A date prefix misses what a narrower one matches",
            format!("at least the {} matches of {narrow}", a.len()),
            format!("{} matches of {wide}: {lost} missing", b.len()),
            &format!("{narrow}-{wide}"),
        )
    });
    sets.ruling(!a.is_empty(), violation.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(eq: &[usize], ge: &[usize]) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        for (label, prefix, found) in [
            ("all", None, &[0, 1][..]),
            ("eq0", Some("eq"), eq),
            ("ge0", Some("ge"), ge),
            ("again", None, &[0, 1]),
        ] {
            let criteria = prefix.map(|prefix| {
                Criterion::new("birthdate", Term::prefixed(prefix, Term::text("1980")))
            });
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        DatePrefixesNest.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn nested_matches_are_silent_and_others_are_found() {
        assert_eq!(judge(&[0], &[0, 1]).weighed, 1);
        assert!(judge(&[0], &[0]).violations.is_empty());
        assert_eq!(judge(&[0], &[1]).violations[0].signature, ["eq-ge"]);
        assert_eq!(judge(&[], &[]).weighed, 0);
    }
}
