//! What Bundles say beyond their invariants: the fullUrl of entries.
//! Not the resources in them. <http://hl7.org/fhir/R4/bundle.html#bundle-unique>

use serde_json::{Map, Value};

use super::walk::Walk;
use super::{reference, rule};

impl<'v> Walk<'v> {
    /// The entries of a Bundle.
    pub(super) fn bundle(&mut self, object: &'v Map<String, Value>) {
        let entries = object.get("entry").and_then(Value::as_array);
        self.location.enter("entry");
        for (index, entry) in entries.into_iter().flatten().enumerate() {
            let Some(full_url) = entry.get("fullUrl").and_then(Value::as_str) else {
                continue;
            };
            self.location.enter_item(index);
            self.location.enter("fullUrl");
            if !reference::has_scheme(full_url) {
                self.report(rule::FULL_URL, "is not an absolute URI");
            } else if is_of_another(full_url, entry.get("resource")) {
                self.report(rule::FULL_URL, "names another id than the resource has");
            }
            self.location.leave();
            self.location.leave();
        }
        self.location.leave();
    }
}

/// True for an address of a RESTful server whose type is that of the resource and whose id is not.
fn is_of_another(full_url: &str, resource: Option<&Value>) -> bool {
    let word = |name: &str| resource?.get(name)?.as_str();
    let (Some(resource_type), Some(id)) = (word("resourceType"), word("id")) else {
        return false;
    };
    let mut segments = full_url.rsplit('/');
    let (last, before) = (segments.next(), segments.next());
    full_url.starts_with("http") && before == Some(resource_type) && last != Some(id)
}
