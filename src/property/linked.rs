//! Linked populations: a few patients and resources that refer to them, with values that repeat so that predicates
//! divide both. Where nothing may be written, the cohort stands in. Single types are the business of `dataset`.

use serde_json::{Value, json};

use super::Ground;
use super::case::{Criterion, Origin, Script, Search, Term};
use super::dataset;
use super::parameter::{self, Kind, Parameter};
use super::values::Values;
use crate::record::Verdict;
use crate::record::verdict::WRITES_NOT_ALLOWED;

/// Patients of a population: at least one is referred to by several, often one by none.
const PATIENTS: (u32, u32) = (2, 3);
/// Resources that refer to them.
const REFERRING: (u32, u32) = (3, 5);
/// Resources of the referring type that a cohort must hold.
const MIN_RESOURCES: usize = 2;

/// How a type refers to its patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Type that refers.
    pub resource_type: &'static str,
    /// Element that holds the reference.
    pub element: &'static str,
    /// Search parameter of the reference.
    pub code: &'static str,
    /// True if a population of it can be written: without required elements beyond those written here.
    written: bool,
}

const fn link(
    resource_type: &'static str,
    element: &'static str,
    code: &'static str,
    written: bool,
) -> Link {
    Link {
        resource_type,
        element,
        code,
        written,
    }
}

/// Links, by type in the order of preference. <http://hl7.org/fhir/R4/searchparameter-registry.html>
static LINKS: &[Link] = &[
    link("Observation", "subject", "subject", true),
    link("Observation", "subject", "patient", true),
    link("Encounter", "subject", "subject", true),
    link("Encounter", "subject", "patient", true),
    link("Condition", "subject", "subject", true),
    link("Condition", "subject", "patient", true),
    link("MedicationRequest", "subject", "subject", false),
    link("MedicationRequest", "subject", "patient", false),
    link("Procedure", "subject", "patient", false),
    link("Immunization", "patient", "patient", false),
    link("DiagnosticReport", "subject", "patient", false),
];

const ENCOUNTER_STATUSES: &[&str] = &["finished", "in-progress", "planned"];
const CLASSES: &[&str] = &["AMB", "IMP"];
const CLINICAL: &[&str] = &["active", "resolved"];
const PROBLEMS: &[&str] = &["38341003", "44054006", "195967001"];

impl Link {
    /// The parameter as the first part of a chain to Patient; `subject` may lead to other types.
    pub fn chained(&self) -> String {
        match self.code {
            "subject" => "subject:Patient".to_owned(),
            code => code.to_owned(),
        }
    }

    /// `Observation:subject`, as includes name it.
    pub fn joined(&self) -> String {
        format!("{}:{}", self.resource_type, self.code)
    }
}

/// Where cases with linked resources stand.
pub struct LinkedGround {
    /// Own resources or the cohort.
    pub origin: Origin,
    /// Links that can be used.
    pub links: Vec<Link>,
}

/// An empty ground, which no property is admitted to.
impl Default for LinkedGround {
    fn default() -> Self {
        LinkedGround {
            origin: Origin::Cohort,
            links: LINKS[..1].to_vec(),
        }
    }
}

/// Where cases with linked resources stand: on resources of their own where writing is permitted, else on the cohort.
/// `wanted` says which links a property can use, `what` what it needs of them, for the reason.
///
/// # Errors
/// `Skip` if the target claims no such link, `Blocked` if there is nothing to search without writing.
pub fn ground(
    ground: &Ground<'_>,
    what: &str,
    wanted: impl Fn(&Link) -> bool,
) -> Result<LinkedGround, Verdict> {
    let claims = |name: &str, interaction: &str| ground.capability.supports(name, interaction);
    let claimed: Vec<Link> = LINKS
        .iter()
        .copied()
        .filter(|link| {
            claims(link.resource_type, "search-type")
                && ground
                    .capability
                    .supports_parameter(link.resource_type, link.code)
                && wanted(link)
        })
        .collect();
    if claimed.is_empty() || !claims("Patient", "search-type") {
        return Err(Verdict::Skip(format!("not claimed: {what}")));
    }
    let own: Vec<Link> = claimed
        .iter()
        .copied()
        .filter(|link| link.written && claims(link.resource_type, "create"))
        .collect();
    if ground.writes && claims("Patient", "create") && !own.is_empty() {
        return Ok(LinkedGround {
            origin: Origin::Created,
            links: own,
        });
    }
    let held: Vec<Link> = claimed
        .into_iter()
        .filter(|link| ground.cohort.of_type(link.resource_type).count() >= MIN_RESOURCES)
        .collect();
    if held.is_empty() {
        return Err(Verdict::Blocked(if ground.writes {
            "no resources to search".to_owned()
        } else {
            WRITES_NOT_ALLOWED.to_owned()
        }));
    }
    Ok(LinkedGround {
        origin: Origin::Cohort,
        links: held,
    })
}

/// A resource of a population, with the step that creates it.
pub struct Member {
    /// Step.
    pub step: u32,
    /// What is created.
    pub resource: Value,
}

/// A linked population: the steps that create it, or nothing where the cohort stands in for it.
pub struct Linked {
    /// Own resources or the cohort.
    pub origin: Origin,
    /// The link.
    pub link: Link,
    /// Patients; none for the cohort.
    pub patients: Vec<Member>,
    /// What refers to them; none for the cohort.
    pub referring: Vec<Member>,
}

/// Chooses a link and writes the steps that create a population and wait for the index.
pub fn populate(script: &mut Script, ground: &LinkedGround, values: &mut Values) -> Linked {
    let link = *values.pick(&ground.links);
    let mut linked = Linked {
        origin: ground.origin,
        link,
        patients: Vec::new(),
        referring: Vec::new(),
    };
    if ground.origin == Origin::Cohort {
        return linked;
    }
    let (least, most) = PATIENTS;
    for _ in 0..least + values.below(most - least + 1) {
        let resource = dataset::member("Patient", values);
        let step = script.create(resource.clone());
        linked.patients.push(Member { step, resource });
    }
    let (least, most) = REFERRING;
    for number in 0..least + values.below(most - least + 1) {
        let mut resource = referring(link.resource_type, values);
        // The first two share a patient, so that something is referred to more than once.
        let patient = match number {
            0 | 1 => &linked.patients[0],
            _ => values.pick(&linked.patients),
        };
        if number < 2 || link.resource_type == "Condition" || values.chance(85) {
            resource[link.element] = json!({ "reference": format!("${{key:{}}}", patient.step) });
        }
        let step = script.create(resource.clone());
        linked.referring.push(Member { step, resource });
    }
    script.settle("Patient");
    script.settle(link.resource_type);
    linked
}

/// A resource that can refer to a patient, without the reference.
pub fn referring(resource_type: &str, values: &mut Values) -> Value {
    match resource_type {
        "Encounter" => {
            json!({ "resourceType": "Encounter", "status": values.pick(ENCOUNTER_STATUSES),
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": values.pick(CLASSES) } })
        }
        "Condition" => json!({ "resourceType": "Condition",
            "clinicalStatus": { "coding": [{ "code": values.pick(CLINICAL),
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical" }] },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": values.pick(PROBLEMS) }] } }),
        other => dataset::member(other, values),
    }
}

impl Linked {
    /// A search of the referring type.
    pub fn search(&self, label: &str, criteria: Vec<Criterion>) -> Search {
        Search::of(label, self.link.resource_type, criteria)
    }

    /// A search of Patient for those to whom the matches of an earlier search refer, with more criteria.
    pub fn patients_of(&self, label: &str, of: &str, more: Vec<Criterion>) -> Search {
        let mut criteria = match self.origin {
            // The case's own patients are told by its tag.
            Origin::Created => Vec::new(),
            Origin::Cohort => {
                let ids = Term::Targets(of.to_owned(), self.link.element.to_owned());
                vec![Criterion::new("_id", ids)]
            }
        };
        criteria.extend(more);
        Search::of(label, "Patient", criteria)
    }

    /// Parameter and value that divide a side of the population: Patient or the referring type.
    pub fn predicate(
        &self,
        ground: &Ground<'_>,
        resource_type: &str,
        values: &mut Values,
    ) -> Option<(&'static Parameter, Term)> {
        let side = match resource_type {
            "Patient" => &self.patients,
            _ => &self.referring,
        };
        let parameters: Vec<&'static Parameter> = ground
            .parameters(resource_type)
            .into_iter()
            .filter(|parameter| divides(parameter.kind))
            .filter(|parameter| {
                self.origin == Origin::Cohort
                    || side
                        .iter()
                        .any(|member| !parameter.values(&member.resource).is_empty())
            })
            .collect();
        if parameters.is_empty() {
            return None;
        }
        let parameter = *values.pick(&parameters);
        if self.origin == Origin::Cohort {
            let code = parameter.code.to_owned();
            let term = Term::CohortOf(resource_type.to_owned(), code, values.below(1000));
            return Some((parameter, term));
        }
        let held: Vec<String> = side
            .iter()
            .flat_map(|member| parameter.values(&member.resource))
            .collect();
        Some((parameter, Term::text(values.pick(&held).clone())))
    }
}

/// The element behind a reference parameter of a type.
pub fn element(resource_type: &str, code: &str) -> Option<&'static str> {
    let mut links = LINKS.iter();
    links
        .find(|link| link.resource_type == resource_type && link.code == code)
        .map(|link| link.element)
}

/// Kinds whose values match the same resources on every server.
fn divides(kind: Kind) -> bool {
    matches!(kind, Kind::Code | Kind::Coding | Kind::Text)
}

/// True if a type claims a parameter that divides a population.
pub fn is_divided(ground: &Ground<'_>, resource_type: &str) -> bool {
    parameter::PARAMETERS.iter().any(|parameter| {
        parameter.resource_type == resource_type
            && divides(parameter.kind)
            && ground
                .capability
                .supports_parameter(resource_type, parameter.code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::capability::Capability;
    use crate::record::Cohort;
    use crate::seed::Seed;

    fn capability() -> Capability {
        let resource = |name: &str| {
            json!({"type": name, "interaction": [{"code": "create"}, {"code": "search-type"}],
                "searchParam": [{"name": "subject"}, {"name": "status"}]})
        };
        Capability::new(json!({"rest": [{"mode": "server",
            "resource": [resource("Patient"), resource("Encounter"), resource("Observation")]}]}))
    }

    #[test]
    fn a_population_refers_to_its_patients_and_stays_small() {
        let (capability, cohort) = (capability(), Cohort::empty());
        let on = Ground {
            capability: &capability,
            cohort: &cohort,
            writes: true,
            concurrency: false,
            faults: false,
            restart: false,
        };
        let linked_ground = ground(&on, "links", |_| true).unwrap_or_default();
        assert_eq!(linked_ground.origin, Origin::Created);
        for seed in 0..20 {
            let mut script = Script::new("property/x", Origin::Created, 0);
            let mut values = Values::new(Seed(seed));
            let linked = populate(&mut script, &linked_ground, &mut values);
            let case = script.finish();
            assert!((7..=10).contains(&case.steps.len()));
            assert!(linked.referring.len() >= 3);
            let referred = |member: &Member| {
                case.steps.iter().any(|step| {
                    step.id != member.step && step.command.needs().contains(&member.step)
                })
            };
            assert!(referred(&linked.patients[0]));
        }
    }

    #[test]
    fn without_permission_to_write_and_without_a_cohort_nothing_can_be_searched() {
        let (capability, cohort) = (capability(), Cohort::empty());
        let on = Ground {
            capability: &capability,
            cohort: &cohort,
            writes: false,
            concurrency: false,
            faults: false,
            restart: false,
        };
        assert!(matches!(
            ground(&on, "x", |_| true),
            Err(Verdict::Blocked(_))
        ));
        assert!(matches!(ground(&on, "x", |_| false), Err(Verdict::Skip(_))));
    }
}
