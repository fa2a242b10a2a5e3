//! Whether an order is one that `_sort` allows, <http://hl7.org/fhir/R4/search.html#sort>.
//! Not a sorter: there are many right orders, and the question is whether this is one.
//!
//! R4 leaves the collation of strings, the place of missing values and the order of equals to the server. An order is
//! right if some reading of every key allows it. It is wrong only if no reading does and no value was of a kind whose
//! order R4 does not settle; otherwise the sort cannot be decided.

use serde_json::Value;

use super::extract::{Node, nodes, readable};
use super::known::Known;
use super::text::{fold_case, fold_marks, squeezed};
use super::{date, quantity, reference, string, token};
use crate::fhir::Key;
use crate::fhir::decimal::Decimal;
use crate::fhir::definitions::{ParameterKind, SearchParameter, search_parameter};
use crate::fhir::query::Query;
use crate::fhir::resource::resource_type;

/// Combinations of readings of several keys that are tried.
const MAX_COMBINATIONS: usize = 4096;

/// A value in the order of one reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(rust_decimal::Decimal),
    Instant(i128),
    Text(String),
}

/// One reading of one sort key: the rank of each resource in the order to judge; `None` without a value.
struct Column {
    ranks: Vec<Option<Rank>>,
    descending: bool,
}

/// The readings of one sort key, and why a failure under all of them would not be a fault.
struct Readings {
    columns: Vec<Column>,
    unsettled: Option<&'static str>,
}

/// True if `keys` is a legal order for `_sort` of the query (ties in any order, resources without a value anywhere but together).
///
/// # Errors
/// A sentence when the sort cannot be decided.
pub fn is_sorted(resources: &[&Value], query: &Query, keys: &[Key]) -> Result<bool, String> {
    let known = Known::new(resources.iter().copied());
    let ordered = keys
        .iter()
        .map(|key| {
            let known = known.find(key);
            known.ok_or_else(|| format!("{key} is not among the known resources"))
        })
        .collect::<Result<Vec<&Value>, String>>()?;
    let readings = query
        .shape
        .sort
        .iter()
        .map(|(code, descending)| readings(&ordered, code, *descending))
        .collect::<Result<Vec<Readings>, String>>()?;
    let combinations: usize = readings.iter().map(|key| key.columns.len()).product();
    if combinations > MAX_COMBINATIONS {
        return Err("the sort keys have too many readings".to_owned());
    }
    let all: Vec<usize> = (0..ordered.len()).collect();
    for combination in 0..combinations {
        if holds(&all, &choose(&readings, combination)) {
            return Ok(true);
        }
    }
    match readings.iter().find_map(|key| key.unsettled) {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(false),
    }
}

/// The n-th way to take one reading of each key.
fn choose(readings: &[Readings], mut combination: usize) -> Vec<&Column> {
    readings
        .iter()
        .map(|key| {
            let column = &key.columns[combination % key.columns.len()];
            combination /= key.columns.len();
            column
        })
        .collect()
}

/// Whether rows are in order: those without a value stand together, the others rise (or fall), and rows that are equal
/// by the first key are in order by the others.
fn holds(rows: &[usize], columns: &[&Column]) -> bool {
    let Some((column, rest)) = columns.split_first() else {
        return true;
    };
    let rank = |row: &usize| column.ranks[*row].as_ref();
    let is_missing = |row: &usize| rank(row).is_none();
    let (missing, present): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| is_missing(row));
    let runs = rows
        .chunk_by(|left, right| is_missing(left) == is_missing(right))
        .filter(|run| is_missing(&run[0]))
        .count();
    let in_order = present.is_sorted_by(|left, right| match column.descending {
        false => rank(left) <= rank(right),
        true => rank(left) >= rank(right),
    });
    runs <= 1
        && in_order
        && holds(&missing, rest)
        && present
            .chunk_by(|left, right| rank(left) == rank(right))
            .all(|equals| holds(equals, rest))
}

fn readings(ordered: &[&Value], code: &str, descending: bool) -> Result<Readings, String> {
    let mut values: Vec<Vec<Node<'_>>> = Vec::new();
    let mut kind = None;
    for resource in ordered {
        let parameter = resource_type(resource)
            .and_then(|name| search_parameter(name, code))
            .ok_or_else(|| format!("{code} is no search parameter to sort by"))?;
        readable(parameter)?;
        values.push(present_nodes(resource, parameter)?);
        if *kind.get_or_insert(parameter.kind) != parameter.kind {
            return Err(format!("{code} has several kinds"));
        }
    }
    let ways: Vec<Way> = match kind {
        None => return Ok(trivial(descending)),
        Some(ParameterKind::String | ParameterKind::Token | ParameterKind::Uri) => COLLATIONS
            .iter()
            .map(|collation| Way::Text(*collation))
            .collect(),
        Some(ParameterKind::Reference) => vec![Way::Text(str::to_owned)],
        Some(ParameterKind::Number | ParameterKind::Quantity) => vec![Way::Number],
        Some(ParameterKind::Date) => date_ways(&values),
        Some(ParameterKind::Composite | ParameterKind::Special) => {
            return Err(format!("how to sort by {code}, R4 does not say"));
        }
    };
    let columns = ways
        .iter()
        .map(|way| {
            let ranks = values.iter().map(|nodes| extreme(nodes, *way, descending));
            Ok(Column {
                ranks: ranks.collect::<Result<_, String>>()?,
                descending,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(Readings {
        columns,
        unsettled: kind.and_then(|kind| unsettled(kind, &values)),
    })
}

fn trivial(descending: bool) -> Readings {
    Readings {
        columns: vec![Column {
            ranks: Vec::new(),
            descending,
        }],
        unsettled: None,
    }
}

fn present_nodes<'a>(
    resource: &'a Value,
    parameter: &SearchParameter,
) -> Result<Vec<Node<'a>>, String> {
    let mut nodes = nodes(resource, parameter)?;
    nodes.retain(|node| node.value.is_some());
    Ok(nodes)
}

/// One way to rank a value.
#[derive(Clone, Copy)]
enum Way {
    Number,
    Text(fn(&str) -> String),
    Start(date::Reading),
    End(date::Reading),
}

/// By code point; without case; without case and accents; without punctuation too.
const COLLATIONS: [fn(&str) -> String; 4] = [str::to_owned, fold_case, fold_marks, squeezed];

/// Dates may be sorted by where they start or end, and those without a zone are taken in some zone.
fn date_ways(values: &[Vec<Node<'_>>]) -> Vec<Way> {
    date::readings(mixes_zones(values))
        .filter(|reading| !reading.instants)
        .flat_map(|reading| [Way::Start(reading), Way::End(reading)])
        .collect()
}

fn mixes_zones(values: &[Vec<Node<'_>>]) -> bool {
    let stretches: Vec<_> = values
        .iter()
        .flatten()
        .filter_map(|node| date::stretch(node).ok().flatten())
        .collect();
    let any = |zoned| stretches.iter().any(|stretch| stretch.has(zoned));
    any(true) && any(false)
}

/// The least value for an ascending order, the greatest for a descending one.
fn extreme(nodes: &[Node<'_>], way: Way, descending: bool) -> Result<Option<Rank>, String> {
    let mut ranks = Vec::new();
    for node in nodes {
        ranks.extend(rank(node, way)?);
    }
    Ok(match descending {
        false => ranks.into_iter().min(),
        true => ranks.into_iter().max(),
    })
}

fn rank(node: &Node<'_>, way: Way) -> Result<Vec<Rank>, String> {
    match way {
        Way::Text(fold) => Ok(sort_texts(node)
            .into_iter()
            .map(|text| Rank::Text(fold(text)))
            .collect()),
        Way::Number => number(node).map(|value| value.into_iter().collect()),
        Way::Start(reading) => Ok(date::stretch(node)?
            .map(|stretch| Rank::Instant(stretch.span(reading).start))
            .into_iter()
            .collect()),
        Way::End(reading) => Ok(date::stretch(node)?
            .map(|stretch| Rank::Instant(stretch.span(reading).end))
            .into_iter()
            .collect()),
    }
}

fn sort_texts<'a>(node: &'a Node<'_>) -> Vec<&'a str> {
    if node.type_name == "Reference" {
        return match reference::Pointer::of(node, None) {
            Some(reference::Pointer::Literal { text, .. } | reference::Pointer::Other(text)) => {
                vec![text]
            }
            _ => Vec::new(),
        };
    }
    if let Some(texts) = string::texts(node) {
        return texts;
    }
    let facets = token::facets(node).unwrap_or_default();
    facets.into_iter().filter_map(|facet| facet.code).collect()
}

fn number(node: &Node<'_>) -> Result<Option<Rank>, String> {
    let value = match quantity::value_and_unit(node) {
        Some((value, _)) => Some(value),
        None => node.value.as_deref().filter(|value| value.is_number()),
    };
    let Some(Value::Number(text)) = value else {
        return Ok(None);
    };
    let decimal = Decimal::parse(&text.to_string()).ok_or("a number cannot be compared exactly")?;
    Ok(Some(Rank::Number(decimal.value())))
}

/// Why the order of such values is not settled by R4, if it is not.
fn unsettled(kind: ParameterKind, values: &[Vec<Node<'_>>]) -> Option<&'static str> {
    let all = || values.iter().flatten();
    if values.iter().any(|nodes| nodes.len() > 1) {
        return Some("by which of several values to sort is not settled in every case");
    }
    match kind {
        ParameterKind::Reference => Some("the order of references is not settled"),
        ParameterKind::Token if all().any(|node| !is_plain(node)) => {
            Some("whether codings sort by code, system or display is not settled")
        }
        ParameterKind::String if all().any(|node| !is_plain(node)) => {
            Some("by which part of a name or address to sort is not settled")
        }
        ParameterKind::String | ParameterKind::Token | ParameterKind::Uri
            if all().any(|node| node.text().is_some_and(|text| !text.is_ascii())) =>
        {
            Some("the collation of letters beyond ASCII is not settled")
        }
        ParameterKind::Quantity if mixes_units(values) => {
            Some("the order of quantities in several units is not settled")
        }
        ParameterKind::Date if mixes_zones(values) => {
            Some("the order of dates with and without a zone is not settled")
        }
        _ => None,
    }
}

fn is_plain(node: &Node<'_>) -> bool {
    node.value
        .as_deref()
        .is_some_and(|value| value.is_string() || value.is_boolean())
}

fn mixes_units(values: &[Vec<Node<'_>>]) -> bool {
    let mut units = values
        .iter()
        .flatten()
        .filter_map(quantity::value_and_unit)
        .map(|(_, unit)| unit);
    let first = units.next();
    units.any(|unit| Some(unit) != first)
}
