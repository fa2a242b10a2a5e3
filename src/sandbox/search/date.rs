//! Date parameters: intervals against intervals, <http://hl7.org/fhir/R4/search.html#date>.

use super::super::defect::Fault;
use super::super::index::{Postings, Rows};
use super::super::outcome::Refusal;
use super::super::term::Term;
use super::super::turn::Turn;
use super::value::malformed;
use crate::fhir::datatype::{Interval, interval};
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::{DateValue, Prefix};

/// Width of `ap` as a share of the distance to now, as R4 suggests.
const APPROXIMATELY: i128 = 10;

/// Rows that have a date in the relation that the prefix names. Dates without a zone are read in UTC.
pub fn find(
    turn: &Turn<'_>,
    postings: &Postings,
    parameter: &SearchParameter,
    value: &str,
) -> Result<Rows, Refusal> {
    let wanted = DateValue::parse(value).map_err(malformed)?;
    let range = interval(&wanted.text, 0)
        .ok_or_else(|| malformed("is not a date that exists".to_owned()))?;
    let excludes = turn.server.has(Fault::GeExcludesDay);
    let is_updated = parameter.code == "_lastUpdated";
    let includes = is_updated && turn.server.has(Fault::LastUpdatedGtAsGe);
    let prefix = match wanted.prefix {
        Prefix::Ge if excludes => Prefix::Gt,
        Prefix::Le if excludes => Prefix::Lt,
        Prefix::Gt if includes => Prefix::Ge,
        Prefix::Lt if includes => Prefix::Le,
        prefix => prefix,
    };
    let overlaps = turn.server.strikes(Fault::DateEqOverlaps, value);
    let reverses = turn.server.strikes(Fault::DateEqReversed, value);
    let now = turn.server.clock().now().as_nanosecond();
    Ok(postings.select(|term| match term {
        Term::Span { start, end } => {
            let target = Interval {
                start: *start,
                end: *end,
            };
            match prefix {
                Prefix::Eq if overlaps => range.overlaps(&target),
                Prefix::Eq if reverses => target.contains(&range),
                prefix => holds(prefix, &range, &target, now),
            }
        }
        _ => false,
    }))
}

fn holds(prefix: Prefix, range: &Interval, target: &Interval, now: i128) -> bool {
    match prefix {
        Prefix::Eq => range.contains(target),
        Prefix::Ne => !range.contains(target),
        Prefix::Gt => target.end > range.end,
        Prefix::Lt => target.start < range.start,
        Prefix::Ge => target.end > range.end || range.contains(target),
        Prefix::Le => target.start < range.start || range.contains(target),
        Prefix::Sa => target.start >= range.end,
        Prefix::Eb => target.end <= range.start,
        Prefix::Ap => widened(range, now).overlaps(target),
    }
}

fn widened(range: &Interval, now: i128) -> Interval {
    let margin = (now - range.start).abs() / APPROXIMATELY;
    Interval {
        start: range.start.saturating_sub(margin),
        end: range.end.saturating_add(margin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn related(prefix: Prefix, search: &str, target: &str) -> bool {
        holds(
            prefix,
            &interval(search, 0).unwrap(),
            &interval(target, 0).unwrap(),
            0,
        )
    }

    #[test]
    fn a_day_bounds_what_lies_in_it() {
        let (day, inside) = ("2020-05-10", "2020-05-10T08:00:00Z");
        assert!(related(Prefix::Eq, day, inside));
        assert!(related(Prefix::Ge, day, inside));
        assert!(related(Prefix::Le, day, inside));
        assert!(!related(Prefix::Gt, day, inside));
        assert!(!related(Prefix::Lt, day, inside));
        assert!(!related(Prefix::Eq, inside, day));
    }

    #[test]
    fn a_wider_target_overlaps_both_sides() {
        let (day, year) = ("2020-05-10", "2020");
        assert!(!related(Prefix::Eq, day, year));
        assert!(related(Prefix::Ne, day, year));
        assert!(related(Prefix::Gt, day, year));
        assert!(related(Prefix::Lt, day, year));
        assert!(!related(Prefix::Sa, day, year));
        assert!(!related(Prefix::Eb, day, year));
    }
}
