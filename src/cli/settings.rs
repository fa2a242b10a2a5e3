//! Settings: what flags, environment, profile and defaults come to, each with where it comes from. Plain data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::engine::populate::retract::OnClean;
use crate::engine::property::{Budget, budget};
use crate::http::target::{Auth, DEFAULT_TIMEOUT, KeySource, READ_ONLY_RATE, Target};
use crate::secret::Secret;
use crate::seed::Seed;

use super::args::{Common, FailOn, RunArgs, TargetArgs};
use super::config::{AuthConfig, Config, Profile, TargetConfig, interpolate};
use super::failure::Failure;
use super::process::Program;

/// Patients that a run loads unless told otherwise: enough for several pages, small enough for seconds.
pub const DEFAULT_POPULATION: u64 = 26;
/// Cases in flight unless told otherwise.
pub const DEFAULT_JOBS: usize = 4;
/// How long a write may take to be seen by a search.
pub const INDEX_LAG: Duration = Duration::from_secs(5);

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A flag or its environment variable.
    Flag,
    /// A profile of rounds.yaml, or its top level.
    Config,
    /// Nobody said anything.
    Default,
}

impl Source {
    /// Word for `rounds config`.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Flag => "flag or environment",
            Source::Config => "rounds.yaml",
            Source::Default => "default",
        }
    }
}

/// One line of `rounds config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Name as in rounds.yaml.
    pub name: &'static str,
    /// Value as text.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// How the seed is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedChoice {
    /// Named.
    Given(Seed),
    /// `random`.
    Random,
    /// That of the baseline, else the fixed one.
    Default,
}

/// Where the data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CohortChoice {
    /// Generate and load where writing is allowed, else crawl.
    Default,
    /// Learn it by reading.
    Crawl,
    /// Written by `rounds generate`, loaded by others.
    Folder(PathBuf),
}

/// The target as resolved: what the transport needs, and what the engines need besides.
#[derive(Debug, Clone)]
pub struct TargetSettings {
    /// For the transport.
    pub target: Target,
    /// CapabilityStatement to use in place of `/metadata`.
    pub capability: Option<PathBuf>,
    /// Claims to add and to remove (`Patient.create`, `Patient.search.family`).
    pub claims: (Vec<String>, Vec<String>),
    /// Patients that may be read.
    pub patients: Vec<String>,
    /// FHIR packages that its resources are held to.
    pub ig: Vec<String>,
    /// Required search parameters by type.
    pub search_required: BTreeMap<String, Vec<String>>,
    /// Merge patches by type: files.
    pub overlay: BTreeMap<String, PathBuf>,
    /// What becomes of a resource of ours that the target does not delete.
    pub on_clean: OnClean,
    /// Program to start.
    pub start: Option<Program>,
    /// What the program acknowledged outlasts it, says its owner: it may be killed to see whether that is so.
    pub durable: bool,
    /// URL that answers when it is up.
    pub ready: Option<Url>,
    /// Authorization of further identities by name.
    pub identities: BTreeMap<String, Auth>,
    /// Variables for suites.
    pub vars: BTreeMap<String, String>,
}

/// Everything that `rounds run` obeys.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each field is the setting of the same name; `rounds config` prints them"
)]
pub struct Settings {
    pub target: Option<TargetSettings>,
    pub suites: Vec<String>,
    pub filter: Option<String>,
    pub jobs: usize,
    pub seed: SeedChoice,
    pub baseline: Option<String>,
    pub save_baseline: Option<String>,
    pub reports: Vec<String>,
    pub fail_on: Option<FailOn>,
    pub max_undecided: f64,
    pub retries: u32,
    pub budget: Budget,
    pub shard: Option<(usize, usize)>,
    pub cohort: CohortChoice,
    pub population: u64,
    pub ig: Vec<PathBuf>,
    pub vars: BTreeMap<String, String>,
    pub keep_data: bool,
    pub dry_run: bool,
    pub defects: Vec<String>,
    pub variants: Vec<String>,
    /// Requests per second of the built-in sandbox's closed variant; its own default where nothing is said.
    pub sandbox_rate: Option<u32>,
    /// How long every answer of the built-in sandbox takes besides.
    pub sandbox_latency: Duration,
    /// The built-in sandbox begins with the population and may only be read.
    pub read_only: bool,
    pub store: PathBuf,
    /// The lines of `rounds config`.
    pub rows: Vec<Row>,
}

impl Settings {
    /// Percent of undecided cases that a run tolerates.
    pub const DEFAULT_MAX_UNDECIDED: f64 = 5.0;

    /// Puts flags before the profile before the defaults.
    ///
    /// # Errors
    /// A value that cannot be understood, a profile or target that does not exist, or credentials without a target.
    pub fn resolve(common: &Common, args: &RunArgs, config: &Config) -> Result<Self, Failure> {
        let mut chooser = Chooser {
            profile: profile(config, common.profile.as_deref())?,
            rows: Vec::new(),
        };
        let target_name = chooser.choose("target", args.target.target.clone(), |profile| {
            profile.target.clone()
        });
        let target = resolve_target(target_name.as_deref(), &args.target, config)?;
        if target.is_none()
            && (config.path.is_some() && !config.targets.is_empty()
                || has_credentials(&args.target))
        {
            return Err(no_target(config));
        }
        if target.is_none() && !args.target.patients.is_empty() {
            return Err(Failure::usage(
                "use --patient",
                "it names a patient of a target, and no target is given",
                "add -t URL; `rounds run --cohort crawl` reads patients of the built-in sandbox",
            ));
        }
        let suites = (!args.suites.is_empty()).then(|| args.suites.clone());
        let reports = (!args.reports.is_empty()).then(|| args.reports.clone());
        let suites = chooser.list("suites", suites, |profile| profile.suites.clone());
        let reports = chooser.list("reports", reports, |profile| profile.reports.clone());
        let seed = chooser.choose("seed", args.seed.clone(), |profile| profile.seed.clone());
        let cohort = chooser.choose("cohort", args.cohort.clone(), |profile| {
            profile.cohort.clone()
        });
        let ig = args.ig.iter().map(|path| path.display().to_string());
        let ig = (!args.ig.is_empty()).then(|| ig.collect());
        let of_target = target.as_ref().map(|target| target.ig.clone());
        let ig = chooser.list("ig", ig, |_| of_target.clone().unwrap_or_default());
        let fail_on = chooser.choose("fail-on", args.fail_on.map(fail_on_name), |profile| {
            profile.fail_on.clone()
        });
        let budget = args.budget.map(|spending| spending.as_str().to_owned());
        let budget = chooser.choose("budget", budget, |profile| profile.budget.clone());
        let mut vars = target
            .as_ref()
            .map(|target| target.vars.clone())
            .unwrap_or_default();
        vars.extend(chooser.profile.vars.clone());
        vars.extend(
            args.vars
                .iter()
                .map(|text| parse_var(text))
                .collect::<Result<Vec<_>, _>>()?,
        );
        let mut settings = Settings {
            suites,
            filter: chooser.choose("filter", args.filter.clone(), |profile| {
                profile.filter.clone()
            }),
            jobs: chooser.number(
                "jobs",
                args.jobs.map(|jobs| jobs as u64),
                |profile| profile.jobs,
                DEFAULT_JOBS as u64,
            ) as usize,
            seed: parse_seed(seed.as_deref())?,
            baseline: chooser.choose("baseline", args.baseline.clone(), |profile| {
                profile.baseline.clone()
            }),
            save_baseline: args.save_baseline.clone(),
            reports,
            fail_on: fail_on.as_deref().map(parse_fail_on).transpose()?,
            max_undecided: chooser.profile.max_undecided.unwrap_or(args.max_undecided),
            retries: parse_retries(chooser.number(
                "retries",
                args.retries,
                |profile| profile.retries,
                0,
            ))?,
            budget: parse_budget(budget.as_deref())?,
            shard: args.shard.as_deref().map(parse_shard).transpose()?,
            cohort: match cohort.as_deref() {
                None => CohortChoice::Default,
                Some("crawl") => CohortChoice::Crawl,
                Some(folder) => CohortChoice::Folder(PathBuf::from(folder)),
            },
            population: chooser.number(
                "population",
                args.population,
                |profile| profile.population,
                DEFAULT_POPULATION,
            ),
            ig: ig.into_iter().map(PathBuf::from).collect(),
            vars,
            keep_data: args.keep_data,
            dry_run: args.dry_run,
            defects: args.defects.clone(),
            variants: args.variants.clone(),
            sandbox_rate: None,
            sandbox_latency: Duration::ZERO,
            read_only: false,
            store: common.store.clone(),
            target,
            rows: chooser.rows,
        };
        settings.check()?;
        settings.describe_target();
        Ok(settings)
    }

    fn check(&self) -> Result<(), Failure> {
        let sandbox_only = !self.defects.is_empty() || !self.variants.is_empty();
        if sandbox_only && self.target.is_some() {
            return Err(Failure::usage(
                "use --defect or --variant",
                "they belong to the built-in sandbox, and a target is given",
                "leave out -t, or start `rounds sandbox --defect ID` and test its URL",
            ));
        }
        if self.jobs == 0 {
            return Err(Failure::usage(
                "use --jobs 0",
                "nothing would ever run",
                "use 1 or more",
            ));
        }
        Ok(())
    }

    fn describe_target(&mut self) {
        let Some(settings) = &self.target else { return };
        let target = &settings.target;
        let rate = target
            .rate
            .map_or_else(|| "none".to_owned(), |rate| format!("{rate} requests/s"));
        let rows = [
            ("target.url", target.base.to_string()),
            ("target.auth", auth_name(&target.auth).to_owned()),
            ("target.writes", target.writes.to_string()),
            ("target.load", target.load.to_string()),
            ("target.rate", rate),
            (
                "target.timeout",
                format!("{} s", target.timeout.as_secs_f64()),
            ),
            ("target.insecure", target.insecure.to_string()),
        ];
        self.rows.extend(rows.map(|(name, value)| Row {
            name,
            value,
            source: Source::Config,
        }));
    }
}

struct Chooser {
    profile: Profile,
    rows: Vec<Row>,
}

impl Chooser {
    fn choose(
        &mut self,
        name: &'static str,
        flag: Option<String>,
        of_profile: impl Fn(&Profile) -> Option<String>,
    ) -> Option<String> {
        let (value, source) = match (flag, of_profile(&self.profile)) {
            (Some(value), _) => (Some(value), Source::Flag),
            (None, Some(value)) => (Some(value), Source::Config),
            (None, None) => (None, Source::Default),
        };
        self.rows.push(Row {
            name,
            value: value.clone().unwrap_or_else(|| "–".to_owned()),
            source,
        });
        value
    }

    fn list(
        &mut self,
        name: &'static str,
        flag: Option<Vec<String>>,
        of_profile: impl Fn(&Profile) -> Vec<String>,
    ) -> Vec<String> {
        let profile = of_profile(&self.profile);
        let (value, source) = match flag {
            Some(value) => (value, Source::Flag),
            None if !profile.is_empty() => (profile, Source::Config),
            None => (Vec::new(), Source::Default),
        };
        let text = if value.is_empty() {
            "–".to_owned()
        } else {
            value.join(", ")
        };
        self.rows.push(Row {
            name,
            value: text,
            source,
        });
        value
    }

    fn number(
        &mut self,
        name: &'static str,
        flag: Option<u64>,
        of_profile: impl Fn(&Profile) -> Option<u64>,
        default: u64,
    ) -> u64 {
        let (value, source) = match (flag, of_profile(&self.profile)) {
            (Some(value), _) => (value, Source::Flag),
            (None, Some(value)) => (value, Source::Config),
            (None, None) => (default, Source::Default),
        };
        self.rows.push(Row {
            name,
            value: value.to_string(),
            source,
        });
        value
    }
}

/// The profile of a name on top of the one without a name.
///
/// # Errors
/// There is no profile of that name.
pub fn profile(config: &Config, name: Option<&str>) -> Result<Profile, Failure> {
    let base = config.profiles.get("").cloned().unwrap_or_default();
    let Some(name) = name else { return Ok(base) };
    let Some(chosen) = config.profiles.get(name) else {
        let known: Vec<&str> = config
            .profiles
            .keys()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        let hint = if known.is_empty() {
            "rounds.yaml has no `profiles`".to_owned()
        } else {
            format!("rounds.yaml has: {}", known.join(", "))
        };
        return Err(Failure::usage(
            format!("use profile {name}"),
            "there is no such profile",
            hint,
        ));
    };
    let chosen = chosen.clone();
    let mut vars = base.vars;
    vars.extend(chosen.vars);
    Ok(Profile {
        target: chosen.target.or(base.target),
        suites: if chosen.suites.is_empty() {
            base.suites
        } else {
            chosen.suites
        },
        filter: chosen.filter.or(base.filter),
        jobs: chosen.jobs.or(base.jobs),
        seed: chosen.seed.or(base.seed),
        baseline: chosen.baseline.or(base.baseline),
        reports: if chosen.reports.is_empty() {
            base.reports
        } else {
            chosen.reports
        },
        fail_on: chosen.fail_on.or(base.fail_on),
        max_undecided: chosen.max_undecided.or(base.max_undecided),
        retries: chosen.retries.or(base.retries),
        budget: chosen.budget.or(base.budget),
        population: chosen.population.or(base.population),
        cohort: chosen.cohort.or(base.cohort),
        vars,
    })
}

fn has_credentials(args: &TargetArgs) -> bool {
    args.token_env.is_some() || args.token_command.is_some()
}

fn no_target(config: &Config) -> Failure {
    let names: Vec<&str> = config.targets.keys().map(String::as_str).collect();
    let hint = if names.is_empty() {
        "name one with -t URL; without credentials, plain `rounds run` tests the built-in sandbox"
            .to_owned()
    } else {
        format!("name one with -t: {}", names.join(", "))
    };
    Failure::usage(
        "choose a target",
        "a configuration or a token is there, and no target is named",
        hint,
    )
}

/// The target of a URL or of a name in rounds.yaml, with the flags on top; `None` for the built-in sandbox.
///
/// # Errors
/// The name is unknown, the URL is none, a header or variable cannot be used.
pub fn resolve_target(
    name: Option<&str>,
    args: &TargetArgs,
    config: &Config,
) -> Result<Option<TargetSettings>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let configured = match config.targets.get(name) {
        Some(configured) => configured.clone(),
        None if name.contains("://") => TargetConfig {
            url: name.to_owned(),
            ..TargetConfig::default()
        },
        None => {
            let known: Vec<&str> = config.targets.keys().map(String::as_str).collect();
            let hint = if known.is_empty() {
                "give a URL (https://host/fhir); rounds.yaml names no targets".to_owned()
            } else {
                format!("give a URL, or one of: {}", known.join(", "))
            };
            let why = "it is neither a URL nor a target of rounds.yaml";
            return Err(Failure::usage(format!("use target `{name}`"), why, hint));
        }
    };
    let base = parse_base(&interpolate(&configured.url)?)?;
    let writes = args.allow_writes || configured.writes;
    let default_rate = (!writes).then_some(READ_ONLY_RATE);
    let target = Target {
        name: if config.targets.contains_key(name) {
            name.to_owned()
        } else {
            base.host_str().unwrap_or("target").to_owned()
        },
        auth: auth(args, configured.auth.as_ref())?,
        headers: headers(args, &configured)?,
        cacert: args
            .cacert
            .clone()
            .or(configured.cacert.as_ref().map(PathBuf::from)),
        cacert_pem: None,
        identity: identity(args, &configured),
        insecure: args.insecure || configured.insecure,
        timeout: timeout(args.timeout.or(configured.timeout))?,
        rate: args.rate.or(configured.rate).or(default_rate),
        max_requests: args.max_requests.or(configured.max_requests),
        writes,
        load: args.allow_load || configured.load,
        in_process: false,
        validate_is_safe: configured.validate_is_safe,
        base,
    };
    if target.rate.is_some_and(|rate| rate <= 0.0) {
        return Err(Failure::usage(
            "use the rate",
            "a rate is more than 0 requests per second",
            "",
        ));
    }
    let identities = configured
        .identities
        .iter()
        .map(|(name, auth)| Ok((name.clone(), configured_auth(auth)?)))
        .collect::<Result<_, Failure>>()?;
    let ready = configured
        .ready
        .as_deref()
        .map(|text| parse_base(&interpolate(text)?))
        .transpose()?;
    Ok(Some(TargetSettings {
        target,
        capability: configured.capability.map(PathBuf::from),
        claims: (configured.claims_add, configured.claims_remove),
        patients: if args.patients.is_empty() {
            configured.patients
        } else {
            args.patients.clone()
        },
        ig: configured.ig,
        search_required: configured.search_required,
        overlay: configured
            .overlay
            .into_iter()
            .map(|(name, file)| (name, PathBuf::from(file)))
            .collect(),
        on_clean: configured.on_clean,
        start: configured.start.map(filled).transpose()?,
        durable: configured.durable,
        ready,
        identities,
        vars: configured.vars,
    }))
}

/// A program with `${env:X}` filled in; the shell fills in its own line.
fn filled(program: Program) -> Result<Program, Failure> {
    Ok(match program {
        Program::Shell(line) => Program::Shell(line),
        Program::Arguments(arguments) => {
            let filled = arguments.iter().map(|text| interpolate(text));
            Program::Arguments(filled.collect::<Result<_, Failure>>()?)
        }
    })
}

/// A base URL: http or https, without trailing slash, query, fragment and credentials.
///
/// # Errors
/// The text is none.
pub fn parse_base(text: &str) -> Result<Url, Failure> {
    let refuse = |why: String| {
        Failure::usage(
            format!("use the URL `{text}`"),
            why,
            "a base URL looks like https://host/fhir",
        )
    };
    let mut base = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return Err(refuse(
            "it is not an http or https URL with a host".to_owned(),
        ));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(Failure::usage(
            "use the URL",
            "it holds credentials, which would end up in logs and histories",
            "use `auth: basic` in rounds.yaml",
        ));
    }
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&path);
    base.set_query(None);
    base.set_fragment(None);
    Ok(base)
}

fn auth(args: &TargetArgs, configured: Option<&AuthConfig>) -> Result<Auth, Failure> {
    if let Some(name) = &args.token_env {
        let token = interpolate(&format!("${{env:{name}}}"))?;
        return Ok(Auth::Bearer(Secret::new(token)));
    }
    if let Some(command) = &args.token_command {
        return Ok(Auth::TokenCommand(command.clone()));
    }
    configured.map_or(Ok(Auth::None), configured_auth)
}

fn configured_auth(configured: &AuthConfig) -> Result<Auth, Failure> {
    Ok(match configured {
        AuthConfig::Bearer(token) => Auth::Bearer(Secret::new(interpolate(token)?)),
        AuthConfig::Basic { user, password } => Auth::Basic {
            user: interpolate(user)?,
            password: Secret::new(interpolate(password)?),
        },
        AuthConfig::TokenCommand(command) => Auth::TokenCommand(command.clone()),
        AuthConfig::ClientCredentials {
            token_url,
            client_id,
            client_secret,
            scope,
        } => Auth::ClientCredentials {
            token_url: parse_base(&interpolate(token_url)?)?,
            client_id: interpolate(client_id)?,
            client_secret: Secret::new(interpolate(client_secret)?),
            scope: scope.clone(),
        },
        AuthConfig::BackendServices {
            token_url,
            client_id,
            key,
            kid,
            scopes,
        } => Auth::BackendServices {
            token_url: token_url.as_deref().map(parse_token_url).transpose()?,
            client_id: interpolate(client_id)?,
            key: KeySource::File(PathBuf::from(interpolate(key)?)),
            kid: kid.as_deref().map(interpolate).transpose()?,
            scopes: scopes.join(" "),
        },
    })
}

/// The URL of a token endpoint, to the letter: it is the audience of what is signed.
fn parse_token_url(text: &str) -> Result<Url, Failure> {
    let text = interpolate(text)?;
    // Whatever is wrong with it is wrong with it as a base URL too.
    parse_base(&text)?;
    Url::parse(&text).map_err(|error| Failure::usage("use `token-url`", error.to_string(), ""))
}

fn headers(
    args: &TargetArgs,
    configured: &TargetConfig,
) -> Result<Vec<(String, Secret<String>)>, Failure> {
    let mut headers = Vec::new();
    for (name, value) in &configured.headers {
        headers.push((name.clone(), Secret::new(interpolate(value)?)));
    }
    for text in &args.headers {
        let Some((name, value)) = text.split_once(':') else {
            return Err(Failure::usage(
                "use --header",
                "it is not of the form `Name: value`",
                "",
            ));
        };
        headers.push((
            name.trim().to_owned(),
            Secret::new(interpolate(value.trim())?),
        ));
    }
    Ok(headers)
}

fn identity(args: &TargetArgs, configured: &TargetConfig) -> Option<(PathBuf, PathBuf)> {
    let cert = args
        .cert
        .clone()
        .or(configured.cert.as_ref().map(PathBuf::from))?;
    let key = args
        .key
        .clone()
        .or(configured.key.as_ref().map(PathBuf::from))?;
    Some((cert, key))
}

fn timeout(seconds: Option<f64>) -> Result<Duration, Failure> {
    match seconds {
        None => Ok(DEFAULT_TIMEOUT),
        Some(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(Duration::from_secs_f64(seconds)),
        Some(seconds) => Err(Failure::usage(
            format!("use a timeout of {seconds} s"),
            "it is between 0 and 3600 seconds",
            "",
        )),
    }
}

fn parse_seed(text: Option<&str>) -> Result<SeedChoice, Failure> {
    match text {
        None => Ok(SeedChoice::Default),
        Some("random") => Ok(SeedChoice::Random),
        Some(text) => text
            .parse()
            .map(SeedChoice::Given)
            .map_err(|why: String| Failure::usage("use the seed", why, "")),
    }
}

fn parse_var(text: &str) -> Result<(String, String), Failure> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| {
            Failure::usage(
                format!("use --var {text}"),
                "it is not of the form NAME=VALUE",
                "",
            )
        })
}

fn parse_shard(text: &str) -> Result<(usize, usize), Failure> {
    let parsed = text
        .split_once('/')
        .and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    match parsed {
        Some((part, of)) if 1 <= part && part <= of => Ok((part, of)),
        _ => Err(Failure::usage(
            format!("use --shard {text}"),
            "a shard is I/N with 1 ≤ I ≤ N, such as 2/4",
            "",
        )),
    }
}

/// More attempts say hardly more, and each creates its data anew.
const MAX_RETRIES: u64 = 20;

fn parse_retries(retries: u64) -> Result<u32, Failure> {
    let parsed = u32::try_from(retries).ok();
    parsed.filter(|_| retries <= MAX_RETRIES).ok_or_else(|| {
        Failure::usage(
            format!("use --retries {retries}"),
            format!("a case that failed is run again {MAX_RETRIES} times at most"),
            "",
        )
    })
}

fn parse_budget(name: Option<&str>) -> Result<Budget, Failure> {
    let Some(name) = name else {
        return Ok(Budget::default());
    };
    Budget::named(name).ok_or_else(|| {
        let known: Vec<&str> = budget::NAMED.iter().map(|(known, _)| *known).collect();
        Failure::usage(
            format!("use budget {name}"),
            format!("it is one of {}", known.join(", ")),
            "",
        )
    })
}

fn fail_on_name(fail_on: FailOn) -> String {
    match fail_on {
        FailOn::New => "new",
        FailOn::Shall => "shall",
        FailOn::Should => "should",
        FailOn::Never => "never",
    }
    .to_owned()
}

fn parse_fail_on(text: &str) -> Result<FailOn, Failure> {
    match text {
        "new" => Ok(FailOn::New),
        "shall" => Ok(FailOn::Shall),
        "should" => Ok(FailOn::Should),
        "never" => Ok(FailOn::Never),
        _ => Err(Failure::usage(
            format!("use fail-on {text}"),
            "it is one of new, shall, should, never",
            "",
        )),
    }
}

fn auth_name(auth: &Auth) -> &'static str {
    match auth {
        Auth::None => "none",
        Auth::Bearer(_) => "bearer",
        Auth::Basic { .. } => "basic",
        Auth::TokenCommand(_) => "token command",
        Auth::ClientCredentials { .. } => "client credentials",
        Auth::BackendServices { .. } => "SMART backend services",
    }
}
