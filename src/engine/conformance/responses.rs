//! Judgements that belong to no case: passive checks over every response of a run, and what was stored against what
//! was sent. The same violation in 37 responses is one finding with 37 exchanges behind it.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::check::resource::{
    Cause, DecimalPrecision, SameAsSent, Survey, claims_profiles, is_surveyed,
};
use crate::check::{self, Check, CheckSpec, Evidence};
use crate::http::Exchange;
use crate::record::finding::Reproduced;
use crate::record::run::{CaseKind, CaseRecord, ExchangeRecord};
use crate::record::{Finding, Level, Verdict, Violation};

use super::super::context::Context;
use super::super::fold::{self, Basis};
use super::super::populate::Stored;

/// Id of the suite under which these records appear.
pub const SUITE: &str = "responses";

/// Exchanges that are shown for one grouped finding.
const SHOWN: usize = 3;

/// Things that are named of one rule that could not be checked.
const NAMED: usize = 5;

/// Runs every passive check over every exchange of the cases: one record per check. What resources hold is judged over
/// the bodies of all suites, and alone where no conformance case has run.
pub fn judge_responses(
    context: &Context,
    seen: Option<&[Arc<Exchange>]>,
) -> (Vec<CaseRecord>, Vec<ExchangeRecord>) {
    let mut records = Vec::new();
    let mut shown = Vec::new();
    let mut groups = grouped_by_check(context, seen.unwrap_or_default());
    let mut survey = context.survey();
    let exchanges = seen.into_iter().flatten();
    exchanges.for_each(|exchange| survey.add(exchange));
    let causes = survey.causes(Some(&context.cohort.sent));
    for check in check::passive() {
        let spec = check.spec();
        let (record, exchanges) = match is_surveyed(spec.id) {
            true => surveyed(context, spec, &survey, &causes),
            false => match seen {
                Some(seen) => {
                    let groups = groups.swap_remove(spec.id).unwrap_or_default();
                    over_all(context, spec, groups, seen)
                }
                None => continue,
            },
        };
        records.push(record);
        shown.extend(exchanges);
    }
    (records, shown)
}

/// Rules that applied to what came back and could not be evaluated, as a sentence: they count for nothing.
pub fn not_checked(context: &Context) -> Option<String> {
    let survey = context.survey();
    let open = survey.not_checked();
    let times: usize = open.values().sum();
    if times == 0 {
        return None;
    }
    let mut by_rule: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for ((rule, what), count) in open {
        let (sum, named) = by_rule.entry(rule).or_default();
        *sum += count;
        let name = what.rsplit('/').next().unwrap_or_default();
        if !name.is_empty() && named.len() < NAMED {
            named.push(name);
        }
    }
    let rules: Vec<String> = by_rule
        .into_iter()
        .map(|(rule, (sum, named))| match named.as_slice() {
            [] => format!("{rule} ({sum})"),
            named => format!("{rule} ({sum}: {})", named.join(" ")),
        })
        .collect();
    Some(format!(
        "validation of what came back: {times} times a rule applied and could not be checked: {}",
        rules.join(", ")
    ))
}

/// The causes of one check: each distinct body once, those of other suites that the survey has looked at included.
fn surveyed(
    context: &Context,
    spec: &'static CheckSpec,
    survey: &Survey,
    causes: &[Cause],
) -> (CaseRecord, Vec<ExchangeRecord>) {
    let id = format!("{SUITE}/{}", spec.id.replace('/', "-"));
    let mut record = blank(&id, spec, survey.responses());
    let base = context.session.base();
    let disclosure = context.session.disclosure();
    let mut shown = Vec::new();
    let mut level: Option<Level> = None;
    for cause in causes.iter().filter(|cause| cause.check == spec.id) {
        let exchanges: Vec<&Exchange> = cause.examples.iter().take(SHOWN).collect();
        let mut violation = cause.violation.clone();
        violation.exchanges = exchanges.iter().map(|exchange| exchange.number).collect();
        let spec = CheckSpec {
            level: cause.level,
            ..*spec
        };
        let finding = of_group(context, &id, &spec, violation, cause.responses, &exchanges);
        record.findings.push(finding);
        level = level.into_iter().chain([cause.level]).min();
        shown.extend(
            exchanges
                .iter()
                .map(|exchange| fold::exchange(exchange, &base, disclosure)),
        );
    }
    record.verdict = match level {
        Some(level) => broken(level),
        None if survey.responses() == 0 => {
            Verdict::Vacuous("no answer had a body to validate".to_owned())
        }
        None if survey.claims() == 0 && claims_profiles(spec.id) => {
            Verdict::Skip("no resource claims a profile that is known".to_owned())
        }
        None => Verdict::Pass,
    };
    (record, shown)
}

/// Violations with the numbers of their exchanges, those that look the same together.
type Groups = IndexMap<Vec<String>, Vec<(Violation, u32)>>;

/// What the passive checks of single exchanges find, by id of the check. All look at one exchange before any looks at
/// the next, so that its body is parsed once.
fn grouped_by_check(context: &Context, seen: &[Arc<Exchange>]) -> IndexMap<&'static str, Groups> {
    let base = context.session.base();
    let is_single = |check: &&dyn Check| !is_surveyed(check.spec().id);
    let checks: Vec<&dyn Check> = check::passive().filter(is_single).collect();
    let mut groups: IndexMap<&'static str, Groups> = IndexMap::new();
    for exchange in seen {
        let evidence = Evidence {
            exchanges: &[exchange.as_ref()],
            earlier: &[],
            capability: Some(&context.capability),
            cohort: Some(&context.cohort),
            memory: Some(&context.memory),
            base: &base,
        };
        for check in &checks {
            for violation in check.judge(&evidence) {
                groups
                    .entry(check.spec().id)
                    .or_default()
                    .entry(violation.signature.clone())
                    .or_default()
                    .push((violation, exchange.number));
            }
        }
    }
    groups
}

fn over_all(
    context: &Context,
    spec: &CheckSpec,
    groups: Groups,
    seen: &[Arc<Exchange>],
) -> (CaseRecord, Vec<ExchangeRecord>) {
    let id = format!("{SUITE}/{}", spec.id.replace('/', "-"));
    let mut record = blank(&id, spec, seen.len() as u64);
    let mut numbers: Vec<u32> = Vec::new();
    for group in groups.into_values() {
        let (finding, of_finding) = grouped(context, &id, spec, group, seen);
        record.findings.push(finding);
        numbers.extend(of_finding);
    }
    if !record.findings.is_empty() {
        record.verdict = broken(spec.level);
    } else if seen.is_empty() {
        record.verdict = Verdict::Vacuous("no case sent a request".to_owned());
    }
    let shown = exchanges_of(context, seen, &numbers);
    (record, shown)
}

fn grouped(
    context: &Context,
    id: &str,
    spec: &CheckSpec,
    group: Vec<(Violation, u32)>,
    seen: &[Arc<Exchange>],
) -> (Finding, Vec<u32>) {
    let mut numbers: Vec<u32> = group.iter().map(|(_, number)| *number).collect();
    numbers.dedup();
    let count = numbers.len();
    let mut violation = group
        .into_iter()
        .next()
        .map(|(violation, _)| violation)
        .expect("a group has a member");
    numbers.truncate(SHOWN);
    violation.exchanges.clone_from(&numbers);
    let shown: Vec<&Exchange> = seen
        .iter()
        .filter(|exchange| numbers.contains(&exchange.number))
        .map(AsRef::as_ref)
        .collect();
    (
        of_group(context, id, spec, violation, count, &shown),
        numbers,
    )
}

/// One cause, however many responses show it.
fn of_group(
    context: &Context,
    id: &str,
    spec: &CheckSpec,
    mut violation: Violation,
    responses: usize,
    shown: &[&Exchange],
) -> Finding {
    if responses > 1 {
        let words = format!(" (1 cause, {responses} responses)");
        violation.actual = violation.actual.words(words);
    }
    let count = u32::try_from(responses).unwrap_or(u32::MAX);
    let basis = Basis {
        case: id,
        level: spec.level,
        severity: spec.severity,
        spec: spec.spec,
        sentence: spec.sentence,
        span: None,
        usual_causes: spec.usual_causes,
        replay: format!("rounds explain {}", spec.id),
    };
    let reproduced = Reproduced {
        times: count,
        of: count,
    };
    fold::finding(
        &violation,
        &basis,
        reproduced,
        shown,
        context.session.disclosure(),
    )
}

/// What was sent against what came back, resource by resource: a storage fault must not pass for a search fault.
/// Two records, for a lost value is lost data and a lost digit is not.
pub fn judge_storage(
    context: &Context,
    stored: &[Stored],
) -> (Vec<CaseRecord>, Vec<ExchangeRecord>) {
    let mut records = Vec::new();
    let mut shown = Vec::new();
    if stored.is_empty() {
        return (records, shown);
    }
    for (id, spec, judge) in [
        (
            "data/keeps-decimal-text",
            DecimalPrecision.spec(),
            digits_wrong as fn(&Stored) -> Option<Violation>,
        ),
        (
            "data/read-back-equals-sent",
            SameAsSent.spec(),
            stored_wrong,
        ),
    ] {
        let (record, exchanges) = over_stored(context, id, spec, stored, judge);
        records.push(record);
        shown.extend(exchanges);
    }
    (records, shown)
}

fn over_stored(
    context: &Context,
    id: &str,
    spec: &'static CheckSpec,
    stored: &[Stored],
    judge: fn(&Stored) -> Option<Violation>,
) -> (CaseRecord, Vec<ExchangeRecord>) {
    let mut groups = Groups::new();
    for pair in stored {
        if let Some(violation) = judge(pair) {
            groups
                .entry(violation.signature.clone())
                .or_default()
                .push((violation, pair.exchange.number));
        }
    }
    let seen: Vec<Arc<Exchange>> = stored
        .iter()
        .map(|pair| Arc::clone(&pair.exchange))
        .collect();
    let mut record = blank(id, spec, seen.len() as u64);
    let mut numbers: Vec<u32> = Vec::new();
    for group in groups.into_values() {
        let (finding, of_finding) = grouped(context, id, spec, group, &seen);
        record.findings.push(finding);
        numbers.extend(of_finding);
    }
    if !record.findings.is_empty() {
        record.verdict = broken(spec.level);
    }
    let shown = exchanges_of(context, &seen, &numbers);
    (record, shown)
}

fn digits_wrong(pair: &Stored) -> Option<Violation> {
    let is_read = pair.exchange.status() == Some(200);
    is_read.then(|| DecimalPrecision::against(&pair.sent, &pair.exchange))?
}

fn stored_wrong(pair: &Stored) -> Option<Violation> {
    if pair.exchange.status() == Some(200) {
        return SameAsSent::against(&pair.sent, &pair.exchange);
    }
    let status = pair.exchange.status();
    let number = pair.exchange.number;
    // No answer says nothing about storage; a 4xx or 5xx on what was just created does.
    status
        .filter(|status| !matches!(status, 401 | 429 | 503))
        .map(|status| {
            Violation::new(
                SameAsSent.spec().id,
                "A resource that was created cannot be read",
                "200",
                status.to_string().as_str(),
            )
            .at("status")
            .seen_in([number])
            .signed(status.to_string())
        })
}

fn blank(id: &str, spec: &CheckSpec, executions: u64) -> CaseRecord {
    CaseRecord {
        id: id.to_owned(),
        suite: SUITE.to_owned(),
        kind: CaseKind::Conformance,
        title: spec.title.to_owned(),
        level: spec.level,
        severity: spec.severity,
        spec: spec.spec.to_owned(),
        span: None,
        verdict: Verdict::Pass,
        findings: Vec::new(),
        seed: None,
        duration_ms: 0,
        executions,
    }
}

fn broken(level: Level) -> Verdict {
    match level {
        Level::Shall | Level::Robust => Verdict::Fail,
        Level::Should => Verdict::Warn,
        Level::May => Verdict::Info,
    }
}

fn exchanges_of(context: &Context, seen: &[Arc<Exchange>], numbers: &[u32]) -> Vec<ExchangeRecord> {
    let base = context.session.base();
    seen.iter()
        .filter(|exchange| numbers.contains(&exchange.number))
        .map(|exchange| fold::exchange(exchange, &base, context.session.disclosure()))
        .collect()
}
