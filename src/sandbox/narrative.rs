//! The variant `server-narrative`: a resource that comes without a narrative is kept with one that the server made of
//! its data. One that is there stays.

use serde_json::{Value, json};

use crate::fhir::definitions::is_subtype;
use crate::fhir::resource::resource_type;

/// The resource with a narrative, if it is of a type that has one.
pub fn added(mut resource: Value) -> Value {
    let Some(name) = resource_type(&resource).map(str::to_owned) else {
        return resource;
    };
    if let Some(members) = resource.as_object_mut()
        && is_subtype(&name, "DomainResource")
        && !members.contains_key("text")
    {
        // Of the type alone: nothing in it can be wrong for the data, and nothing has to be escaped.
        let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{name}</p></div>");
        let text = json!({ "status": "generated", "div": div });
        members.insert("text".to_owned(), text);
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_domain_resource_without_a_narrative_gets_one() {
        let patient = added(json!({"resourceType": "Patient"}));
        assert_eq!(patient["text"]["status"], "generated");
        let told = json!({"resourceType": "Patient", "text": {"status": "additional", "div": "x"}});
        assert_eq!(added(told.clone()), told);
        let bundle = json!({"resourceType": "Bundle", "type": "collection"});
        assert_eq!(added(bundle.clone()), bundle);
    }
}
