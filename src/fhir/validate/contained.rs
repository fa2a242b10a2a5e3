//! Contained resources and ids: dom-2 to dom-6, ref-1 and the uniqueness of ids.
//! Not the structure of contained resources, which is that of any resource.
//! <http://hl7.org/fhir/R4/references.html#contained>

use serde_json::{Map, Value};

use super::walk::Walk;
use super::{Severity, rule};

impl<'v> Walk<'v> {
    /// The rules for a resource that may contain others; `contained` if it is contained itself.
    pub(super) fn container(&mut self, object: &'v Map<String, Value>, contained: bool) {
        if contained {
            self.contained_itself(object);
        }
        let Some(Value::Array(list)) = object.get("contained") else {
            if !contained && object.get("text").is_none() {
                self.without_narrative();
            }
            return;
        };
        if contained {
            return self.report(rule::NESTED, "is contained and contains resources itself");
        }
        self.location.enter("contained");
        for (index, inner) in list.iter().enumerate() {
            self.location.enter_item(index);
            if !is_referenced(object, inner) {
                self.report(
                    rule::UNREFERENCED,
                    "is contained, but nothing in the resource refers to it and it does not refer to the resource",
                );
            }
            self.location.leave();
        }
        self.location.leave();
        if object.get("text").is_none() {
            self.without_narrative();
        }
    }

    fn without_narrative(&mut self) {
        let is_domain = self
            .full
            .as_ref()
            .and_then(|full| full.resources.last())
            .is_some_and(|scope| {
                crate::fhir::definitions::is_subtype(scope.type_name, "DomainResource")
            });
        if is_domain {
            let message = "has no narrative, which good resources have";
            self.report_as(
                rule::NARRATIVE,
                Severity::Information,
                Some("dom-6"),
                message,
            );
        }
    }

    fn contained_itself(&mut self, object: &Map<String, Value>) {
        let meta = object.get("meta");
        let has = |name: &str| meta.is_some_and(|meta| meta.get(name).is_some());
        if has("versionId") || has("lastUpdated") || has("security") {
            self.report(
                rule::CONTAINED_META,
                "is contained and has a version, a time of update or a security label",
            );
        }
    }

    /// An id that another element of the resource has, too.
    pub(super) fn element_id(&mut self, object: &'v Map<String, Value>) {
        let Some(Value::String(id)) = object.get("id") else {
            return;
        };
        let scope = self
            .full
            .as_mut()
            .and_then(|full| full.resources.last_mut());
        if scope.is_some_and(|scope| !scope.ids.insert(id)) {
            self.report(rule::DUPLICATE_ID, "has the id of another element");
        }
    }

    /// ref-1: a local reference has a contained resource.
    pub(super) fn local_reference(&mut self, reference: &str) {
        let Some(id) = reference.strip_prefix('#') else {
            return;
        };
        let root = self.full.as_ref().and_then(|full| full.resources.last());
        let Some(root) = root.map(|scope| scope.root) else {
            return;
        };
        // `#` alone is the container.
        let is_there = id.is_empty() || contained(root, id).is_some();
        if !is_there {
            self.location.enter("reference");
            self.report(
                rule::UNRESOLVED,
                "is local, and the resource contains no resource with this id",
            );
            self.location.leave();
        }
    }
}

/// A contained resource by its id.
pub(super) fn contained<'v>(root: &'v Value, id: &str) -> Option<&'v Value> {
    root.get("contained")?
        .as_array()?
        .iter()
        .find(|resource| resource.get("id").and_then(Value::as_str) == Some(id))
}

/// dom-3: the container refers to the contained resource, or the other way round.
fn is_referenced(root: &Map<String, Value>, inner: &Value) -> bool {
    let refers_back = any_text(inner, &|text| text == "#");
    let Some(id) = inner.get("id").and_then(Value::as_str) else {
        return refers_back;
    };
    let is_it = |text: &str| text.strip_prefix('#') == Some(id);
    refers_back || root.values().any(|value| any_text(value, &is_it))
}

/// True if some string in a value fits; the depth is that of a parsed JSON text.
fn any_text(value: &Value, fits: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => fits(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, fits)),
        Value::Object(members) => members.values().any(|member| any_text(member, fits)),
        _ => false,
    }
}
