//! Number and quantity parameters: exact decimals, implicit precision, units compared as written.
//! <http://hl7.org/fhir/R4/search.html#number>. Units are not converted.

use rust_decimal::Decimal as Exact;

use super::super::defect::Fault;
use super::super::index::{Postings, Rows};
use super::super::outcome::Refusal;
use super::super::term::Term;
use super::super::turn::Turn;
use super::value::malformed;
use crate::fhir::decimal::Decimal;
use crate::fhir::query::{NumberValue, Prefix, QuantityValue};

/// Rows with a number in the relation that the prefix names.
pub fn number(postings: &Postings, value: &str) -> Result<Rows, Refusal> {
    let wanted = NumberValue::parse(value).map_err(malformed)?;
    let decimal = decimal(&wanted.number)?;
    Ok(postings.select(|term| match term {
        Term::Amount { low, high, .. } => holds(wanted.prefix, &decimal, *low, *high),
        _ => false,
    }))
}

/// Rows with a quantity in the relation that the prefix names, of the unit if one is given.
pub fn quantity(turn: &Turn<'_>, postings: &Postings, value: &str) -> Result<Rows, Refusal> {
    let mut wanted = QuantityValue::parse(value).map_err(malformed)?;
    if wanted.number.contains(['e', 'E']) && turn.server.has(Fault::ExponentRefused) {
        return Err(malformed("is not a number".to_owned()));
    }
    if turn.server.strikes(Fault::QuantityUnitIgnored, value) {
        (wanted.system, wanted.code) = (None, None);
    }
    let is_wide =
        wanted.prefix == Prefix::Eq && turn.server.strikes(Fault::QuantityEqOnePercent, value);
    let decimal = decimal(&wanted.number)?;
    Ok(postings.select(|term| match term {
        Term::Amount {
            low,
            high,
            system,
            code,
            unit,
        } if has_unit(&wanted, system, code, unit) => match is_wide {
            true => is_near(&decimal, *low, *high),
            false => holds(wanted.prefix, &decimal, *low, *high),
        },
        _ => false,
    }))
}

fn decimal(text: &str) -> Result<Decimal, Refusal> {
    Decimal::parse(text)
        .ok_or_else(|| malformed("has more digits than the server can compare".to_owned()))
}

/// With a system the code has to be of it; without one, the text of the unit will do.
fn has_unit(wanted: &QuantityValue, system: &str, code: &str, unit: &str) -> bool {
    match (&wanted.system, &wanted.code) {
        (None, None) => true,
        (None, Some(text)) => text == code || text == unit,
        (Some(known), None) => known == system,
        (Some(known), Some(text)) => known == system && text == code,
    }
}

/// `None` is an open end. Only eq, ne and ap look at the precision of the search value.
fn holds(prefix: Prefix, wanted: &Decimal, low: Option<Exact>, high: Option<Exact>) -> bool {
    let value = wanted.value();
    match prefix {
        Prefix::Eq => within(wanted, low, high),
        Prefix::Ne => !within(wanted, low, high),
        Prefix::Gt => high.is_none_or(|high| high > value),
        Prefix::Ge => high.is_none_or(|high| high >= value),
        Prefix::Lt => low.is_none_or(|low| low < value),
        Prefix::Le => low.is_none_or(|low| low <= value),
        Prefix::Sa => low.is_some_and(|low| low > value),
        Prefix::Eb => high.is_some_and(|high| high < value),
        Prefix::Ap => {
            let margin = value.abs() / Exact::TEN;
            high.is_none_or(|high| high >= value.saturating_sub(margin))
                && low.is_none_or(|low| low <= value.saturating_add(margin))
        }
    }
}

/// Within one percent: how a planted fault reads equality.
fn is_near(wanted: &Decimal, low: Option<Exact>, high: Option<Exact>) -> bool {
    let value = wanted.value();
    let margin = value.abs() / Exact::ONE_HUNDRED;
    low.is_some_and(|low| low >= value.saturating_sub(margin))
        && high.is_some_and(|high| high <= value.saturating_add(margin))
}

fn within(wanted: &Decimal, low: Option<Exact>, high: Option<Exact>) -> bool {
    let (from, to) = wanted.implicit_range();
    let (Some(low), Some(high)) = (low, high) else {
        return false;
    };
    if from == to {
        return low == from && high == from;
    }
    from <= low && high < to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn related(prefix: Prefix, search: &str, target: &str) -> bool {
        let point = Decimal::parse(target).map(|decimal| decimal.value());
        holds(prefix, &Decimal::parse(search).unwrap(), point, point)
    }

    #[test]
    fn equality_takes_the_precision_of_the_search_value() {
        assert!(related(Prefix::Eq, "100", "99.5"));
        assert!(!related(Prefix::Eq, "100", "100.5"));
        assert!(!related(Prefix::Eq, "100.00", "100.4"));
        assert!(related(Prefix::Ne, "5.40", "5.41"));
    }

    #[test]
    fn other_prefixes_compare_exactly() {
        assert!(related(Prefix::Gt, "100", "100.1"));
        assert!(!related(Prefix::Gt, "100", "100"));
        assert!(related(Prefix::Ge, "0.3", "0.30"));
        assert!(related(Prefix::Ap, "100", "109"));
        assert!(!related(Prefix::Ap, "100", "111"));
    }
}
