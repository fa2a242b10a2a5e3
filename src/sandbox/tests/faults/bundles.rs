//! Faults of batches and transactions.

use super::*;

const URN: &str = "urn:uuid:0c3f5a5e-0000-4000-8000-000000000001";

fn answered(server: &Server, entries: &[(&str, &str, Value, &str)]) -> u16 {
    transaction(server, entries).status
}

#[test]
fn a_bad_entry_fails_the_batch_or_colours_it() {
    let batch = |server: &Server| {
        let made = patient("x", "Ada");
        let entries = [
            ("POST", "Patient", made, ""),
            ("POST", "Patient", Value::Null, ""),
        ];
        let response = send(server, Method::Post, "", &bundle("batch", &entries));
        (response.status, ids(server, "Patient").len())
    };
    shows("batch-fails-whole", batch, (200, 1), (400, 0));
    shows("batch-status-of-entries", batch, (200, 1), (400, 1));
}

#[test]
fn entries_that_a_transaction_should_carry_out_fail() {
    let table = [
        (
            "conditional-delete-entry-refused",
            "DELETE",
            "Patient?_id=none",
            Value::Null,
            200,
            422,
        ),
        (
            "null-entry-crashes",
            "POST",
            "Patient",
            Value::Null,
            400,
            500,
        ),
        (
            "transaction-get-crashes",
            "GET",
            "Patient?_id=none",
            Value::Null,
            200,
            500,
        ),
        (
            "transaction-revive-refused",
            "PUT",
            "Patient/gone",
            patient("gone", "Ada"),
            200,
            409,
        ),
    ];
    for (id, method, url, resource, honest, faulty) in table {
        let look = |server: &Server| {
            put(server, &patient("gone", "Ada"));
            status(server, Method::Delete, "Patient/gone");
            answered(server, &[(method, url, resource.clone(), "")])
        };
        shows(id, look, honest, faulty);
    }
}

#[test]
fn a_stale_version_in_an_entry_is_not_looked_at() {
    for kind in ["batch", "transaction"] {
        let family = |server: &Server| {
            put(server, &patient("a", "Ada"));
            put(server, &patient("a", "Eva"));
            let mut stale = bundle(kind, &[("PUT", "Patient/a", patient("a", "Ida"), "")]);
            stale["entry"][0]["request"]["ifMatch"] = "W/\"1\"".into();
            send(server, Method::Post, "", &stale);
            let family = json(&get(server, "Patient/a"))["name"][0]["family"].clone();
            family.as_str().unwrap().to_owned()
        };
        shows("entry-if-match-ignored", family, "Eva".into(), "Ida".into());
    }
}

/// What became of a reference, a url and a link of a narrative to the entry of a name.
fn kept(server: &Server, name: &str, extended: bool) -> [bool; 3] {
    let mut report = json!({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"},
        "subject": {"reference": name}, "presentedForm": [{"url": name}],
        "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{name}\">x</a></div>")}});
    if extended {
        report["meta"] = json!({"extension": [{"url": "urn:e", "valueString": "x"}]});
    }
    let entries = [
        ("POST", "Patient", patient("x", "Ada"), name),
        ("POST", "DiagnosticReport", report, ""),
    ];
    assert_eq!(answered(server, &entries), 200);
    let stored = json(&get(server, "DiagnosticReport"))["entry"][0]["resource"].clone();
    let holds = |place: &str| {
        let text = stored.pointer(place).and_then(Value::as_str).unwrap();
        text.contains(name)
    };
    [
        holds("/subject/reference"),
        holds("/presentedForm/0/url"),
        holds("/text/div"),
    ]
}

#[test]
fn names_of_entries_are_stored_as_they_are() {
    let by_urn = |server: &Server| kept(server, URN, false);
    shows("urn-kept", by_urn, [false; 3], [true; 3]);
    shows("urn-kept-in-urls", by_urn, [false; 3], [false, true, false]);
    shows(
        "urn-kept-in-narrative",
        by_urn,
        [false; 3],
        [false, false, true],
    );
    let extended = |server: &Server| kept(server, URN, true);
    shows("urn-kept-beside-extension", extended, [false; 3], [true; 3]);
    assert_eq!(
        by_urn(&with_defect("urn-kept-beside-extension")),
        [false; 3]
    );
    let by_url = |server: &Server| kept(server, "http://old.example/Patient/1", false);
    shows("only-urn-resolved", by_url, [false; 3], [true; 3]);
    assert_eq!(by_urn(&with_defect("only-urn-resolved")), [false; 3]);
    let head = &URN[..URN.len() - 2];
    let names = (10..70).map(|number| format!("{head}{number}"));
    let struck = names
        .filter(|name| kept(&with_defect("urn-kept@1-in-10"), name, false)[0])
        .count();
    assert!((1..30).contains(&struck), "{struck}");
}
