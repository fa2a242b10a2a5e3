//! Faults of header fields, links and marks.

use super::*;

fn field(response: &Response, name: &str) -> Option<String> {
    response.headers.get(name).map(str::to_owned)
}

#[test]
fn accept_is_ignored() {
    let label = |server: &Server| {
        let request = Request::get("metadata").with_header("Accept", "application/fhir+xml");
        server.handle(&request).media_type()
    };
    let (xml, json) = ("application/fhir+xml", "application/fhir+json");
    shows("accept-ignored", label, xml.to_owned(), json.to_owned());
}

#[test]
fn a_new_resource_is_named_in_another_field() {
    let fields = |response: &Response| {
        ["location", "content-location"].map(|name| field(response, name).is_some())
    };
    let created = |server: &Server| {
        let ada = patient("x", "Ada");
        fields(&send(server, Method::Post, "Patient", &ada))
    };
    let put = |server: &Server| fields(&put(server, &patient("a", "Ada")));
    let (usual, other) = ([true, false], [false, true]);
    shows("create-says-content-location", created, usual, other);
    shows("update-says-content-location", put, usual, other);
    assert_eq!(put(&with_defect("create-says-content-location")), usual);
    assert_eq!(created(&with_defect("update-says-content-location")), usual);
}

#[test]
fn an_update_does_not_say_its_version() {
    let fields = |server: &Server| {
        let response = put(server, &patient("a", "Ada"));
        ["etag", "last-modified"].map(|name| field(&response, name).is_some())
    };
    shows("update-without-etag", fields, [true; 2], [false; 2]);
    let server = with_defect("update-without-etag");
    let created = send(&server, Method::Post, "Patient", &patient("x", "Ada"));
    assert!(field(&created, "etag").is_some());
}

#[test]
fn parts_are_not_marked_or_the_bundle_is() {
    let marks = |server: &Server| {
        put(server, &patient("a", "Ada"));
        let bundle = json(&get(server, "Patient?_summary=true"));
        let part = &bundle["entry"][0]["resource"];
        [&bundle, part].map(|marked| marked.pointer("/meta/tag/0/code").is_some())
    };
    shows("subsetted-missing", marks, [false, true], [false, false]);
    shows("subsetted-on-bundle", marks, [false, true], [true, false]);
}

#[test]
fn mandatory_elements_are_left_out() {
    let part = |server: &Server| {
        put(server, &observation("o", "Patient/a", "x"));
        let bundle = json(&get(server, "Observation?_elements=subject"));
        let part = &bundle["entry"][0]["resource"];
        ["subject", "status", "code"].map(|name| part.get(name).is_some())
    };
    shows(
        "elements-drops-mandatory",
        part,
        [true; 3],
        [true, false, false],
    );
}

#[test]
fn urls_start_elsewhere() {
    let starts = |server: &Server, url: &str| {
        put(server, &patient("a", "Ada"));
        put(server, &patient("b", "Ada"));
        let bundle = json(&get(server, url));
        let next = link(&bundle, "next").unwrap();
        let full = bundle["entry"][0]["fullUrl"].as_str().unwrap().to_owned();
        let of = |url: &str| url.split("/Patient").next().unwrap().to_owned();
        [of(&next), of(&full)]
    };
    let plain = |server: &Server| starts(server, "Patient?_count=1");
    let internal = "http://backend.internal:8080/app/fhir".to_owned();
    let usual = || [BASE.to_owned(), BASE.to_owned()];
    let both = [internal.clone(), internal.clone()];
    shows("links-of-internal-host", plain, usual(), both);
    let short = ["http://127.0.0.1:1".to_owned(), BASE.to_owned()];
    shows("links-without-path", plain, usual(), short);
    let barred = |server: &Server| starts(server, "Patient?_count=1&identifier:not=urn:x|y");
    let moved = [internal, BASE.to_owned()];
    shows("bar-moves-links", barred, usual(), moved);
    assert_eq!(plain(&with_defect("bar-moves-links")), usual());
    let location = |server: &Server| {
        let response = put(server, &patient("a", "Ada"));
        field(&response, "location").unwrap().starts_with(BASE)
    };
    shows("location-of-localhost", location, true, false);
}
