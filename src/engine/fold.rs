//! Folding: violations become findings, exchanges become records, and every datum passes through `Disclosure`.
//! The only way into a `Run`. Pure.

use crate::http::{Exchange, curl};
use crate::record::finding::{Reproduced, Span, Step};
use crate::record::id::Fingerprint;
use crate::record::run::ExchangeRecord;
use crate::record::{Finding, Level, Severity, Violation};
use crate::secret::{Disclosure, header_is_open};

/// Bytes of a body that are stored at most.
pub const MAX_STORED_BODY: usize = 64 * 1024;

/// What a finding takes from its case or check.
#[derive(Debug, Clone)]
pub struct Basis<'a> {
    /// Case id with its row.
    pub case: &'a str,
    /// Level of the rule.
    pub level: Level,
    /// Severity.
    pub severity: Severity,
    /// Specification URL.
    pub spec: &'a str,
    /// The R4 sentence.
    pub sentence: &'a str,
    /// Where the case is written.
    pub span: Option<Span>,
    /// What usually causes it.
    pub usual_causes: &'a [&'a str],
    /// How to run the case again (`rounds replay …`).
    pub replay: String,
}

/// Makes a finding of a violation; `exchanges` are those of the case, for the curl lines.
pub fn finding(
    violation: &Violation,
    basis: &Basis<'_>,
    reproduced: Reproduced,
    exchanges: &[&Exchange],
    disclosure: &Disclosure,
) -> Finding {
    let signature = violation.signature.iter().map(String::as_str);
    let fingerprint = Fingerprint::new(
        [basis.case, violation.rule.as_str()]
            .into_iter()
            .chain(signature),
    );
    let shown: Vec<&&Exchange> = exchanges
        .iter()
        .filter(|exchange| violation.exchanges.contains(&exchange.number))
        .collect();
    let mut reproduce: Vec<String> = shown
        .iter()
        .map(|exchange| curl::line(exchange, disclosure))
        .collect();
    reproduce.dedup();
    reproduce.push(basis.replay.clone());
    Finding {
        fingerprint,
        case: basis.case.to_owned(),
        rule: violation.rule.clone(),
        title: violation.title.clone(),
        severity: basis.severity,
        level: basis.level,
        expected: disclosure.phrase(&violation.expected),
        actual: disclosure.phrase(&violation.actual),
        place: violation.place.clone(),
        spec: basis.spec.to_owned(),
        sentence: basis.sentence.to_owned(),
        span: basis.span.clone(),
        exchanges: violation.exchanges.clone(),
        reproduced,
        oracle: violation.oracle,
        ruled_out: violation.ruled_out.clone(),
        usual_causes: basis
            .usual_causes
            .iter()
            .map(|cause| (*cause).to_owned())
            .collect(),
        steps: Vec::<Step>::new(),
        reproduce,
    }
}

/// An exchange as it may be stored.
pub fn exchange(exchange: &Exchange, base: &str, disclosure: &Disclosure) -> ExchangeRecord {
    let relative = exchange
        .request
        .url
        .strip_prefix(base)
        .unwrap_or(&exchange.request.url)
        .trim_start_matches('/');
    let response = exchange.response();
    ExchangeRecord {
        number: exchange.number,
        method: exchange.request.method.to_string(),
        url: disclosure.url(relative),
        request_headers: open_headers(exchange.request.headers.iter(), |name, value| {
            disclosure.request_field(name, value)
        }),
        request_body: match curl::shown_form(&exchange.request, disclosure) {
            Some(form) => Some(form),
            None => body(&exchange.request.body, disclosure),
        },
        status: exchange.status(),
        failure: exchange
            .outcome
            .as_ref()
            .err()
            .map(|failure| failure.message.clone()),
        response_headers: response
            .map(|response| {
                open_headers(response.headers.iter(), |name, value| {
                    disclosure.response_field(name, value)
                })
            })
            .unwrap_or_default(),
        response_body: response.and_then(|response| body(&response.body, disclosure)),
        response_bytes: response.map_or(0, |response| response.body.len() as u64),
        duration_us: u64::try_from(exchange.timings.total.as_micros()).unwrap_or(u64::MAX),
        curl: curl::line(exchange, disclosure),
    }
}

fn open_headers<'a>(
    fields: impl Iterator<Item = (&'a str, &'a str)>,
    show: impl Fn(&str, &str) -> String,
) -> Vec<(String, String)> {
    let mut open: Vec<(String, String)> = fields
        .filter(|(name, _)| header_is_open(name))
        .map(|(name, value)| (name.to_ascii_lowercase(), show(name, value)))
        .collect();
    open.sort();
    open
}

/// A body only where all of it is ours: on the in-process sandbox, or JSON of which every value was generated.
fn body(bytes: &[u8], disclosure: &Disclosure) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let is_ours = disclosure.is_everything()
        || serde_json::from_slice(bytes).is_ok_and(|value| disclosure.knows_resource(&value));
    if !is_ours {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let mut end = text.len().min(MAX_STORED_BODY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Some(if end < text.len() {
        format!("{}…", &text[..end])
    } else {
        text.into_owned()
    })
}
