//! A run: all that happened in one invocation, as stored in `run.json`. Versioned, sorted, free of foreign values.

use serde::{Deserialize, Serialize};

use super::cohort::{Completeness, Provenance};
use super::finding::{Finding, Level, Severity, Span};
use super::id::RunId;
use super::verdict::Verdict;

/// Version of `run.json`; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// One invocation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Version of this form.
    pub schema: u32,
    /// `rounds` and its version.
    pub tool: Tool,
    /// Identity.
    pub id: RunId,
    /// Start, RFC 3339 UTC.
    pub started: String,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// What was tested.
    pub target: TargetRecord,
    /// Seed, hexadecimal.
    pub seed: String,
    /// Run token, for `rounds clean`.
    pub token: String,
    /// The data behind the oracle, if any.
    pub cohort: Option<CohortRecord>,
    /// Ids of the suites that were selected, in the order of execution.
    pub suites: Vec<String>,
    /// Cases in the order of their suites, then of their files.
    pub cases: Vec<CaseRecord>,
    /// Load results.
    pub load: Vec<LoadRecord>,
    /// Exchanges that findings refer to, by number.
    pub exchanges: Vec<ExchangeRecord>,
    /// Requests sent in all.
    pub requests: u64,
    /// Sentences that every report prints: insecure TLS, writes off, leftovers.
    pub notices: Vec<String>,
    /// True if the run was cut short (Ctrl-C, safety stop).
    pub interrupted: bool,
}

/// The program that made the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `rounds`.
    pub name: String,
    /// Semantic version.
    pub version: String,
}

/// What was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRecord {
    /// Base URL without credentials and query.
    pub url: String,
    /// `CapabilityStatement.software`, name and version, if given.
    pub software: Option<String>,
    /// `CapabilityStatement.fhirVersion`.
    pub fhir_version: Option<String>,
    /// Hash of the canonical CapabilityStatement without dates.
    pub capability_hash: Option<String>,
    /// True for the built-in sandbox: nothing of the user's was tested.
    pub built_in_sandbox: bool,
    /// True if writing was permitted.
    pub writes: bool,
    /// Scopes that the authorization server granted; what is not SMART's is masked. Empty where none were said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// The data behind the oracle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortRecord {
    /// Where it came from.
    pub provenance: Provenance,
    /// How complete it is.
    pub completeness: Completeness,
    /// Patients.
    pub patients: usize,
    /// Resources.
    pub resources: usize,
}

/// What kind of case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseKind {
    /// A case of a conformance suite.
    Conformance,
    /// A property.
    Property,
    /// A load suite's thresholds and verdict.
    Load,
    /// A probe of `diagnose`.
    Probe,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// `AREA/words`, with `[row]` if it has rows.
    pub id: String,
    /// Suite id.
    pub suite: String,
    /// Kind.
    pub kind: CaseKind,
    /// One sentence.
    pub title: String,
    /// Level of the case.
    pub level: Level,
    /// Severity if it fails.
    pub severity: Severity,
    /// Specification URL.
    pub spec: String,
    /// Where it is written.
    pub span: Option<Span>,
    /// Verdict and reason.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Seed of the case, hexadecimal, if it has one.
    pub seed: Option<String>,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Sequences or evaluations behind the verdict, for properties; 1 otherwise.
    pub executions: u64,
}

/// One operation of a load suite. Latencies in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// Suite id.
    pub suite: String,
    /// Operation name, or `all`.
    pub operation: String,
    /// Arrivals scheduled.
    pub scheduled: u64,
    /// Requests sent.
    pub sent: u64,
    /// Answered with the status wanted.
    pub succeeded: u64,
    /// Failures by class (`503`, `timeout`, `not_sent`), sorted by name.
    pub failed: Vec<(String, u64)>,
    /// Lateness of the generator: sent minus intended.
    pub lateness: Quantiles,
    /// Done minus sent.
    pub service: Quantiles,
    /// Done minus intended.
    pub response: Quantiles,
    /// Response histogram, HDR V2 serialisation, base64.
    pub histogram: String,
    /// p95 of the response per second of the schedule, microseconds; 0 where no request was due.
    pub per_second_p95: Vec<u64>,
}

/// Quantiles of a latency distribution in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Samples.
    pub n: u64,
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
}

/// One exchange, masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRecord {
    /// Number within the run.
    pub number: u32,
    /// Method.
    pub method: String,
    /// URL, relative to the base, masked.
    pub url: String,
    /// Request header fields that may be shown.
    pub request_headers: Vec<(String, String)>,
    /// Request body, only if all of it is ours.
    pub request_body: Option<String>,
    /// Status, if there was a response.
    pub status: Option<u16>,
    /// Failure, if there was none.
    pub failure: Option<String>,
    /// Response header fields that may be shown.
    pub response_headers: Vec<(String, String)>,
    /// Response body, only if all of it is ours, cut at a limit.
    pub response_body: Option<String>,
    /// Bytes of the response body.
    pub response_bytes: u64,
    /// Microseconds from the start to the last byte.
    pub duration_us: u64,
    /// A curl line that sends it again, secrets as environment variables.
    pub curl: String,
}

/// Numbers of cases by verdict; they add up to `total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "one field per verdict name")]
pub struct Counts {
    pub pass: usize,
    pub fail: usize,
    pub warn: usize,
    pub info: usize,
    pub skip: usize,
    pub blocked: usize,
    pub error: usize,
    pub flaky: usize,
    pub vacuous: usize,
}

impl Counts {
    /// Counts one more case.
    pub fn add(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Warn => &mut self.warn,
            Verdict::Info => &mut self.info,
            Verdict::Skip(_) => &mut self.skip,
            Verdict::Blocked(_) => &mut self.blocked,
            Verdict::Error(_) => &mut self.error,
            Verdict::Flaky(_) => &mut self.flaky,
            Verdict::Vacuous(_) => &mut self.vacuous,
        } += 1;
    }

    /// All cases.
    pub fn total(&self) -> usize {
        self.pass
            + self.fail
            + self.warn
            + self.info
            + self.skip
            + self.blocked
            + self.error
            + self.flaky
            + self.vacuous
    }
}

impl Run {
    /// Cases by verdict over the whole run.
    pub fn counts(&self) -> Counts {
        Self::count(self.cases.iter())
    }

    /// Cases by verdict in one suite.
    pub fn suite_counts(&self, suite: &str) -> Counts {
        Self::count(self.cases.iter().filter(|case| case.suite == suite))
    }

    fn count<'a>(cases: impl Iterator<Item = &'a CaseRecord>) -> Counts {
        let mut counts = Counts::default();
        cases.for_each(|case| counts.add(&case.verdict));
        counts
    }

    /// Every finding with its case, in order.
    pub fn findings(&self) -> impl Iterator<Item = (&CaseRecord, &Finding)> {
        self.cases
            .iter()
            .flat_map(|case| case.findings.iter().map(move |finding| (case, finding)))
    }

    /// Cases that count against `--max-undecided`.
    pub fn undecided(&self) -> usize {
        self.cases
            .iter()
            .filter(|case| case.verdict.is_undecided())
            .count()
    }

    /// An exchange by number.
    pub fn exchange(&self, number: u32) -> Option<&ExchangeRecord> {
        self.exchanges
            .iter()
            .find(|exchange| exchange.number == number)
    }
}

/// One small run with every part filled, shared by the tests of stores, comparisons and reports.
#[cfg(test)]
pub fn sample() -> Run {
    use super::finding::Reproduced;
    use super::id::Fingerprint;

    let case = |id: &str, verdict: Verdict, findings: Vec<Finding>| CaseRecord {
        id: id.into(),
        suite: "core/search".into(),
        kind: CaseKind::Conformance,
        title: "Bundle.total counts the matches over all pages".into(),
        level: Level::Shall,
        severity: Severity::Major,
        spec: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total".into(),
        span: Some(Span {
            file: "suites/core/search.yaml".into(),
            line: 41,
            column: 5,
        }),
        verdict,
        findings,
        seed: None,
        duration_ms: 79,
        executions: 1,
    };
    let finding = Finding {
        fingerprint: Fingerprint::new(["search/total-matches-entries", "search/total"]),
        case: "search/total-matches-entries".into(),
        rule: "search/total".into(),
        title: "Bundle.total is not the number of matches".into(),
        severity: Severity::Major,
        level: Level::Shall,
        expected: "Bundle.total = 38".into(),
        actual: "Bundle.total = 40".into(),
        place: "Bundle.total".into(),
        spec: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total".into(),
        sentence: "the total number of matches".into(),
        span: Some(Span {
            file: "suites/core/search.yaml".into(),
            line: 41,
            column: 5,
        }),
        exchanges: vec![118],
        reproduced: Reproduced { times: 2, of: 2 },
        oracle: Some(Completeness::Exact),
        ruled_out: vec!["total is an estimate: _total=accurate was asked for".into()],
        usual_causes: vec!["the count query and the page query apply different filters".into()],
        steps: Vec::new(),
        reproduce: vec!["curl -sS 'https://fhir.example.org/r4/Patient?family=Ada'".into()],
    };
    Run {
        schema: SCHEMA,
        tool: Tool {
            name: "rounds".into(),
            version: "0.1.0".into(),
        },
        id: RunId("20261122-101502-5f1c09".into()),
        started: "2026-11-22T10:15:02Z".into(),
        duration_ms: 17_400,
        target: TargetRecord {
            url: "https://fhir.example.org/r4".into(),
            software: Some("HAPI 7.2.0".into()),
            fhir_version: Some("4.0.1".into()),
            capability_hash: Some("0011223344556677".into()),
            built_in_sandbox: false,
            writes: true,
            scopes: Vec::new(),
        },
        seed: "5f1c09".into(),
        token: "aaaaaaaaaaaaaaaa".into(),
        cohort: Some(CohortRecord {
            provenance: Provenance::Generated,
            completeness: Completeness::Exact,
            patients: 12,
            resources: 300,
        }),
        suites: vec!["core/search".into()],
        cases: vec![
            case("search/one", Verdict::Pass, Vec::new()),
            case("search/total-matches-entries", Verdict::Fail, vec![finding]),
            case(
                "search/near",
                Verdict::Skip("not claimed: Location.near".into()),
                Vec::new(),
            ),
        ],
        load: vec![LoadRecord {
            suite: "load/smoke".into(),
            operation: "search".into(),
            scheduled: 100,
            sent: 100,
            succeeded: 99,
            failed: vec![("503".into(), 1)],
            lateness: Quantiles {
                n: 100,
                p50: 90,
                p95: 300,
                p99: 400,
                p999: 400,
                max: 400,
            },
            service: Quantiles {
                n: 100,
                p50: 900,
                p95: 3000,
                p99: 4000,
                p999: 4000,
                max: 4000,
            },
            response: Quantiles {
                n: 100,
                p50: 990,
                p95: 3100,
                p99: 4100,
                p999: 4100,
                max: 4100,
            },
            histogram: String::new(),
            per_second_p95: vec![3000, 3100],
        }],
        exchanges: vec![ExchangeRecord {
            number: 118,
            method: "GET".into(),
            url: "Patient?family=Ada&_count=20".into(),
            request_headers: vec![("accept".into(), "application/fhir+json".into())],
            request_body: None,
            status: Some(200),
            failure: None,
            response_headers: vec![("content-type".into(), "application/fhir+json".into())],
            response_body: Some("{\"resourceType\":\"Bundle\",\"total\":40}".into()),
            response_bytes: 31_000,
            duration_us: 41_000,
            curl: "curl -sS 'https://fhir.example.org/r4/Patient?family=Ada'".into(),
        }],
        requests: 220,
        notices: Vec::new(),
        interrupted: false,
    }
}
