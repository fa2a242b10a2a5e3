//! `rounds init URL`: asks an endpoint what it is and what its searches require, and writes a commented rounds.yaml.
//! Reads only, at most one resource per type, and writes no value of it down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::engine::context::Requirements;
use crate::engine::preflight::{self, Obstacle};
use crate::engine::require;
use crate::engine::session::{NoJournal, Session};
use crate::fhir::capability::Capability;
use crate::fhir::query;
use crate::http::{Request, client};
use crate::secret::Disclosure;
use crate::seed::RunToken;

use super::super::args::{InitArgs, TargetArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::settings::{self, TargetSettings};
use super::super::{output, start};

/// Types whose searches are tried, those first that EHR endpoints restrict most.
const ASKED: &[&str] = &[
    "Patient",
    "Observation",
    "Condition",
    "Encounter",
    "MedicationRequest",
    "DiagnosticReport",
];
/// Searches per type at most: a refusal teaches one parameter or several.
const MAX_LESSONS: usize = 3;
/// A patient that no endpoint has: the search is asked for its manners, not for its answer.
const NOBODY: &str = "rounds-init-nobody";

/// Asks and writes.
///
/// # Errors
/// The file is there already, or the endpoint cannot be used.
pub fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let refuse_existing = || {
        Failure::usage(
            format!("write {}", args.output.display()),
            "it is there already, and nothing is overwritten",
            "choose another file with --output FILE, or move it away",
        )
    };
    if args.output.exists() {
        return Err(refuse_existing());
    }
    let endpoint = settings::resolve_target(Some(&args.url), &args.target, &Config::default())?
        .expect("a target that is named is resolved or refused");
    let learned = super::run::runtime()?.block_on(ask(&endpoint))?;
    let text = text(&args.name, &endpoint, &args.target, &learned);
    write_new(&args.output, &text, refuse_existing)?;
    output::print(&format!(
        "{}: target {} ({})\nnext: rounds diagnose -t {}, then rounds run",
        args.output.display(),
        args.name,
        learned.software.as_deref().unwrap_or("software not named"),
        args.name
    ));
    Ok(Exit::Ok)
}

fn write_new(path: &Path, text: &str, existing: impl Fn() -> Failure) -> Result<(), Failure> {
    let written =
        std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => existing(),
        _ => Failure::usage(format!("write {}", path.display()), error.to_string(), ""),
    })
}

/// What the endpoint said.
#[derive(Debug, Clone, Default)]
struct Learned {
    software: Option<String>,
    fhir_version: Option<String>,
    types: usize,
    claims_writes: bool,
    required: BTreeMap<String, Vec<String>>,
}

async fn ask(endpoint: &TargetSettings) -> Result<Learned, Failure> {
    let mut target = endpoint.target.clone();
    target.writes = false;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let transport = client::connect(&target, clock).map_err(start::setup)?;
    let session = Arc::new(Session::new(
        transport,
        Disclosure::nothing(),
        RunToken::random(),
        Box::new(NoJournal),
    ));
    let capability = preflight::preflight(&session).await.map_err(|unfit| {
        let what = format!("ask {}", target.base);
        match unfit.kind {
            Obstacle::Unreachable => Failure::unreachable(what, unfit.why, unfit.hint),
            Obstacle::Unusable => Failure::usage(what, unfit.why, unfit.hint),
        }
    })?;
    let types = capability.resource_types();
    Ok(Learned {
        software: capability.software(),
        fhir_version: capability.fhir_version().map(str::to_owned),
        types: types.len(),
        claims_writes: types
            .iter()
            .any(|name| capability.supports(name, "create") || capability.supports(name, "update")),
        required: required(&session, &capability).await,
    })
}

/// What searches must carry, by type, as far as refusals say so.
async fn required(
    session: &Arc<Session>,
    capability: &Capability,
) -> BTreeMap<String, Vec<String>> {
    let requirements = Requirements::default();
    let mut required = BTreeMap::new();
    for name in ASKED
        .iter()
        .filter(|name| capability.supports(name, "search-type"))
    {
        for _ in 0..MAX_LESSONS {
            let pairs = pairs(name, &requirements.of(name));
            let url = format!("{name}?{}", query::encode_pairs(&pairs));
            let exchange = session.send(Request::get(url)).await;
            let is_refused = matches!(exchange.status(), Some(400 | 403 | 422));
            if !is_refused || !require::learn(&requirements, name, &pairs, &exchange) {
                break;
            }
        }
        let learned = requirements.of(name);
        if !learned.is_empty() {
            required.insert((*name).to_owned(), learned);
        }
    }
    required
}

fn pairs(resource_type: &str, required: &[String]) -> Vec<(String, String)> {
    let mut pairs = vec![("_count".to_owned(), "1".to_owned())];
    let others = required.iter().filter(|name| *name != "category");
    pairs.extend(others.map(|name| (name.clone(), NOBODY.to_owned())));
    let companies = require::companies(resource_type, required, &pairs);
    companies.into_iter().next().unwrap_or(pairs)
}

/// The file.
fn text(name: &str, endpoint: &TargetSettings, args: &TargetArgs, learned: &Learned) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("writing to a string succeeds");
    put(format!(
        "# Written by `rounds init`. The endpoint says of itself: {}, FHIR {}, {} resource types.",
        comment(learned.software.as_deref().unwrap_or("software not named")),
        comment(
            learned
                .fhir_version
                .as_deref()
                .unwrap_or("version not named")
        ),
        learned.types
    ));
    put("# Secrets stay in the environment: write '${env:NAME}' where one is needed.".to_owned());
    put(String::new());
    put("# What `rounds run` tests when no -t is given.".to_owned());
    put(format!("target: {}", quoted(name)));
    put(String::new());
    put("targets:".to_owned());
    put(format!("  {}:", quoted(name)));
    put(format!(
        "    url: {}",
        quoted(endpoint.target.base.as_str().trim_end_matches('/'))
    ));
    for line in auth(args)
        .into_iter()
        .chain(way(args))
        .chain(manners(args, learned))
        .chain(searches(learned))
    {
        put(format!("    {line}"));
    }
    text
}

fn auth(args: &TargetArgs) -> Vec<String> {
    if let Some(name) = &args.token_env {
        return vec![format!(
            "auth: {{ bearer: {} }}",
            quoted(&format!("${{env:{name}}}"))
        )];
    }
    if let Some(command) = &args.token_command {
        return vec![format!("auth: {{ token-command: {} }}", quoted(command))];
    }
    vec![
        "# Credentials, one of:".to_owned(),
        "# auth: { bearer: '${env:TOKEN}' }".to_owned(),
        "# auth: { token-command: 'print-a-token' }".to_owned(),
        "# auth: { client-credentials: { token-url: 'https://…/token', client-id: '…', client-secret: '${env:SECRET}' } }"
            .to_owned(),
    ]
}

/// Headers and TLS, as given on the command line.
fn way(args: &TargetArgs) -> Vec<String> {
    let mut lines = Vec::new();
    if !args.headers.is_empty() {
        lines.push("headers:".to_owned());
    }
    for (name, value) in args.headers.iter().filter_map(|text| text.split_once(':')) {
        let (name, value) = (name.trim(), value.trim());
        if value.contains("${env:") {
            lines.push(format!("  {}: {}", quoted(name), quoted(value)));
        } else {
            // It may be a secret; what is written here is committed sooner or later.
            lines.push(format!("  {}: '${{env:FILL_IN}}'", quoted(name)));
        }
    }
    let files = [
        ("cacert", &args.cacert),
        ("cert", &args.cert),
        ("key", &args.key),
    ];
    for (key, file) in files {
        lines.extend(
            file.as_ref()
                .map(|file| format!("{key}: {}", quoted(&file.display().to_string()))),
        );
    }
    if args.insecure {
        lines.push(
            "insecure: true  # certificates are not checked; every report says so".to_owned(),
        );
    }
    lines
}

/// What is permitted, and how fast.
fn manners(args: &TargetArgs, learned: &Learned) -> Vec<String> {
    let mut lines = Vec::new();
    if args.allow_writes {
        lines.push("writes: true".to_owned());
    } else if learned.claims_writes {
        lines.push(
            "# It claims to be writable. Say so only where synthetic patients may be created."
                .to_owned(),
        );
        lines.push("# writes: true".to_owned());
    } else {
        lines.push("# It claims no writing: runs read what is there.".to_owned());
    }
    match args.rate {
        Some(rate) => lines.push(format!("rate: {rate}")),
        None => lines.push("# rate: 5  # requests per second at most".to_owned()),
    }
    lines.extend(args.timeout.map(|seconds| format!("timeout: {seconds}")));
    lines.extend(
        args.max_requests
            .map(|number| format!("max-requests: {number}")),
    );
    if args.patients.is_empty() {
        lines.push(
            "# patients: [ID]  # who may be read, where patients cannot be listed".to_owned(),
        );
    } else {
        let ids: Vec<String> = args.patients.iter().map(|id| quoted(id)).collect();
        lines.push(format!("patients: [{}]", ids.join(", ")));
    }
    lines
}

fn searches(learned: &Learned) -> Vec<String> {
    if learned.required.is_empty() {
        return vec!["# search: { required: { Observation: [patient, category] } }".to_owned()];
    }
    let mut lines = vec![
        "# Searches without these were refused.".to_owned(),
        "search:".to_owned(),
        "  required:".to_owned(),
    ];
    lines.extend(
        learned
            .required
            .iter()
            .map(|(name, codes)| format!("    {name}: [{}]", codes.join(", "))),
    );
    lines
}

/// A JSON string is a YAML string in double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Text of the endpoint inside a comment: one line, printable, short.
fn comment(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(args: &TargetArgs, learned: &Learned) -> String {
        let url = "https://fhir.example.org/r4";
        let endpoint =
            settings::resolve_target(Some(url), &TargetArgs::default(), &Config::default())
                .unwrap()
                .unwrap();
        text("my target", &endpoint, args, learned)
    }

    #[test]
    fn the_file_is_read_back_with_what_was_given_and_learned() {
        let args = TargetArgs {
            token_env: Some("TOKEN".to_owned()),
            headers: vec!["X-Key: 12345".to_owned(), "X-Org: ${env:ORG}".to_owned()],
            cacert: Some("ca: 1.pem".into()),
            patients: vec!["a1".to_owned()],
            rate: Some(2.5),
            allow_writes: true,
            insecure: true,
            ..TargetArgs::default()
        };
        let learned = Learned {
            software: Some("Evil\nurl: x".to_owned()),
            required: BTreeMap::from([(
                "Observation".to_owned(),
                vec!["patient".to_owned(), "category".to_owned()],
            )]),
            ..Learned::default()
        };
        let text = written(&args, &learned);
        assert!(!text.contains("12345"), "a header may be a secret:\n{text}");
        let config = Config::parse("rounds.yaml", &text).expect(&text);
        let target = &config.targets["my target"];
        assert_eq!(target.url, "https://fhir.example.org/r4");
        assert_eq!(target.cacert.as_deref(), Some("ca: 1.pem"));
        assert_eq!(
            target.search_required["Observation"],
            ["patient", "category"]
        );
        assert_eq!((target.rate, target.writes), (Some(2.5), true));
        assert_eq!(target.headers[1], ("X-Org".into(), "${env:ORG}".into()));
        assert_eq!(config.profiles[""].target.as_deref(), Some("my target"));
    }

    #[test]
    fn the_lines_that_are_comments_are_right_once_uncommented() {
        let text = written(
            &TargetArgs::default(),
            &Learned {
                claims_writes: true,
                ..Learned::default()
            },
        );
        Config::parse("rounds.yaml", &text).expect(&text);
        for key in ["writes:", "rate:", "patients:", "search:", "auth: { bearer"] {
            let line = text
                .lines()
                .find(|line| line.trim().starts_with(&format!("# {key}")));
            let line = line.unwrap_or_else(|| panic!("{key} is missing:\n{text}"));
            let live = line.replacen("# ", "", 1);
            let text = text.replace(line, &live);
            Config::parse("rounds.yaml", &text).expect(&text);
        }
    }
}
