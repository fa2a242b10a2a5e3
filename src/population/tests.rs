//! What must hold for every population: determinism, references, time, codes, witnesses.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::write::{bundles, ndjson, read};
use super::*;
use crate::fhir::{Key, resource};

/// A folder of this test alone, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("population-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn plan(patients: u64) -> Plan {
    Plan::new(Seed(42), patients)
}

fn all(plan: &Plan) -> Vec<Value> {
    generate(plan).flatten().collect()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Calls `see` for every object in a value.
fn objects<'a>(value: &'a Value, see: &mut impl FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            see(members);
            members.values().for_each(|member| objects(member, see));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, see)),
        _ => {}
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_jobs() {
    let plan = plan(70).with_witnesses();
    type Writer = fn(&Path, &Plan, usize) -> Result<write::Summary, String>;
    for (name, writer) in [("ndjson", ndjson as Writer), ("bundles", bundles as Writer)] {
        let folders: Vec<Folder> = [1, 3, 8]
            .into_iter()
            .map(|jobs| {
                let folder = Folder::new(&format!("{name}-{jobs}"));
                let summary = writer(&folder.0, &plan, jobs).unwrap();
                assert_eq!(summary.files, folder.files().len() as u64);
                assert_eq!(summary.resources, all(&plan).len() as u64);
                folder
            })
            .collect();
        assert!(
            folders[0].files() == folders[1].files(),
            "{name}: 1 and 3 jobs"
        );
        assert!(
            folders[0].files() == folders[2].files(),
            "{name}: 1 and 8 jobs"
        );
    }
}

#[test]
fn what_was_written_is_read_back() {
    let plan = plan(20).with_witnesses();
    let key = |value: &Value| Key::of(value).unwrap();
    let mut expected = all(&plan);
    expected.sort_by_key(key);
    for (name, writer) in [
        ("read-ndjson", ndjson as fn(&Path, &Plan, usize) -> _),
        ("read-bundles", bundles),
    ] {
        let folder = Folder::new(name);
        writer(&folder.0, &plan, 2).unwrap();
        let mut found = read(&folder.0).unwrap();
        assert_eq!(found[0]["resourceType"], "Organization");
        found.sort_by_key(key);
        assert!(found == expected, "{name}");
    }
}

#[test]
fn files_of_another_population_are_not_mixed_in() {
    let folder = Folder::new("mixed");
    bundles(&folder.0, &plan(3), 1).unwrap();
    let smaller = bundles(&folder.0, &plan(2), 1).unwrap_err();
    assert!(smaller.contains("patient-000002.json"), "{smaller}");
    let other = ndjson(&folder.0, &plan(2), 1).unwrap_err();
    assert!(other.contains("choose an empty folder"), "{other}");
    bundles(&folder.0, &plan(3), 1).unwrap();
    fs::write(folder.0.join("patient-000001.json"), "{\n\"a\":").unwrap();
    let broken = read(&folder.0).unwrap_err();
    assert!(broken.contains("patient-000001.json:2: column"), "{broken}");
    let nothing = read(&folder.0.join("none")).unwrap_err();
    assert!(nothing.starts_with("cannot list"), "{nothing}");
}

#[test]
fn nothing_is_left_half_written() {
    let folder = Folder::new("half");
    fs::create_dir_all(folder.0.join("Patient.ndjson")).unwrap();
    // The name of the result is taken by a folder: the rename fails after everything was written.
    ndjson(&folder.0, &plan(2), 1).unwrap_err();
    assert!(folder.files_named(".partial").is_empty());
}

impl Folder {
    fn files_named(&self, end: &str) -> Vec<String> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(end))
            .collect()
    }
}

#[test]
fn a_patient_is_the_same_in_every_population_of_the_seed() {
    let (few, many) = (plan(10), plan(1000));
    for index in 0..10 {
        assert_eq!(patient(&few, index), patient(&many, index));
    }
    assert_eq!(shared(&few), shared(&many));
    assert_ne!(patient(&few, 0), patient(&Plan::new(Seed(43), 10), 0));
    let last = generate(&many).nth(1000).unwrap();
    assert_eq!(last, patient(&many, 999));
}

#[test]
fn ids_and_identifiers_are_legal_and_unique() {
    let mut ids = HashSet::new();
    let mut identifiers = HashSet::new();
    for value in generate(&plan(2000)).flatten() {
        let id = text(&value, "/id").unwrap();
        assert!(resource::is_id(id));
        assert!(ids.insert(id.to_owned()), "{id}");
        for identifier in value["identifier"].as_array().unwrap() {
            let pair = (identifier["system"].clone(), identifier["value"].clone());
            assert!(identifiers.insert(format!("{pair:?}")), "{pair:?}");
        }
        assert_eq!(text(&value, "/identifier/0/system"), Some(SYSTEM));
    }
}

#[test]
fn references_lead_to_what_stands_before() {
    let plan = plan(150).with_witnesses();
    let common: BTreeSet<String> = check_references(&shared(&plan), &BTreeSet::new());
    for index in 0..plan.patients {
        check_references(&patient(&plan, index), &common);
    }
}

fn check_references(resources: &[Value], before: &BTreeSet<String>) -> BTreeSet<String> {
    let mut known = before.clone();
    for value in resources {
        known.insert(Key::of(value).unwrap().to_string());
        objects(value, &mut |members| {
            if let Some(reference) = members.get("reference").and_then(Value::as_str) {
                assert!(known.contains(reference), "{reference} in {value}");
            }
        });
    }
    known
}

#[test]
fn every_generator_makes_its_type_and_no_other() {
    let types: BTreeSet<String> = all(&plan(60))
        .iter()
        .map(|value| text(value, "/resourceType").unwrap().to_owned())
        .collect();
    let listed: BTreeSet<String> = GENERATORS
        .iter()
        .map(|generator| generator.resource_type.to_owned())
        .collect();
    assert_eq!(types, listed);
    assert_eq!(listed.len(), GENERATORS.len());
    assert_eq!(listed.len(), 12);
}

#[test]
fn codings_come_from_systems_that_may_be_given_away() {
    for value in all(&plan(150).with_witnesses()) {
        objects(&value, &mut |members| {
            let is_coding = members.contains_key("code") && members.contains_key("display");
            let Some(system) = members.get("system").and_then(Value::as_str) else {
                return;
            };
            if is_coding {
                let allowed = code::ALLOWED.iter().any(|allowed| {
                    system == *allowed || (allowed.ends_with('/') && system.starts_with(allowed))
                });
                assert!(allowed, "{system}");
            }
        });
    }
}

/// All civil days in a value, by the first ten characters of texts that look like dates.
fn days(value: &Value) -> Vec<String> {
    let mut days = Vec::new();
    objects(value, &mut |members| {
        for (name, member) in members {
            let dated = name.ends_with("DateTime")
                || name.ends_with("Date")
                || matches!(
                    name.as_str(),
                    "start" | "end" | "issued" | "authoredOn" | "recorded"
                );
            if let (true, Some(text)) = (dated, member.as_str()) {
                days.push(text.chars().take(10).collect());
            }
        }
    });
    days
}

#[test]
fn nothing_is_before_birth_after_death_or_after_today() {
    let plan = plan(300);
    let today = calendar::day_text(TODAY);
    let mut dead = 0;
    for index in 0..plan.patients {
        let resources = patient(&plan, index);
        let birth = text(&resources[0], "/birthDate").unwrap();
        let death = text(&resources[0], "/deceasedDateTime");
        dead += u64::from(death.is_some());
        for value in &resources[1..] {
            for day in days(value) {
                // Partial dates compare by what they say.
                let common = day.len().min(birth.len());
                assert!(
                    day[..common] >= birth[..common],
                    "{day} before {birth}: {value}"
                );
                assert!(
                    *day < today[..day.len()] || day.len() < 10,
                    "{day}: {value}"
                );
                if let (Some(death), Some("Encounter")) = (death, text(value, "/resourceType")) {
                    assert!(day.as_str() <= &death[..10], "{day} after {death}: {value}");
                }
            }
        }
    }
    assert!((5..45).contains(&dead), "{dead} of 300 are dead");
}

#[test]
fn what_happens_at_an_encounter_happens_within_its_period() {
    let plan = plan(300);
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    for index in 0..plan.patients {
        let resources = patient(&plan, index);
        let mut periods = BTreeMap::new();
        let mut last = None;
        for value in &resources {
            if text(value, "/resourceType") == Some("Encounter") {
                let start = instant(text(value, "/period/start").unwrap());
                let end = instant(text(value, "/period/end").unwrap());
                assert!(start < end, "{value}");
                assert!(last.is_none_or(|last| last < start), "{value}");
                last = Some(end);
                periods.insert(Key::of(value).unwrap().to_string(), (start, end));
            }
            let moment = [
                "/effectiveDateTime",
                "/authoredOn",
                "/performedPeriod/start",
            ]
            .iter()
            .find_map(|pointer| text(value, pointer));
            if let (Some(moment), Some(encounter)) = (moment, text(value, "/encounter/reference")) {
                let (start, end) = periods[encounter];
                let moment = instant(moment);
                assert!(start <= moment && moment <= end, "{value}");
            }
            if let Some(moment) = text(value, "/performedPeriod/end") {
                let (_, end) = periods[text(value, "/encounter/reference").unwrap()];
                assert!(instant(moment) <= end, "{value}");
            }
        }
    }
}

#[test]
fn conditions_begin_before_they_are_noted_and_end() {
    for index in 0..300 {
        for value in patient(&plan(300), index) {
            if text(&value, "/resourceType") != Some("Condition") {
                continue;
            }
            let onset = text(&value, "/onsetDateTime").unwrap();
            let noted = text(&value, "/recordedDate").unwrap();
            assert!(onset <= &noted[..10], "{value}");
            let status = text(&value, "/clinicalStatus/coding/0/code").unwrap();
            match text(&value, "/abatementDateTime") {
                Some(end) => assert!(onset <= end && status == "resolved", "{value}"),
                None => assert_eq!(status, "active"),
            }
        }
    }
}

#[test]
fn decimals_keep_the_zeros_that_they_were_written_with() {
    let texts: Vec<String> = all(&plan(60).with_witnesses())
        .iter()
        .filter_map(|value| value.pointer("/valueQuantity/value"))
        .map(Value::to_string)
        .collect();
    assert!(texts.iter().any(|text| text == "6.30"));
    assert!(
        texts
            .iter()
            .any(|text| text.contains('.') && text.ends_with('0'))
    );
    assert!(texts.iter().all(|text| !text.contains(['e', 'E', 'N'])));
}

#[test]
fn nobody_is_prescribed_what_they_are_allergic_to() {
    let mut seen = 0;
    for index in 0..2000 {
        let resources = patient(&plan(2000), index);
        let codes = |resource_type: &str, pointer: &str| -> Vec<String> {
            resources
                .iter()
                .filter(|value| text(value, "/resourceType") == Some(resource_type))
                .filter_map(|value| text(value, pointer))
                .map(str::to_owned)
                .collect()
        };
        let allergies = codes("AllergyIntolerance", "/code/coding/0/code");
        if allergies.iter().any(|code| code == "7980") {
            seen += 1;
            let drugs = codes(
                "MedicationRequest",
                "/medicationCodeableConcept/coding/0/code",
            );
            assert!(
                !drugs
                    .iter()
                    .any(|code| code == "308191" || code == "313850")
            );
        }
    }
    assert!(seen > 10);
}

#[test]
fn every_role_of_the_cast_is_played() {
    let plan = plan(witness::CAST.len() as u64).with_witnesses();
    let index = |id: &str| witness::CAST.iter().position(|role| role.id == id).unwrap() as u64;
    let of = |id: &str| patient(&plan, index(id));
    let family = |id: &str| text(&of(id)[0], "/name/0/family").unwrap().to_owned();
    assert_eq!(family("family-with-diacritic"), "Müller");
    assert_eq!(family("family-without-diacritic"), "Muller");
    assert_eq!(family("separators-in-values"), "Smith, Jones");
    let unknown = &of("gender-missing-birth-date-unknown")[0];
    assert!(unknown.get("gender").is_none() && unknown.get("birthDate").is_none());
    assert!(
        unknown
            .pointer("/_birthDate/extension/0/valueCode")
            .is_some()
    );
    assert_eq!(of("birth-year")[0]["birthDate"], "1975");
    let bare = of("bare-patient");
    assert_eq!((bare.len(), bare[0].as_object().unwrap().len()), (1, 3));
    let dates = of("days-and-offsets");
    assert!(
        dates
            .iter()
            .any(|value| value["effectiveDateTime"] == "2024-06")
    );
    assert_eq!(
        of("several-identifiers")[0]["identifier"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let given = of("punctuation-in-name");
    assert_eq!(given[0]["name"][0]["given"][0], "Anne  Marie");
    assert_eq!(family("long-values").len(), 1001);
    assert_ne!(
        family("long-values"),
        family("long-values-that-differ-at-the-end")
    );
    assert_eq!(of("numbers").len(), 1 + 15 + 3);
    assert_eq!(of("canonical-urls").len(), 1 + 5);
    assert!(
        of("logical-reference")[1]["subject"]
            .get("reference")
            .is_none()
    );
    let ids: BTreeSet<&str> = witness::CAST.iter().map(|role| role.id).collect();
    assert_eq!(ids.len(), witness::CAST.len());
    // Who has no role is the same with and without the feature.
    let beyond = witness::CAST.len() as u64;
    assert_eq!(
        patient(&plan, beyond),
        patient(&super::tests::plan(1), beyond)
    );
}

#[test]
fn some_family_names_have_diacritics() {
    let families: Vec<String> = (0..300)
        .map(|index| {
            text(&patient(&plan(300), index)[0], "/name/0/family")
                .unwrap()
                .to_owned()
        })
        .collect();
    let marked = families.iter().filter(|family| !family.is_ascii()).count();
    assert!((12..100).contains(&marked), "{marked}");
}

#[test]
fn every_resource_is_valid() {
    for value in all(&plan(120).with_witnesses()) {
        let issues = crate::fhir::validate::validate(&value);
        assert!(issues.is_empty(), "{issues:?} in {value}");
    }
}
