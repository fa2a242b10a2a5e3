//! What the entries of a Bundle of type `searchset` are: matches of the search that the self link names, what was
//! included with them, and outcomes. Not whether they are the right ones: the oracle knows that.
//!
//! <http://hl7.org/fhir/R4/codesystem-search-entry-mode.html>, and the comment of Resource.id: "The only time that a
//! resource does not have an id is when it is being submitted to the server using a create operation."

use serde_json::{Map, Value};

use super::walk::Walk;
use super::{Severity, rule};
use crate::fhir::definitions::is_resource_type;

impl<'v> Walk<'v> {
    /// One entry of a search set; `types` are those that the search can match, if that is known.
    pub(super) fn search_entry(&mut self, entry: &'v Value, types: Option<&[String]>) {
        let word = |value: Option<&'v Value>, name: &str| value?.get(name)?.as_str();
        let resource = entry.get("resource");
        let Some(type_name) = word(resource, "resourceType") else {
            return;
        };
        let mode = word(entry.get("search"), "mode").unwrap_or_default();
        self.location.enter("resource");
        let is_outcome = type_name == "OperationOutcome";
        if mode == "outcome" && !is_outcome {
            let message = "is an entry of the mode outcome, and no OperationOutcome";
            self.report(rule::SEARCH_ENTRY, message);
        }
        let is_other = |types: &[String]| types.iter().all(|name| name != type_name);
        if mode == "match" && types.is_some_and(is_other) {
            let message = format!(
                "is of the type {type_name}, which the search in the self link cannot match"
            );
            self.report_as(rule::SEARCH_ENTRY, Severity::Error, Some("type"), message);
        }
        let is_stored = matches!(mode, "match" | "include") && !is_outcome;
        if is_stored && resource.is_some_and(|found| found.get("id").is_none() && !is_part(found)) {
            let message = "is a search result without an id";
            self.report_as(rule::SEARCH_ENTRY, Severity::Error, Some("id"), message);
        }
        self.location.leave();
    }
}

/// Marked as a part of itself: what is not there need not be missing.
fn is_part(resource: &Value) -> bool {
    let tags = resource.get("meta").and_then(|meta| meta.get("tag"));
    let tags = tags.and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| tag.get("code"))
        .any(|code| code == "SUBSETTED")
}

/// The types that a search can match by its self link; `None` if the link does not tell.
pub(super) fn searched_types(bundle: &Map<String, Value>) -> Option<Vec<String>> {
    let links = bundle.get("link")?.as_array()?;
    let is_self = |link: &&Value| link.get("relation").and_then(Value::as_str) == Some("self");
    let url = links.iter().find(is_self)?.get("url")?.as_str()?;
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters = || {
        query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    };
    // Containers of what matches come back instead of it, and a named query is an operation of the server.
    if path.contains('$') || parameters().any(|(name, _)| matches!(name, "_contained" | "_query")) {
        return None;
    }
    let path = path.trim_end_matches('/').trim_end_matches("/_search");
    let last = path.rsplit('/').next().unwrap_or(path);
    if is_resource_type(last) {
        return Some(vec![last.to_owned()]);
    }
    let (_, listed) = parameters().find(|(name, _)| *name == "_type")?;
    let listed = listed.replace("%2C", ",").replace("%2c", ",");
    let names = listed.split(',');
    names
        .map(|name| is_resource_type(name).then(|| name.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Validator, rule};
    use super::*;

    fn types(url: &str) -> Option<Vec<String>> {
        let bundle = json!({"link": [{"relation": "self", "url": url}]});
        searched_types(bundle.as_object().unwrap())
    }

    #[test]
    fn the_self_link_names_the_types_that_can_match() {
        for url in [
            "http://a/fhir/Patient",
            "http://a/fhir/Patient?name=b",
            "Patient/_search?name=b",
            "http://a/fhir/Encounter/1/Patient?_count=2",
            "http://a/fhir?_type=Patient&name=b",
        ] {
            assert_eq!(types(url), Some(vec!["Patient".to_owned()]), "{url}");
        }
        assert_eq!(types("http://a?_type=Patient%2CGroup").unwrap().len(), 2);
    }

    #[test]
    fn a_link_that_does_not_tell_leaves_it_open() {
        for url in [
            "http://a/fhir?_getpages=1",
            "http://a/fhir/Patient/1/$everything",
            "http://a/fhir/Medication?_contained=both",
            "http://a/fhir/Patient?_query=b",
            "http://a/fhir/Patient/1/*",
            "http://a/fhir?_type=Nothing",
        ] {
            assert_eq!(types(url), None, "{url}");
        }
    }

    /// Keys of the issues of a search for patients with one entry.
    fn found(mode: &str, resource: Value) -> Vec<Option<String>> {
        let bundle = json!({"resourceType": "Bundle", "type": "searchset",
            "link": [{"relation": "self", "url": "http://a/Patient?active=true"}],
            "entry": [{"fullUrl": "http://a/x", "resource": resource, "search": {"mode": mode}}]});
        let issues = Validator::built_in().validate(&bundle, &[]).issues;
        let issues = issues
            .into_iter()
            .filter(|issue| issue.rule == rule::SEARCH_ENTRY);
        issues.map(|issue| issue.key).collect()
    }

    #[test]
    fn entries_are_what_their_mode_says() {
        let patient = json!({"resourceType": "Patient", "id": "1", "active": true});
        let practitioner = json!({"resourceType": "Practitioner", "id": "1", "active": true});
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]});
        let key = |name: &str| vec![Some(name.to_owned())];
        assert_eq!(found("match", patient.clone()), []);
        assert_eq!(found("include", practitioner.clone()), []);
        assert_eq!(found("outcome", outcome.clone()), []);
        assert_eq!(found("match", practitioner), key("type"));
        assert_eq!(found("match", outcome), key("type"));
        assert_eq!(found("outcome", patient), [None]);
    }

    #[test]
    fn a_result_has_an_id_unless_it_is_a_part() {
        let patient = json!({"resourceType": "Patient", "active": true});
        assert_eq!(found("match", patient.clone()), [Some("id".to_owned())]);
        assert_eq!(found("include", patient.clone()), [Some("id".to_owned())]);
        let mut part = patient;
        part["meta"] = json!({"tag": [{"code": "SUBSETTED"}]});
        assert_eq!(found("match", part), []);
    }
}
