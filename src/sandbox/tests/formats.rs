//! JSON and XML: negotiation, bodies in either format, patches by FHIRPath.

use serde_json::json;

use super::*;
use crate::fhir::xml;

fn as_xml(server: &Server, url: &str) -> Response {
    server.handle(&Request::get(url).with_header("Accept", "application/fhir+xml"))
}

fn read(response: &Response) -> Value {
    assert_eq!(response.media_type(), "application/fhir+xml");
    xml::read(&response.body).unwrap()
}

#[test]
fn a_resource_is_the_same_in_both_formats_however_it_was_sent() {
    let server = server();
    let sent = r#"<Patient xmlns="http://hl7.org/fhir"><id value="x"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">A &amp; B</div></text><birthDate value="1970-01"/></Patient>"#;
    let put = Request::new(Method::Put, "Patient/x").with_body("application/fhir+xml", sent);
    assert_eq!(server.handle(&put).status, 201);
    let stored = json(&get(&server, "Patient/x"));
    assert_eq!(stored["birthDate"], "1970-01");
    assert_eq!(read(&as_xml(&server, "Patient/x")), stored);
    let bundle = read(&as_xml(&server, "Patient?birthdate=1970-01"));
    assert_eq!(bundle["entry"][0]["resource"], stored);
    assert_eq!(
        read(&as_xml(&server, "metadata")),
        json(&get(&server, "metadata"))
    );
}

#[test]
fn format_overrides_accept_and_errors_come_in_the_format_that_was_asked_for() {
    let server = server();
    let error = as_xml(&server, "Patient/none");
    assert_eq!(error.status, 404);
    assert_eq!(read(&error)["resourceType"], "OperationOutcome");
    let json_wins = as_xml(&server, "metadata?_format=json");
    assert_eq!(json_wins.media_type(), "application/fhir+json");
    let form = Request::new(Method::Post, "Patient/_search")
        .with_body("application/x-www-form-urlencoded", "_format=xml");
    assert_eq!(read(&server.handle(&form))["type"], "searchset");
}

#[test]
fn pretty_changes_white_space_only() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    let plain = get(&server, "Patient/a");
    let pretty = get(&server, "Patient/a?_pretty=true");
    assert_ne!(plain.body, pretty.body);
    assert_eq!(json(&plain), json(&pretty));
    assert_eq!(
        read(&as_xml(&server, "Patient/a?_pretty=true")),
        json(&plain)
    );
}

#[test]
fn bodies_that_are_no_fhir_xml_and_other_versions_are_refused() {
    let server = server();
    let post = |media_type: &str, body: &str| {
        let body = body.to_owned();
        server.handle(&Request::new(Method::Post, "Patient").with_body(media_type, body))
    };
    assert_outcome(&post("application/fhir+xml", "<Patient/>"), 400);
    assert_outcome(&post("application/fhir+xml", "{}"), 400);
    assert_outcome(&post("application/fhir+json;fhirVersion=3.0", "{}"), 415);
    let patient = r#"<Patient xmlns="http://hl7.org/fhir"><nose value="long"/></Patient>"#;
    assert_outcome(&post("text/xml", patient), 422);
}

#[test]
fn a_resource_that_xml_cannot_hold_is_not_acceptable_as_xml() {
    let server = server();
    put(
        &server,
        &json!({"resourceType": "Patient", "id": "a",
        "text": {"status": "empty", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div>"}}),
    );
    let refused = as_xml(&server, "Patient/a");
    assert_outcome(&refused, 406);
    assert_eq!(get(&server, "Patient/a").status, 200);
}

#[test]
fn a_fhirpath_patch_comes_in_either_format_and_in_a_bundle() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    let replace = |family: &str| {
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": "Patient.name[0].family"},
            {"name": "value", "valueString": family},
        ]}]})
    };
    let family = || json(&get(&server, "Patient/a"))["name"][0]["family"].clone();
    assert_eq!(
        send(&server, Method::Patch, "Patient/a", &replace("B")).status,
        200
    );
    assert_eq!(family(), "B");
    let body = xml::write(&replace("C"), xml::Layout::Compact).unwrap();
    let patch = Request::new(Method::Patch, "Patient/a").with_body("application/fhir+xml", body);
    assert_eq!(server.handle(&patch).status, 200);
    assert_eq!(family(), "C");
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": replace("D"), "request": {"method": "PATCH", "url": "Patient/a"}}]});
    assert_eq!(send(&server, Method::Post, "", &bundle).status, 200);
    assert_eq!(family(), "D");
}
