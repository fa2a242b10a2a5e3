//! The property engine against the sandbox: silent on an honest server and on every legal variant, and able to find
//! the planted defects that concern sequences and relations. Not the whole self-test; that is `selftest`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use indexmap::IndexMap;
use rounds::clock::SystemClock;
use rounds::engine::context::{Context, Requirements, Restart, Restarting};
use rounds::engine::preflight::preflight;
use rounds::engine::property::{self, Budget, Examined};
use rounds::engine::session::{NoJournal, Session};
use rounds::fhir::Key;
use rounds::fhir::capability::Capability;
use rounds::http::target::{Auth, Target};
use rounds::http::{Request, client};
use rounds::property::{
    self as properties, Case, Ground, Judgement, PROPERTIES, Property, PropertySpec, Trace, Values,
    variety,
};
use rounds::record::event::{Event, Observer, Silent};
use rounds::record::{Cohort, Completeness, Isolation, Provenance, Verdict};
use rounds::sandbox::{self, Options, Running};
use rounds::secret::{Disclosure, Secret};
use rounds::seed::{RunToken, Seed};
use serde_json::{Value, json};

/// A sandbox with a defect or a variant, or honest.
pub(crate) fn options(defect: Option<&str>, variant: Option<&str>) -> Options {
    Options {
        defects: defect
            .map(|id| sandbox::defect(id).expect("a known defect"))
            .into_iter()
            .collect(),
        variants: variant
            .map(|id| sandbox::variant(id).expect("a known variant"))
            .into_iter()
            .collect(),
        ..Options::default()
    }
}

fn target(running: &Running, writes: bool) -> Target {
    let auth = running
        .token_url
        .clone()
        .map_or(Auth::None, |token_url| Auth::ClientCredentials {
            token_url,
            client_id: "rounds".to_owned(),
            client_secret: Secret::new("sandbox".to_owned()),
            scope: String::new(),
        });
    Target {
        name: "sandbox".to_owned(),
        base: running.base.clone(),
        auth,
        headers: Vec::new(),
        cacert: None,
        cacert_pem: running.ca_pem.clone(),
        identity: None,
        insecure: false,
        timeout: Duration::from_secs(30),
        rate: None,
        max_requests: None,
        writes,
        load: writes,
        in_process: true,
        validate_is_safe: false,
    }
}

/// The sandbox, killed and started again.
struct Pulled(sandbox::Plug);

impl Restart for Pulled {
    fn restart(&self) -> Restarting<'_> {
        self.0.pull();
        Box::pin(std::future::ready(Ok(())))
    }
}

pub(crate) async fn context(running: &Running, seed: u64, cohort: Option<Cohort>) -> Context {
    let clock = Arc::new(SystemClock::new());
    let writes = cohort.is_none();
    let transport =
        client::connect(&target(running, writes), clock.clone()).expect("a usable target");
    let token = RunToken::random();
    let disclosure = if writes {
        Disclosure::everything()
    } else {
        Disclosure::nothing()
    };
    let session = Arc::new(Session::new(
        transport,
        disclosure,
        token,
        Box::new(NoJournal),
    ));
    let capability = preflight(&session)
        .await
        .expect("the sandbox has a CapabilityStatement");
    Context {
        session,
        capability: Arc::new(capability),
        cohort: Arc::new(cohort.unwrap_or_else(Cohort::empty)),
        memory: Arc::default(),
        survey: Arc::default(),
        seed: Seed(seed),
        token,
        clock,
        observer: Arc::new(Silent),
        writes,
        load: writes,
        jobs: 4,
        requirements: Requirements::default(),
        vars: Arc::default(),
        restart: Some(Arc::new(Pulled(running.plug.clone()))),
        stop: Arc::default(),
        overlay: std::sync::Arc::default(),
        index_lag: Duration::from_millis(1_500),
        retries: 0,
    }
}

async fn examine(
    options: Options,
    seed: u64,
    selected: &[&'static dyn Property],
    budget: Budget,
) -> Examined {
    let running = sandbox::serve(options).await.expect("a free port");
    let context = context(&running, seed, None).await;
    property::run(&context, selected, "property/core", budget).await
}

/// Keeps what an engine says.
#[derive(Default)]
struct Diary(Mutex<Vec<Event>>);

impl Observer for Diary {
    fn observe(&self, event: Event) {
        self.0.lock().expect("no panic while held").push(event);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_found_before_the_other_properties_have_had_all_their_cases() {
    let running = sandbox::serve(options(Some("primitive-extension-dropped"), None))
        .await
        .expect("a free port");
    let diary = Arc::new(Diary::default());
    let context = Context {
        observer: diary.clone(),
        ..context(&running, 5, None).await
    };
    property::run(&context, PROPERTIES, "property/core", Budget::QUICK).await;
    let events = diary.0.lock().expect("no panic while held");
    let by_then = events.iter().find_map(|event| match event {
        Event::Confirmed { case, requests, .. } if case == "property/round-trip" => Some(*requests),
        _ => None,
    });
    let (by_then, all) = (by_then.expect("it was found"), context.session.requests());
    assert!(by_then * 3 < all, "{by_then} of {all} requests");
}

/// A property that must have the target for itself.
struct Alone(&'static dyn Property);

impl Property for Alone {
    fn spec(&self) -> &'static PropertySpec {
        self.0.spec()
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        self.0.admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        self.0.generate(ground, values)
    }

    fn check(&self, trace: &Trace, capability: &Capability) -> Judgement {
        self.0.check(trace, capability)
    }

    fn runs_alone(&self, _case: &Case) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_property_that_needs_the_target_for_itself_runs_after_all_others() {
    let find = |id| properties::find(id).expect("a known property");
    let alone: &'static Alone = Box::leak(Box::new(Alone(find("property/decimal-text"))));
    let selected: [&'static dyn Property; 3] = [
        alone,
        find("property/round-trip"),
        find("property/delete-is-gone"),
    ];
    let running = sandbox::serve(options(None, None))
        .await
        .expect("a free port");
    let diary = Arc::new(Diary::default());
    let context = Context {
        observer: diary.clone(),
        ..context(&running, 5, None).await
    };
    let examined = property::run(&context, &selected, "property/core", Budget::QUICK).await;
    assert_eq!(examined.cases[0].id, "property/decimal-text");
    assert_eq!(examined.cases[0].verdict, Verdict::Pass);
    let events = diary.0.lock().expect("no panic while held");
    let last = events.iter().rev().find_map(|event| match event {
        Event::CaseEnded { case, .. } => Some(case.as_str()),
        _ => None,
    });
    assert_eq!(last, Some("property/decimal-text"));
}

pub(crate) fn summary(examined: &Examined) -> Vec<String> {
    examined
        .cases
        .iter()
        .map(|case| {
            let reason = case.verdict.reason().unwrap_or_default();
            let titles: Vec<String> = case
                .findings
                .iter()
                .map(|finding| {
                    format!(
                        "{} [{} steps] {} / {} at {}",
                        finding.title,
                        finding.steps.len(),
                        finding.expected,
                        finding.actual,
                        finding.place
                    )
                })
                .collect();
            format!(
                "{} {} {reason} n={} {}ms {titles:?}",
                case.id,
                case.verdict.name(),
                case.executions,
                case.duration_ms
            )
        })
        .collect()
}

/// A verdict that accuses nobody and leaves nothing open: passed, or the server does not claim what it takes.
fn is_quiet(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Skip(_))
}

fn passed(examined: &Examined) -> usize {
    examined
        .cases
        .iter()
        .filter(|case| case.verdict == Verdict::Pass)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_passes_every_property() {
    for seed in [Seed::FIXED.0, 2, 3] {
        let examined = examine(options(None, None), seed, PROPERTIES, Budget::QUICK).await;
        let summary = summary(&examined);
        assert_eq!(examined.cases.len(), PROPERTIES.len());
        assert!(
            examined.cases.iter().all(|case| is_quiet(&case.verdict)),
            "{summary:#?}"
        );
        let passed = passed(&examined);
        assert!(
            passed * 10 >= PROPERTIES.len() * 9,
            "{passed}: {summary:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_variants_are_silent() {
    for variant in [
        "gone-as-404",
        "index-lag",
        "opaque-versions",
        "quiet-update",
    ] {
        let examined = examine(options(None, Some(variant)), 7, PROPERTIES, Budget::QUICK).await;
        let summary = summary(&examined);
        assert!(
            examined.cases.iter().all(|case| is_quiet(&case.verdict)),
            "{variant}: {summary:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_defects_are_found_confirmed_and_cut_down() {
    // At the same time: most of the time is spent waiting for an index that never shows what it should.
    let examined: tokio::task::JoinSet<()> = [
        (
            "acknowledged-write-lost",
            "property/crash-keeps-acknowledged",
            6,
        ),
        (
            "batch-out-of-order",
            "property/batch-entries-are-independent",
            3,
        ),
        (
            "conditional-reference-kept",
            "property/transaction-links-are-resolved",
            4,
        ),
        (
            "transaction-accepts-overlap",
            "property/overlapping-transaction-refused",
            3,
        ),
        (
            "transaction-in-given-order",
            "property/transaction-order-is-immaterial",
            12,
        ),
        (
            "transaction-keeps-part",
            "property/refused-transaction-leaves-nothing",
            6,
        ),
        (
            "conditional-create-race",
            "property/conditional-create-once",
            5,
        ),
        ("decimal-through-double", "property/decimal-text", 2),
        ("deleted-in-search", "property/delete-is-gone", 6),
        ("etag-differs", "property/version-monotone", 2),
        ("history-oldest-first", "property/version-monotone", 5),
        ("if-match-ignored", "property/stale-if-match-refused", 5),
        ("if-match-race", "property/stale-if-match-refused", 4),
        ("page-overlap", "property/page-union-is-whole", 8),
        (
            "post-search-drops-parameter",
            "property/post-search-is-get-search",
            12,
        ),
        ("primitive-extension-dropped", "property/round-trip", 2),
    ]
    .into_iter()
    .map(|(defect, expected, steps)| assert_found(defect, expected, steps))
    .collect();
    examined.join_all().await;
}

/// One defect is found by a property that is about it, and its case is cut down to so many steps. Others may find it
/// as well.
async fn assert_found(defect: &str, expected: &str, steps: usize) {
    let budget = Budget {
        sequences: 12,
        populations: 6,
        readings: 0,
    };
    let selected: Vec<&'static dyn Property> = properties::find(expected).into_iter().collect();
    let examined = examine(options(Some(defect), None), 11, &selected, budget).await;
    let finding = examined
        .cases
        .iter()
        .flat_map(|case| &case.findings)
        .next()
        .unwrap_or_else(|| panic!("{defect}: {:#?}", summary(&examined)));
    assert!(finding.reproduced.times >= 2, "{defect}");
    assert!(
        finding.steps.len() <= steps,
        "{defect}: {:#?}",
        finding.steps
    );
    assert!(
        finding
            .reproduce
            .iter()
            .any(|line| line.starts_with("curl ")),
        "{defect}"
    );
    assert!(!examined.exchanges.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_case_fails_again_where_the_defect_is_and_passes_where_it_is_not() {
    let budget = Budget::default();
    let selected: Vec<&'static dyn Property> = rounds::property::find("property/decimal-text")
        .into_iter()
        .collect();
    let examined = examine(
        options(Some("decimal-through-double"), None),
        5,
        &selected,
        budget,
    )
    .await;
    let file = examined.files.first().expect("a case file for the finding");
    for (defect, verdict) in [
        (Some("decimal-through-double"), Verdict::Fail),
        (None, Verdict::Pass),
    ] {
        let running = sandbox::serve(options(defect, None))
            .await
            .expect("a free port");
        let context = context(&running, 99, None).await;
        let replayed = property::replay(&context, file)
            .await
            .expect("a file of this version");
        assert_eq!(
            replayed.cases[0].verdict,
            verdict,
            "{:?}",
            summary(&replayed)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_case_created_is_left_where_the_target_deletes() {
    let running = sandbox::serve(options(None, None))
        .await
        .expect("a free port");
    let context = context(&running, 3, None).await;
    for property in PROPERTIES {
        property::run(&context, &[*property], "property/core", Budget::QUICK).await;
        let id = property.spec().id;
        assert_eq!(context.session.created(), [], "{id}");
    }
}

/// What was there: patients with observations.
fn records() -> Vec<Value> {
    let mut values = Values::new(Seed(42));
    let mut records = Vec::new();
    for patient in 0..4 {
        let mut resource = variety::member("Patient", &mut values);
        resource["id"] = json!(format!("p{patient}"));
        records.push(resource);
        for observation in 0..8 {
            let mut resource = variety::member("Observation", &mut values);
            resource["id"] = json!(format!("o{patient}-{observation}"));
            resource["subject"] = json!({"reference": format!("Patient/p{patient}")});
            records.push(resource);
        }
    }
    records
}

fn crawled(records: &[Value]) -> Cohort {
    let resources: IndexMap<Key, Value> = records
        .iter()
        .filter_map(|resource| Some((Key::of(resource)?, resource.clone())))
        .collect();
    let patients = resources
        .keys()
        .filter(|key| key.resource_type == "Patient")
        .map(|key| key.id.clone())
        .collect();
    Cohort {
        resources,
        sent: IndexMap::new(),
        provenance: Provenance::Crawled,
        completeness: Completeness::Sample,
        isolation: Isolation::None,
        patients,
    }
}

/// The resources as the target shows them.
async fn read_back(context: &Context, records: &[Value]) -> Vec<Value> {
    let scope = Arc::new(context.session.scope());
    let mut shown = Vec::new();
    for key in records.iter().filter_map(Key::of) {
        let exchange = scope.send(Request::get(key.to_string())).await;
        shown.extend(exchange.json());
    }
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_endpoint_is_examined_over_what_is_there_without_findings_or_writes() {
    for variant in [None, Some("facade")] {
        let records = records();
        let options = Options {
            preload: records.clone(),
            rate: 10_000,
            token_lifetime: Duration::from_secs(600),
            ..options(None, variant)
        };
        let running = sandbox::serve(options).await.expect("a free port");
        for seed in 1..=3 {
            let mut context = context(&running, seed, Some(crawled(&records))).await;
            context.cohort = Arc::new(crawled(&read_back(&context, &records).await));
            let examined =
                property::run(&context, PROPERTIES, "property/core", Budget::DEFAULT).await;
            let summary = summary(&examined);
            let findings = examined
                .cases
                .iter()
                .map(|case| case.findings.len())
                .sum::<usize>();
            assert_eq!(findings, 0, "{variant:?} {summary:#?}");
            let passed = examined
                .cases
                .iter()
                .filter(|case| case.verdict == Verdict::Pass)
                .count();
            assert!(passed >= 20, "{variant:?} {summary:#?}");
            assert!(
                !examined
                    .cases
                    .iter()
                    .any(|case| case.verdict.is_undecided()),
                "{variant:?} {summary:#?}"
            );
        }
    }
}
