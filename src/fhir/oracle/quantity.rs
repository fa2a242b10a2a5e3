//! Quantity parameters, <http://hl7.org/fhir/R4/search.html#quantity>.
//! Not a converter of units: where a server may convert, the answer is open.

use super::Match;
use super::extract::Node;
use super::number;
use crate::fhir::query::{Prefix, QuantityValue};

/// The system of UCUM codes.
const UCUM: &str = "http://unitsofmeasure.org";
/// The system of currencies, <http://hl7.org/fhir/R4/datatypes.html#Money>.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// UCUM codes that convert into each other; a code that stands in no row may convert into any other.
const DIMENSIONS: &[&[&str]] = &[
    &["kg", "g", "mg", "ug", "ng", "pg", "[lb_av]", "[oz_av]"],
    &["m", "km", "cm", "mm", "um", "nm", "[in_i]", "[ft_i]"],
    &["mm[Hg]", "kPa", "Pa", "hPa", "bar", "mbar", "cm[H2O]"],
    &["Cel", "K", "[degF]"],
    &["s", "ms", "min", "h", "d", "wk", "mo", "a"],
    &["L", "l", "dL", "dl", "mL", "ml", "uL", "ul", "fL", "fl"],
    &["mol", "mmol", "umol", "nmol", "pmol"],
    &["mol/L", "mmol/L", "umol/L", "nmol/L", "pmol/L"],
    &[
        "g/L", "g/dL", "mg/L", "mg/dL", "ug/L", "ug/dL", "ug/mL", "ng/mL", "ng/dL", "pg/mL",
    ],
    &["/min", "/s", "/h", "Hz"],
    &["kg/m2", "g/m2"],
    &["%"],
];

/// Value, unit and how both are said.
struct Parts<'a> {
    value: &'a serde_json::Value,
    system: Option<&'a str>,
    code: Option<&'a str>,
    unit: Option<&'a str>,
    comparator: bool,
}

fn parts<'a>(node: &'a Node<'_>) -> Option<Parts<'a>> {
    let value = node.get("value")?;
    Some(match node.type_name {
        "Money" => Parts {
            value,
            system: Some(CURRENCIES),
            code: node.text_of("currency"),
            unit: None,
            comparator: false,
        },
        _ => Parts {
            value,
            system: node.text_of("system"),
            code: node.text_of("code"),
            unit: node.text_of("unit"),
            comparator: node.get("comparator").is_some(),
        },
    })
}

/// True for a node with a value to compare.
pub(super) fn has_value(node: &Node<'_>) -> bool {
    parts(node).is_some()
}

/// The value and the unit of a node, for sorting.
pub(super) fn value_and_unit<'a>(
    node: &'a Node<'_>,
) -> Option<(&'a serde_json::Value, Option<&'a str>)> {
    parts(node).map(|parts| (parts.value, parts.code.or(parts.unit)))
}

/// Whether a node matches one alternative.
pub(super) fn judge(node: &Node<'_>, query: &QuantityValue) -> Match {
    let is_quantity = matches!(
        node.type_name,
        "Quantity" | "SimpleQuantity" | "Age" | "Count" | "Distance" | "Duration" | "Money"
    );
    if !is_quantity {
        return Match::open(format!(
            "a quantity parameter on {} is not defined",
            node.type_name
        ));
    }
    let unlike = match query.prefix {
        Prefix::Ne => Match::open("ne where value or unit is another or none"),
        _ => Match::No,
    };
    let Some(parts) = parts(node) else {
        return unlike;
    };
    match unit(&parts, query) {
        // Converted values are others: the numbers as they stand say nothing.
        Match::Open(reason) => return Match::Open(reason),
        Match::No => return unlike,
        Match::Yes => {}
    }
    if parts.comparator {
        return Match::open("the value has a comparator");
    }
    number::compare(parts.value, query.prefix, &query.number)
}

fn unit(parts: &Parts<'_>, query: &QuantityValue) -> Match {
    match (query.system.as_deref(), query.code.as_deref()) {
        (None, None) => Match::Yes,
        (Some(system), None) if parts.system == Some(system) => {
            Match::open("a system without a code")
        }
        (Some(_), None) => Match::No,
        (None, Some(asked)) => {
            if parts.code == Some(asked) || parts.unit == Some(asked) {
                return Match::Yes;
            }
            let known = [parts.code, parts.unit];
            other_unit(asked, known.into_iter().flatten())
        }
        (Some(system), Some(asked)) => match (parts.system, parts.code) {
            (Some(known), Some(code)) if known == system && code == asked => Match::Yes,
            // Only UCUM says how its units convert.
            (Some(known), Some(code)) if known == system && system == UCUM => {
                other_unit(asked, [code])
            }
            _ => Match::No,
        },
    }
}

/// A unit that is not the one asked for: open if a server may convert it or ignore its case.
fn other_unit<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Match {
    let open = known
        .into_iter()
        .any(|known| known.eq_ignore_ascii_case(asked) || may_convert(asked, known));
    if open {
        return Match::open("the unit may be converted");
    }
    Match::No
}

fn may_convert(asked: &str, known: &str) -> bool {
    let row = |code: &str| DIMENSIONS.iter().position(|row| row.contains(&code));
    match (row(asked), row(known)) {
        (Some(asked), Some(known)) => asked == known,
        _ => true,
    }
}
