//! One finding in full: expected and actual, place, basis, exchanges, body with the reason, curl lines.

use crate::record::run::ExchangeRecord;
use crate::record::{Completeness, Finding, Run};

use super::layout::{clip, columns, ends, microseconds, wrap};
use super::paint::Paint;

/// Lines of a body that are shown.
const MAX_BODY_LINES: usize = 40;

/// Renders a finding of a run.
pub fn render(run: &Run, finding: &Finding, color: bool) -> String {
    let paint = Paint(color);
    let mut lines = vec![
        ends(&paint.bold(&finding.case), finding.severity.as_str()),
        format!("{}.", finding.title),
        String::new(),
    ];
    if let Some(case) = run.cases.iter().find(|case| case.id == finding.case) {
        lines.insert(1, format!("not so: {}", case.title));
    }
    let mut field = |name: &str, value: &str| {
        for (position, line) in wrap(value, 76).into_iter().enumerate() {
            let name = if position == 0 { name } else { "" };
            lines.push(format!("  {name:11} {line}"));
        }
    };
    field("expected", &finding.expected);
    field("actual", &finding.actual);
    field("where", &place(finding));
    field(
        "rule",
        &format!("{} ({})", finding.rule, finding.level.as_str()),
    );
    field("basis", &finding.spec);
    if !finding.sentence.is_empty() {
        field("", &finding.quotation());
    }
    field("seen", &seen(finding));
    if !finding.ruled_out.is_empty() {
        field("ruled out", &finding.ruled_out.join("; "));
    }
    if let Some(span) = &finding.span {
        field("case", &format!("{}:{}", span.file, span.line));
    }
    field("fingerprint", &finding.fingerprint.0);
    lines.push(String::new());
    if !finding.steps.is_empty() {
        lines.push("  steps".to_owned());
        for (number, step) in finding.steps.iter().enumerate() {
            lines.push(format!("  {:>4}  {}", number + 1, step.text));
        }
        lines.push(String::new());
    }
    let exchanges: Vec<&ExchangeRecord> = finding
        .exchanges
        .iter()
        .filter_map(|number| run.exchange(*number))
        .collect();
    lines.extend(exchanges.iter().map(|exchange| exchange_row(exchange)));
    if let Some(last) = exchanges.last() {
        lines.push(String::new());
        lines.extend(answer(last, paint));
    }
    if !finding.usual_causes.is_empty() {
        lines.push(String::new());
        lines.push("  usual causes".to_owned());
        lines.extend(
            finding
                .usual_causes
                .iter()
                .flat_map(|cause| indented(cause)),
        );
    }
    if !finding.reproduce.is_empty() {
        lines.push(String::new());
        lines.push("  reproduce".to_owned());
        lines.extend(finding.reproduce.iter().map(|line| format!("    {line}")));
    }
    lines.join("\n") + "\n"
}

fn place(finding: &Finding) -> String {
    let numbers: Vec<String> = finding.exchanges.iter().map(ToString::to_string).collect();
    match (finding.place.is_empty(), numbers.as_slice()) {
        (true, []) => "–".to_owned(),
        (false, []) => finding.place.clone(),
        (true, numbers) => format!("exchange {}", numbers.join(", ")),
        (false, numbers) => format!("{} in exchange {}", finding.place, numbers.join(", ")),
    }
}

fn seen(finding: &Finding) -> String {
    let known = match finding.oracle {
        None => String::new(),
        Some(Completeness::Exact) => ", judged by exact data".to_owned(),
        Some(Completeness::Snapshot) => ", judged by a snapshot of the data".to_owned(),
        Some(Completeness::Sample) => ", judged by a sample of the data".to_owned(),
    };
    format!(
        "reproduced {} of {}{known}",
        finding.reproduced.times, finding.reproduced.of
    )
}

fn exchange_row(exchange: &ExchangeRecord) -> String {
    let request = clip(&format!("{} /{}", exchange.method, exchange.url), 58);
    let status = exchange
        .status
        .map_or_else(|| "–".to_owned(), |status| status.to_string());
    let pad = 58usize.saturating_sub(columns(&request));
    format!(
        "  {:<4} {request}{} {status:>4} {:>7} {:>7}",
        exchange.number,
        " ".repeat(pad),
        microseconds(exchange.duration_us),
        bytes(exchange.response_bytes)
    )
}

fn bytes(count: u64) -> String {
    if count < 1000 {
        format!("{count} B")
    } else {
        format!("{} kB", (count + 500) / 1000)
    }
}

/// Open header fields and the body of an answer, or why it is not shown.
fn answer(exchange: &ExchangeRecord, paint: Paint) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if let Some(failure) = &exchange.failure {
        lines.push(format!("  {:<4} {failure}", exchange.number));
    }
    for (name, value) in &exchange.response_headers {
        lines.push(paint.dim(&format!("  {:<4} < {name}: {value}", exchange.number)));
    }
    match &exchange.response_body {
        Some(body) => lines.extend(
            pretty(body)
                .into_iter()
                .map(|line| format!("       < {line}")),
        ),
        None if exchange.response_bytes > 0 => {
            lines.push(
                "       < body not stored: it holds values that this run did not generate"
                    .to_owned(),
            );
        }
        None => {}
    }
    lines
}

fn pretty(body: &str) -> Vec<String> {
    let text = serde_json::from_str::<serde_json::Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.to_owned());
    let mut lines: Vec<String> = text.lines().map(|line| clip(line, 110)).collect();
    if lines.len() > MAX_BODY_LINES {
        let more = lines.len() - MAX_BODY_LINES;
        lines.truncate(MAX_BODY_LINES);
        lines.push(format!("… {more} more lines"));
    }
    lines
}

fn indented(text: &str) -> Vec<String> {
    wrap(text, 84)
        .into_iter()
        .map(|line| format!("    {line}"))
        .collect()
}
