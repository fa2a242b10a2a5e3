//! The sentinels, one of each of the 18 classes of 45 CFR 164.514(b)(2)(i) and some kin, and records that carry them in
//! every place where FHIR has one. Not realistic data: each value occurs nowhere else.

use serde_json::{Value, json};

/// Logical id of the patient (class R); named by the operator with `--patient`.
pub const PATIENT: &str = "pt-zq81-vexmoor";

/// Class and value. Classes A to R stand in the order of the regulation.
pub const SENTINELS: &[(&str, &str)] = &[
    ("A name", "Quillfeather"),
    ("A name", "Zephyrine"),
    ("A name", "Ödön-Kvist"),
    ("B geography", "77 Wimberquist Lane"),
    ("B geography", "Oxnardville"),
    ("B geography", "90417-6652"),
    ("C date", "1931-03-17"),
    ("C date", "2019-11-23T04:05:06"),
    ("C date", "2018-07-29"),
    ("C date", "17 Mar 1931"),
    ("D telephone", "+1-707-555-0142"),
    ("E fax", "+1-707-555-0188"),
    ("F e-mail", "zq81@vexmoor.example"),
    ("G social security", "987-65-4320"),
    ("H medical record", "MRN-QX7741903"),
    ("I health plan", "HPB/44-70-19-X"),
    ("J account", "ACCT_60091775"),
    ("K licence", "D4471-KV-88120"),
    ("L vehicle", "1HGCM82633A0435"),
    ("M device", "SN:DVX=55120987"),
    ("N URL", "portal.vexmoor-record.example/p/8812"),
    ("O IP address", "198.51.100.237"),
    ("P biometric", "IRIS|99AF03C7"),
    ("Q photograph", "RkFDRS1PRi1WRVhNT09S"),
    ("R other number", PATIENT),
    ("R other number", "ob-77ty-vexmoor"),
    ("R other number", "ver-3361-vexmoor"),
    ("R other number", "73.219847"),
    ("free text", "remission of vexmoor syndrome"),
];

/// All values in one sentence.
pub fn sentence() -> String {
    let values: Vec<&str> = SENTINELS.iter().map(|(_, value)| *value).collect();
    values.join(" ; ")
}

fn narrative() -> Value {
    let text = sentence();
    json!({ "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>") })
}

fn extension() -> Value {
    json!([
        { "url": "http://portal.vexmoor-record.example/p/8812", "valueString": sentence() },
        { "url": "http://example.org/seen", "valueDateTime": "2018-07-29" },
        { "url": "http://example.org/score", "valueDecimal": 73.219847 },
    ])
}

fn patient(id: &str) -> Value {
    let number = |system: &str, value: &str| json!({ "system": format!("http://example.org/{system}"), "value": value });
    json!({
        "resourceType": "Patient", "id": id, "text": narrative(), "extension": extension(),
        "meta": { "source": "http://portal.vexmoor-record.example/p/8812", "tag": [{ "system": "http://example.org/tag",
            "code": "MRN-QX7741903", "display": "Zephyrine Quillfeather" }] },
        "contained": [{ "resourceType": "Organization", "id": "c1", "name": "Clinic of Zephyrine Quillfeather" }],
        "identifier": [
            number("ssn", "987-65-4320"), number("mrn", "MRN-QX7741903"), number("plan", "HPB/44-70-19-X"),
            number("account", "ACCT_60091775"), number("licence", "D4471-KV-88120"),
            number("vehicle", "1HGCM82633A0435"), number("biometric", "IRIS|99AF03C7"),
            number("address", "198.51.100.237"),
        ],
        "active": true,
        "name": [{ "use": "official", "text": "Zephyrine Ödön-Kvist Quillfeather", "family": "Quillfeather",
            "given": ["Zephyrine", "Ödön-Kvist"], "_family": { "extension": extension() } }],
        "telecom": [
            { "system": "phone", "value": "+1-707-555-0142" }, { "system": "fax", "value": "+1-707-555-0188" },
            { "system": "email", "value": "zq81@vexmoor.example" },
            { "system": "url", "value": "https://portal.vexmoor-record.example/p/8812" },
        ],
        "gender": "female", "birthDate": "1931-03-17", "deceasedDateTime": "2019-11-23T04:05:06Z",
        "address": [{ "line": ["77 Wimberquist Lane"], "city": "Oxnardville", "state": "CA", "postalCode": "90417-6652" }],
        "photo": [{ "contentType": "image/png", "data": "RkFDRS1PRi1WRVhNT09S", "title": "Zephyrine Quillfeather.png" }],
        "contact": [{ "name": { "family": "Quillfeather" } }],
        "managingOrganization": { "reference": "#c1", "display": "Clinic of Zephyrine Quillfeather" },
    })
}

fn observation(id: &str, patient: &str, code: &str, value: &str) -> Value {
    let value: Value = serde_json::from_str(value).expect("a number");
    json!({
        "resourceType": "Observation", "id": id, "text": narrative(), "extension": extension(), "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "vital-signs", "display": "Zephyrine Quillfeather" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": code, "display": "remission of vexmoor syndrome" }],
            "text": sentence() },
        "subject": { "reference": format!("Patient/{patient}"), "display": "Zephyrine Quillfeather" },
        "effectiveDateTime": "2018-07-29", "issued": "2019-11-23T04:05:06.000Z",
        "performer": [{ "display": "Zephyrine Quillfeather" }],
        "valueQuantity": { "value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" },
        "note": [{ "text": sentence(), "time": "2019-11-23T04:05:06Z" }],
        "identifier": [{ "system": "http://example.org/device", "value": "SN:DVX=55120987" }],
    })
}

fn condition(id: &str, patient: &str) -> Value {
    json!({
        "resourceType": "Condition", "id": id, "text": narrative(),
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
        "code": { "text": "remission of vexmoor syndrome", "coding": [{ "system": "http://example.org/local", "code": "ACCT_60091775" }] },
        "subject": { "reference": format!("Patient/{patient}"), "display": "Zephyrine Quillfeather" },
        "onsetDateTime": "2018-07-29", "recordedDate": "2019-11-23T04:05:06Z",
        "note": [{ "text": sentence() }],
    })
}

fn document(id: &str, patient: &str) -> Value {
    json!({
        "resourceType": "DocumentReference", "id": id, "status": "current", "description": sentence(),
        "subject": { "reference": format!("Patient/{patient}") }, "date": "2019-11-23T04:05:06Z",
        "type": { "text": "remission of vexmoor syndrome" },
        "content": [{ "attachment": { "contentType": "text/plain", "title": "Quillfeather-1931-03-17.txt",
            "data": "RkFDRS1PRi1WRVhNT09S", "url": "https://portal.vexmoor-record.example/p/8812" } }],
    })
}

/// Valid records of two patients; the second is nobody's business and carries the same values under another id.
pub fn records() -> Vec<Value> {
    let device = json!({ "resourceType": "Device", "id": "ver-3361-vexmoor", "serialNumber": "SN:DVX=55120987",
        "deviceName": [{ "name": "Zephyrine Quillfeather", "type": "user-friendly-name" }],
        "patient": { "reference": format!("Patient/{PATIENT}") }, "url": "https://portal.vexmoor-record.example/p/8812" });
    let mut records = vec![patient(PATIENT), patient("pt-zq81-vexmoor-2"), device];
    for (number, code) in ["29463-7", "8302-2", "29463-7", "8480-6"]
        .iter()
        .enumerate()
    {
        let value = ["73.219847", "171.0", "73.21984700", "120"][number];
        records.push(observation(
            &format!("ob-77ty-vexmoor-{number}"),
            PATIENT,
            code,
            value,
        ));
    }
    records.push(observation(
        "ob-77ty-vexmoor",
        "pt-zq81-vexmoor-2",
        "29463-7",
        "73.219847",
    ));
    records.push(condition("cn-ver-3361-vexmoor", PATIENT));
    records.push(condition("cn-ver-3361-vexmoor-2", "pt-zq81-vexmoor-2"));
    records.push(document("dr-ver-3361-vexmoor", PATIENT));
    records
}
