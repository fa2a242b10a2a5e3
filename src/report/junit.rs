//! The report for CI systems: one `<testsuite>` per suite, one `<testcase>` per case. Failures of the target are
//! `<failure>`, what could not be decided is `<error>`, what was not wanted or not possible is `<skipped>`.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::record::run::CaseRecord;
use crate::record::{Finding, Verdict};

use super::summary::{Entry, entries};
use super::{Format, Input};

/// `junit`
pub struct JUnit;

impl Format for JUnit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn title(&self) -> &'static str {
        "for CI systems: JUnit XML"
    }

    fn render(&self, input: &Input<'_>) -> String {
        let run = input.run;
        let entries = entries(input);
        let mut report = Report::new("rounds");
        report.set_time(Duration::from_millis(run.duration_ms));
        for suite in &run.suites {
            let cases: Vec<&CaseRecord> = run
                .cases
                .iter()
                .filter(|case| case.suite == *suite)
                .collect();
            if cases.is_empty() {
                continue;
            }
            let mut element = TestSuite::new(suite.as_str());
            element.set_time(Duration::from_millis(
                cases.iter().map(|case| case.duration_ms).sum(),
            ));
            element.add_property(("target", run.target.url.as_str()));
            element.add_property(("seed", run.seed.as_str()));
            for notice in &run.notices {
                element.add_property(("notice", notice.as_str()));
            }
            element.add_test_cases(cases.into_iter().map(|case| test_case(case, &entries)));
            report.add_test_suite(element);
        }
        let mut text = report
            .to_string()
            .expect("a report without control characters is written without error");
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}

fn test_case(case: &CaseRecord, entries: &[Entry<'_>]) -> TestCase {
    let mut element = TestCase::new(case.id.as_str(), status(case));
    element.set_classname(case.suite.as_str());
    element.set_time(Duration::from_millis(case.duration_ms));
    if let Some(span) = &case.span {
        element
            .extra
            .insert("file".into(), span.file.as_str().into());
        element
            .extra
            .insert("line".into(), span.line.to_string().into());
    }
    for entry in entries
        .iter()
        .filter(|entry| std::ptr::eq(entry.case, case))
    {
        if let Some(state) = entry.state {
            let state = serde_json::to_value(state)
                .ok()
                .and_then(|value| value.as_str().map(str::to_owned));
            element.add_property(("state", state.unwrap_or_default().as_str()));
        }
        element.add_property(("fingerprint", entry.finding.fingerprint.0.as_str()));
    }
    let commands: Vec<&str> = case
        .findings
        .iter()
        .flat_map(|finding| finding.reproduce.iter().map(String::as_str))
        .collect();
    if !commands.is_empty() {
        element.set_system_out(commands.join("\n"));
    }
    element
}

fn status(case: &CaseRecord) -> TestCaseStatus {
    let failure = |kind: NonSuccessKind, message: &str, type_name: &str, text: String| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message);
        status.set_type(type_name);
        status.set_description(text);
        status
    };
    match &case.verdict {
        // A broken SHOULD or a fact is in the text, and does not turn a build red.
        Verdict::Pass | Verdict::Warn | Verdict::Info => TestCaseStatus::success(),
        Verdict::Fail => {
            let first = case.findings.first();
            let title = first.map_or("failed", |finding| finding.title.as_str());
            let rule = first.map_or("case", |finding| finding.rule.as_str());
            let text: Vec<String> = case.findings.iter().map(describe).collect();
            failure(NonSuccessKind::Failure, title, rule, text.join("\n\n"))
        }
        Verdict::Skip(reason) | Verdict::Blocked(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {reason}", case.verdict.name()));
            status
        }
        Verdict::Error(reason) | Verdict::Flaky(reason) | Verdict::Vacuous(reason) => failure(
            NonSuccessKind::Error,
            reason,
            case.verdict.name(),
            reason.clone(),
        ),
    }
}

fn describe(finding: &Finding) -> String {
    format!(
        "{}\nexpected {}\nactual   {}\nbasis    {}\n         {}",
        finding.title, finding.expected, finding.actual, finding.spec, finding.sentence
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::run::sample;

    #[test]
    fn failures_errors_and_skips_are_told_apart_and_add_up() {
        let mut run = sample();
        run.cases[0].verdict = Verdict::Error("no answer".into());
        let input = Input {
            run: &run,
            comparison: None,
            exit: 1,
            counting: 1,
            stored: "",
            color: false,
            verbose: false,
        };
        let text = JUnit.render(&input);
        assert!(text.contains(r#"tests="3""#), "{text}");
        assert!(text.contains(r#"failures="1" errors="1""#), "{text}");
        assert!(text.contains("<skipped"), "{text}");
        assert!(
            text.contains(r#"file="suites/core/search.yaml" line="41""#),
            "{text}"
        );
    }
}
