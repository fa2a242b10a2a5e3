//! A consultation as text: one line per probe, the causes, the sum. Renders only.

use std::fmt::Write as _;

use crate::record::consultation::{CauseLine, Consultation, Line, Mark};

/// Column where the right-hand parts of the cause table begin.
const EXPLAINS_COLUMN: usize = 60;
/// Column where the counter-evidence begins.
const AGAINST_COLUMN: usize = 76;
/// Column where the exit code begins.
const EXIT_COLUMN: usize = 74;

/// The whole text, ending with a newline.
pub fn render(consultation: &Consultation) -> String {
    let mut text = format!(
        "read-only: GET, HEAD and OPTIONS; at most {} requests/s and {} in all; values are not stored\n\n",
        consultation.terms.rate, consultation.terms.max_requests
    );
    let width = consultation
        .lines
        .iter()
        .map(|line| line.probe.chars().count())
        .max()
        .unwrap_or_default();
    for line in &consultation.lines {
        let fact = match line.mark {
            Mark::Skip => format!("skipped: {}", line.fact),
            _ => line.fact.clone(),
        };
        put(
            &mut text,
            format_args!(" {} {:width$}  {fact}", symbol(line.mark), line.probe),
        );
    }
    next_steps(&mut text, &consultation.lines);
    causes(&mut text, consultation);
    if !consultation.not_tested.is_empty() {
        text.push_str("\nNot tested\n");
        for sentence in &consultation.not_tested {
            put(&mut text, format_args!("    {sentence}"));
        }
    }
    text.push('\n');
    put(&mut text, format_args!("{}", summary(consultation)));
    text
}

fn symbol(mark: Mark) -> char {
    match mark {
        Mark::Pass => '✓',
        Mark::Info => '·',
        Mark::Warn => '!',
        Mark::Fail => '✗',
        Mark::Skip => '–',
    }
}

/// What to do about what is wrong, and who can.
fn next_steps(text: &mut String, lines: &[Line]) {
    let open: Vec<(&Line, &String)> = lines
        .iter()
        .filter(|line| matches!(line.mark, Mark::Warn | Mark::Fail))
        .filter_map(|line| Some((line, line.next_step.as_ref()?)))
        .collect();
    if open.is_empty() {
        return;
    }
    let width = open
        .iter()
        .map(|(line, _)| line.probe.chars().count())
        .max()
        .unwrap_or_default();
    text.push_str("\nNext steps\n");
    for (line, step) in open {
        put(
            text,
            format_args!(
                "    {:width$}  {step} ({})",
                line.probe,
                line.owner.as_str()
            ),
        );
    }
}

fn causes(text: &mut String, consultation: &Consultation) {
    if consultation.causes.is_empty() {
        return;
    }
    let problems = consultation.tally().problems;
    let mut header = "\nLikely causes".to_owned();
    pad(&mut header, EXPLAINS_COLUMN + 1);
    header.push_str("explains");
    pad(&mut header, AGAINST_COLUMN + 1);
    header.push_str("against");
    put(text, format_args!("{header}"));
    for (index, cause) in consultation.causes.iter().enumerate() {
        put(
            text,
            format_args!("{}", cause_row(index + 1, cause, problems)),
        );
        if cause.is_likely() {
            put(text, format_args!("    look at: {}", cause.look_at));
        }
        put(text, format_args!("    confirm: {}", cause.confirm));
        put(
            text,
            format_args!("    refuted by: {} (n = {})", cause.refuted_by, cause.n),
        );
    }
}

fn cause_row(number: usize, cause: &CauseLine, problems: usize) -> String {
    let possible = if cause.is_likely() { "" } else { "possible: " };
    let mut row = format!("{number:2}  {possible}{}", cause.title);
    pad(&mut row, EXPLAINS_COLUMN);
    row.push_str(&match cause.problems.len() {
        0 => cause.warnings.join(", "),
        n => format!("{n} of {problems} ✗"),
    });
    pad(&mut row, AGAINST_COLUMN);
    row.push_str(&match cause.against.len() {
        0 => "–".to_owned(),
        _ => cause.against.join("; "),
    });
    row
}

fn summary(consultation: &Consultation) -> String {
    let tally = consultation.tally();
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let requests = usize::try_from(consultation.requests).unwrap_or(usize::MAX);
    let mut line = format!(
        "{} in {:.1}s: {} fine, {}, {}",
        count(requests, "request", "requests"),
        std::time::Duration::from_millis(consultation.duration_ms).as_secs_f64(),
        tally.fine,
        count(tally.warnings, "warning", "warnings"),
        count(tally.problems, "problem", "problems"),
    );
    if tally.skipped > 0 {
        let _ = write!(line, ", {} skipped", tally.skipped);
    }
    pad(&mut line, EXIT_COLUMN);
    let _ = write!(line, "exit {}", consultation.exit_code());
    line
}

/// Spaces up to a column, two at least.
fn pad(text: &mut String, column: usize) {
    let missing = column.saturating_sub(text.chars().count()).max(2);
    text.extend(std::iter::repeat_n(' ', missing));
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::consultation::{ConsultationTerms, Owner, SCHEMA};
    use crate::record::run::Tool;

    fn line(probe: &str, mark: Mark, fact: &str) -> Line {
        Line {
            probe: probe.to_owned(),
            mark,
            fact: fact.to_owned(),
            evidence: Vec::new(),
            next_step: None,
            owner: Owner::Server,
            spec: String::new(),
            n: 1,
        }
    }

    fn consultation() -> Consultation {
        Consultation {
            schema: SCHEMA,
            tool: Tool {
                name: "rounds".to_owned(),
                version: "0".to_owned(),
            },
            target: "https://h.example/r4".to_owned(),
            started: "2026-11-22T10:15:02Z".to_owned(),
            lines: vec![
                line("metadata", Mark::Pass, "CapabilityStatement in 94ms"),
                line("search-echo", Mark::Fail, "self link lacks family="),
                line("search-filter", Mark::Fail, "returns 1,204 matches"),
                line("latency", Mark::Warn, "2 of 8 are slow"),
                line("clock", Mark::Info, "no answer has a Date"),
                line("etag", Mark::Skip, "server requires patient"),
            ],
            causes: vec![
                cause(
                    "a gateway drops the query",
                    &["search-echo", "search-filter"],
                    3,
                ),
                cause("one of several replicas is slow", &[], 20),
            ],
            requests: 27,
            duration_ms: 14_200,
            terms: ConsultationTerms {
                max_requests: 40,
                rate: 2.0,
            },
            not_tested: vec!["writing: a diagnosis only reads".to_owned()],
        }
    }

    fn cause(title: &str, problems: &[&str], likely_from: u32) -> CauseLine {
        let is_warning = problems.is_empty();
        CauseLine {
            cause: "x".to_owned(),
            title: title.to_owned(),
            problems: problems.iter().map(|&name| name.to_owned()).collect(),
            warnings: is_warning
                .then(|| "latency".to_owned())
                .into_iter()
                .collect(),
            against: Vec::new(),
            look_at: "the gateway".to_owned(),
            confirm: "ask behind it".to_owned(),
            refuted_by: "the same answer there".to_owned(),
            n: 5,
            likely_from,
        }
    }

    #[test]
    fn a_consultation_reads_like_this() {
        let expected = "\
read-only: GET, HEAD and OPTIONS; at most 2 requests/s and 40 in all; values are not stored

 ✓ metadata       CapabilityStatement in 94ms
 ✗ search-echo    self link lacks family=
 ✗ search-filter  returns 1,204 matches
 ! latency        2 of 8 are slow
 · clock          no answer has a Date
 – etag           skipped: server requires patient

Likely causes                                               explains        against
 1  a gateway drops the query                               2 of 2 ✗        –
    look at: the gateway
    confirm: ask behind it
    refuted by: the same answer there (n = 5)
 2  possible: one of several replicas is slow               latency         –
    confirm: ask behind it
    refuted by: the same answer there (n = 5)

Not tested
    writing: a diagnosis only reads

27 requests in 14.2s: 2 fine, 1 warning, 2 problems, 1 skipped            exit 1
";
        assert_eq!(render(&consultation()), expected);
    }

    #[test]
    fn the_numbers_add_up() {
        let consultation = consultation();
        let tally = consultation.tally();
        assert_eq!(
            tally.fine + tally.warnings + tally.problems + tally.skipped,
            consultation.lines.len()
        );
    }

    #[test]
    fn the_exit_code_says_how_it_ended() {
        let mut consultation = consultation();
        assert_eq!(consultation.exit_code(), 1);
        consultation.lines.retain(|line| line.mark != Mark::Fail);
        assert_eq!(consultation.exit_code(), 0);
        let unreachable = line("reachability", Mark::Fail, "connection refused");
        consultation.lines.insert(0, unreachable);
        assert_eq!(consultation.exit_code(), 3);
    }
}
