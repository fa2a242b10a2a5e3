//! The laboratory: each order becomes the settings of `rounds run` and takes exactly its path, on a sandbox of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::property::Budget;
use crate::engine::scoreboard::{Laboratory, Order, Watch};
use crate::record::Run;
use crate::record::event::Observer;
use crate::record::id::RunId;
use crate::seed::RunToken;
use crate::suite::filter::Filter;

use super::super::cmd::run::{execute, runtime};
use super::super::config::Config;
use super::super::settings::{DEFAULT_POPULATION, Settings};
use super::super::setup::Given;
use super::super::{args, suites};

/// Requests per second of the closed variant here: what is tested is the judgement, not the patience.
const FAST_RATE: u32 = 500;

/// Runs on sandboxes in this process.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Cases per property.
    pub budget: Budget,
    /// How long every answer takes where a defect is planted.
    pub latency: Duration,
    /// Patients to load; with fewer than a run loads, some cases find no witness.
    pub population: u64,
    /// Only these cases.
    pub filter: Option<String>,
    /// Only one part of the cases: the second of four.
    pub shard: Option<(usize, usize)>,
    /// Where failing cases of properties go.
    pub store: PathBuf,
}

impl Default for Bench {
    fn default() -> Self {
        Bench {
            budget: Budget::default(),
            latency: Duration::ZERO,
            population: DEFAULT_POPULATION,
            filter: None,
            shard: None,
            store: std::env::temp_dir().join("rounds-scoreboard"),
        }
    }
}

impl Bench {
    fn settings(&self, order: &Order<'_>) -> Result<Settings, String> {
        let common = args::Common {
            config: None,
            profile: None,
            quiet: true,
            verbose: 0,
            color: args::Color::Never,
            no_progress: true,
            store: self.store.clone(),
        };
        let run_args = args::RunArgs {
            defects: order.defect.iter().map(|id| (*id).to_owned()).collect(),
            variants: order.variants.to_vec(),
            ..args::RunArgs::default()
        };
        let mut settings = Settings::resolve(&common, &run_args, &Config::default())
            .map_err(|failure| failure.to_string())?;
        settings.population = self.population;
        settings.budget = self.budget;
        settings.shard = self.shard;
        settings.sandbox_rate = Some(FAST_RATE);
        settings.read_only = order.read_only;
        if order.defect.is_some() {
            settings.sandbox_latency = self.latency;
        }
        Ok(settings)
    }
}

impl Laboratory for Bench {
    fn run(&self, order: &Order<'_>, watch: &Arc<Watch>) -> Result<Run, String> {
        let settings = self.settings(order)?;
        let names: Vec<&str> = order.suites.iter().map(String::as_str).collect();
        let suites = suites::select(&[], &names).map_err(|failure| failure.to_string())?;
        let filter = self.filter.as_deref().map(Filter::parse).transpose();
        let filter = filter.map_err(|error| error.to_string())?;
        let clock = watch.clock();
        let given = Given {
            id: RunId::new(clock.now(), order.seed),
            seed: order.seed,
            token: RunToken::fixed(order.seed),
            clock,
            observer: Arc::clone(watch) as Arc<dyn Observer>,
            stop: watch.stop(),
        };
        let runtime = runtime().map_err(|failure| failure.to_string())?;
        let finished = runtime.block_on(execute(&settings, &given, &suites, filter.as_ref()));
        // A case file that is being written and a sandbox that says good-bye are not waited for.
        runtime.shutdown_background();
        match finished {
            Ok(Some(finished)) => Ok(finished.run),
            Ok(None) => Err("a run gave no record".to_owned()),
            Err(failure) => Err(failure.to_string()),
        }
    }
}
