//! Changes of a resource at a place that keep a primitive and what stands beside it (`given` and `_given`) together.
//! Knows no definitions.

use serde_json::{Map, Value};

use super::super::outcome::Refusal;
use super::fhirpath::refuse;
use super::place::{Place, Step};

/// The list that some places are all the items of.
pub fn list(resource: &Value, places: &[Place]) -> Result<Place, Refusal> {
    let not_a_list = || refuse("the path does not give a list as a whole");
    let first = places.first().ok_or_else(not_a_list)?;
    let Some((key, Some(_))) = first.member() else {
        return Err(not_a_list());
    };
    let list = first.owner().child(key);
    let is_whole = places.len() == list_length(resource, &list)
        && places.iter().enumerate().all(|(index, place)| {
            place.member() == Some((key, Some(index))) && place.owner() == first.owner()
        });
    is_whole.then_some(list).ok_or_else(not_a_list)
}

/// Items of a list, 0 for anything else.
pub fn length(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

fn list_length(resource: &Value, list: &Place) -> usize {
    let of = |place: &Place| place.get(resource).map_or(0, length);
    of(list).max(of(&sibling(list)))
}

/// `given` is `_given`.
fn sibling(place: &Place) -> Place {
    match place.member() {
        Some((key, _)) => place.renamed(&format!("_{key}")),
        None => place.clone(),
    }
}

/// Puts an item into a list, before the one at the index; the list is made if it is not there.
pub fn insert(
    resource: &mut Value,
    list: &Place,
    index: usize,
    value: Option<Value>,
    beside: Option<Value>,
) -> Result<(), Refusal> {
    let length = list_length(resource, list);
    if index > length {
        return Err(refuse("the index is beyond the end of the list"));
    }
    let has_sibling = beside.is_some() || sibling(list).get(resource).is_some();
    change(resource, list, length, |items| {
        items.insert(index, value.unwrap_or(Value::Null));
    })?;
    if has_sibling {
        change(resource, &sibling(list), length, |items| {
            items.insert(index, beside.unwrap_or(Value::Null));
        })?;
    }
    Ok(())
}

/// Leaves nothing in a list, nor beside its items: only a planted fault asks.
pub fn clear(resource: &mut Value, list: &Place) {
    for list in [list.clone(), sibling(list)] {
        if let Some(items) = list.get_mut(resource).and_then(Value::as_array_mut) {
            items.clear();
        }
    }
}

/// Writes a value over the first item of a list, member by member: only a planted fault asks.
pub fn overwrite_first(resource: &mut Value, list: &Place, value: Option<Value>) {
    let mut first = list.clone();
    first.0.push(Step::Index(0));
    match (first.get_mut(resource), value) {
        (Some(Value::Object(members)), Some(Value::Object(new))) => members.extend(new),
        (Some(slot), Some(new)) => *slot = new,
        _ => {}
    }
}

/// Moves an item within a list.
pub fn reorder(
    resource: &mut Value,
    list: &Place,
    source: usize,
    destination: usize,
) -> Result<(), Refusal> {
    let length = list_length(resource, list);
    if source >= length || destination >= length {
        return Err(refuse(
            "source or destination is beyond the end of the list",
        ));
    }
    for list in [list.clone(), sibling(list)] {
        if list.get(resource).is_some() {
            change(resource, &list, length, |items| {
                let item = items.remove(source);
                items.insert(destination, item);
            })?;
        }
    }
    Ok(())
}

/// Changes a list that has been filled up to a length; the list is made if it is not there.
fn change(
    resource: &mut Value,
    list: &Place,
    length: usize,
    change: impl FnOnce(&mut Vec<Value>),
) -> Result<(), Refusal> {
    let (Some((key, _)), Some(owner)) = (list.member(), object(resource, &list.owner())) else {
        return Err(refuse("only extensions stand in a primitive"));
    };
    let items = owner
        .entry(key)
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()
        .ok_or_else(|| refuse("the element is no list"))?;
    items.resize(length.max(items.len()), Value::Null);
    change(items);
    Ok(())
}

fn object<'a>(resource: &'a mut Value, place: &Place) -> Option<&'a mut Map<String, Value>> {
    place.get_mut(resource)?.as_object_mut()
}

/// Sets an element; what stood beside a primitive goes with its old value.
pub fn set(
    resource: &mut Value,
    place: &Place,
    value: Option<Value>,
    beside: Option<Value>,
) -> Result<(), Refusal> {
    for (place, value) in [(place.clone(), value), (sibling(place), beside)] {
        if let (Some(Step::Index(_)), Some(slot)) = (place.0.last(), place.get_mut(resource)) {
            *slot = value.unwrap_or(Value::Null);
            continue;
        }
        let (Some((key, None)), Some(owner)) = (place.member(), object(resource, &place.owner()))
        else {
            // An item of a list that has nothing beside its items.
            if value.is_none() {
                continue;
            }
            return Err(refuse("the element cannot be set here"));
        };
        match value {
            Some(value) => drop(owner.insert(key.to_owned(), value)),
            None => drop(owner.shift_remove(key)),
        }
    }
    Ok(())
}

/// Gives the member of a place another name, at the same position.
pub fn rename(resource: &mut Value, place: &Place, key: &str) {
    let Some((old, _)) = place.member() else {
        return;
    };
    let Some(owner) = object(resource, &place.owner()).filter(|_| old != key) else {
        return;
    };
    let renamed = std::mem::take(owner).into_iter().map(|(name, value)| {
        let name = match name.strip_prefix('_') {
            Some(plain) if plain == old => format!("_{key}"),
            None if name == old => key.to_owned(),
            _ => name,
        };
        (name, value)
    });
    *owner = renamed.collect();
}

/// Removes an element, and the lists and objects that are empty without it: FHIR has none of them.
pub fn remove(resource: &mut Value, place: &Place) {
    for place in [place.clone(), sibling(place)] {
        let Some((last, around)) = place.0.split_last() else {
            return;
        };
        match (last, Place(around.to_vec()).get_mut(resource)) {
            (Step::Index(index), Some(Value::Array(items))) if *index < items.len() => {
                items.remove(*index);
            }
            (Step::Member(key), Some(Value::Object(members))) => {
                members.shift_remove(key);
            }
            _ => {}
        }
    }
    prune(resource, place);
    prune(resource, &sibling(place));
}

/// From the inside out, the root excepted.
fn prune(resource: &mut Value, place: &Place) {
    for end in (1..place.0.len()).rev() {
        let around = Place(place.0[..end].to_vec());
        let is_empty = around.get(resource).is_some_and(|value| match value {
            Value::Array(items) => items.iter().all(Value::is_null),
            Value::Object(members) => members.is_empty(),
            _ => false,
        });
        if !is_empty {
            // A list of a primitive may be gone while what stands beside it is not.
            if around.get(resource).is_some() {
                return;
            }
            continue;
        }
        let (last, owner) = (place.0[end - 1].clone(), Place(place.0[..end - 1].to_vec()));
        match (last, owner.get_mut(resource)) {
            (Step::Index(index), Some(Value::Array(items))) => drop(items.remove(index)),
            (Step::Member(key), Some(Value::Object(members))) => drop(members.shift_remove(&key)),
            _ => return,
        }
    }
}
