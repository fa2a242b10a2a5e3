//! The property engine: generates cases, executes them, has them judged, confirms and shrinks what fails, and folds it
//! into records. What must hold is said in `property`; this module knows no FHIR rule.

pub mod company;
pub mod confirm;
pub mod execute;
pub mod record;
pub mod shrink;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::engine::context::Context;
use crate::http::Exchange;
use crate::property::{self, Case, Ground, Judgement, Open, Origin, Property, Trace, Values};
use crate::record::Verdict;
use crate::record::case_file::{self, CaseFile};
use crate::record::event::Event as Progress;
use crate::record::finding::{Finding, Reproduced};
use crate::record::run::{CaseKind, CaseRecord};
use crate::seed::Seed;

use confirm::{Bucket, Failure};
use execute::Executor;

/// Kinds of failure that are confirmed and shrunk per property at most; more would be one fault in many dresses.
const MAX_BUCKETS: usize = 3;

/// How many cases each property gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Cases of properties of single resources.
    pub sequences: u32,
    /// Cases of search properties that create their population.
    pub populations: u32,
    /// Cases of search properties over a cohort that may only be read.
    pub readings: u32,
}

impl Default for Budget {
    /// A few seconds for all properties on a near target.
    fn default() -> Self {
        Budget {
            sequences: 20,
            populations: 8,
            readings: 4,
        }
    }
}

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

/// Examines properties one after the other, their cases `ctx.jobs` at a time.
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
    let mut examined = Examined::default();
    for property in selected {
        let examination = Examination::new(&executor, *property, suite);
        let record = examination.run(budget, &mut examined).await;
        ctx.observer.observe(Progress::CaseEnded {
            suite: suite.to_owned(),
            case: record.id.clone(),
            verdict: record.verdict.name(),
        });
        examined.cases.push(record);
    }
    examined
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
    let examination = Examination::new(&executor, property, "replay");
    let mut examined = Examined::default();
    let record = match property.admit(&examination.ground()) {
        Err(verdict) => examination.record(verdict, Vec::new(), 0),
        Ok(()) => {
            examination
                .judge_cases(vec![(seed, case)], &mut examined, false)
                .await
        }
    };
    examined.cases.push(record);
    Ok(examined)
}

/// One property on one target.
struct Examination<'a> {
    executor: &'a Executor,
    property: &'static dyn Property,
    suite: &'a str,
    seed: Seed,
    started: std::time::Duration,
}

impl<'a> Examination<'a> {
    fn new(executor: &'a Executor, property: &'static dyn Property, suite: &'a str) -> Self {
        let ctx = executor.context();
        Examination {
            executor,
            property,
            suite,
            seed: ctx.seed.derive(property.spec().id),
            started: ctx.clock.elapsed(),
        }
    }

    fn ctx(&self) -> &'a Context {
        self.executor.context()
    }

    fn ground(&self) -> Ground<'a> {
        let ctx = self.ctx();
        Ground {
            capability: &ctx.capability,
            cohort: &ctx.cohort,
            writes: ctx.writes,
            // Only the in-process sandbox may be shown in full: everything on it is ours.
            concurrency: ctx.load || (ctx.writes && ctx.session.disclosure().is_everything()),
        }
    }

    async fn run(&self, budget: Budget, examined: &mut Examined) -> CaseRecord {
        let ground = self.ground();
        if let Err(verdict) = self.property.admit(&ground) {
            return self.record(verdict, Vec::new(), 0);
        }
        if self.ctx().is_stopped() {
            let verdict = Verdict::Error("the run was ended early".to_owned());
            return self.record(verdict, Vec::new(), 0);
        }
        let cases = cases(self.property, &ground, self.seed, budget);
        self.judge_cases(cases, examined, true).await
    }

    /// Executes and judges cases until some fail; then confirms and, if wanted, shrinks.
    async fn judge_cases(
        &self,
        cases: Vec<(Seed, Case)>,
        examined: &mut Examined,
        shrink: bool,
    ) -> CaseRecord {
        let mut tally = Tally::default();
        let mut rest = cases.into_iter();
        loop {
            let batch: Vec<(Seed, Case)> = rest.by_ref().take(self.ctx().jobs.max(1)).collect();
            if batch.is_empty() || self.ctx().is_stopped() {
                break;
            }
            for (seed, case, trace) in self.execute(batch).await {
                tally.add(
                    confirm::judge(self.property, &trace, self.executor),
                    seed,
                    case,
                    trace,
                );
            }
            // A race shows itself in some cases only: the others say how often.
            if tally
                .failures
                .values()
                .any(|seen| !seen.failure.is_concurrent())
            {
                break;
            }
        }
        self.conclude(tally, examined, shrink).await
    }

    /// Executes cases at the same time, answers in their order.
    async fn execute(&self, batch: Vec<(Seed, Case)>) -> Vec<(Seed, Case, Trace)> {
        let mut running = JoinSet::new();
        for (index, (seed, case)) in batch.into_iter().enumerate() {
            let executor = self.executor.clone();
            running.spawn(async move {
                let trace = executor.execute(&case).await.trace;
                (index, seed, case, trace)
            });
        }
        let mut done = running.join_all().await;
        done.sort_by_key(|(index, ..)| *index);
        done.into_iter()
            .map(|(_, seed, case, trace)| (seed, case, trace))
            .collect()
    }

    async fn conclude(&self, tally: Tally, examined: &mut Examined, shrink: bool) -> CaseRecord {
        let mut findings: Vec<Finding> = Vec::new();
        let mut unconfirmed: Option<String> = None;
        for seen in tally.failures.into_values().take(MAX_BUCKETS) {
            let Seen {
                seed,
                failure,
                times,
            } = seen;
            let confirmed = if failure.is_concurrent() && times > 1 {
                let of = u32::try_from(tally.executions).unwrap_or(u32::MAX);
                Ok((failure.clone(), Reproduced { times, of }))
            } else {
                confirm::confirm(self.executor, self.property, &failure).await
            };
            match confirmed {
                Err(reproduced) => {
                    let times = format!("{} of {}", reproduced.times, reproduced.of);
                    unconfirmed
                        .get_or_insert(format!("{}: seen {times} times", failure.violation.title));
                }
                Ok((confirmed, reproduced)) => {
                    let minimal = if shrink {
                        confirm::shrink(self.executor, self.property, confirmed).await
                    } else {
                        confirmed
                    };
                    let finding = record::finding(self.ctx(), self.property, &minimal, reproduced);
                    examined
                        .files
                        .push(record::case_file(seed, &finding, &minimal));
                    let shown = minimal
                        .trace
                        .events
                        .iter()
                        .flat_map(|event| event.exchanges.iter().cloned());
                    examined.exchanges.extend(shown);
                    findings.push(finding);
                }
            }
        }
        let verdict = match (record::verdict_of(&findings), unconfirmed) {
            (Some(verdict), _) => verdict,
            (None, Some(reason)) => Verdict::Flaky(reason),
            (None, None) => record::verdict_without(
                tally.weighed,
                tally.open,
                self.property.spec().precondition,
            ),
        };
        self.record(verdict, findings, tally.executions)
    }

    fn record(&self, verdict: Verdict, findings: Vec<Finding>, executions: u64) -> CaseRecord {
        let spec = self.property.spec();
        let took = self.ctx().clock.elapsed().saturating_sub(self.started);
        CaseRecord {
            id: spec.id.to_owned(),
            suite: self.suite.to_owned(),
            kind: CaseKind::Property,
            title: spec.title.to_owned(),
            level: spec.level,
            severity: spec.severity,
            spec: spec.spec.to_owned(),
            span: None,
            verdict,
            findings,
            seed: Some(self.seed.to_string()),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            executions,
        }
    }
}

/// What the executions of one property came to.
#[derive(Default)]
struct Tally {
    weighed: u64,
    executions: u64,
    open: Vec<Open>,
    failures: BTreeMap<Bucket, Seen>,
}

/// One kind of failure: the first case that showed it, and how many did.
struct Seen {
    seed: Seed,
    failure: Failure,
    times: u32,
}

impl Tally {
    fn add(&mut self, judgement: Judgement, seed: Seed, case: Case, trace: Trace) {
        self.executions += 1;
        self.weighed += u64::from(judgement.weighed);
        self.open.extend(judgement.open);
        for violation in judgement.violations {
            let seen = self
                .failures
                .entry(Bucket::of(&violation))
                .or_insert_with(|| Seen {
                    seed,
                    failure: Failure {
                        case: case.clone(),
                        trace: trace.clone(),
                        violation: violation.clone(),
                    },
                    times: 0,
                });
            seen.times += 1;
        }
    }
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
    (0..u64::from(number))
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
                "conditionalDelete": "single", "conditionalRead": "full-support"})
        };
        Capability::new(json!({"rest": [{"mode": "server",
        "interaction": codes(&["transaction", "batch", "history-system", "search-system"]),
        "resource": [
            resource("Patient", &["_id", "identifier", "gender", "family", "birthdate"]),
            resource("Observation", &["_id", "identifier", "code", "status", "date"]),
        ]}]}))
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
