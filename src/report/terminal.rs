//! The report for people at a terminal: target, suites, findings by state, causes, totals, verdict.

use std::collections::BTreeMap;

use crate::record::comparison::State;
use crate::record::run::{CaseKind, ExchangeRecord, LoadRecord};
use crate::record::{Run, Severity, Verdict};

use super::causes::{Cause, causes};
use super::layout::{clip, columns, ends, microseconds, milliseconds, number, verdicts};
use super::paint::Paint;
use super::summary::{self, Entry, entries};
use super::{Format, Input};

/// Causes that are shown in full; the rest are named.
const MAX_SHOWN: usize = 20;
/// Further findings of one cause that are named.
const MAX_NAMED: usize = 5;
/// Reasons of one kind that are listed.
const MAX_REASONS: usize = 8;

/// `terminal`
pub struct Terminal;

impl Format for Terminal {
    fn name(&self) -> &'static str {
        "terminal"
    }

    fn title(&self) -> &'static str {
        "for people: suites, findings, verdict"
    }

    fn render(&self, input: &Input<'_>) -> String {
        let paint = Paint(input.color);
        let mut lines = header(input, paint);
        lines.extend(suites(input, paint));
        lines.extend(load(&input.run.load));
        lines.extend(findings(input, paint));
        lines.extend(reasons(input.run, paint));
        lines.extend(footer(input, paint));
        lines.join("\n") + "\n"
    }
}

fn header(input: &Input<'_>, paint: Paint) -> Vec<String> {
    let run = input.run;
    let about: Vec<String> = [
        Some(run.target.url.clone()),
        run.target
            .fhir_version
            .as_ref()
            .map(|version| format!("FHIR {version}")),
        run.target.software.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut lines = vec![format!("target    {}", about.join("   "))];
    if let Some(comparison) = input.comparison {
        let day = comparison.made.get(..10).unwrap_or(&comparison.made);
        let left = format!(
            "baseline  {}, {day}, {} cases",
            comparison.baseline, comparison.cases
        );
        lines.push(ends(&left, &format!("seed {}", run.seed)));
    } else if let Some(cohort) = &run.cohort {
        let provenance = match cohort.provenance {
            crate::record::Provenance::Generated => "generated",
            crate::record::Provenance::Provisioned => "provisioned",
            crate::record::Provenance::Crawled => "crawled",
        };
        let completeness = match cohort.completeness {
            crate::record::Completeness::Exact => "exact",
            crate::record::Completeness::Snapshot => "snapshot",
            crate::record::Completeness::Sample => "sample",
        };
        let left = format!(
            "data      {provenance}, {completeness}: {} patients, {} resources",
            cohort.patients,
            number(cohort.resources as u64)
        );
        lines.push(ends(&left, &format!("seed {}", run.seed)));
    } else {
        lines.push(ends("data      none", &format!("seed {}", run.seed)));
    }
    for notice in &run.notices {
        lines.push(format!("note      {}", paint.yellow(notice)));
    }
    lines.push(String::new());
    lines
}

fn suites(input: &Input<'_>, paint: Paint) -> Vec<String> {
    let run = input.run;
    let ran: Vec<&String> = run
        .suites
        .iter()
        .filter(|suite| run.suite_counts(suite).total() > 0)
        .collect();
    let width = ran
        .iter()
        .map(|suite| columns(suite))
        .max()
        .unwrap_or_default()
        .max(16);
    let mut lines = Vec::new();
    for suite in ran {
        let counts = run.suite_counts(suite);
        let (word, painted) = if counts.fail > 0 {
            ("FAIL", paint.red("FAIL"))
        } else if counts.warn > 0 {
            ("WARN", paint.yellow("WARN"))
        } else if counts.pass + counts.info > 0 {
            ("PASS", paint.green("PASS"))
        } else {
            ("  – ", paint.dim("  – "))
        };
        let spent: u64 = run
            .cases
            .iter()
            .filter(|case| case.suite == *suite)
            .map(|case| case.duration_ms)
            .sum();
        let executions: u64 = run
            .cases
            .iter()
            .filter(|case| case.suite == *suite)
            .map(|case| case.executions)
            .sum();
        let mut text = verdicts(&counts, &summary::of_failed(input, Some(suite)));
        if executions > counts.total() as u64 && suite.starts_with("property/") {
            text.push_str(&format!(", {} sequences", number(executions)));
        }
        let left = format!(" {word}  {suite:width$}  {text}");
        lines.push(ends(&left, &milliseconds(spent)).replacen(word, &painted, 1));
        if input.verbose {
            lines.extend(
                run.cases
                    .iter()
                    .filter(|case| case.suite == *suite)
                    .map(|case| {
                        let reason = case
                            .verdict
                            .reason()
                            .map(|reason| format!("  ({reason})"))
                            .unwrap_or_default();
                        format!("       {:8} {}{reason}", case.verdict.name(), case.id)
                    }),
            );
        }
    }
    lines.push(String::new());
    lines
}

fn load(records: &[LoadRecord]) -> Vec<String> {
    if records.is_empty() {
        return Vec::new();
    }
    let width = records
        .iter()
        .map(|record| columns(&record.operation))
        .max()
        .unwrap_or_default()
        .max(8);
    let heading = ["n", "p50", "p95", "p99", "max", "failed", "late p99"];
    let heading: Vec<String> = heading.iter().map(|name| format!("{name:>8}")).collect();
    let mut lines = vec![format!(" {:width$} {}", "load", heading.join(" "))];
    for record in records {
        let failed: u64 = record.failed.iter().map(|(_, count)| count).sum();
        let cells = [
            number(record.scheduled),
            microseconds(record.response.p50),
            microseconds(record.response.p95),
            microseconds(record.response.p99),
            microseconds(record.response.max),
            number(failed),
            microseconds(record.lateness.p99),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>8}")).collect();
        lines.push(format!(" {:width$} {}", record.operation, cells.join(" ")));
    }
    lines.push(String::new());
    lines
}

fn findings(input: &Input<'_>, paint: Paint) -> Vec<String> {
    let entries = entries(input);
    let Some(comparison) = input.comparison else {
        return section("Findings", &entries, input, paint);
    };
    let of = |state: State| -> Vec<Entry<'_>> {
        entries
            .iter()
            .copied()
            .filter(|entry| entry.state == Some(state))
            .collect()
    };
    let mut lines = section(
        &format!("New since {}", comparison.baseline),
        &of(State::New),
        input,
        paint,
    );
    lines.extend(section(
        "Failed before too, in another way",
        &of(State::Updated),
        input,
        paint,
    ));
    lines.extend(section(
        "In cases that the baseline does not decide",
        &of(State::NewCase),
        input,
        paint,
    ));
    lines.extend(section(
        "With another seed than the baseline's",
        &of(State::NewSeed),
        input,
        paint,
    ));
    for (title, state) in [("Unchanged", State::Unchanged), ("Waived", State::Waived)] {
        let names: Vec<String> = of(state).iter().map(|entry| entry.finding.id()).collect();
        if !names.is_empty() {
            lines.push(format!(
                "{:16}{}",
                format!("{title} ({})", names.len()),
                names.join(", ")
            ));
        }
    }
    let gone: Vec<&str> = comparison
        .absent
        .iter()
        .filter(|absent| absent.retested)
        .map(|absent| absent.case.as_str())
        .collect();
    if !gone.is_empty() {
        lines.push(format!(
            "{:16}{} now hold; take them over with `rounds baseline accept {}`",
            format!("Absent ({})", gone.len()),
            gone.join(", "),
            comparison.baseline
        ));
    }
    let untested = comparison
        .absent
        .iter()
        .filter(|absent| !absent.retested)
        .count();
    if untested > 0 {
        lines.push(format!(
            "{:16}known findings whose cases were not decided in this run",
            format!("Untested ({untested})")
        ));
    }
    lines.extend(
        comparison
            .stale_waivers
            .iter()
            .map(|line| format!("{:16}{line}", "Stale waiver")),
    );
    if !comparison.load.is_empty() {
        lines.push(format!("{:16}{}", "Load", comparison.load.join(", ")));
    }
    if !lines.is_empty() && lines.last().is_some_and(|line| !line.is_empty()) {
        lines.push(String::new());
    }
    lines
}

fn section(title: &str, entries: &[Entry<'_>], input: &Input<'_>, paint: Paint) -> Vec<String> {
    if entries.is_empty() {
        return Vec::new();
    }
    let causes = causes(entries, input.run);
    let mut lines = vec![
        paint.bold(&format!(
            "{title} ({})",
            amount(entries.len(), causes.len())
        )),
        String::new(),
    ];
    for cause in causes.iter().take(MAX_SHOWN) {
        lines.extend(shown(cause, input, paint));
    }
    if causes.len() > MAX_SHOWN {
        let rest = &causes[MAX_SHOWN..];
        let names: Vec<String> = rest.iter().map(named).collect();
        lines.push(format!(" and {} more: {}", rest.len(), names.join(", ")));
        lines.push(String::new());
    }
    lines
}

/// `5`, `212, of 31 causes or fewer`.
fn amount(findings: usize, causes: usize) -> String {
    match findings == causes {
        true => number(findings as u64),
        false => format!("{}, of {causes} causes or fewer", number(findings as u64)),
    }
}

fn named(cause: &Cause<'_>) -> String {
    let first = &cause.shown.finding.case;
    match cause.others.len() {
        0 => first.clone(),
        others => format!("{first} (+{others})"),
    }
}

fn shown(cause: &Cause<'_>, input: &Input<'_>, paint: Paint) -> Vec<String> {
    let entry = &cause.shown;
    let (sign, painted) = match entry.case.verdict {
        Verdict::Fail | Verdict::Flaky(_) => ("✗", paint.red("✗")),
        Verdict::Warn => ("!", paint.yellow("!")),
        _ => ("i", paint.dim("i")),
    };
    let severity = severity(entry.finding.severity);
    let mut lines = vec![
        ends(&format!(" {sign} {}", entry.finding.case), severity).replacen(sign, &painted, 1),
        format!("   {}", headline(entry)),
        format!("   expected {}", clip(&entry.finding.expected, 120)),
        format!("   actual   {}", clip(&entry.finding.actual, 120)),
    ];
    let last = entry.finding.exchanges.last();
    let exchange = last.and_then(|number| input.run.exchange(*number));
    lines.extend(exchange.map(|exchange| paint.dim(&format!("   {}", exchange_line(exchange)))));
    lines.extend(also(cause));
    lines.push(String::new());
    lines
}

/// The other findings of a cause: the first cases by name, the rest by number.
fn also(cause: &Cause<'_>) -> Option<String> {
    let count = cause.others.len();
    let mut names: Vec<&str> = Vec::new();
    for entry in &cause.others {
        let case = entry.finding.case.as_str();
        if case != cause.shown.finding.case && !names.contains(&case) {
            names.push(case);
        }
    }
    if names.is_empty() {
        return (count > 0).then(|| format!("   also     {count} of this case"));
    }
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    let shared = match &cause.criterion {
        Some(criterion) => format!(" with `{criterion}`"),
        None => String::new(),
    };
    let rest = match more {
        0 => String::new(),
        more => format!(" and {more} more cases"),
    };
    Some(format!(
        "   also     {count}{shared}: {}{rest}",
        names.join(", ")
    ))
}

/// What ought to hold, in the words of the case; what a check over all responses says is already in its title.
fn headline(entry: &Entry<'_>) -> String {
    match entry.case.kind {
        CaseKind::Conformance if entry.case.span.is_some() => {
            format!("not so: {}", entry.case.title)
        }
        _ => entry.finding.title.clone(),
    }
}

/// `GET /Patient?family=Ada  →  200 in 41ms`.
pub fn exchange_line(exchange: &ExchangeRecord) -> String {
    let ended = match (exchange.status, &exchange.failure) {
        (Some(status), _) => status.to_string(),
        (None, Some(failure)) => failure.clone(),
        (None, None) => "no answer".to_owned(),
    };
    format!(
        "{} /{}  →  {ended} in {}",
        exchange.method,
        clip(&exchange.url, 100),
        microseconds(exchange.duration_us)
    )
}

fn severity(severity: Severity) -> &'static str {
    severity.as_str()
}

/// Cases that say nothing, one line per cause with its number.
fn reasons(run: &Run, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for (title, name) in [
        ("Skipped", "skip"),
        ("Blocked", "blocked"),
        ("Error", "error"),
        ("Flaky", "flaky"),
        ("Vacuous", "vacuous"),
    ] {
        let mut causes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for case in run.cases.iter().filter(|case| case.verdict.name() == name) {
            causes
                .entry(case.verdict.reason().unwrap_or_default())
                .or_default()
                .push(&case.id);
        }
        let total: usize = causes.values().map(Vec::len).sum();
        if total == 0 {
            continue;
        }
        lines.push(paint.bold(&format!("{title} ({total})")));
        let mut causes: Vec<(&str, Vec<&str>)> = causes.into_iter().collect();
        causes.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
        let more = causes.len().saturating_sub(MAX_REASONS);
        for (cause, cases) in causes.into_iter().take(MAX_REASONS) {
            let who = if cases.len() == 1 {
                cases[0].to_owned()
            } else {
                format!("{} cases", cases.len())
            };
            lines.push(format!(" {who:28} {cause}"));
        }
        if more > 0 {
            lines.push(format!(" {:28} {more} more causes", "…"));
        }
        lines.push(String::new());
    }
    lines
}

fn footer(input: &Input<'_>, paint: Paint) -> Vec<String> {
    let mut lines = vec!["──────────".to_owned(), summary::totals(input)];
    let last = summary::last_line(input);
    lines.push(match input.exit {
        0 => paint.green(&last),
        1 => paint.red(&last),
        _ => paint.yellow(&last),
    });
    if let Some((_, finding)) = input.run.findings().next() {
        lines.push(format!("details  rounds show '{}'", finding.case));
    }
    lines.push(format!("report   {}", input.stored));
    lines
}
