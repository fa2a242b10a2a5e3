//! The property engine: generates cases, executes them, has them judged, confirms and shrinks what fails, and folds it
//! into records. What must hold is said in `property`; this module knows no FHIR rule.

pub mod budget;
pub mod company;
pub mod confirm;
mod examination;
pub mod execute;
pub mod record;
mod schedule;
pub mod shrink;

use std::sync::Arc;

use crate::engine::context::Context;
use crate::http::Exchange;
use crate::property::{self, Case, Ground, Origin, Property, Values};
use crate::record::case_file::{self, CaseFile};
use crate::record::event::Event as Progress;
use crate::record::run::CaseRecord;
use crate::seed::Seed;

pub use budget::Budget;

use examination::{Concluded, Examination};
use execute::Executor;

/// What a run of properties gives.
#[derive(Debug, Clone, Default)]
pub struct Examined {
    /// One record per property, in the order asked for.
    pub cases: Vec<CaseRecord>,
    /// The minimal failing cases, one per finding.
    pub files: Vec<CaseFile>,
    /// Exchanges to which the findings refer.
    pub exchanges: Vec<Arc<Exchange>>,
}

/// Examines properties in turns, `ctx.jobs` cases at a time.
pub async fn run(
    ctx: &Context,
    selected: &[&'static dyn Property],
    suite: &str,
    budget: Budget,
) -> Examined {
    ctx.observer.observe(Progress::SuiteStarted {
        suite: suite.to_owned(),
        cases: selected.len(),
    });
    let executor = Executor::new(ctx);
    let (mut admitted, mut done) = (Vec::new(), Vec::new());
    for (position, property) in selected.iter().enumerate() {
        let examination = Examination::new(&executor, *property, suite, budget);
        match property.admit(&examination.ground()) {
            Ok(()) => admitted.push((position, examination)),
            Err(verdict) => done.push((position, examination.with_verdict(verdict, 0))),
        }
    }
    for (_, refused) in &done {
        ctx.observer.observe(Progress::CaseEnded {
            suite: suite.to_owned(),
            case: refused.record.id.clone(),
            verdict: refused.record.verdict.name(),
        });
    }
    done.extend(schedule::run(ctx, suite, admitted).await);
    done.sort_by_key(|(position, _)| *position);
    let mut examined = Examined::default();
    for (_, concluded) in done {
        examined.add(concluded);
    }
    examined
}

impl Examined {
    fn add(&mut self, concluded: Concluded) {
        self.cases.push(concluded.record);
        self.files.extend(concluded.files);
        self.exchanges.extend(concluded.exchanges);
    }
}

/// Runs a stored case again: twice if it fails, so that its verdict rests on as much as that of a run.
///
/// # Errors
/// Why the file cannot be run: a newer schema, an unknown property, a body of another form.
pub async fn replay(ctx: &Context, file: &CaseFile) -> Result<Examined, String> {
    if file.schema > case_file::SCHEMA {
        return Err(format!(
            "the case file has schema {}, this program knows {}",
            file.schema,
            case_file::SCHEMA
        ));
    }
    let property =
        property::find(&file.case).ok_or_else(|| format!("no property is named {}", file.case))?;
    let case: Case = serde_json::from_value(file.body.clone())
        .map_err(|error| format!("the case file does not hold a property case: {error}"))?;
    let seed: Seed = file.seed.parse()?;
    let executor = Executor::new(ctx);
    let mut examination = Examination::new(&executor, property, "replay", Budget::default());
    let concluded = match property.admit(&examination.ground()) {
        Err(verdict) => examination.with_verdict(verdict, 0),
        Ok(()) => {
            examination = examination.of_case(seed, case);
            examination.turn(1).await;
            if examination.has_failed() {
                examination.confirm().await;
            }
            examination.conclude()
        }
    };
    let mut examined = Examined::default();
    examined.add(concluded);
    Ok(examined)
}

/// The cases of a property: each from a seed of its own, so that case *i* does not depend on how many there are.
pub fn cases(
    property: &dyn Property,
    ground: &Ground<'_>,
    seed: Seed,
    budget: Budget,
) -> Vec<(Seed, Case)> {
    let number = if property.spec().family.searches() {
        match ground.searched(1).map(|found| found.origin) {
            Ok(Origin::Created) => budget.populations,
            Ok(Origin::Cohort) | Err(_) => budget.readings,
        }
    } else {
        budget.sequences
    };
    (0..u64::from(number.min(property.cases_at_most())))
        .map(|index| {
            let seed = seed.index(index);
            (seed, property.generate(ground, &mut Values::new(seed)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::capability::Capability;
    use crate::record::Cohort;
    use serde_json::{Value, json};

    /// Everything that a property may want is claimed.
    fn capability() -> Capability {
        let codes = |codes: &[&str]| -> Vec<Value> {
            codes.iter().map(|code| json!({"code": code})).collect()
        };
        let resource = |name: &str, parameters: &[&str]| {
            let parameters: Vec<Value> = parameters
                .iter()
                .map(|name| json!({"name": name}))
                .collect();
            json!({"type": name, "searchParam": parameters, "versioning": "versioned",
                "interaction": codes(&["create", "read", "vread", "update", "patch", "delete",
                    "search-type", "history-instance", "history-type"]),
                "conditionalCreate": true, "conditionalUpdate": true, "updateCreate": true,
                "conditionalDelete": "single", "conditionalRead": "full-support",
                "searchInclude": ["*"], "searchRevInclude": ["*"]})
        };
        Capability::new(
            json!({"format": ["json", "xml"], "rest": [{"mode": "server",
            "compartment": ["http://hl7.org/fhir/CompartmentDefinition/patient"],
            "interaction": codes(&["transaction", "batch", "history-system", "search-system"]),
            "resource": [
                resource("Patient", &["_id", "_lastUpdated", "identifier", "gender", "family", "birthdate"]),
                resource("Observation", &["_id", "_lastUpdated", "identifier", "code", "status", "date", "subject", "value-quantity"]),
            ]}]}),
        )
    }

    /// Resources whose values would be known again.
    fn cohort() -> Cohort {
        let mut cohort = Cohort::empty();
        for number in 0..4 {
            let id = format!("secret-{number}");
            let patient = json!({"resourceType": "Patient", "id": id, "gender": "female",
                "birthDate": format!("1901-01-0{}", number + 1),
                "name": [{"family": format!("Secretary{number}")}]});
            cohort
                .resources
                .insert(crate::fhir::Key::new("Patient", id), patient);
        }
        cohort
    }

    fn generated(seed: u64, writes: bool) -> Vec<String> {
        let (capability, cohort) = (capability(), cohort());
        let ground = Ground {
            capability: &capability,
            cohort: &cohort,
            writes,
            concurrency: true,
            faults: true,
            restart: true,
        };
        property::PROPERTIES
            .iter()
            .filter(|property| property.admit(&ground).is_ok())
            .flat_map(|property| {
                cases(
                    *property,
                    &ground,
                    Seed(seed).derive(property.spec().id),
                    Budget::default(),
                )
            })
            .map(|(_, case)| serde_json::to_string(&case).unwrap())
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let first = generated(1, true);
        assert!(first.len() >= 6 * 20 + 4 * 8);
        assert_eq!(first, generated(1, true));
        assert_ne!(first, generated(2, true));
    }

    #[test]
    fn a_case_holds_no_value_of_the_target() {
        let read_only = generated(3, false);
        assert!(!read_only.is_empty());
        for case in generated(3, true).iter().chain(&read_only) {
            assert!(
                !case.contains("ecret") && !case.contains("1901-01"),
                "{case}"
            );
        }
    }

    #[test]
    fn writing_properties_are_blocked_without_permission_and_skipped_without_claim() {
        let (capability, cohort) = (capability(), Cohort::empty());
        let nothing = Capability::new(json!({}));
        for property in property::PROPERTIES {
            let ground = |capability| Ground {
                capability,
                cohort: &cohort,
                writes: false,
                concurrency: false,
                faults: false,
                restart: false,
            };
            let refused = property.admit(&ground(&capability)).unwrap_err();
            let reason = refused.reason().unwrap_or_default();
            assert!(
                reason == crate::record::verdict::WRITES_NOT_ALLOWED
                    || reason.starts_with("not claimed: "),
                "{reason}"
            );
            let unclaimed = property.admit(&ground(&nothing)).unwrap_err();
            assert!(unclaimed.reason().unwrap().starts_with("not claimed: "));
        }
    }
}
