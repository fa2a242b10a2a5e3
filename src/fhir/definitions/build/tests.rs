//! The distillation on small documents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::pack::{Part, SearchRows, StructureRow, ValueSetRow, decompress, sizes};
use super::build;

fn structure(name: &str, version: &str, elements: Value) -> Value {
    json!({
        "resourceType": "StructureDefinition",
        "url": format!("http://hl7.org/fhir/StructureDefinition/{name}"),
        "name": name,
        "kind": "resource",
        "fhirVersion": version,
        "derivation": "specialization",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/DomainResource",
        "snapshot": {"element": elements}
    })
}

fn documents() -> BTreeMap<String, Value> {
    let bundle = |resources: Vec<Value>| {
        let entries: Vec<Value> = resources
            .into_iter()
            .map(|resource| json!({"resource": resource}))
            .collect();
        json!({"resourceType": "Bundle", "entry": entries})
    };
    let required =
        json!({"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/a|4.0.1"});
    let elements = json!([
        {"path": "A", "min": 0, "max": "*"},
        {"path": "A.id", "min": 0, "max": "1", "type": [{"code": "http://hl7.org/fhirpath/System.String"}]},
        {"path": "A.status", "min": 1, "max": "1", "type": [{"code": "code"}], "binding": required},
        {"path": "A.part", "min": 0, "max": "*", "type": [{"code": "BackboneElement"}]},
        {"path": "A.part.part", "min": 0, "max": "*", "contentReference": "#A.part"}
    ]);
    let parameter = |version: &str, code: &str| {
        json!({
            "resourceType": "SearchParameter", "url": format!("http://hl7.org/fhir/SearchParameter/{code}"),
            "version": version, "code": code, "type": "token", "base": ["A", "B"], "target": ["A", "Bot"],
            "expression": "A.code | (A.value as Coding).where(x = '|') | B.code | Ab.code"
        })
    };
    BTreeMap::from([
        (
            "types.json".to_owned(),
            bundle(vec![
                structure("A", "4.0.1", elements),
                structure("Later", "4.3.0", json!([])),
            ]),
        ),
        (
            "search.json".to_owned(),
            bundle(vec![
                parameter("4.0.1", "code"),
                parameter("5.0.0", "later"),
            ]),
        ),
        (
            "valueset.json".to_owned(),
            json!({
                "resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/a",
                "compose": {"include": [{"system": "http://a"}, {"system": "http://b", "concept": [{"code": "z"}]}]}
            }),
        ),
        (
            "codesystem.json".to_owned(),
            json!({
                "resourceType": "CodeSystem", "url": "http://a", "content": "complete", "caseSensitive": true,
                "concept": [{"code": "y", "concept": [{"code": "x"}]}]
            }),
        ),
        (
            "compartment.json".to_owned(),
            json!({
                "resourceType": "CompartmentDefinition", "url": "http://hl7.org/fhir/CompartmentDefinition/patient",
                "resource": [{"code": "B", "param": ["b"]}, {"code": "A"}]
            }),
        ),
    ])
}

#[test]
fn types_of_other_versions_are_left_out_and_paths_are_kept() {
    let pack = build(&documents()).unwrap();
    let bytes = decompress(&pack, Part::Structures).unwrap();
    let rows: Vec<StructureRow<'_>> = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(rows.len(), 1);
    let elements = &rows[0].elements;
    let paths: Vec<&str> = elements.iter().map(|row| row.path).collect();
    assert_eq!(paths, ["A.id", "A.status", "A.part", "A.part.part"]);
    assert_eq!((elements[0].types[0].code, elements[1].min), ("id", 1));
    assert_eq!((elements[2].repeats, elements[2].max), (true, None));
    assert_eq!(elements[3].content, Some("A.part"));
    assert_eq!(rows[0].base, Some("DomainResource"));
}

#[test]
fn expressions_are_cut_at_their_own_bars_only() {
    let pack = build(&documents()).unwrap();
    let bytes = decompress(&pack, Part::Search).unwrap();
    let rows: SearchRows<'_> = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(rows.parameters.len(), 1);
    let uses: Vec<(&str, &str)> = rows.parameters[0]
        .uses
        .iter()
        .map(|(base, expression)| (*base, expression.as_ref()))
        .collect();
    assert_eq!(
        uses,
        [
            ("A", "A.code | (A.value as Coding).where(x = '|')"),
            ("B", "B.code")
        ]
    );
    assert_eq!(rows.parameters[0].targets, ["A"]);
    assert_eq!(rows.patient_compartment, [("A", vec![]), ("B", vec!["b"])]);
}

#[test]
fn value_sets_are_expanded_or_said_to_be_unknown() {
    let expand = |documents: &BTreeMap<String, Value>| {
        let pack = build(documents).unwrap();
        let bytes = decompress(&pack, Part::Terminology).unwrap();
        let rows: Vec<ValueSetRow<'_>> = postcard::from_bytes(&bytes).unwrap();
        let row = rows.iter().find(|row| row.url.ends_with("/a")).unwrap();
        format!("{:?}", row.systems)
    };
    let whole = documents();
    assert_eq!(
        expand(&whole),
        r#"Some([("http://a", ["x", "y"]), ("http://b", ["z"])])"#
    );
    for (document, pointer, value) in [
        ("codesystem.json", "/content", json!("fragment")),
        ("codesystem.json", "/caseSensitive", json!(false)),
        (
            "valueset.json",
            "/compose/include/0",
            json!({"valueSet": ["http://x"]}),
        ),
        (
            "valueset.json",
            "/compose/include/0",
            json!({"system": "http://unknown"}),
        ),
        (
            "valueset.json",
            "/compose/include/0",
            json!({"system": "http://a", "filter": [{"op": "is-a"}]}),
        ),
    ] {
        let mut changed = whole.clone();
        *changed
            .get_mut(document)
            .unwrap()
            .pointer_mut(pointer)
            .unwrap() = value;
        assert_eq!(expand(&changed), "None", "{document} {pointer}");
    }
}

#[test]
fn the_same_documents_give_the_same_bytes() {
    let pack = build(&documents()).unwrap();
    assert_eq!(pack, build(&documents()).unwrap());
    assert_eq!(sizes(&pack).unwrap().len(), 7);
}

#[test]
fn a_package_without_definitions_is_refused() {
    for missing in [
        "types.json",
        "search.json",
        "valueset.json",
        "compartment.json",
    ] {
        let mut documents = documents();
        documents.remove(missing);
        let error = build(&documents).unwrap_err().to_string();
        assert!(error.starts_with("the package holds no "), "{error}");
    }
}

#[test]
fn a_parameter_without_an_expression_for_its_base_is_refused() {
    let mut documents = documents();
    let search = documents.get_mut("search.json").unwrap();
    search["entry"][0]["resource"]["expression"] = json!("B.code");
    assert!(
        build(&documents)
            .unwrap_err()
            .to_string()
            .contains("base A")
    );
}
