//! Where resources stand in a set: by type, and by type and id. Not the resources.

use std::collections::HashMap;

use serde_json::Value;

use crate::fhir::resource::{id, resource_type};

/// Positions in the order of the set.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_type: HashMap<String, OfType>,
}

#[derive(Debug, Default)]
struct OfType {
    all: Vec<usize>,
    by_id: HashMap<String, usize>,
}

impl Places {
    /// Where each of these stands; what has no type stands nowhere.
    pub fn of(resources: &[&Value]) -> Self {
        let mut places = Places::default();
        for (position, resource) in resources.iter().enumerate() {
            let Some(name) = resource_type(resource) else {
                continue;
            };
            let of_type = match places.by_type.get_mut(name) {
                Some(known) => known,
                None => places.by_type.entry(name.to_owned()).or_default(),
            };
            of_type.all.push(position);
            if let Some(id) = id(resource) {
                of_type.by_id.entry(id.to_owned()).or_insert(position);
            }
        }
        places
    }

    /// The positions of a type.
    pub fn of_type(&self, name: &str) -> &[usize] {
        self.by_type.get(name).map_or(&[], |of_type| &of_type.all)
    }

    /// The position of a type and id; the first, should there be several.
    pub fn find(&self, name: &str, id: &str) -> Option<usize> {
        self.by_type.get(name)?.by_id.get(id).copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_has_its_resources_in_order_and_an_id_the_first_of_them() {
        let set = [
            json!({"resourceType": "Patient", "id": "a"}),
            json!({"resourceType": "Group", "id": "a"}),
            json!({"id": "a"}),
            json!({"resourceType": "Patient"}),
            json!({"resourceType": "Patient", "id": "a"}),
        ];
        let places = Places::of(&set.iter().collect::<Vec<_>>());
        assert_eq!(places.of_type("Patient"), [0, 3, 4]);
        assert!(places.of_type("Flag").is_empty());
        assert_eq!(places.find("Patient", "a"), Some(0));
        assert_eq!(places.find("Group", "a"), Some(1));
        assert_eq!(places.find("Group", "b"), None);
    }
}
