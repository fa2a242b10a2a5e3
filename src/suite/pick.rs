//! Choosing witnesses: resources of the cohort whose values a case uses. Pure; the seed decides among several.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::fhir::path::{Context, Item};
use crate::fhir::{Key, resource};
use crate::record::Cohort;
use crate::seed::Seed;

use super::ir::Pick;
use super::pivot::Pivot;
use super::template::Bindings;

/// A resource that a pick chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Name of the pick.
    pub name: String,
    /// The resource.
    pub key: Key,
    /// The patient whose record it belongs to, if it says so.
    pub patient: Option<String>,
}

/// Chooses a witness for each pick in order and binds its values; later picks may use earlier ones (`%name`).
///
/// # Errors
/// A sentence that says what was not found; the case is then vacuous.
pub fn choose(
    picks: &[Pick],
    cohort: &Cohort,
    seed: Seed,
    now: Timestamp,
    bindings: &mut Bindings,
) -> Result<Vec<Witness>, String> {
    let mut witnesses = Vec::new();
    for pick in picks {
        let pivots: Vec<(String, Option<Pivot>)> = pick
            .searches
            .iter()
            .map(|(name, code)| (name.clone(), Pivot::of(&pick.resource_type, code)))
            .collect();
        let candidates: Vec<(&Key, &Value)> = cohort.of_type(&pick.resource_type).collect();
        let count = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return Err(format!("the cohort holds no {}", pick.resource_type));
        }
        let start = usize::try_from(seed.derive(&pick.name).0 % count).unwrap_or(0);
        // The first that will do, from a place that the seed chose: to look at all of them would cost more than the
        // search that follows.
        let (before, after) = candidates.split_at(start);
        let mut fits = after.iter().chain(before).filter_map(|(key, resource)| {
            let values = values(pick, &pivots, key, resource, bindings, now)?;
            Some((*key, *resource, values))
        });
        // A name of 1,000 characters is the matter of cases about long names; servers may refuse it, and then this
        // case would say nothing of its own.
        let mut odd = None;
        let ordinary = fits.find_map(|found| {
            if pivots.iter().all(|(name, _)| is_ordinary(&found.2[name])) {
                return Some(found);
            }
            odd.get_or_insert(found);
            None
        });
        let found = ordinary.or(odd);
        let Some((key, resource, values)) = found else {
            let condition = pick
                .condition
                .as_ref()
                .map_or_else(String::new, |condition| {
                    format!(" where {}", condition.text())
                });
            return Err(format!(
                "the cohort holds no {}{condition} with the values that the case needs",
                pick.resource_type
            ));
        };
        bindings.bind(pick.name.clone(), values);
        for (name, _) in &pick.searches {
            bindings.mark_escaped(format!("{}.{name}", pick.name));
        }
        witnesses.push(Witness {
            name: pick.name.clone(),
            key: key.clone(),
            patient: patient_of(resource),
        });
    }
    Ok(witnesses)
}

/// Characters of a search value that servers take without a thought.
const ORDINARY: usize = 100;

fn is_ordinary(value: &Value) -> bool {
    value
        .as_str()
        .is_none_or(|text| text.chars().count() <= ORDINARY)
}

/// What a candidate binds: an object with `id` and the values, or the single value of a pick with `value`. `None`
/// if the condition does not hold, a value is missing, or an expression does not fit the resource.
fn values(
    pick: &Pick,
    pivots: &[(String, Option<Pivot>)],
    key: &Key,
    resource: &Value,
    bindings: &Bindings,
    now: Timestamp,
) -> Option<Value> {
    let variables = bindings.variables();
    let context = Context {
        resource,
        variables: &variables,
        now,
    };
    if let Some(condition) = &pick.condition
        && !condition.test(&context).ok()?
    {
        return None;
    }
    let mut members = Map::new();
    members.insert("id".to_owned(), key.id.clone().into());
    for (name, expression) in &pick.values {
        let items = expression.evaluate(&context).ok()?;
        let value = items.first().map(Item::to_json)?;
        if value.as_str().is_some_and(|text| text.trim().is_empty()) || value.is_null() {
            return None;
        }
        if name.is_empty() {
            return Some(value);
        }
        members.insert(name.clone(), value);
    }
    for (name, pivot) in pivots {
        members.insert(name.clone(), pivot.as_ref()?.value(resource, now)?.into());
    }
    Some(Value::Object(members))
}

/// Members that say whose record a resource belongs to, in order of preference.
const SUBJECTS: &[&str] = &["subject", "patient", "beneficiary", "individual"];

/// The id of the patient whose record a resource belongs to.
pub fn patient_of(resource: &Value) -> Option<String> {
    if resource::resource_type(resource) == Some("Patient") {
        return resource::id(resource).map(str::to_owned);
    }
    SUBJECTS
        .iter()
        .filter_map(|member| resource.get(member)?.get("reference")?.as_str())
        .filter_map(Key::from_reference)
        .find(|key| key.resource_type == "Patient")
        .map(|key| key.id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::finding::Span;

    fn chosen(families: &[&str], seed: u64) -> Value {
        let mut cohort = Cohort::empty();
        for (number, family) in families.iter().enumerate() {
            let id = format!("p{number}");
            let patient =
                json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]});
            cohort.resources.insert(Key::new("Patient", &id), patient);
        }
        let pick = Pick {
            name: "x".to_owned(),
            resource_type: "Patient".to_owned(),
            condition: None,
            values: Vec::new(),
            searches: vec![("family".to_owned(), "family".to_owned())],
            span: Span {
                file: "one.yaml".to_owned(),
                line: 1,
                column: 1,
            },
        };
        let mut bindings = Bindings::new();
        choose(
            &[pick],
            &cohort,
            Seed(seed),
            Timestamp::UNIX_EPOCH,
            &mut bindings,
        )
        .unwrap();
        let variables = bindings.variables();
        variables
            .iter()
            .find(|(name, _)| *name == "x")
            .unwrap()
            .1
            .clone()
    }

    #[test]
    fn a_search_value_of_ordinary_length_is_preferred_and_a_long_one_better_than_none() {
        let long = "b".repeat(1000);
        for seed in 0..20 {
            assert_eq!(chosen(&[&long, "Ada", &long], seed)["family"], "Ada");
        }
        assert_eq!(chosen(&[&long], 1)["family"], long.as_str());
    }
}
