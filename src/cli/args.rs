//! The command line as typed: every command, flag and its help, once. What follows from it is `settings`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Tests and troubleshoots EHR record endpoints (HL7 FHIR R4).
#[derive(Debug, Parser)]
#[command(name = "rounds", version, about, max_term_width = 100)]
#[command(
    after_help = "Plain `rounds run` tests the built-in sandbox; `rounds run -t URL` tests a server of yours.\n\
    Exit codes: 0 nothing that counts, 1 findings, 2 usage, 3 unreachable, 4 nothing selected, 5 no baseline,\n\
    6 stale waiver, 7 safety stop, 8 undecided, 70 bug, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Configuration file [default: rounds.yaml in this folder, if there]
    #[arg(long, global = true, env = "ROUNDS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Profile of the configuration file to apply
    #[arg(
        short = 'P',
        long,
        global = true,
        env = "ROUNDS_PROFILE",
        value_name = "NAME"
    )]
    pub profile: Option<String>,
    /// Only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More detail: every case, every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// No progress display
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Folder for runs, baselines and cases
    #[arg(
        long,
        global = true,
        env = "ROUNDS_STORE",
        value_name = "DIR",
        default_value = ".rounds"
    )]
    pub store: PathBuf,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run suites: on the built-in sandbox, or with -t on a target
    Run(Box<RunArgs>),
    /// Read-only troubleshooting of an endpoint
    Diagnose(Box<DiagnoseArgs>),
    /// Write synthetic patients to files
    Generate(GenerateArgs),
    /// Serve the sandbox
    Sandbox(SandboxArgs),
    /// Compare two stored runs or baselines
    Compare(CompareArgs),
    /// Save, list, show, accept or drop baselines
    Baseline(BaselineArgs),
    /// Render a stored run again
    Report(ReportArgs),
    /// Show one finding with its exchanges and curl lines
    Show(ShowArgs),
    /// Run one case again
    Replay(Box<ReplayArgs>),
    /// Remove what a run left on its target
    Clean(Box<CleanArgs>),
    /// Write rounds.yaml by asking an endpoint
    Init(Box<InitArgs>),
    /// List checks, properties, probes, defects, variants, generators, formats, suites, cases or runs
    List(ListArgs),
    /// Explain a check, property, probe, cause, case, defect or variant
    Explain(ExplainArgs),
    /// Print every setting with its value and where it comes from
    Config(Box<ConfigArgs>),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Check suite files
    Suite(SuiteArgs),
    /// Validate resources in files by R4, US Core and the packages given
    Validate(ValidateArgs),
    /// Build the embedded definitions from a FHIR package
    #[command(hide = true)]
    Definitions(DefinitionsArgs),
    /// Test the harness itself: which planted defects are found, and whether anything else is
    #[command(hide = true)]
    Scoreboard(ScoreboardArgs),
}

/// Which target, and on what terms.
#[derive(Debug, Clone, Default, Args)]
pub struct TargetArgs {
    /// Base URL of the endpoint, or the name of a target in rounds.yaml
    #[arg(short, long, env = "ROUNDS_TARGET", value_name = "URL|NAME")]
    pub target: Option<String>,
    /// Extra header field on every request; the value may hold ${env:NAME}
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Environment variable that holds a bearer token
    #[arg(long, value_name = "NAME")]
    pub token_env: Option<String>,
    /// Command that prints a bearer token; run again before it expires and once on a 401
    #[arg(long, env = "ROUNDS_TOKEN_COMMAND", value_name = "COMMAND")]
    pub token_command: Option<String>,
    /// Certificate authorities to trust beside the system's (PEM)
    #[arg(long, env = "ROUNDS_CACERT", value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Do not check certificates; printed in every report
    #[arg(long)]
    pub insecure: bool,
    /// Time limit of one request in seconds
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
    /// At most so many requests per second
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// At most so many requests in all
    #[arg(long, value_name = "N")]
    pub max_requests: Option<u64>,
    /// Permit writing to the target
    #[arg(long)]
    pub allow_writes: bool,
    /// Permit load, fuzzing and concurrency on the target
    #[arg(long)]
    pub allow_load: bool,
    /// Patient that may be read; repeatable
    #[arg(long = "patient", value_name = "ID")]
    pub patients: Vec<String>,
}

/// `rounds run`
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Suites: ids (`core`, `core/search`, `property/core`) or files
    #[arg(value_name = "SUITE")]
    pub suites: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: TargetArgs,
    /// Only cases that the expression selects (`search/* and not level(MAY)`)
    #[arg(short = 'E', long, value_name = "EXPRESSION")]
    pub filter: Option<String>,
    /// Cases at a time
    #[arg(short, long, env = "ROUNDS_JOBS", value_name = "N")]
    pub jobs: Option<usize>,
    /// Seed (hexadecimal), or `random`
    #[arg(long, env = "ROUNDS_SEED", value_name = "SEED")]
    pub seed: Option<String>,
    /// Compare with a baseline: a name or a file
    #[arg(long, env = "ROUNDS_BASELINE", value_name = "NAME|FILE")]
    pub baseline: Option<String>,
    /// Save the run as a baseline: a name or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub save_baseline: Option<String>,
    /// Report format, with an optional path; repeatable
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<String>,
    /// Which findings fail the run [default: new with a baseline, shall without]
    #[arg(long, value_name = "WHICH")]
    pub fail_on: Option<FailOn>,
    /// Share of undecided cases above which the run is undecided
    #[arg(long, value_name = "PERCENT", default_value = "5")]
    pub max_undecided: f64,
    /// Run a case that failed again, so many times: one that fails now and then is flaky, and its findings still count
    #[arg(long, env = "ROUNDS_RETRIES", value_name = "N")]
    pub retries: Option<u64>,
    /// How much to spend on properties
    #[arg(long, env = "ROUNDS_BUDGET", value_name = "HOW MUCH")]
    pub budget: Option<Spending>,
    /// Run one part of the cases (2/4: the second of four)
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// The data: `crawl` to learn it by reading, or a folder written by `rounds generate` and loaded by other means
    #[arg(long, value_name = "DIR|crawl")]
    pub cohort: Option<String>,
    /// Synthetic patients to load
    #[arg(long, value_name = "N")]
    pub population: Option<u64>,
    /// FHIR package (`.tgz` or its folder) whose profiles resources are held to that claim them; repeatable
    #[arg(long = "ig", value_name = "PACKAGE")]
    pub ig: Vec<PathBuf>,
    /// Variable for suites
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Leave the loaded data on the target; by default what a run created is removed at its end
    #[arg(long)]
    pub keep_data: bool,
    /// Print the plan and send nothing but GET /metadata
    #[arg(long)]
    pub dry_run: bool,
    /// Switch on a defect of the built-in sandbox; repeatable
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Switch on a legal variant of the built-in sandbox; repeatable
    #[arg(long = "variant", value_name = "ID")]
    pub variants: Vec<String>,
}

/// How much is spent on properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Spending {
    /// Few cases: for every change.
    Quick,
    /// As many as fit into seconds on a near target.
    Default,
    /// Many: for a night.
    Thorough,
}

impl Spending {
    /// As typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Spending::Quick => "quick",
            Spending::Default => "default",
            Spending::Thorough => "thorough",
        }
    }
}

/// Which findings fail a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Findings that the baseline does not have.
    New,
    /// Broken SHALL and ROBUST rules.
    Shall,
    /// Broken SHOULD rules too.
    Should,
    /// Nothing.
    Never,
}

/// `rounds diagnose`
#[derive(Debug, Clone, Default, Args)]
pub struct DiagnoseArgs {
    /// Base URL of the endpoint
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: TargetArgs,
    /// Only these probes
    #[arg(long = "probe", value_name = "ID")]
    pub probes: Vec<String>,
    /// Machine-readable result
    #[arg(long)]
    pub json: bool,
}

/// `rounds generate`
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// Number of patients
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub patients: u64,
    /// Seed (hexadecimal), or `random`
    #[arg(long, value_name = "SEED")]
    pub seed: Option<String>,
    /// Write one NDJSON file per type into this folder
    #[arg(long, value_name = "DIR", required_unless_present = "bundles")]
    pub ndjson: Option<PathBuf>,
    /// Write one transaction Bundle per patient into this folder
    #[arg(long, value_name = "DIR")]
    pub bundles: Option<PathBuf>,
    /// Threads [default: one per core]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Add witness and decoy data for search tests
    #[arg(long)]
    pub witnesses: bool,
}

/// `rounds sandbox`
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Port on 127.0.0.1; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Switch on a defect; repeatable
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Switch on a legal variant; repeatable
    #[arg(long = "variant", value_name = "ID")]
    pub variants: Vec<String>,
    /// Synthetic patients to begin with
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub patients: u64,
    /// Seed of the patients (hexadecimal)
    #[arg(long, value_name = "SEED")]
    pub seed: Option<String>,
    /// Note acknowledged writes in this file and begin with what it holds
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Where to write the certificate authority of the variant `facade` (PEM)
    #[arg(long, value_name = "FILE", default_value = "sandbox-ca.pem")]
    pub ca_out: PathBuf,
    /// Public keys (JWK Set) of the client `rounds` for the variant `smart`
    #[arg(long, value_name = "FILE")]
    pub client_jwks: Option<PathBuf>,
}

/// `rounds compare`
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// A run id, baseline name or file
    pub a: String,
    /// A run id, baseline name or file [default: the last run]
    pub b: Option<String>,
}

/// `rounds baseline`
#[derive(Debug, Clone, Args)]
pub struct BaselineArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: BaselineAction,
}

/// Actions on baselines.
#[derive(Debug, Clone, Subcommand)]
pub enum BaselineAction {
    /// Save a stored run as a baseline
    Save {
        /// Name or file
        name: String,
        /// Run id [default: the last run]
        run: Option<String>,
    },
    /// List baselines
    List,
    /// Show a baseline
    Show {
        /// Name or file
        name: String,
    },
    /// Accept the last run as the new state of a baseline and print what changes
    Accept {
        /// Name or file
        name: String,
        /// Run id [default: the last run]
        run: Option<String>,
    },
    /// Delete a baseline
    Drop {
        /// Name or file
        name: String,
    },
}

/// `rounds report`
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Run id or file [default: the last run]
    pub run: Option<String>,
    /// Report format, with an optional path; repeatable
    #[arg(long = "format", value_name = "FORMAT[=PATH]")]
    pub formats: Vec<String>,
    /// Compare with a baseline: a name or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub baseline: Option<String>,
}

/// `rounds show`
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Case id, `case#rule` or fingerprint
    pub finding: String,
    /// Run id or file [default: the last run]
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
}

/// `rounds replay`
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// Id of a case or property, or a case file
    pub case: String,
    /// Suite to look in: an id or a file; repeatable [default: the built-in ones and those of rounds.yaml]
    #[arg(long = "suite", value_name = "SUITE")]
    pub suites: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: TargetArgs,
    /// Seed (hexadecimal)
    #[arg(long, value_name = "SEED")]
    pub seed: Option<String>,
    /// The data: `crawl`, or a folder
    #[arg(long, value_name = "DIR|crawl")]
    pub cohort: Option<String>,
    /// Synthetic patients to load
    #[arg(long, value_name = "N")]
    pub population: Option<u64>,
    /// Switch on a defect of the built-in sandbox; repeatable
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Switch on a legal variant of the built-in sandbox; repeatable
    #[arg(long = "variant", value_name = "ID")]
    pub variants: Vec<String>,
}

/// `rounds clean`
#[derive(Debug, Clone, Args)]
pub struct CleanArgs {
    /// Run id [default: the last run that wrote to a target]
    pub run: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: TargetArgs,
}

/// `rounds init`
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Base URL of the endpoint
    pub url: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: TargetArgs,
    /// Name of the target in the file
    #[arg(long, default_value = "default")]
    pub name: String,
    /// File to write
    #[arg(long, default_value = "rounds.yaml", value_name = "FILE")]
    pub output: PathBuf,
}

/// `rounds list`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub what: What,
    // Of use for `cases` alone: the target whose claims decide which cases run.
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: TargetArgs,
    /// JSON for programs
    #[arg(long)]
    pub json: bool,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum What {
    Cases,
    Checks,
    Defects,
    Formats,
    Generators,
    Probes,
    Properties,
    Runs,
    Suites,
    Variants,
}

/// `rounds explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Id as printed by `rounds list`
    pub id: String,
}

/// `rounds config`
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArgs,
}

/// `rounds completions`
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// Shell
    pub shell: clap_complete::Shell,
}

/// `rounds suite`
#[derive(Debug, Clone, Args)]
pub struct SuiteArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: SuiteAction,
}

/// Actions on suite files.
#[derive(Debug, Clone, Subcommand)]
pub enum SuiteAction {
    /// Print every error of suite files with file, line and column
    Check {
        /// Files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Put the keys of suite files into their order; comments stay where they belong
    Fmt {
        /// Write nothing; name the files that would change and exit with 1
        #[arg(long)]
        check: bool,
        /// Files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of suite files, for editors
    Schema,
}

/// `rounds definitions`
#[derive(Debug, Clone, Args)]
pub struct DefinitionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: DefinitionsAction,
}

/// Actions on definitions.
#[derive(Debug, Clone, Subcommand)]
pub enum DefinitionsAction {
    /// Distil a FHIR package into the embedded pack
    Build {
        /// Package (.tgz) or unpacked folder
        package: PathBuf,
        /// Folder to write, or the file
        #[arg(long, default_value = "fixtures/definitions", value_name = "DIR")]
        output: PathBuf,
    },
}

/// `rounds validate`
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// Files with a resource each, as JSON; Questionnaires among them judge the responses to them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// FHIR package to load beside R4 and US Core; repeatable
    #[arg(long, value_name = "PACKAGE.tgz")]
    pub ig: Vec<PathBuf>,
    /// Canonical of a profile to apply beside those that a resource claims; repeatable
    #[arg(long = "as", value_name = "CANONICAL")]
    pub profiles: Vec<String>,
}

/// `rounds scoreboard`
#[derive(Debug, Clone, Args)]
pub struct ScoreboardArgs {
    /// Seeds with which each defect is tried; 0 for none
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub seeds: u64,
    /// Runs without a defect: over the plain sandbox, its legal variants and pairs of them; 0 for none
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub runs: u64,
    /// Only this defect, at the strength named (`id@1ms`); repeatable
    #[arg(long = "defect", value_name = "ID")]
    pub defects: Vec<String>,
    /// Only defects of this class; repeatable
    #[arg(long = "class", value_name = "CLASS")]
    pub classes: Vec<String>,
    /// Only clean runs with this variant, or with none; repeatable
    #[arg(long = "variant", value_name = "ID")]
    pub variants: Vec<String>,
    /// How often a defect shows
    #[arg(long, value_name = "WHICH", default_value = "always")]
    pub strength: Strengths,
    /// Suite to run, one after the other until something is found; repeatable [default: property/core, then core]
    #[arg(long = "suite", value_name = "SUITE")]
    pub suites: Vec<String>,
    /// Only cases that the expression selects
    #[arg(short = 'E', long, value_name = "EXPRESSION")]
    pub filter: Option<String>,
    /// How much to spend on properties
    #[arg(long, value_name = "HOW MUCH")]
    pub budget: Option<Spending>,
    /// Go on after the first finding: every case that finds the defect is named
    #[arg(long)]
    pub whole: bool,
    /// Try each defect with GET alone besides, on data that was there before
    #[arg(long)]
    pub read_only: bool,
    /// Milliseconds that a server with a defect takes for each answer
    #[arg(long, value_name = "MS", default_value_t = 5)]
    pub latency: u64,
    /// Trials at a time
    #[arg(short, long, value_name = "N", default_value_t = 4)]
    pub jobs: usize,
    /// Forget the trials that are done already
    #[arg(long)]
    pub fresh: bool,
    /// Report as html, json, markdown or terminal; repeatable
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    pub reports: Vec<String>,
    /// An earlier scoreboard (JSON): what changed since
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// Folder in which to bring found-by.json, provoked-by.json and minimum.json up to date; with --whole, hints that
    /// do not hold any more go
    #[arg(long, value_name = "DIR", conflicts_with_all = ["filter", "suites"])]
    pub write_hints: Option<PathBuf>,
}

/// How often a planted defect shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strengths {
    /// As usual.
    Always,
    /// At every strength that it has.
    All,
}
