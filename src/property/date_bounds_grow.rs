//! `property/date-bounds-grow`: a later upper bound matches no less, an earlier lower bound neither (SM-11). Row SM-11
//! of the catalogue. Not bounds of which one lies within the other.

use super::case::{Case, Criterion, Form, Term};
use super::relation::{self, Ruling, Sets, by_prefix};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dated};
use crate::fhir::capability::Capability;
use crate::fhir::datatype::interval;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct DateBoundsGrow;

/// Pairs of bounds on one population.
const TURNS: usize = 3;

const PREFIXES: &[&str] = &["lt", "le", "gt", "ge"];

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-bounds-grow",
    title: "A later upper bound and an earlier lower bound match no less",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#prefix",
    sentence: "the range below the search value intersects (i.e. overlaps) with the range of the target value",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "two bounds, one wholly before the other, were asked for and the narrower one matched something",
    usual_causes: &[
        "dates are compared as text, so that precision or zone decides their order",
        "a bound of lower precision is filled up at the wrong end",
        "the prefix is ignored and the bounds match what is equal to them",
    ],
};

impl Property for DateBoundsGrow {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(dated::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(dated::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let parameter = inquiry.population.parameter(values);
            let [one, other] = [(), ()].map(|()| inquiry.population.criterion(parameter, values));
            let other = if one == other || values.chance(25) {
                Term::shaped(Form::Later(1), one.value.clone())
            } else {
                other.value
            };
            let prefix = *values.pick::<&str>(PREFIXES);
            for (label, value) in [("one", one.value), ("two", other)] {
                let value = Term::prefixed(prefix, value);
                inquiry.ask(label, vec![Criterion::new(parameter.code, value)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [one, two] = ["one", "two"].map(|label| format!("{label}{turn}"));
    let Some((prefix, earlier, later)) = ordered(trace, &one, &two) else {
        return Ok(None);
    };
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let (narrow, wide) = match prefix {
        "lt" | "le" => (earlier, later),
        _ => (later, earlier),
    };
    let (Some(a), Some(b)) = (sets.get(narrow), sets.get(wide)) else {
        return sets.ruling(false, Vec::new());
    };
    let lost = a.difference(&b).count();
    let violation = (lost > 0).then(|| {
        sets.broken(
            "A wider date bound misses what a narrower one matches",
            format!("at least the {} matches of the narrower {prefix}", a.len()),
            format!("{} matches of the wider: {lost} missing", b.len()),
            prefix,
        )
    });
    sets.ruling(!a.is_empty(), violation.into_iter().collect())
}

/// The prefix that both searches ask with, and their labels with the earlier date first.
fn ordered<'a>(
    trace: &Trace,
    one: &'a str,
    two: &'a str,
) -> Option<(&'static str, &'a str, &'a str)> {
    let prefix = PREFIXES.iter().find(|prefix| {
        [one, two]
            .iter()
            .all(|label| by_prefix(trace, &[(label, prefix)]).is_some())
    })?;
    let bound = |label: &str| {
        let (name, _) = by_prefix(trace, &[(label, prefix)])?;
        let sent = answer::asked(trace, label, name)?;
        let range = interval(sent.strip_prefix(*prefix)?, 0)?;
        Some((name.to_owned(), range))
    };
    let (first, second) = (bound(one)?, bound(two)?);
    if first.0 != second.0 {
        return None;
    }
    if first.1.end <= second.1.start {
        Some((prefix, one, two))
    } else if second.1.end <= first.1.start {
        Some((prefix, two, one))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(prefix: &str, bounds: [&str; 2], one: &[usize], two: &[usize]) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        for (label, bound, found) in [
            ("all", None, &[0, 1][..]),
            ("one0", Some(bounds[0]), one),
            ("two0", Some(bounds[1]), two),
            ("again", None, &[0, 1]),
        ] {
            let criteria = bound.map(|bound| {
                Criterion::new("birthdate", Term::prefixed(prefix, Term::text(bound)))
            });
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        DateBoundsGrow.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn growing_bounds_are_silent_and_shrinking_ones_are_found() {
        let bounds = ["1980-03-01", "1980-02"];
        assert!(judge("lt", bounds, &[0, 1], &[0]).violations.is_empty());
        assert_eq!(
            judge("lt", bounds, &[1], &[0]).violations[0].signature,
            ["lt"]
        );
        assert_eq!(
            judge("ge", bounds, &[0], &[]).violations[0].signature,
            ["ge"]
        );
    }

    #[test]
    fn bounds_within_each_other_have_no_order() {
        let judgement = judge("lt", ["1980", "1980-02"], &[0], &[]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 0));
    }
}
