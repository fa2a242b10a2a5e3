//! Setting up: from settings to a session on a live target with data behind it. The only place where the built-in
//! sandbox is started; engines never see that it is one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::baseline::Store;
use crate::check::resource::Survey;
use crate::clock::Clock;
use crate::engine::context::{Context, Requirements, Restart, Restarting};
use crate::engine::populate::crawl::{self, Bounds};
use crate::engine::populate::load::{self, Order};
use crate::engine::populate::{Populated, Stored, provision};
use crate::engine::preflight::{self, Obstacle, Unfit};
use crate::engine::session::{Journal, JournalEntry, NoJournal, Session};
use crate::fhir::capability::Capability;
use crate::http::auth::key::{self, SigningKey};
use crate::http::client;
use crate::http::target::{Auth, DEFAULT_TIMEOUT, KeySource, Target};
use crate::population;
use crate::record::Cohort;
use crate::record::event::{Event, Observer};
use crate::record::id::RunId;
use crate::record::run::{CohortRecord, TargetRecord};
use crate::sandbox;
use crate::secret::{Disclosure, Secret};
use crate::seed::{RunToken, Seed};
use crate::suite::pick::patient_of;

use super::exit::Exit;
use super::failure::Failure;
use super::package;
use super::settings::{CohortChoice, INDEX_LAG, Settings, TargetSettings};
use super::start::{self, Started};

/// Identity of a run and what it is given.
pub struct Given {
    /// Run id.
    pub id: RunId,
    /// Seed.
    pub seed: Seed,
    /// Run token.
    pub token: RunToken,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Progress.
    pub observer: Arc<dyn Observer>,
    /// Set to end the run early.
    pub stop: Arc<AtomicBool>,
}

/// A target that is ready to be tested.
pub struct Ground {
    /// For the engines.
    pub context: Context,
    /// For the record.
    pub target: TargetRecord,
    /// The target as the transport knows it, for engines with clients of their own.
    pub transport_target: Target,
    /// What was stored, as sent and as read.
    pub stored: Vec<Stored>,
    /// Sentences that every report prints.
    pub notices: Vec<String>,
    /// The built-in sandbox; ends when dropped.
    pub sandbox: Option<sandbox::Running>,
    /// The program that we started; ends when dropped.
    pub started: Option<Arc<Started>>,
}

impl Ground {
    /// The data behind the oracle, for the record.
    pub fn cohort_record(&self) -> Option<CohortRecord> {
        let cohort = &self.context.cohort;
        (!cohort.resources.is_empty()).then(|| CohortRecord {
            provenance: cohort.provenance,
            completeness: cohort.completeness,
            patients: cohort.patients.len(),
            resources: cohort.resources.len(),
        })
    }
}

/// Whether a cohort is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Nothing but claims is asked for.
    Never,
    /// Where writing is not permitted: what runs makes its own resources elsewhere.
    WhereReadOnly,
    /// In any case.
    Always,
}

/// Connects, asks for the CapabilityStatement and, if wanted, brings a cohort about.
///
/// # Errors
/// The target cannot be used or does not answer; a file of the settings cannot be read.
pub async fn set_up(settings: &Settings, given: &Given, data: Data) -> Result<Ground, Failure> {
    let library = package::library(&settings.ig)?;
    let (target, sandbox, started) = match &settings.target {
        Some(configured) => {
            if configured.start.is_some() {
                given
                    .observer
                    .observe(Event::Stage(format!("starting {}", configured.target.name)));
            }
            let log = start::log_file(&settings.store, configured);
            (
                configured.target.clone(),
                None,
                start::start(configured, Some(log)).await?,
            )
        }
        None => {
            let (target, running) = built_in(settings, given).await?;
            (target, Some(running), None)
        }
    };
    let session = connect(settings, given, &target)?;
    let capability = claims(settings, &session, &target).await?;
    if data != Data::Never && sandbox.is_none() {
        preflight::authorize(&session, &capability)
            .await
            .map_err(|unfit| refused(&target, unfit))?;
    }
    let mut context = context(settings, given, &target, session, capability);
    context.overlay = Arc::new(overlay(settings)?);
    let survey = Survey::new(library, &context.capability);
    context.survey = Arc::new(Mutex::new(survey));
    let durable = settings
        .target
        .as_ref()
        .is_some_and(|target| target.durable);
    context.restart = restart(sandbox.as_ref(), started.as_ref().filter(|_| durable));
    let mut ground = Ground {
        target: record(&target, &context.capability, sandbox.is_some()),
        notices: notices(&target, sandbox.is_some()),
        context,
        transport_target: target,
        stored: Vec::new(),
        sandbox,
        started,
    };
    let with_data = match data {
        Data::Never => false,
        Data::WhereReadOnly => !ground.context.writes,
        Data::Always => true,
    };
    if with_data {
        let populated = populate(settings, given, &ground.context).await?;
        ground.notices.extend(populated.causes);
        ground.stored = populated.stored;
        ground.context = ground.context.with_cohort(populated.cohort);
    }
    Ok(ground)
}

/// What may be killed and started again: the program that we started, if it claims to be durable, or the built-in
/// sandbox. A server in memory has nothing to keep, and is not to blame for that.
fn restart(
    sandbox: Option<&sandbox::Running>,
    started: Option<&Arc<Started>>,
) -> Option<Arc<dyn Restart>> {
    match (sandbox, started) {
        (Some(running), _) => Some(Arc::new(BuiltIn(running.plug.clone()))),
        (None, Some(started)) => Some(Arc::clone(started) as Arc<dyn Restart>),
        (None, None) => None,
    }
}

/// The built-in sandbox, which has no process of its own to kill.
struct BuiltIn(sandbox::Plug);

impl Restart for BuiltIn {
    fn restart(&self) -> Restarting<'_> {
        self.0.pull();
        Box::pin(std::future::ready(Ok(())))
    }
}

async fn built_in(
    settings: &Settings,
    given: &Given,
) -> Result<(Target, sandbox::Running), Failure> {
    let mut options = sandbox_options(
        &settings.defects,
        &settings.variants,
        settings.population,
        given.seed,
    )?;
    if let Some(rate) = settings.sandbox_rate {
        options.rate = rate;
    }
    options.latency = settings.sandbox_latency;
    let begins_with_data = settings.cohort == CohortChoice::Crawl || settings.read_only;
    if begins_with_data && options.preload.is_empty() {
        let plan = population::Plan::new(given.seed, settings.population).with_witnesses();
        options.preload = population(&plan);
    }
    let rate = f64::from(options.rate);
    let closed = options
        .variants
        .iter()
        .any(|variant| variant.id == "facade");
    let signed = options.variants.iter().any(|variant| variant.id == "smart");
    let auth = signed.then(|| registered(&mut options)).transpose()?;
    let running = sandbox::serve(options).await.map_err(|error| {
        Failure::usage("start the built-in sandbox", error.to_string(), "").with_code(Exit::Bug)
    })?;
    let auth = match (auth, &running.token_url) {
        (Some(auth), _) => auth,
        (None, None) => Auth::None,
        (None, Some(token_url)) => Auth::ClientCredentials {
            token_url: token_url.clone(),
            client_id: SANDBOX_CLIENT.to_owned(),
            client_secret: Secret::new("sandbox".to_owned()),
            scope: String::new(),
        },
    };
    let target = Target {
        name: "sandbox".to_owned(),
        base: running.base.clone(),
        auth,
        headers: Vec::new(),
        cacert: None,
        cacert_pem: running.ca_pem.clone(),
        identity: None,
        insecure: false,
        timeout: DEFAULT_TIMEOUT,
        rate: closed.then_some(rate),
        max_requests: None,
        writes: !closed && !settings.read_only,
        load: !closed && !settings.read_only,
        in_process: true,
        validate_is_safe: false,
    };
    Ok((target, running))
}

/// Client id at the sandbox.
pub const SANDBOX_CLIENT: &str = "rounds";

/// Registers a key made for this process with the sandbox that is about to start; gives what the target needs.
fn registered(options: &mut sandbox::Options) -> Result<Auth, Failure> {
    let key = KeySource::Text(key::generate());
    let public = SigningKey::read(&key, Some("rounds"))
        .map_err(start::setup)?
        .public_jwk();
    options.client = Some(sandbox::Client {
        id: SANDBOX_CLIENT.to_owned(),
        jwks: json!({ "keys": [public] }),
    });
    Ok(Auth::BackendServices {
        token_url: None,
        client_id: SANDBOX_CLIENT.to_owned(),
        key,
        kid: Some("rounds".to_owned()),
        scopes: "system/*.cruds".to_owned(),
    })
}

/// Options of a sandbox with defects and variants by id; the closed variant begins with data, for nobody can write it.
///
/// # Errors
/// An id that there is not, with the nearest that there is.
pub fn sandbox_options(
    defects: &[String],
    variants: &[String],
    patients: u64,
    seed: Seed,
) -> Result<sandbox::Options, Failure> {
    let mut options = sandbox::Options {
        seed,
        ..sandbox::Options::default()
    };
    for id in defects {
        let known: Vec<&str> = sandbox::DEFECTS.iter().map(|defect| defect.id).collect();
        options
            .defects
            .push(sandbox::defect(id).ok_or_else(|| unknown("defect", id, &known))?);
    }
    for id in variants {
        let known: Vec<&str> = sandbox::VARIANTS.iter().map(|variant| variant.id).collect();
        options
            .variants
            .push(sandbox::variant(id).ok_or_else(|| unknown("variant", id, &known))?);
    }
    if options
        .variants
        .iter()
        .any(|variant| variant.id == "facade")
    {
        let plan = population::Plan::new(seed, patients).with_witnesses();
        options.preload = population(&plan);
    }
    Ok(options)
}

/// A population in dependency order.
pub fn population(plan: &population::Plan) -> Vec<Value> {
    let mut resources = population::shared(plan);
    resources.extend((0..plan.patients).flat_map(|index| population::patient(plan, index)));
    resources
}

/// An unknown id, with the nearest known one.
pub fn unknown(what: &str, id: &str, known: &[&str]) -> Failure {
    let hint = match crate::suite::yaml::suggest(id, known) {
        Some(near) => format!("did you mean `{near}`? `rounds list {what}s` shows all"),
        None => format!("`rounds list {what}s` shows all"),
    };
    Failure::usage(
        format!("use {what} `{id}`"),
        "there is none of that id",
        hint,
    )
}

fn connect(settings: &Settings, given: &Given, target: &Target) -> Result<Arc<Session>, Failure> {
    let none = BTreeMap::new();
    let identities = settings
        .target
        .as_ref()
        .map_or(&none, |configured| &configured.identities);
    let (transport, identities) =
        client::connect_all(target, identities, Arc::clone(&given.clock)).map_err(start::setup)?;
    let disclosure = if target.in_process {
        Disclosure::everything()
    } else {
        Disclosure::nothing()
    };
    let journal: Box<dyn Journal> = if target.writes && !target.in_process {
        let journal = FileJournal::open(&Store::new(&settings.store).run_folder(&given.id))?;
        // First of all: a run that is killed can be cleaned up although it never wrote a record.
        journal.record(&JournalEntry::Begun {
            target: target.base.to_string(),
            token: given.token.to_string(),
        });
        Box::new(journal)
    } else {
        Box::new(NoJournal)
    };
    let session = Session::new(transport, disclosure, given.token, journal);
    Ok(Arc::new(session.with_identities(identities)))
}

/// A target that cannot be tested, as a failure.
fn refused(target: &Target, unfit: Unfit) -> Failure {
    let what = format!("test {}", target.base);
    match unfit.kind {
        Obstacle::Unreachable => Failure::unreachable(what, unfit.why, unfit.hint),
        Obstacle::Unusable => Failure::usage(what, unfit.why, unfit.hint),
    }
}

async fn claims(
    settings: &Settings,
    session: &Arc<Session>,
    target: &Target,
) -> Result<Capability, Failure> {
    let configured = settings.target.as_ref();
    let unfit = |unfit| refused(target, unfit);
    let capability = match configured.and_then(|configured| configured.capability.as_ref()) {
        Some(file) => preflight::capability(read_json(file)?).map_err(unfit)?,
        None => preflight::preflight(session).await.map_err(unfit)?,
    };
    let Some(TargetSettings {
        claims: (add, remove),
        ..
    }) = configured
    else {
        return Ok(capability);
    };
    Ok(capability.amended(add, remove))
}

fn context(
    settings: &Settings,
    given: &Given,
    target: &Target,
    session: Arc<Session>,
    capability: Capability,
) -> Context {
    let required = settings
        .target
        .as_ref()
        .map(|target| target.search_required.clone())
        .unwrap_or_default();
    Context {
        session,
        capability: Arc::new(capability),
        cohort: Arc::new(Cohort::empty()),
        memory: Arc::default(),
        survey: Arc::default(),
        seed: given.seed,
        token: given.token,
        clock: Arc::clone(&given.clock),
        observer: Arc::clone(&given.observer),
        writes: target.writes,
        load: target.load,
        jobs: if target.rate.is_some() {
            1
        } else {
            settings.jobs
        },
        requirements: Requirements::configured(required),
        vars: Arc::new(settings.vars.clone()),
        overlay: Arc::new(BTreeMap::new()),
        index_lag: INDEX_LAG,
        retries: settings.retries,
        restart: None,
        stop: Arc::clone(&given.stop),
    }
}

async fn populate(
    settings: &Settings,
    given: &Given,
    context: &Context,
) -> Result<Populated, Failure> {
    match &settings.cohort {
        CohortChoice::Folder(folder) => {
            let resources = population::write::read(folder).map_err(|why| {
                Failure::usage(
                    format!("read the cohort in {}", folder.display()),
                    why.to_string(),
                    "write one with `rounds generate --ndjson DIR` or `--bundles DIR`",
                )
            })?;
            Ok(provision::provision(context, resources).await)
        }
        CohortChoice::Default if context.writes => {
            let plan = population::Plan::new(given.seed, settings.population).with_witnesses();
            let overlay = context.overlay.as_ref().clone();
            Ok(load::load(
                context,
                Order {
                    resources: population(&plan),
                    overlay,
                },
            )
            .await)
        }
        CohortChoice::Default if settings.read_only => {
            let plan = population::Plan::new(given.seed, settings.population).with_witnesses();
            Ok(provision::provision(context, population(&plan)).await)
        }
        CohortChoice::Default | CohortChoice::Crawl => {
            let mut named = settings
                .target
                .as_ref()
                .map(|target| target.patients.clone())
                .unwrap_or_default();
            if named.is_empty() && settings.target.is_none() {
                // The closed sandbox lists no patients; we know whom it holds.
                let plan = population::Plan::new(given.seed, settings.population).with_witnesses();
                named = by_size_of_record(&population(&plan));
            }
            Ok(crawl::crawl(
                context,
                &Bounds {
                    named,
                    ..Bounds::default()
                },
            )
            .await)
        }
    }
}

/// Ids of the patients of a population, those first of whom there is most: a crawl reads a few.
fn by_size_of_record(resources: &[Value]) -> Vec<String> {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for id in resources.iter().filter_map(patient_of) {
        *sizes.entry(id).or_default() += 1;
    }
    let mut sizes: Vec<(String, usize)> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    sizes.into_iter().map(|(id, _)| id).collect()
}

fn overlay(settings: &Settings) -> Result<BTreeMap<String, Value>, Failure> {
    let files = settings
        .target
        .as_ref()
        .map(|target| target.overlay.clone())
        .unwrap_or_default();
    files
        .into_iter()
        .map(|(name, file)| Ok((name, read_json(&file)?)))
        .collect()
}

/// A file of JSON.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_json(file: &Path) -> Result<Value, Failure> {
    let refuse = |why: String| Failure::usage(format!("read {}", file.display()), why, "");
    let text = fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refuse(format!("not JSON: {error}")))
}

fn record(target: &Target, capability: &Capability, built_in: bool) -> TargetRecord {
    TargetRecord {
        url: target.base.to_string(),
        software: capability.software(),
        fhir_version: capability.fhir_version().map(str::to_owned),
        capability_hash: Some(capability.hash()),
        built_in_sandbox: built_in,
        writes: target.writes,
        // Known only when a token has been fetched: see `run::close`.
        scopes: Vec::new(),
    }
}

fn notices(target: &Target, built_in: bool) -> Vec<String> {
    let mut notices = Vec::new();
    if built_in {
        notices.push("built-in sandbox: nothing of yours was tested".to_owned());
    } else if !target.writes {
        notices.push(
            "writes not allowed: reading cases only (--allow-writes permits writing)".to_owned(),
        );
    }
    if target.insecure {
        notices.push("certificates were not checked (--insecure)".to_owned());
    }
    notices
}

/// Appends each entry to `created.jsonl` and flushes it before the request is sent.
pub struct FileJournal {
    file: Mutex<File>,
}

/// Name of the journal in a run's folder.
pub const JOURNAL_FILE: &str = "created.jsonl";

impl FileJournal {
    /// Opens the journal in a run's folder, making both where they are missing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(JOURNAL_FILE);
        let refuse = |error: std::io::Error| {
            Failure::usage(
                format!("write {}", path.display()),
                error.to_string(),
                "a writing run must be able to note what it creates; choose another folder with --store",
            )
        };
        fs::create_dir_all(folder).map_err(refuse)?;
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(refuse)?;
        Ok(FileJournal {
            file: Mutex::new(file),
        })
    }
}

impl Journal for FileJournal {
    fn record(&self, entry: &JournalEntry) {
        let mut line = serde_json::to_string(entry).expect("an entry is plain data");
        line.push('\n');
        let mut file = self.file.lock().expect("no panic while held");
        if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.flush()) {
            eprintln!(
                "warning: what is created can no longer be noted ({error}); clean up by the tag of the run"
            );
        }
    }
}
