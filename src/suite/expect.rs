//! Expectations judged on the answer of a step. Pure: the same answer gives the same judgement.

mod body;
mod ids;
mod profile;
mod refusal;

use jiff::Timestamp;
use serde_json::Value;

use crate::check::search::unpaged;
use crate::check::{self, CheckSpec, Evidence};
use crate::fhir::path::{Context, Item};
use crate::fhir::{Key, bundle, resource};
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

use super::ir::{CaptureSource, Case, Expectation, Rule, StatusPattern, Step};
use super::template::Bindings;

/// What a step gave.
#[derive(Clone, Copy)]
pub struct StepOutcome<'a> {
    /// The exchange of the step and those of the pages that were followed, with all that checks may look at.
    pub evidence: Evidence<'a>,
    /// What names stand for.
    pub bindings: &'a Bindings,
    /// For `now()` in FHIRPath.
    pub now: Timestamp,
}

/// What is broken, and what could not be decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Broken rules.
    pub violations: Vec<Violation>,
    /// Why something could not be decided; a case with reasons and no violations is not passed.
    pub undecided: Vec<String>,
    /// Why the target had every right to refuse what it was asked; nothing else is judged then.
    pub not_claimed: Option<String>,
}

impl Judgement {
    /// Everything held and was decided.
    pub fn holds(&self) -> bool {
        *self == Judgement::default()
    }

    fn broken(violation: Violation) -> Self {
        Judgement {
            violations: vec![violation],
            ..Judgement::default()
        }
    }

    fn undecided(reason: impl Into<String>) -> Self {
        Judgement {
            undecided: vec![reason.into()],
            ..Judgement::default()
        }
    }

    fn of(violations: Vec<Violation>) -> Self {
        Judgement {
            violations,
            ..Judgement::default()
        }
    }

    fn add(&mut self, other: Judgement) {
        self.violations.extend(other.violations);
        self.undecided.extend(other.undecided);
    }
}

/// Judges all expectations of a step. If the status is not the expected one, nothing else is judged: what follows
/// from it would only repeat it. A step without expectations prepares the case; if it fails, the case is undecided.
pub fn evaluate_step(step: &Step, outcome: &StepOutcome<'_>) -> Judgement {
    let Some(exchange) = outcome.evidence.exchanges.first() else {
        return Judgement::undecided("nothing was sent");
    };
    let Some(status) = exchange.status() else {
        let reason = match &exchange.outcome {
            Err(failure) => failure.message.clone(),
            Ok(_) => String::new(),
        };
        return Judgement::undecided(format!("no answer: {reason}"));
    };
    if step.expects.is_empty() && !(200..300).contains(&status) {
        let method = exchange.request.method;
        return Judgement::undecided(format!("a preparing {method} was answered with {status}"));
    }
    if let Some(judgement) = refusal::judged(&step.refusal, exchange) {
        return judgement;
    }
    let mut judgement = Judgement::default();
    for is_status in [true, false] {
        for expectation in &step.expects {
            if matches!(expectation.rule, Rule::Status(_)) == is_status {
                judgement.add(evaluate(expectation, outcome));
            }
        }
        if !judgement.violations.is_empty() {
            return judgement;
        }
    }
    if step.follow.is_some_and(|follow| follow.is_asked) {
        judgement.undecided.extend(unpaged(&outcome.evidence));
    }
    judgement
}

/// Judges one expectation.
pub fn evaluate(expectation: &Expectation, outcome: &StepOutcome<'_>) -> Judgement {
    match &expectation.rule {
        Rule::Status(patterns) => status(patterns, outcome),
        Rule::Header { name, matcher } => body::header(name, matcher, outcome),
        Rule::Path(expression) => path(expression, outcome),
        Rule::Conforms(profile) => profile::conforms(profile, outcome),
        Rule::BodyIs(kind) => body::is(*kind, outcome),
        Rule::Ids(ids) => ids::evaluate(ids, outcome),
        Rule::Total(total) => ids::total(*total, outcome),
        Rule::Sorted => run_check("search/sorted", outcome),
        Rule::Check(id) => run_check(id, outcome),
        Rule::AnyOf(groups) => any_of(groups, outcome),
    }
}

fn status(patterns: &[StatusPattern], outcome: &StepOutcome<'_>) -> Judgement {
    let Some(exchange) = outcome.evidence.exchanges.first() else {
        return Judgement::default();
    };
    let Some(found) = exchange.status() else {
        return Judgement::undecided("no answer");
    };
    if patterns.iter().any(|pattern| pattern.covers(found)) {
        return Judgement::default();
    }
    let expected: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    let body = exchange.json();
    let codes = body
        .as_ref()
        .map(crate::fhir::outcome::codes)
        .unwrap_or_default();
    let mut actual = Phrase::say(found.to_string());
    if !codes.is_empty() {
        actual = actual.words(" with issue ").words(codes.join(", "));
    }
    Judgement::broken(
        Violation::new(
            "expect/status",
            "The status is not the one that R4 demands",
            Phrase::say(expected.join(" or ")),
            actual,
        )
        .at("status")
        .seen_in([exchange.number])
        .signed(found.to_string()),
    )
}

/// The expression must be true on the body of every page.
fn path(expression: &crate::fhir::path::Expression, outcome: &StepOutcome<'_>) -> Judgement {
    let variables = outcome.bindings.variables();
    let mut judgement = Judgement::default();
    for exchange in outcome.evidence.exchanges {
        let Some(resource) = exchange.parsed() else {
            judgement.add(Judgement::broken(not_json(exchange)));
            continue;
        };
        let context = Context {
            resource: &resource,
            variables: &variables,
            now: outcome.now,
        };
        match expression.test(&context) {
            Ok(true) => {}
            Ok(false) => judgement.add(Judgement::broken(
                Violation::new(
                    "expect/path",
                    "The answer is not as the case demands",
                    Phrase::say(expression.text()),
                    "it is not so",
                )
                .at("body")
                .seen_in([exchange.number])
                .signed(expression.text()),
            )),
            Err(error) => judgement.add(Judgement::undecided(format!(
                "`{}` cannot be evaluated: {error}",
                expression.text()
            ))),
        }
    }
    judgement
}

fn not_json(exchange: &Exchange) -> Violation {
    Violation::new(
        "expect/body",
        "The body is not what the case demands",
        "a FHIR body",
        "a body that is neither JSON nor FHIR XML",
    )
    .at("body")
    .seen_in([exchange.number])
    .signed("not-json")
}

fn run_check(id: &str, outcome: &StepOutcome<'_>) -> Judgement {
    match check::by_id(id) {
        Some(check) => Judgement::of(check.judge(&outcome.evidence)),
        None => Judgement::undecided(format!("there is no check `{id}`")),
    }
}

/// One group that holds is enough. If none holds, the group is reported whose status was given, and of several the
/// one with the fewest violations: it is the answer that the target meant to give.
fn any_of(groups: &[Vec<Expectation>], outcome: &StepOutcome<'_>) -> Judgement {
    let distance = |judgement: &Judgement| {
        let status = |violation: &Violation| violation.rule == "expect/status";
        let violations = &judgement.violations;
        (violations.iter().any(status), violations.len())
    };
    let mut best: Option<Judgement> = None;
    for group in groups {
        let mut judgement = Judgement::default();
        for expectation in group {
            judgement.add(evaluate(expectation, outcome));
        }
        if judgement.holds() {
            return judgement;
        }
        let is_better = best
            .as_ref()
            .is_none_or(|best| distance(&judgement) < distance(best));
        if is_better {
            best = Some(judgement);
        }
    }
    let mut best = best.unwrap_or_default();
    for violation in &mut best.violations {
        violation.ruled_out.push(format!(
            "none of the {} answers that R4 allows was given",
            groups.len()
        ));
    }
    best
}

/// Binds the answer of a named step: its body as JSON. Over several pages the entries of all pages stand in the
/// first Bundle.
pub fn bind_answer(step: &Step, exchanges: &[&Exchange], bindings: &mut Bindings) {
    let Some(name) = &step.name else { return };
    let mut bodies = exchanges.iter().filter_map(|exchange| exchange.json());
    let Some(mut answer) = bodies.next() else {
        return;
    };
    for page in bodies {
        let entries: Vec<Value> = bundle::entries(&page).cloned().collect();
        if let Some(all) = answer.get_mut("entry").and_then(Value::as_array_mut) {
            all.extend(entries);
        }
    }
    bindings.bind(name.clone(), answer);
}

/// Takes the values that a step captures.
///
/// # Errors
/// A sentence that names what is not in the answer; the case is then undecided.
pub fn capture(
    step: &Step,
    exchanges: &[&Exchange],
    now: Timestamp,
    bindings: &mut Bindings,
) -> Result<(), String> {
    for capture in &step.captures {
        let last = exchanges.last().ok_or("nothing was sent")?;
        let value = match &capture.source {
            CaptureSource::Header(name) => last.header(name).map(Value::from),
            CaptureSource::CreatedId => created(last).map(|(id, _)| Value::from(id)),
            CaptureSource::CreatedVersion => created(last)
                .and_then(|(_, version)| version)
                .map(Value::from),
            CaptureSource::Path(expression) => {
                let body = last.json().unwrap_or(Value::Null);
                let variables = bindings.variables();
                let context = Context {
                    resource: &body,
                    variables: &variables,
                    now,
                };
                let items = expression
                    .evaluate(&context)
                    .map_err(|error| format!("`{}`: {error}", expression.text()))?;
                items.first().map(Item::to_json)
            }
        };
        let value =
            value.ok_or_else(|| format!("the answer has nothing for `{}`", capture.name))?;
        bindings.bind(capture.name.clone(), value);
    }
    Ok(())
}

/// Id and version of what a write brought about: of the `Location`, else of the body; the version also of the `ETag`.
fn created(exchange: &Exchange) -> Option<(String, Option<String>)> {
    let body = exchange.json();
    let location = exchange.header("location");
    let key = location
        .and_then(Key::from_reference)
        .or_else(|| body.as_ref().and_then(Key::of))
        .or_else(|| Key::from_reference(&exchange.request.url))?;
    let etag = exchange
        .header("etag")
        .map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
    let of_location = || Some(location?.split_once("/_history/")?.1.to_owned());
    let of_body = || {
        body.as_ref()
            .and_then(resource::version_id)
            .map(str::to_owned)
    };
    Some((key.id, etag.or_else(of_location).or_else(of_body)))
}

/// On what a finding stands: the specification, its sentence, the strength of the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Level of the finding.
    pub level: Level,
    /// Severity of the finding.
    pub severity: Severity,
    /// URL of the specification.
    pub spec: String,
    /// The sentence of R4.
    pub sentence: String,
    /// What usually causes it.
    pub usual_causes: Vec<String>,
}

/// On what a violation found by a case stands: the case itself, except for checks that ran without being asked for.
/// A check that the case asked for is never stronger than the case.
pub fn standing(case: &Case, violation: &Violation) -> Standing {
    let spec = check::by_id(&violation.rule).map(check::Check::spec);
    let asked_for = spec.is_none_or(|spec| asks_for(case, spec));
    let of_case = || Standing {
        level: case.level,
        severity: case.severity,
        spec: case.spec.clone(),
        sentence: case.sentence.clone(),
        usual_causes: Vec::new(),
    };
    if violation.rule == refusal::RULE {
        return refusal::standing();
    }
    let Some(spec) = spec else { return of_case() };
    let usual_causes = spec.usual_causes.iter().map(|cause| (*cause).to_owned());
    if asked_for {
        Standing {
            usual_causes: usual_causes.collect(),
            ..of_case()
        }
    } else {
        Standing {
            level: spec.level,
            severity: spec.severity,
            spec: spec.spec.to_owned(),
            sentence: spec.sentence.to_owned(),
            usual_causes: usual_causes.collect(),
        }
    }
}

fn asks_for(case: &Case, spec: &CheckSpec) -> bool {
    case.steps
        .iter()
        .flat_map(|step| &step.expects)
        .any(|expectation| names(expectation, spec.id))
}

fn names(expectation: &Expectation, id: &str) -> bool {
    match &expectation.rule {
        Rule::Check(check) => *check == id,
        Rule::Sorted => id == "search/sorted",
        Rule::Total(_) => id == "search/total",
        Rule::Ids(_) => ids::CHECKS.contains(&id),
        Rule::AnyOf(groups) => groups.iter().flatten().any(|one| names(one, id)),
        Rule::Status(_)
        | Rule::Header { .. }
        | Rule::Path(_)
        | Rule::Conforms(_)
        | Rule::BodyIs(_) => false,
    }
}

#[cfg(test)]
mod tests;
