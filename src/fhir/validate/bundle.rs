//! What Bundles say beyond their invariants: the fullUrl of entries, links, and the entries of search sets.
//! Not the resources in them. <http://hl7.org/fhir/R4/bundle.html>

use serde_json::{Map, Value};

use super::search_set;
use super::walk::Walk;
use super::{Severity, reference, rule};

/// Relations of which a client can follow only one link, <http://hl7.org/fhir/R4/http.html#paging>.
const SINGLE: [&str; 6] = ["self", "first", "prev", "previous", "next", "last"];

impl<'v> Walk<'v> {
    /// The links and entries of a Bundle.
    pub(super) fn bundle(&mut self, object: &'v Map<String, Value>) {
        self.links(object);
        let is_search = object.get("type").and_then(Value::as_str) == Some("searchset");
        let types = is_search
            .then(|| search_set::searched_types(object))
            .flatten();
        let entries = object.get("entry").and_then(Value::as_array);
        self.location.enter("entry");
        for (index, entry) in entries.into_iter().flatten().enumerate() {
            self.location.enter_item(index);
            self.full_url(entry);
            if is_search {
                self.search_entry(entry, types.as_deref());
            }
            self.location.leave();
        }
        self.location.leave();
    }

    /// A relation that stands for one address, twice. A warning: R4 does not say that it is wrong.
    fn links(&mut self, object: &'v Map<String, Value>) {
        let links = object.get("link").and_then(Value::as_array);
        let mut seen: Vec<&str> = Vec::new();
        self.location.enter("link");
        for (index, link) in links.into_iter().flatten().enumerate() {
            let relation = link.get("relation").and_then(Value::as_str);
            let Some(relation) = relation.filter(|relation| SINGLE.contains(relation)) else {
                continue;
            };
            if !seen.contains(&relation) {
                seen.push(relation);
                continue;
            }
            self.location.enter_item(index);
            let message = "has the relation of an earlier link";
            self.report_as(rule::LINK, Severity::Warning, None, message);
            self.location.leave();
        }
        self.location.leave();
    }

    fn full_url(&mut self, entry: &'v Value) {
        let Some(full_url) = entry.get("fullUrl").and_then(Value::as_str) else {
            return;
        };
        self.location.enter("fullUrl");
        if !reference::has_scheme(full_url) {
            self.report(rule::FULL_URL, "is not an absolute URI");
        } else if is_of_another(full_url, entry.get("resource")) {
            self.report(rule::FULL_URL, "names another id than the resource has");
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
