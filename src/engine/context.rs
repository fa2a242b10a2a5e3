//! What every engine is given: the target as a session, what it claims, the data, the seed, the permissions.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use crate::check::resource::Survey;
use crate::clock::Clock;
use crate::fhir::capability::Capability;
use crate::fhir::oracle::Memory;
use crate::record::Cohort;
use crate::record::event::Observer;
use crate::seed::{RunToken, Seed};

use super::session::Session;

/// The surroundings of an engine.
#[derive(Clone)]
pub struct Context {
    /// The target.
    pub session: Arc<Session>,
    /// What it claims.
    pub capability: Arc<Capability>,
    /// The data behind the oracle.
    pub cohort: Arc<Cohort>,
    /// What the oracle found out about this cohort; a new one goes with every other cohort.
    pub memory: Arc<Memory>,
    /// What everything that came back looks like, across suites.
    pub survey: Arc<Mutex<Survey>>,
    /// Seed of the run.
    pub seed: Seed,
    /// Run token.
    pub token: RunToken,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Progress.
    pub observer: Arc<dyn Observer>,
    /// Writing is permitted.
    pub writes: bool,
    /// Concurrency, fuzzing and load are permitted.
    pub load: bool,
    /// Cases in flight at most.
    pub jobs: usize,
    /// What searches must carry on this target.
    pub requirements: Requirements,
    /// Variables of suites: `--var` and the target's `vars`.
    pub vars: Arc<BTreeMap<String, String>>,
    /// Merge patches by type: what this server demands of a create.
    pub overlay: Arc<BTreeMap<String, serde_json::Value>>,
    /// How long to wait for a write to be seen by a search, at most.
    pub index_lag: std::time::Duration,
    /// Times that a case which failed is run again.
    pub retries: u32,
    /// What kills the target and starts it again; `None` where we did not start it, or where it need not be durable.
    pub restart: Option<Arc<dyn Restart>>,
    /// Set when the run is to end early: nothing new is begun.
    pub stop: Arc<AtomicBool>,
}

impl Context {
    /// True when the run is to end early.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What everything that came back looks like so far.
    pub fn survey(&self) -> MutexGuard<'_, Survey> {
        self.survey.lock().expect("no panic while held")
    }

    /// The same surroundings with other data.
    #[must_use]
    pub fn with_cohort(&self, cohort: Cohort) -> Self {
        Context {
            cohort: Arc::new(cohort),
            memory: Arc::default(),
            ..self.clone()
        }
    }
}

/// A target that may die for a test, because we started it. Whoever uses it is alone on the target.
pub trait Restart: Send + Sync {
    /// Ends the target as a power cut would (`kill -9`: it is not asked), starts it again, waits until it answers.
    ///
    /// The error says why it is not back; nothing can be decided on the target from then on.
    fn restart(&self) -> Restarting<'_>;
}

/// A boxed future, so that `dyn Restart` is possible.
pub type Restarting<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Search parameters without which the target answers 400 or 403, per type: configured, or learned in this run.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    known: Arc<RwLock<BTreeMap<String, Vec<String>>>>,
}

impl Requirements {
    /// Requirements from the configuration: type to parameter codes.
    pub fn configured(known: BTreeMap<String, Vec<String>>) -> Self {
        Requirements {
            known: Arc::new(RwLock::new(known)),
        }
    }

    /// Parameter codes that every search of a type needs.
    pub fn of(&self, resource_type: &str) -> Vec<String> {
        self.known
            .read()
            .expect("no panic while held")
            .get(resource_type)
            .cloned()
            .unwrap_or_default()
    }

    /// Notes that searches of a type need a parameter.
    pub fn learn(&self, resource_type: &str, parameter: &str) {
        let mut known = self.known.write().expect("no panic while held");
        let list = known.entry(resource_type.to_owned()).or_default();
        if !list.iter().any(|code| code == parameter) {
            list.push(parameter.to_owned());
        }
    }
}
