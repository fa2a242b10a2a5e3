//! `rounds`: a test and troubleshooting harness for EHR record endpoints (HL7 FHIR R4 REST).
//!
//! # The idea
//! A *suite* names *cases*; a case sends requests to a *target* through a *transport*; a request with its response and
//! timings is an *exchange*. *Checks* and *properties* are pure functions from exchanges to violations, which engines
//! confirm and turn into *findings*. All that happened in one invocation is a *run*: plain data, the only thing that
//! reports and baselines see. A *cohort* is a set of resources as read back from the target; the *oracle* answers
//! searches from it. The *sandbox* is a FHIR endpoint in this process whose *defects* can be switched on, so that the
//! harness is tested against known truth.
//!
//! # The map
//! Imports go down only; `tests/tidy.rs` holds the table.
//!
//! | layer | rooms |
//! |---|---|
//! | 6 | [`cli`]: arguments, settings, one file per command, exit codes |
//! | 5 | [`baseline`]: store, comparison, waivers; [`report`]: one file per format |
//! | 4 | [`engine`]: plan, populate, session, conformance, property, load, diagnose |
//! | 3b | [`suite`]: the file format and its checked form; [`property`]: invariants over sequences and relations |
//! | 3a | [`population`]: synthetic patients; [`check`]: judgements on exchanges; [`probe`]: read-only questions and causes; [`sandbox`]: the accused in our own tests |
//! | 2 | [`record`]: what happened, as plain data |
//! | 1 | [`fhir`]: vocabulary and grammar of R4, definitions, validator, FHIRPath, XML, oracle; [`http`]: vocabulary of HTTP and the one client |
//! | 0 | [`seed`], [`clock`], [`secret`], [`stats`] |
//!
//! Two walls carry the argument. `sandbox` and the judges never import each other, and only `check`, `property`,
//! `suite` and `engine` call [`fhir::oracle`]: the accused shares no judgement with the judge (the sandbox answers
//! searches from an index, the oracle by brute force). `engine` never imports `sandbox`: a self-test takes the path
//! that production takes.
//!
//! # A run in eight steps
//! 1. parse: flags, environment, profile, defaults become [`cli::settings::Settings`]; outputs are opened first
//! 2. load suites: every error of every file at once ([`mod@suite::load`])
//! 3. connect and preflight ([`cli::setup`], [`engine::preflight`]): a dead target is one clear failure
//! 4. bring the cohort about ([`engine::populate`]) and plan ([`engine::plan`])
//! 5. execute ([`engine::conformance`], [`engine::property`]): bounded, tagged, journalled
//! 6. judge and fold ([`engine::fold`]): every datum passes through [`secret::Disclosure`]; `run.json` is written
//! 7. compare with the baseline ([`baseline::compare()`])
//! 8. render ([`report`]); one exit code ([`cli::outcome`])
//!
//! # Where new things go
//! A conformance case: a file in `suites/`. A check, property, probe, generator or format: one file and one line in
//! the list of its room. A defect or variant: one entry in `sandbox`. A command: one file in `cli/cmd`.

pub mod baseline;
pub mod check;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod fhir;
pub mod http;
pub mod population;
pub mod probe;
pub mod property;
pub mod record;
pub mod report;
pub mod sandbox;
pub mod secret;
pub mod seed;
pub mod stats;
pub mod suite;
