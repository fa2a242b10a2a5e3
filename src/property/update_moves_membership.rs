//! `property/update-moves-membership`: a resource whose value changes leaves the search for the old value and enters the
//! search for the new one. Row SM-31 of the catalogue. How long the index takes is not judged.

use serde_json::{Value, json};

use super::case::{Case, Criterion, Origin, Script, Search, Term};
use super::contrast::{self, Judged, shown_by};
use super::trace::{Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer};
use crate::fhir::capability::Capability;
use crate::property::Command;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct UpdateMovesMembership;

static SPEC: PropertySpec = PropertySpec {
    id: "property/update-moves-membership",
    title: "An update moves a resource from the search for its old value to that for its new one",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#Introduction",
    sentence: "The server determines which of the set of resources it serves meet the specific criteria, and returns the results in the HTTP response as a bundle",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Unknown,
    ],
    precondition: "the resource was in the search for its old value alone, and the update was accepted",
    usual_causes: &[
        "rows of the search index are added by an update and never removed",
        "the results of a search are kept although the resource has changed",
        "an update is stored without being indexed",
    ],
};

/// A parameter with two values that are far apart, and how a resource holds them.
struct Change {
    resource_type: &'static str,
    code: &'static str,
    old: &'static str,
    new: &'static str,
    /// Writes a value into a resource.
    put: fn(&mut Value, &str),
}

static CHANGES: &[Change] = &[
    Change {
        resource_type: "Patient",
        code: "gender",
        old: "male",
        new: "female",
        put: |body, value| body["gender"] = json!(value),
    },
    Change {
        resource_type: "Patient",
        code: "family",
        old: "Quandt",
        new: "Ohlsen",
        put: |body, value| body["name"] = json!([{ "family": value }]),
    },
    Change {
        resource_type: "Patient",
        code: "birthdate",
        old: "1951-03-04",
        new: "1987-11-12",
        put: |body, value| body["birthDate"] = json!(value),
    },
    Change {
        resource_type: "Patient",
        code: "address-city",
        old: "Trier",
        new: "Husum",
        put: |body, value| body["address"] = json!([{ "city": value }]),
    },
    Change {
        resource_type: "Observation",
        code: "status",
        old: "preliminary",
        new: "final",
        put: |body, value| body["status"] = json!(value),
    },
    Change {
        resource_type: "Observation",
        code: "code",
        old: "http://loinc.org|8867-4",
        new: "http://loinc.org|8310-5",
        put: |body, value| {
            let (system, code) = value.split_once('|').unwrap_or_default();
            body["code"] = json!({ "coding": [{ "system": system, "code": code }] });
        },
    },
];

impl Property for UpdateMovesMembership {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        changes(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let changes = changes(ground).unwrap_or_default();
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let Some(first) = changes.first() else {
            return script.finish();
        };
        let change = match changes.len() {
            1 => first,
            _ => values.pick::<&Change>(&changes),
        };
        // Back and forth: a value that a resource had before must find it again.
        let (old, new) = match values.chance(50) {
            true => (change.old, change.new),
            false => (change.new, change.old),
        };
        let moved = script.create(body(change, old));
        script.create(body(change, new));
        script.settle(change.resource_type);
        let search = |label: &str, value: &str| {
            let criterion = Criterion::new(change.code, Term::text(value));
            Search::of(label, change.resource_type, vec![criterion])
        };
        script.search(search("old-before", old));
        script.search(search("new-before", new));
        script.put(moved, body(change, new), None);
        if values.chance(30) {
            script.put(moved, body(change, old), None);
            script.put(moved, body(change, new), None);
        }
        // What is written later and found shows that the index has come as far as the update.
        script.create(body(change, new));
        script.settle(change.resource_type);
        script.search(search("new-after", new).until(moved, true));
        script.search(search("old-after", old).until(moved, false));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather([judge(trace)])
    }
}

fn changes(ground: &Ground<'_>) -> Result<Vec<&'static Change>, Verdict> {
    // A change needs what a written type must offer, and a parameter that it claims.
    let types = ground.written(&["update", "search-type"])?;
    let claimed: Vec<&'static Change> = CHANGES
        .iter()
        .filter(|change| types.contains(&change.resource_type))
        .filter(|change| {
            ground
                .capability
                .supports_parameter(change.resource_type, change.code)
        })
        .collect();
    match claimed.is_empty() {
        true => Err(Verdict::Skip(
            "not claimed: search by parameters that this property uses".to_owned(),
        )),
        false => Ok(claimed),
    }
}

fn body(change: &Change, value: &str) -> Value {
    let mut body = match change.resource_type {
        "Observation" => json!({ "resourceType": "Observation", "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": "2339-0" }] } }),
        name => json!({ "resourceType": name }),
    };
    (change.put)(&mut body, value);
    body
}

fn judge(trace: &Trace) -> Judged {
    let Some(moved) = put(trace)? else {
        return Ok(None);
    };
    answer::prepared(trace)?;
    let labels = ["old-before", "new-before", "old-after", "new-after"];
    let [Some(old), Some(new), Some(left), Some(entered)] = [
        contrast::answered(trace, labels[0])?,
        contrast::answered(trace, labels[1])?,
        contrast::answered(trace, labels[2])?,
        contrast::answered(trace, labels[3])?,
    ] else {
        return Ok(None);
    };
    let is_same =
        |one: &str, two: &str| answer::criteria(trace, one) == answer::criteria(trace, two);
    let is_whole = is_same(labels[0], labels[2])
        && is_same(labels[1], labels[3])
        && !is_same(labels[0], labels[1]);
    let Some(key) = trace.key(moved) else {
        return Ok(None);
    };
    if !is_whole || !old.set().contains(key) || new.set().contains(key) {
        return Ok(None);
    }
    let mut violations = Vec::new();
    if !entered.set().contains(key) {
        let title = "A resource is not found by the value that an update gave it";
        let violation = Violation::new(SPEC.id, title, "it is found", "it is not found");
        let violation = violation.at("Bundle.entry").signed("not-entered");
        violations.push(shown_by(violation, trace, &[&new, &entered]));
    }
    if left.set().contains(key) {
        let title = "A resource is still found by the value that an update took from it";
        let violation = Violation::new(SPEC.id, title, "it is not found", "it is found");
        let violation = violation.at("Bundle.entry").signed("not-left");
        violations.push(shown_by(violation, trace, &[&old, &left]));
    }
    Ok(Some(violations))
}

/// The step that created what was updated, if every update was accepted and the last of them has the new value: the
/// value that another resource had from the start.
fn put(trace: &Trace) -> Result<Option<u32>, Open> {
    let mut moved = None;
    let mut content = None;
    let mut created_later = false;
    for event in &trace.events {
        match &event.step.command {
            Command::Put {
                target, resource, ..
            } => {
                match event.reply() {
                    Reply::Accepted(_) => {}
                    Reply::Refused(exchange) => {
                        return Err(Open::Blocked(format!(
                            "the target refuses to update ({})",
                            exchange.status().unwrap_or_default()
                        )));
                    }
                    Reply::Unknown => {
                        return Err(Open::Undecided(event.doubt().unwrap_or_default()));
                    }
                    Reply::Absent => return Ok(None),
                }
                moved = Some(*target);
                content = Some(resource);
                created_later = false;
            }
            // The sentinel has the content of the update.
            Command::Create { resource, .. } => created_later = content == Some(resource),
            _ => {}
        }
    }
    Ok(moved.filter(|_| created_later))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};

    fn judge(old: &[&str], new: &[&str], status: u16) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let gender = |value: &str| json!({"resourceType": "Patient", "gender": value});
        let step = stage.create("Patient/1", gender("male"));
        stage.create("Patient/2", gender("female"));
        stage.settle("Patient");
        let ask = |stage: &mut Stage, label: &str, value: &str, keys: &[&str]| {
            let criterion = Criterion::new("gender", Term::text(value));
            let search = Search::of(label, "Patient", vec![criterion]);
            let page = searchset(keys, "Patient?_tag=x&gender=y");
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        ask(&mut stage, "old-before", "male", &["Patient/1"]);
        ask(&mut stage, "new-before", "female", &["Patient/2"]);
        stage.put(step, gender("female"), status);
        stage.create("Patient/3", gender("female"));
        stage.settle("Patient");
        ask(&mut stage, "new-after", "female", new);
        ask(&mut stage, "old-after", "male", old);
        UpdateMovesMembership.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_resource_that_moves_is_silent() {
        let judgement = judge(&[], &["Patient/1", "Patient/2", "Patient/3"], 200);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn a_resource_that_stays_or_does_not_arrive_is_found() {
        let stays = judge(&["Patient/1"], &["Patient/1", "Patient/2"], 200);
        assert_eq!(stays.violations[0].signature, ["not-left"]);
        let nowhere = judge(&[], &["Patient/2"], 200);
        assert_eq!(nowhere.violations[0].signature, ["not-entered"]);
    }

    #[test]
    fn a_refused_update_moves_nothing() {
        let judgement = judge(&["Patient/1"], &["Patient/2"], 422);
        assert!(matches!(judgement.open[0], Open::Blocked(_)));
        assert_eq!(judgement.violations, []);
    }
}
