//! Hostile sizes, values that must not be shown, and systematic damage. Not single rules.

use serde_json::{Value, json};

use super::super::validate;
use super::{issues, observation, patient};

#[test]
fn hostile_depth_and_number_have_limits() {
    let mut item = json!({"linkId": "1", "type": "group"});
    for _ in 0..200 {
        item = json!({"linkId": "1", "type": "group", "item": [item]});
    }
    let questionnaire = json!({"resourceType": "Questionnaire", "status": "draft", "item": [item]});
    let found = issues(&questionnaire);
    assert_eq!((found.len(), found[0].0), (1, "structure/depth"));

    let many: Vec<Value> = (0..5000).map(|_| json!({})).collect();
    let found = issues(&json!({"resourceType": "Patient", "name": many}));
    assert_eq!(found.len(), 1000);
    assert_eq!(found.last().unwrap().0, "validation/limit");
}

#[test]
fn messages_hold_no_values() {
    let secret = "Mustermann 1974";
    let patient = json!({"resourceType": "Patient", "gender": secret, "birthDate": secret, "id": secret,
        "name": secret, "active": secret, secret: secret, "telecom": [secret], "text": {"status": secret, "div": secret},
        "managingOrganization": {"reference": secret}});
    let found = validate(&patient);
    assert!(found.len() >= 9, "{found:?}");
    for issue in found {
        assert!(
            !issue.message.contains("Muster") && !issue.path.contains("Muster"),
            "{issue:?}"
        );
    }
}

/// Every place of the sample resources, damaged in every way that its shape allows, is found.
#[test]
fn systematic_mutations_are_all_found() {
    for resource in [patient(), observation()] {
        let mut pointers = Vec::new();
        collect(&resource, String::new(), &mut pointers);
        let mut count = 0;
        for pointer in pointers {
            let original = resource.pointer(&pointer).unwrap();
            for mutated in mutations(original) {
                let mut copy = resource.clone();
                *copy.pointer_mut(&pointer).unwrap() = mutated.clone();
                assert_ne!(issues(&copy), [], "{pointer}: {original} became {mutated}");
                count += 1;
            }
        }
        assert!(count > 60, "{count} mutations");
    }
}

/// JSON pointers of all values below the root.
fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    let mut visit = |name: String, child: &Value| {
        let pointer = format!("{pointer}/{name}");
        pointers.push(pointer.clone());
        collect(child, pointer, pointers);
    };
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(key, child)| visit(key.clone(), child)),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .filter(|(_, child)| !child.is_null())
            .for_each(|(index, child)| visit(index.to_string(), child)),
        _ => {}
    }
}

fn mutations(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(object) => {
            let mut grown = object.clone();
            grown.insert("unknownElement".to_owned(), json!("x"));
            vec![json!({}), json!([value]), json!("x"), Value::Object(grown)]
        }
        Value::Array(array) => vec![json!([]), array[0].clone(), json!([[array[0]]])],
        Value::String(_) => vec![
            json!(""),
            json!([value]),
            json!({"a": value}),
            json!(1),
            json!("\u{1}"),
        ],
        Value::Number(_) => vec![json!(value.to_string()), json!([value]), json!(true)],
        _ => vec![json!("true"), json!([value]), json!(1)],
    }
}
