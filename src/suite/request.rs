//! From a request template and bindings to a request, and parameters added to a search. Sends nothing.

use serde_json::Value;

use crate::fhir::query::encode_pairs;
use crate::fhir::xml::{self, Layout};
use crate::http::{FHIR_JSON, FHIR_XML, Method, Request};

use super::ir::{BodyTemplate, RequestTemplate};
use super::template::{Bindings, merge};

/// Media type of forms, RFC 9110 and <http://hl7.org/fhir/R4/http.html#search>.
const FORM: &str = "application/x-www-form-urlencoded";

impl RequestTemplate {
    /// The request with all names filled in.
    ///
    /// A body that is a resource is written as FHIR XML where the `Content-Type` says so.
    ///
    /// # Errors
    /// A sentence that names what is not bound, or what XML cannot hold.
    pub fn fill(&self, bindings: &Bindings) -> Result<Request, String> {
        let mut request = Request::new(self.method, self.url.fill_url(bindings)?);
        match &self.body {
            None => {}
            Some(BodyTemplate::Json(body)) => {
                request = request.with_json(&bindings.fill_json(body)?);
            }
            Some(BodyTemplate::Text(text)) => {
                request = request.with_body(FHIR_JSON, text.fill(bindings)?);
            }
            Some(BodyTemplate::Form(fields)) => {
                let pairs = fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), value.fill_search(bindings)?)))
                    .collect::<Result<Vec<_>, String>>()?;
                request = request.with_body(FORM, encode_pairs(&pairs));
            }
            Some(BodyTemplate::From { name, with }) => {
                let mut body: Value = bindings
                    .get(name)
                    .cloned()
                    .ok_or_else(|| format!("the step `{name}` had no JSON answer"))?;
                merge(&mut body, &bindings.fill_json(with)?);
                request = request.with_json(&body);
            }
        }
        for (name, value) in &self.headers {
            request = request.with_header(name, value.fill(bindings)?);
        }
        let is_resource = matches!(
            self.body,
            Some(BodyTemplate::Json(_) | BodyTemplate::From { .. })
        );
        match is_resource && is_xml(&request) {
            true => as_xml(request),
            false => Ok(request),
        }
    }
}

/// True if a request is labelled as FHIR XML.
pub fn is_xml(request: &Request) -> bool {
    request
        .headers
        .get("content-type")
        .is_some_and(|value| value.split(';').next().map(str::trim) == Some(FHIR_XML))
}

/// The same request with its JSON body in XML.
fn as_xml(request: Request) -> Result<Request, String> {
    let resource: Value = serde_json::from_slice(&request.body)
        .map_err(|_| "a body in XML is a resource".to_owned())?;
    let written = xml::write(&resource, Layout::Compact).map_err(|error| error.to_string())?;
    Ok(Request {
        body: written.into(),
        ..request
    })
}

/// Adds parameters to a search where it does not have them yet: to the form of a POST search, else to the URL.
#[must_use]
pub fn with_parameters(request: Request, parameters: &[(String, String)]) -> Request {
    let has = |name: &str| {
        let query = request.url.split_once('?').map_or("", |(_, query)| query);
        let form = std::str::from_utf8(&request.body).unwrap_or_default();
        let starts = |text: &str| {
            text.split('&').any(|pair| {
                let found = pair.split('=').next().unwrap_or_default();
                found.split([':', '.']).next() == Some(name)
            })
        };
        starts(query) || (request.method == Method::Post && starts(form))
    };
    let added: Vec<(String, String)> = parameters
        .iter()
        .filter(|(name, _)| !has(name))
        .cloned()
        .collect();
    if added.is_empty() {
        return request;
    }
    let encoded = encode_pairs(&added);
    let mut request = request;
    if request.method == Method::Post {
        let form = std::str::from_utf8(&request.body).unwrap_or_default();
        let joined = join(form, &encoded);
        return request.with_body(FORM, joined);
    }
    request.url = match request.url.split_once('?') {
        Some((path, query)) => format!("{path}?{}", join(query, &encoded)),
        None => format!("{}?{encoded}", request.url),
    };
    request
}

fn join(first: &str, second: &str) -> String {
    if first.is_empty() {
        second.to_owned()
    } else {
        format!("{first}&{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::Template;
    use super::*;

    fn get(url: &str) -> RequestTemplate {
        RequestTemplate {
            method: Method::Get,
            url: Template::parse(url).unwrap(),
            headers: Vec::new(),
            body: None,
        }
    }

    #[test]
    fn values_in_a_query_are_escaped_for_search_and_encoded_for_the_url() {
        let mut bindings = Bindings::new();
        bindings.bind("name", "O'Brien, A|B");
        bindings.bind("id", "a.1");
        let request = get("Patient/${id}?family=${name}&identifier=urn:x|${id}")
            .fill(&bindings)
            .unwrap();
        assert_eq!(
            request.url,
            "Patient/a.1?family=O%27Brien%5C%2C%20A%5C%7CB&identifier=urn:x%7Ca.1"
        );
    }

    #[test]
    fn a_name_alone_is_a_whole_url() {
        let mut bindings = Bindings::new();
        bindings.bind("next", "https://h.example/r4?page=2&x=%20");
        let request = get("${next}").fill(&bindings).unwrap();
        assert_eq!(request.url, "https://h.example/r4?page=2&x=%20");
        assert!(get("${other}").fill(&bindings).is_err());
    }

    #[test]
    fn parameters_are_added_once_and_to_the_right_place() {
        let tag = [("_tag".to_owned(), "urn:t|x".to_owned())];
        let request = with_parameters(Request::get("Patient?family=Ada"), &tag);
        assert_eq!(request.url, "Patient?family=Ada&_tag=urn:t%7Cx");
        assert_eq!(with_parameters(request.clone(), &tag).url, request.url);
        let form = Request::new(Method::Post, "Patient/_search").with_body(FORM, "family=Ada");
        let form = with_parameters(form, &tag);
        assert_eq!(form.url, "Patient/_search");
        assert_eq!(&form.body[..], b"family=Ada&_tag=urn:t%7Cx");
    }

    #[test]
    fn a_body_is_written_in_the_format_of_its_label() {
        let template = RequestTemplate {
            method: Method::Post,
            url: Template::parse("Patient").unwrap(),
            headers: vec![(
                "Content-Type".to_owned(),
                Template::parse("application/fhir+xml; charset=utf-8").unwrap(),
            )],
            body: Some(BodyTemplate::Json(
                serde_json::json!({"resourceType": "Patient", "active": true}),
            )),
        };
        let request = template.fill(&Bindings::new()).unwrap();
        assert!(is_xml(&request));
        assert!(request.body.ends_with(
            b"<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"/></Patient>"
        ));
    }

    #[test]
    fn a_body_from_an_earlier_answer_is_patched() {
        let mut bindings = Bindings::new();
        bindings.bind(
            "before",
            serde_json::json!({"resourceType": "Patient", "id": "1", "active": true, "gender": "male"}),
        );
        let template = RequestTemplate {
            method: Method::Put,
            url: Template::parse("Patient/1").unwrap(),
            headers: Vec::new(),
            body: Some(BodyTemplate::From {
                name: "before".to_owned(),
                with: serde_json::json!({"active": false, "gender": null}),
            }),
        };
        let request = template.fill(&bindings).unwrap();
        assert_eq!(
            &request.body[..],
            br#"{"resourceType":"Patient","id":"1","active":false}"#
        );
    }
}
