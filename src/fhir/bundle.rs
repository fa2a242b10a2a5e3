//! Bundles as answers: entries, links and totals read leniently. Not validation.

use serde_json::Value;

use super::Key;

/// Entries of a Bundle, absent or malformed ones skipped.
pub fn entries(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle
        .get("entry")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The resource of an entry.
pub fn resource(entry: &Value) -> Option<&Value> {
    entry.get("resource")
}

/// `search.mode` of an entry.
pub fn mode(entry: &Value) -> Option<&str> {
    entry.get("search")?.get("mode")?.as_str()
}

/// Resources with `search.mode = match`; an entry without a mode counts as a match unless it is an OperationOutcome.
/// <http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.search.mode>
pub fn matches(bundle: &Value) -> impl Iterator<Item = &Value> {
    entries(bundle)
        .filter(|entry| mode(entry).is_none_or(|mode| mode == "match"))
        .filter_map(resource)
        .filter(|resource| super::resource::resource_type(resource) != Some("OperationOutcome"))
}

/// Keys of the matches, in order.
pub fn match_keys(bundle: &Value) -> Vec<Key> {
    matches(bundle).filter_map(Key::of).collect()
}

/// The URL of a link relation.
pub fn link<'a>(bundle: &'a Value, relation: &str) -> Option<&'a str> {
    bundle
        .get("link")?
        .as_array()?
        .iter()
        .find(|link| link.get("relation").and_then(Value::as_str) == Some(relation))?
        .get("url")?
        .as_str()
}

/// The absolute URL of a link relation; a relative link is relative to the URL of the page that it stands on (RFC 3986
/// section 5.1.3): a uri of FHIR may be either. As it stands if the page has no absolute URL itself.
pub fn link_url(bundle: &Value, relation: &str, page: &str) -> Option<String> {
    let text = link(bundle, relation)?;
    match url::Url::parse(page) {
        Ok(page) => Some(page.join(text).ok()?.to_string()),
        Err(_) => Some(text.to_owned()),
    }
}

/// `Bundle.total`, if it is a non-negative integer.
pub fn total(bundle: &Value) -> Option<u64> {
    bundle.get("total")?.as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_relative_link_starts_from_its_page() {
        let page = "https://fhir.example.org/r4/Patient?family=x";
        let next = |url: &str| {
            let bundle = json!({"link": [{"relation": "next", "url": url}]});
            link_url(&bundle, "next", page)
        };
        let there = Some("https://fhir.example.org/r4/Patient?page=2".to_owned());
        for url in [
            "https://fhir.example.org/r4/Patient?page=2",
            "/r4/Patient?page=2",
            "Patient?page=2",
            "?page=2",
        ] {
            assert_eq!(next(url), there, "{url}");
        }
    }
}
