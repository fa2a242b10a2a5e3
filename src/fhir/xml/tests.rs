//! XML and JSON of the same resource; what is refused; every generated resource there and back.

use serde_json::{Value, json};

use super::{Layout, MAX_DEPTH, narrative_text, read, write};
use crate::population::{Plan, generate};
use crate::seed::Seed;

fn there_and_back(resource: &Value) {
    for layout in [Layout::Compact, Layout::Pretty] {
        let xml = write(resource, layout).unwrap();
        let back = read(xml.as_bytes()).unwrap();
        assert_eq!(&back, resource, "{xml}");
        assert_eq!(write(&back, layout).unwrap(), xml);
    }
}

fn error(xml: &str) -> String {
    read(xml.as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_parts_of_a_resource_have_the_json_form_of_r4() {
    let xml = r##"<?xml version="1.0"?><!-- a comment -->
<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">
  <id value="a"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p  class='x'>A &amp; <b>B</b>&#160;</p></div></text>
  <contained><Organization><id value="o"/><active value="false"/></Organization></contained>
  <extension url="urn:x"><valueDecimal value="1.50"/></extension>
  <name id="n"><given value="Ada"/><given id="g"><extension url="urn:y"><valueCode value="c"/></extension></given></name>
  <birthDate value="1970-01-01"><extension url="urn:t"><valueDateTime value="1970-01-01T00:00:00Z"/></extension></birthDate>
  <multipleBirthInteger value="2"/>
</Patient>"##;
    let resource = read(xml.as_bytes()).unwrap();
    let expected: Value = serde_json::from_str(
        r##"{"resourceType": "Patient", "id": "a",
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p  class='x'>A &amp; <b>B</b>&#160;</p></div>"},
        "contained": [{"resourceType": "Organization", "id": "o", "active": false}],
        "extension": [{"url": "urn:x", "valueDecimal": 1.50}],
        "name": [{"id": "n", "given": ["Ada", null], "_given": [null, {"id": "g", "extension": [{"url": "urn:y", "valueCode": "c"}]}]}],
        "birthDate": "1970-01-01", "_birthDate": {"extension": [{"url": "urn:t", "valueDateTime": "1970-01-01T00:00:00Z"}]},
        "multipleBirthInteger": 2}"##,
    )
    .unwrap();
    assert_eq!(resource, expected);
    there_and_back(&resource);
}

#[test]
fn elements_are_written_in_the_order_of_the_definition_and_attributes_are_escaped() {
    let resource = json!({"resourceType": "Patient", "birthDate": "1970-01-01", "id": "a",
        "name": [{"family": "<\"O'B & C\">\n\té漢😀"}], "_gender": {"extension": [{"url": "urn:x", "valueBoolean": true}]}});
    assert_eq!(
        write(&resource, Layout::Compact).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"a\"/>\
         <name><family value=\"&lt;&quot;O'B &amp; C&quot;&gt;&#xA;&#x9;é漢😀\"/></name>\
         <gender><extension url=\"urn:x\"><valueBoolean value=\"true\"/></extension></gender>\
         <birthDate value=\"1970-01-01\"/></Patient>"
    );
    there_and_back(&resource);
}

#[test]
fn prefixes_are_namespaces_and_a_narrative_without_its_own_gets_it() {
    let xml = r#"<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:text><f:status value="empty"/><h:div><h:p title="a">x</h:p><h:br/></h:div></f:text></f:Patient>"#;
    assert_eq!(
        read(xml.as_bytes()).unwrap()["text"]["div"],
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p title=\"a\">x</p><br></br></div>"
    );
}

#[test]
fn numbers_keep_their_text_and_what_is_no_number_stays_a_visible_string() {
    let of = |text: &str| {
        let xml = format!(
            r#"<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="{text}"/></valueQuantity></Observation>"#
        );
        read(xml.as_bytes()).unwrap()["valueQuantity"]["value"].to_string()
    };
    assert_eq!(of("0.10"), "0.10");
    assert_eq!(of("-12345678901234567.890"), "-12345678901234567.890");
    assert_eq!(of("01.5"), "\"01.5\"");
    assert_eq!(of(" 1"), "\" 1\"");
}

#[test]
fn what_r4_has_not_is_kept_for_the_validator_to_name() {
    let xml = r#"<Patient xmlns="http://hl7.org/fhir" odd="1"><nose value="long"/><ear><side value="l"/></ear><ear/><active/></Patient>"#;
    assert_eq!(
        read(xml.as_bytes()).unwrap(),
        json!({"resourceType": "Patient", "odd": "1", "nose": "long", "ear": [{"side": "l"}, {}], "active": null})
    );
}

#[test]
fn documents_that_are_no_fhir_xml_are_refused_with_the_position() {
    let doctype = "<!DOCTYPE x [<!ENTITY a \"b\">]>\n<Patient xmlns=\"http://hl7.org/fhir\"/>";
    assert_eq!(
        error(doctype),
        "line 1, column 1: a document type is not read"
    );
    let entity = "<Patient xmlns=\"http://hl7.org/fhir\">\n  <id value=\"&a;\"/></Patient>";
    assert!(error(entity).starts_with("line 2, column 3: an entity"));
    let in_narrative = "<Patient xmlns=\"http://hl7.org/fhir\"><text><div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div></text></Patient>";
    assert!(error(in_narrative).ends_with("an entity that XML has not"));
    assert!(error("<Patient/>").ends_with("outside of the namespace of FHIR"));
    assert!(error("{\"resourceType\":\"Patient\"}").ends_with("text where FHIR has none"));
    assert!(error("<Patient xmlns=\"http://hl7.org/fhir\"><id").contains("not XML"));
    assert!(
        error("<Patient xmlns=\"http://hl7.org/fhir\"><id></Patient>").contains("do not match")
    );
    assert!(
        error("<Patient xmlns=\"http://hl7.org/fhir\"/><Patient xmlns=\"http://hl7.org/fhir\"/>")
            .contains("second root")
    );
    assert!(error("").contains("ends too early"));
    assert!(
        read(b"<Patient \xff")
            .unwrap_err()
            .to_string()
            .contains("not UTF-8")
    );
    assert!(
        error("<Bundle xmlns=\"http://hl7.org/fhir\"><entry><resource/></entry></Bundle>")
            .contains("one resource")
    );
}

#[test]
fn nesting_without_end_is_refused() {
    let open = "<extension>".repeat(MAX_DEPTH + 1);
    let xml = format!("<Patient xmlns=\"http://hl7.org/fhir\">{open}");
    assert!(error(&xml).ends_with("nested too deep, or too many elements"));
}

#[test]
fn what_xml_cannot_hold_is_refused_and_nothing_is_left_out() {
    let refused = |resource: Value| write(&resource, Layout::Compact).unwrap_err().to_string();
    assert_eq!(
        refused(json!({"resourceType": "Patient", "name": [{"family": "a\u{1}"}]})),
        "Patient.name[0].family: a character that XML has not"
    );
    assert!(refused(json!({"resourceType": "Patient", "nose": 1})).contains("R4 has not"));
    assert!(refused(json!({"resourceType": "Nose"})).contains("type that R4 has not"));
    assert!(refused(json!({"resourceType": "Patient", "name": {}})).contains("list"));
    for div in [
        "<div>x</div>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p></div>",
        "text",
    ] {
        let resource = json!({"resourceType": "Patient", "text": {"status": "empty", "div": div}});
        assert!(refused(resource).contains("narrative"), "{div}");
    }
}

#[test]
fn the_words_of_a_narrative_are_the_same_in_every_spelling() {
    let one = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>A &amp; B</p>\n <br/>C&#233;</div>";
    let other =
        "<h:div xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:p>A &#38;   B</h:p>C\u{e9}</h:div>";
    assert_eq!(narrative_text(one).as_deref(), Some("A & B C\u{e9}"));
    assert_eq!(narrative_text(one), narrative_text(other));
    assert_eq!(narrative_text("<div>x"), None);
}

#[test]
fn every_generated_resource_is_the_same_there_and_back() {
    let mut count = 0;
    let plan = Plan::new(Seed(7), 12).with_witnesses();
    for resource in generate(&plan).flatten() {
        there_and_back(&resource);
        count += 1;
    }
    assert!(count > 100, "{count} resources");
}

/// Resources of the US Core packages that cannot be written: none of them is, by R4, a resource that XML can hold.
const NOT_WRITABLE: usize = 0;

#[test]
fn the_examples_of_us_core_are_the_same_there_and_back() {
    let Some(shared) = std::env::var_os("ROUNDS_SHARED") else {
        println!("skipped: ROUNDS_SHARED does not name the folder with the packages");
        return;
    };
    let (mut count, mut refused) = (0, Vec::new());
    for entry in std::fs::read_dir(std::path::Path::new(&shared).join("packages")).unwrap() {
        for (name, resource) in resources(&entry.unwrap().path()) {
            count += 1;
            match write(&resource, Layout::Compact) {
                Ok(xml) => {
                    let back = read(xml.as_bytes()).unwrap();
                    assert!(back == with_line_ends(resource), "{name}");
                }
                Err(error) => refused.push(format!("{name}: {error}")),
            }
        }
    }
    println!(
        "{count} resources of US Core there and back, {} refused",
        refused.len()
    );
    assert!(count > 1000, "{count} resources");
    assert_eq!(refused.len(), NOT_WRITABLE, "{}", refused.join("\n"));
}

/// The narratives as XML reads them: a line ends in one character.
fn with_line_ends(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = with_line_ends(item.take())),
        Value::Object(members) => members.iter_mut().for_each(|(name, member)| {
            *member = match member.as_str().filter(|_| name == "div") {
                Some(div) => div.replace("\r\n", "\n").replace('\r', "\n").into(),
                None => with_line_ends(member.take()),
            };
        }),
        _ => {}
    }
    value
}

/// Name and content of the resources in a package, its build log and API descriptions left out.
fn resources(package: &std::path::Path) -> Vec<(String, Value)> {
    let file = std::fs::File::open(package).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut resources = Vec::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let folder = name.rsplit('/').nth(1);
        if name.ends_with(".json") && matches!(folder, Some("package" | "example")) {
            let value: Value = serde_json::from_reader(entry).unwrap();
            if value.get("resourceType").is_some() {
                resources.push((name, value));
            }
        }
    }
    resources
}

#[test]
fn repetitions_that_do_not_stand_together_are_gathered_in_order() {
    let xml = r#"<Patient xmlns="http://hl7.org/fhir"><name><text value="a"/></name><active value="true"/><name><text value="b"/></name></Patient>"#;
    assert_eq!(
        read(xml.as_bytes()).unwrap()["name"],
        json!([{"text": "a"}, {"text": "b"}])
    );
}
