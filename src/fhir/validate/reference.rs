//! The forms of a literal reference.
//! Not resolution: whether the target exists or has the right type is not asked here.
//! <http://hl7.org/fhir/R4/references.html#literal>

use crate::fhir::definitions::is_resource_type;
use crate::fhir::resource::is_id;

/// True for `#fragment`, an absolute URI, `Type/id`, `Type/id/_history/version`, and `Type?search`, which transactions
/// allow (<http://hl7.org/fhir/R4/http.html#trules>).
pub(super) fn is_literal(reference: &str) -> bool {
    if reference.starts_with('#') || has_scheme(reference) {
        return true;
    }
    let path = reference.split('#').next().unwrap_or(reference);
    if let Some((resource_type, _)) = path.split_once('?') {
        return is_resource_type(resource_type);
    }
    let mut segments = path.split('/');
    let (resource_type, id) = (segments.next(), segments.next());
    let history = (segments.next(), segments.next(), segments.next());
    resource_type.is_some_and(is_resource_type)
        && id.is_some_and(is_id)
        && match history {
            (None, None, None) => true,
            (Some("_history"), Some(version), None) => is_id(version),
            _ => false,
        }
}

pub(super) fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_references_have_one_of_the_forms_of_r4() {
        for reference in [
            "Patient/1",
            "Patient/1/_history/2",
            "http://example.org/fhir/Patient/1",
            "https://example.org/anything",
            "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
            "#p1",
            "#",
            "Patient?identifier=a|b",
        ] {
            assert!(is_literal(reference), "{reference}");
        }
        for reference in [
            "1",
            "Patient",
            "Patient/",
            "/Patient/1",
            "patient/1",
            "Nothing/1",
            "Patient/a_b",
            "Patient/1/_history",
            "Patient/1/2/3",
            "../Patient/1",
            "Nothing?a=b",
            "",
            ":",
            "http:",
        ] {
            assert!(!is_literal(reference), "{reference}");
        }
    }
}
