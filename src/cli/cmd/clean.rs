//! `rounds clean [RUN]`: removes from a target what a run created there, also a run that was killed. Deletes only what
//! the run's journal names or what carries its tag, and only on the target of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::baseline::Store;
use crate::clock::{Clock, SystemClock};
use crate::engine::populate::load::DATA_TAG;
use crate::engine::populate::retract::{OnClean, retract};
use crate::engine::preflight::{self, Obstacle};
use crate::engine::session::{Journal, JournalEntry, NoJournal, Session, TAG_SYSTEM};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, bundle, definitions, query};
use crate::http::target::Target;
use crate::http::{Exchange, Method, Request, Transport, client};
use crate::population;
use crate::record::id::RunId;
use crate::secret::Disclosure;
use crate::seed::RunToken;

use super::super::args::{CleanArgs, Common};
use super::super::config::{Config, interpolate};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::settings::{self, INDEX_LAG, TargetSettings};
use super::super::setup::{FileJournal, JOURNAL_FILE};
use super::super::{output, start};

/// Bytes of a journal that are read at most.
const MAX_JOURNAL: u64 = 256 << 20;
/// Times that what could not be removed is tried again; a reference among the rest may have been in the way.
const MAX_ROUNDS: usize = 8;
/// Searches for what carries the tag, each after the last one's finds were removed.
const MAX_SWEEPS: usize = 40;
/// Pause before a search is asked again by which nothing was found.
const SWEEP_PAUSE: Duration = Duration::from_millis(500);
/// Resources that one sweep finds per type at most.
const SWEEP_PAGE: &str = "200";

/// Cleans up after one run.
///
/// # Errors
/// No such run, no permission to write, or the target does not answer.
pub fn run(common: &Common, args: &CleanArgs) -> Result<Exit, Failure> {
    let store = Store::new(&common.store);
    let id = chosen(common, args)?;
    let folder = store.run_folder(&id);
    let Some(left) = Leftovers::read(&folder.join(JOURNAL_FILE))? else {
        output::print(&format!(
            "run {id} noted nothing: it did not write to a target"
        ));
        return Ok(Exit::Ok);
    };
    let record = store.run(Some(&id.0)).ok();
    // A run that was killed may have created what no line names yet, and what the index does not show at once.
    let patience = if record.is_some() {
        Duration::ZERO
    } else {
        INDEX_LAG
    };
    let of_record = || record.map(|run| (run.target.url, run.token));
    let recorded = left.begun.clone().or_else(of_record);
    let endpoint = endpoint(
        common,
        args,
        &id,
        recorded.as_ref().map(|(url, _)| url.as_str()),
    )?;
    let token = recorded.map(|(_, token)| token);
    let journal = FileJournal::open(&folder)?;
    let log = Some(start::log_file(&common.store, &endpoint));
    let outcome =
        super::run::runtime()?.block_on(clean(&endpoint, left, token, patience, &journal, log))?;
    output::print(&outcome.render(&id, &endpoint));
    Ok(if outcome.left.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

/// The run that was named, or the last one with a journal.
fn chosen(common: &Common, args: &CleanArgs) -> Result<RunId, Failure> {
    let folder = common.store.join("runs");
    let entries = std::fs::read_dir(&folder).into_iter().flatten();
    let mut known: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    known.sort();
    let refuse = |what: String, why: &str| {
        let hint = match known.last() {
            None => format!("{} has no runs; choose another --store", folder.display()),
            Some(last) => format!("the last run is {last}; `rounds list runs` shows all"),
        };
        Failure::usage(what, why, hint)
    };
    match &args.run {
        Some(id) if known.contains(id) => Ok(RunId(id.clone())),
        Some(id) => Err(refuse(
            format!("clean up run `{id}`"),
            "there is none of that id",
        )),
        None => known
            .iter()
            .rev()
            .find(|id| folder.join(id).join(JOURNAL_FILE).exists())
            .map(|id| RunId(id.clone()))
            .ok_or_else(|| {
                refuse(
                    "clean up".to_owned(),
                    "no stored run wrote to a target of yours",
                )
            }),
    }
}

/// What a journal says.
struct Leftovers {
    /// Base URL and run token, if the journal begins with them.
    begun: Option<(String, String)>,
    /// What was created and not removed, oldest first.
    keys: Vec<Key>,
    /// Types to which something was sent; what a run was creating when it was killed is of one of them.
    types: BTreeSet<String>,
    /// A Bundle was sent: it may have created anything.
    bundles: bool,
}

impl Leftovers {
    /// Reads a journal; `None` if there is none.
    fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let refuse = |why: String| Failure::usage(format!("read {}", path.display()), why, "");
        let size = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refuse(error.to_string())),
            Ok(metadata) => metadata.len(),
        };
        if size > MAX_JOURNAL {
            return Err(refuse(format!(
                "it has {size} bytes; a journal has {MAX_JOURNAL} at most"
            )));
        }
        let text = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        Ok(Some(Self::parse(&String::from_utf8_lossy(&text))))
    }

    /// Lines that cannot be read are those that a kill cut short; what they would have named is found by its tag.
    fn parse(text: &str) -> Self {
        let mut left = Leftovers {
            begun: None,
            keys: Vec::new(),
            types: BTreeSet::new(),
            bundles: false,
        };
        let mut order: BTreeMap<Key, usize> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str(line) {
                Err(_) => {}
                Ok(JournalEntry::Begun { target, token }) => left.begun = Some((target, token)),
                Ok(JournalEntry::Intent { url, .. }) => left.intend(&url),
                Ok(JournalEntry::Created { key }) => {
                    if let Some(key) = Key::from_reference(&key) {
                        left.types.insert(key.resource_type.clone());
                        order.insert(key, number);
                    }
                }
                Ok(JournalEntry::Removed { key }) => {
                    if let Some(key) = Key::from_reference(&key) {
                        order.remove(&key);
                    }
                }
            }
        }
        let mut keys: Vec<(usize, Key)> = order
            .into_iter()
            .map(|(key, number)| (number, key))
            .collect();
        keys.sort();
        left.keys = keys.into_iter().map(|(_, key)| key).collect();
        left
    }

    fn intend(&mut self, url: &str) {
        let first = url.split(['/', '?']).next().unwrap_or_default();
        if first.is_empty() {
            self.bundles = true;
        } else if definitions::is_resource_type(first) {
            self.types.insert(first.to_owned());
        }
    }
}

/// The target to clean: the one that was named, or that of the run. Never another than that of the run.
fn endpoint(
    common: &Common,
    args: &CleanArgs,
    id: &RunId,
    recorded: Option<&str>,
) -> Result<TargetSettings, Failure> {
    let config = Config::read(common.config.as_deref())?;
    let what = format!("clean up run {id}");
    let name = match (&args.target.target, recorded) {
        (Some(name), _) => name.clone(),
        (None, Some(url)) => name_of(url, &config).unwrap_or_else(|| url.to_owned()),
        (None, None) => {
            return Err(Failure::usage(
                what,
                "it was ended before it noted its target",
                "name the target with -t",
            ));
        }
    };
    let endpoint = settings::resolve_target(Some(&name), &args.target, &config)?
        .expect("a target that is named is resolved or refused");
    let base = endpoint.target.base.as_str();
    if let Some(url) = recorded
        && url.trim_end_matches('/') != base.trim_end_matches('/')
    {
        return Err(Failure::usage(
            what,
            format!("it ran on {url}; on {base} the same ids belong to somebody else"),
            "leave out -t, or name the target of the run",
        ));
    }
    if !endpoint.target.writes {
        return Err(Failure::usage(
            what,
            format!("deleting on {base} is not permitted"),
            "permit it with --allow-writes, or `writes: true` in rounds.yaml",
        ));
    }
    Ok(endpoint)
}

/// The name of a configured target of that URL, for its credentials.
fn name_of(url: &str, config: &Config) -> Option<String> {
    let same = |configured: &str| {
        interpolate(configured)
            .and_then(|text| settings::parse_base(&text))
            .is_ok_and(|base| base.as_str().trim_end_matches('/') == url.trim_end_matches('/'))
    };
    config
        .targets
        .iter()
        .find(|(_, target)| same(&target.url))
        .map(|(name, _)| name.clone())
}

/// What cleaning came to.
struct Outcome {
    removed: BTreeSet<Key>,
    /// Still there, and marked as entered in error.
    marked: BTreeSet<Key>,
    left: BTreeMap<Key, String>,
}

impl Outcome {
    fn render(&self, id: &RunId, endpoint: &TargetSettings) -> String {
        let base = &endpoint.target.base;
        let mut lines = vec![match (self.removed.len(), self.left.len()) {
            (0, 0) if self.marked.is_empty() => format!("nothing of run {id} is left on {base}"),
            (removed, 0) => format!("{removed} resources of run {id} removed from {base}"),
            (removed, left) => format!(
                "{removed} resources of run {id} removed from {base}; {left} could not be removed:"
            ),
        }];
        if !self.marked.is_empty() {
            lines.insert(
                1,
                format!(
                    "  {} that the server does not delete are marked as entered in error",
                    self.marked.len()
                ),
            );
        }
        lines.extend(
            self.left
                .iter()
                .map(|(key, reason)| format!("  {key}  {reason}")),
        );
        lines.join("\n")
    }
}

async fn clean(
    endpoint: &TargetSettings,
    left: Leftovers,
    token: Option<String>,
    patience: Duration,
    journal: &FileJournal,
    log: Option<PathBuf>,
) -> Result<Outcome, Failure> {
    let _started = start::start(endpoint, log).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // A budget of requests is for testing; what a run left goes whatever it costs.
    let target = Target {
        max_requests: None,
        ..endpoint.target.clone()
    };
    let transport = client::connect(&target, Arc::clone(&clock)).map_err(start::setup)?;
    let capability = ask(endpoint, &transport).await?;
    let mut outcome = Outcome {
        removed: BTreeSet::new(),
        marked: BTreeSet::new(),
        left: BTreeMap::new(),
    };
    let types = searchable(&left, &capability);
    let mut newest_first: Vec<Key> = left.keys;
    newest_first.reverse();
    remove(&*transport, newest_first, journal, &mut outcome).await;
    let Some(token) = token else {
        retract_left(endpoint, &*transport, &mut outcome).await;
        return Ok(outcome);
    };
    let deadline = clock.elapsed() + patience;
    for _ in 0..MAX_SWEEPS {
        let mut found = Vec::new();
        for name in &types {
            found.extend(tagged(&*transport, name, &token).await);
        }
        // An index that lags shows what is gone for a while.
        found.retain(|key| !outcome.left.contains_key(key) && !outcome.removed.contains(key));
        if !found.is_empty() {
            remove(&*transport, found, journal, &mut outcome).await;
        } else if clock.elapsed() < deadline {
            tokio::time::sleep(SWEEP_PAUSE).await;
        } else {
            break;
        }
    }
    retract_left(endpoint, &*transport, &mut outcome).await;
    Ok(outcome)
}

/// `on-clean: entered-in-error`: what could not be removed says at least that it means nothing.
async fn retract_left(endpoint: &TargetSettings, transport: &dyn Transport, outcome: &mut Outcome) {
    if endpoint.on_clean == OnClean::Delete {
        return;
    }
    for (key, reason) in std::mem::take(&mut outcome.left) {
        let send = async |request| transport.send(request).await;
        match retract(&key, send).await {
            Ok(()) => {
                outcome.marked.insert(key);
            }
            Err(why) => {
                outcome.left.insert(key, format!("{reason}; {why}"));
            }
        }
    }
}

/// A dead or closed target is told once and not for every resource.
async fn ask(
    endpoint: &TargetSettings,
    transport: &Arc<dyn Transport>,
) -> Result<Capability, Failure> {
    let session = Arc::new(Session::new(
        Arc::clone(transport),
        Disclosure::nothing(),
        RunToken::random(),
        Box::new(NoJournal),
    ));
    preflight::preflight(&session).await.map_err(|unfit| {
        let what = format!("clean {}", endpoint.target.base);
        match unfit.kind {
            Obstacle::Unreachable => Failure::unreachable(what, unfit.why, unfit.hint),
            Obstacle::Unusable => Failure::usage(what, unfit.why, unfit.hint),
        }
    })
}

/// Types among which something tagged may be, as far as they can be searched.
fn searchable(left: &Leftovers, capability: &Capability) -> BTreeSet<String> {
    let generated = population::types()
        .filter(|_| left.bundles)
        .map(str::to_owned);
    left.types
        .iter()
        .cloned()
        .chain(generated)
        .filter(|name| capability.supports(name, "search-type"))
        .collect()
}

/// Resources of a type with the run's tag. The answer is not believed: a server that ignores `_tag` returns everybody's.
async fn tagged(transport: &dyn Transport, resource_type: &str, token: &str) -> Vec<Key> {
    let codes = [token.to_owned(), format!("{token}{DATA_TAG}")];
    let values = codes.map(|code| format!("{TAG_SYSTEM}|{code}"));
    let pairs = [
        ("_tag".to_owned(), values.join(",")),
        ("_count".to_owned(), SWEEP_PAGE.to_owned()),
    ];
    let url = format!("{resource_type}?{}", query::encode_pairs(&pairs));
    let exchange = transport.send(Request::get(url)).await;
    let Some(body) = exchange.json().filter(|_| exchange.status() == Some(200)) else {
        return Vec::new();
    };
    bundle::entries(&body)
        .filter_map(bundle::resource)
        .filter(|resource| carries(resource, token))
        .filter_map(Key::of)
        .collect()
}

fn carries(resource: &Value, token: &str) -> bool {
    let tags = resource
        .pointer("/meta/tag")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    tags.into_iter().any(|tag| {
        let code = tag["code"].as_str().unwrap_or_default();
        tag["system"] == TAG_SYSTEM && code.strip_suffix(DATA_TAG).unwrap_or(code) == token
    })
}

/// Deletes in the given order, and again what was refused, until nothing changes.
async fn remove(
    transport: &dyn Transport,
    keys: Vec<Key>,
    journal: &FileJournal,
    outcome: &mut Outcome,
) {
    let mut waiting = keys;
    for _ in 0..MAX_ROUNDS {
        let tried = waiting.len();
        let mut refused = Vec::new();
        for key in waiting {
            let exchange = transport
                .send(Request::new(Method::Delete, key.to_string()))
                .await;
            match refusal(&exchange) {
                None => {
                    journal.record(&JournalEntry::Removed {
                        key: key.to_string(),
                    });
                    outcome.left.remove(&key);
                    outcome.removed.insert(key);
                }
                Some(reason) => {
                    outcome.left.insert(key.clone(), reason);
                    refused.push(key);
                }
            }
        }
        if refused.is_empty() || refused.len() == tried {
            return;
        }
        waiting = refused;
    }
}

/// Why a resource is still there; `None` if it is gone, whoever removed it.
fn refusal(exchange: &Exchange) -> Option<String> {
    match (exchange.status(), &exchange.outcome) {
        (Some(200 | 202 | 204 | 404 | 410), _) => None,
        (Some(status), _) => {
            let reason = match status {
                401 | 403 => "the credentials do not permit deleting",
                405 | 501 => "the server does not delete",
                409 | 412 => "something refers to it, or it changed",
                429 => "too many requests",
                _ => "",
            };
            Some(format!("{status} {reason}").trim_end().to_owned())
        }
        (None, Err(failure)) => Some(failure.message.clone()),
        (None, Ok(_)) => Some("no answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_created_and_not_removed_is_left_in_order_of_creation() {
        let left = Leftovers::parse(
            "{\"begun\":{\"target\":\"http://h/fhir\",\"token\":\"t\"}}\n\
             {\"intent\":{\"method\":\"POST\",\"url\":\"Patient\"}}\n\
             {\"created\":{\"key\":\"Patient/2\"}}\n\
             {\"created\":{\"key\":\"Patient/1\"}}\n\
             {\"intent\":{\"method\":\"POST\",\"url\":\"\"}}\n\
             {\"created\":{\"key\":\"Observation/9\"}}\n\
             {\"removed\":{\"key\":\"Patient/2\"}}\n\
             {\"created\":{\"ke",
        );
        assert_eq!(left.begun, Some(("http://h/fhir".into(), "t".into())));
        assert_eq!(
            left.keys,
            [Key::new("Patient", "1"), Key::new("Observation", "9")]
        );
        assert!(left.bundles);
        assert!(left.types.contains("Patient"));
    }

    #[test]
    fn only_the_tag_of_the_run_counts() {
        let with = |code: &str| serde_json::json!({"meta": {"tag": [{"system": TAG_SYSTEM, "code": code}]}});
        assert!(carries(&with("mine"), "mine"));
        assert!(
            carries(&with("mine-data"), "mine"),
            "the population has a tag of its own"
        );
        assert!(!carries(&with("other"), "mine"));
        assert!(!carries(&serde_json::json!({"meta": {}}), "mine"));
    }
}
