//! Where an element of a resource is: the steps to it from the root, found by the identity of what FHIRPath gives.

use std::collections::HashMap;

use serde_json::Value;

use super::fhirpath::refuse;
use crate::fhir::definitions;
use crate::fhir::path::{Context, Expression, Item};
use crate::fhir::resource::resource_type;

use super::super::outcome::Refusal;

/// Steps from the root of a resource; no step is the resource itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place(pub(super) Vec<Step>);

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Index(usize),
}

/// Places of what a path gives, in order; 422 if it gives something that is not in the resource.
pub fn places(
    resource: &Value,
    path: &Expression,
    now: jiff::Timestamp,
) -> Result<Vec<Place>, Refusal> {
    let context = Context {
        resource,
        variables: &[],
        now,
    };
    let items = path
        .evaluate(&context)
        .map_err(|error| refuse(&format!("the path cannot be evaluated: {error}")))?;
    let mut known = HashMap::new();
    note(resource, &mut Place::default(), &mut known);
    items
        .iter()
        .map(|item| match item {
            Item::Node {
                value: Some(value), ..
            } => known.get(&std::ptr::from_ref(*value)).cloned(),
            Item::Node {
                sibling: Some(sibling),
                ..
            } => known
                .get(&std::ptr::from_ref(*sibling))
                .map(Place::without_sibling),
            _ => None,
        })
        .collect::<Option<Vec<Place>>>()
        .ok_or_else(|| refuse("the path gives a value that is no element of the resource"))
}

/// The only place.
pub fn one(mut places: Vec<Place>) -> Result<Place, Refusal> {
    match (places.pop(), places.is_empty()) {
        (Some(place), true) => Ok(place),
        (None, _) => Err(refuse("the path gives no element")),
        (Some(_), false) => Err(refuse("the path gives more than one element")),
    }
}

fn note(value: &Value, place: &mut Place, known: &mut HashMap<*const Value, Place>) {
    known.insert(std::ptr::from_ref(value), place.clone());
    let mut below = |step: Step, value: &Value| {
        place.0.push(step);
        note(value, place, known);
        place.0.pop();
    };
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| below(Step::Index(index), item)),
        Value::Object(members) => members
            .iter()
            .for_each(|(key, member)| below(Step::Member(key.clone()), member)),
        _ => {}
    }
}

impl Place {
    /// What is there.
    pub fn get<'a>(&self, resource: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(resource, |value, step| match step {
            Step::Member(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }

    /// What is there, to be changed.
    pub fn get_mut<'a>(&self, resource: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(resource, |value, step| match step {
            Step::Member(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(index),
        })
    }

    /// The member of that name.
    pub fn child(&self, key: &str) -> Place {
        let mut steps = self.0.clone();
        steps.push(Step::Member(key.to_owned()));
        Place(steps)
    }

    /// Name of the member that the place is, or is an item of; and the index.
    pub fn member(&self) -> Option<(&str, Option<usize>)> {
        match self.0.as_slice() {
            [.., Step::Member(key), Step::Index(index)] => Some((key, Some(*index))),
            [.., Step::Member(key)] => Some((key, None)),
            _ => None,
        }
    }

    /// The object around the member.
    pub fn owner(&self) -> Place {
        let last = self
            .0
            .iter()
            .rposition(|step| matches!(step, Step::Member(_)));
        Place(self.0[..last.unwrap_or(0)].to_vec())
    }

    /// The same place with another name of its member.
    pub fn renamed(&self, key: &str) -> Place {
        let mut place = self.owner().child(key);
        if let Some((_, Some(index))) = self.member() {
            place.0.push(Step::Index(index));
        }
        place
    }

    /// `_given[1]` is `given[1]`: a primitive that has only extensions.
    fn without_sibling(&self) -> Place {
        match self.member() {
            Some((key, _)) => self.renamed(key.strip_prefix('_').unwrap_or(key)),
            None => self.clone(),
        }
    }

    /// The type of the element: a type name or a backbone path; empty where R4 has no such element.
    pub fn type_name(&self, resource: &Value) -> String {
        let mut name = resource_type(resource).unwrap_or_default().to_owned();
        let mut value = Some(resource);
        for step in &self.0 {
            value = value.and_then(|value| match step {
                Step::Member(key) => value.get(key),
                Step::Index(index) => value.get(index),
            });
            if let Step::Member(key) = step {
                name = match definitions::member(&name, key) {
                    Some(member) => member.type_name.to_owned(),
                    None if key.starts_with('_') => "Element".to_owned(),
                    None => String::new(),
                };
            }
            // A resource in a resource has the type that it says.
            if let Some(inner) = value.and_then(resource_type) {
                name = inner.to_owned();
            }
        }
        name
    }

    /// Type of the owner, and the name of the element in it, a choice without its type.
    pub fn parent_and_element(&self, resource: &Value) -> Option<(String, &'static str)> {
        let (key, _) = self.member()?;
        let parent = self.owner().type_name(resource);
        let element = definitions::member(&parent, key)?.element;
        Some((parent, element))
    }
}
