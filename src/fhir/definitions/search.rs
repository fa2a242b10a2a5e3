//! Search parameters by resource type, and the Patient compartment.
//! Not the evaluation of a search: that is the oracle's and, apart from it, the sandbox's.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::pack::{ParameterRow, Part, SearchRows, r4, rows};
use super::{SearchParameter, is_subtype, resource_types};

struct Search {
    parameters: BTreeMap<&'static str, Vec<SearchParameter>>,
    patient_compartment: Vec<(&'static str, Vec<&'static str>)>,
}

/// Parameters of a type, sorted by code.
pub(super) fn parameters(resource_type: &str) -> &'static [SearchParameter] {
    search()
        .parameters
        .get(resource_type)
        .map_or(&[], Vec::as_slice)
}

/// Codes of the parameters that put a type into the Patient compartment.
pub(super) fn patient_compartment(resource_type: &str) -> &'static [&'static str] {
    let rows = &search().patient_compartment;
    rows.binary_search_by(|(name, _)| (*name).cmp(resource_type))
        .map_or(&[], |index| rows[index].1.as_slice())
}

fn search() -> &'static Search {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    static SEARCH: OnceLock<Search> = OnceLock::new();
    SEARCH.get_or_init(|| {
        let bytes: &'static [u8] = BYTES.get_or_init(|| r4(Part::Search));
        let rows: SearchRows<'static> = rows(bytes);
        Search {
            parameters: by_type(&rows.parameters),
            patient_compartment: rows.patient_compartment,
        }
    })
}

fn by_type(rows: &[ParameterRow<'_>]) -> BTreeMap<&'static str, Vec<SearchParameter>> {
    let mut parameters: BTreeMap<&'static str, Vec<SearchParameter>> = BTreeMap::new();
    for row in rows {
        for (base, expression) in &row.uses {
            for name in concrete(base) {
                let parameter = apply(row, base, name, expression);
                parameters.entry(name).or_default().push(parameter);
            }
        }
    }
    for list in parameters.values_mut() {
        list.sort_by(|a, b| a.code.cmp(&b.code));
    }
    parameters
}

/// The resource types that a base stands for: one, or all that derive from an abstract one.
fn concrete(base: &str) -> Vec<&'static str> {
    let types = resource_types();
    match types.binary_search(&base) {
        Ok(index) => vec![types[index]],
        Err(_) => types
            .iter()
            .copied()
            .filter(|name| is_subtype(name, base))
            .collect(),
    }
}

/// A parameter of an abstract base names the concrete type in its expression: `Resource.id` becomes `Patient.id`.
fn apply(row: &ParameterRow<'_>, base: &str, name: &str, expression: &str) -> SearchParameter {
    let expression = match expression.strip_prefix(base) {
        Some(rest) if base != name => format!("{name}{rest}"),
        _ => expression.to_owned(),
    };
    SearchParameter {
        code: row.code.to_owned(),
        url: row.url.to_owned(),
        kind: row.kind,
        expression,
        targets: row
            .targets
            .iter()
            .map(|&target| target.to_owned())
            .collect(),
        components: row
            .components
            .iter()
            .map(|(definition, expression)| ((*definition).to_owned(), expression.to_string()))
            .collect(),
    }
}
