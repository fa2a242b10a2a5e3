//! `rounds diagnose`: asks an endpoint the probes' questions, reading only, and prints what it makes of the answers.
//! Stores nothing.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::engine::diagnose::{MAX_REQUESTS, Options, RATE, diagnose};
use crate::http::dial::dial;
use crate::http::{ReadOnly, client};
use crate::probe::{self, PROBES};
use crate::record::consultation::{Consultation, Mark};
use crate::record::event::{Event, Observer};
use crate::report::consultation::render;

use super::super::args::{Common, DiagnoseArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::progress::Progress;
use super::super::settings::{self, TargetSettings};
use super::super::{output, setup, start};

/// Diagnoses.
///
/// # Errors
/// No endpoint is named, a probe is unknown, the settings cannot be used, or nothing answers.
pub fn run(common: &Common, args: &DiagnoseArgs) -> Result<Exit, Failure> {
    check_probes(&args.probes)?;
    let endpoint = endpoint(common, args)?;
    let options = options(args, &endpoint);
    let progress = Progress::new(common.quiet, common.no_progress, common.verbose > 0);
    progress.observe(Event::Stage(format!(
        "asking {}: at most {} requests, {} per second",
        endpoint.target.base, options.max_requests, options.rate
    )));
    let consultation = super::run::runtime()?.block_on(consult(&endpoint, &options));
    progress.finish();
    let consultation = consultation?;
    if args.json {
        let json = serde_json::to_string_pretty(&consultation).expect("a record is plain data");
        output::print(&json);
    } else {
        output::print(render(&consultation).trim_end());
    }
    conclude(&consultation)
}

fn check_probes(named: &[String]) -> Result<(), Failure> {
    let known: Vec<&str> = PROBES.iter().map(|probe| probe.spec().id).collect();
    match named.iter().find(|id| probe::find(id).is_none()) {
        Some(id) => Err(setup::unknown("probe", id, &known)),
        None => Ok(()),
    }
}

/// The endpoint of a URL, of a name, or of the profile; writing is taken away whatever else permits it.
fn endpoint(common: &Common, args: &DiagnoseArgs) -> Result<TargetSettings, Failure> {
    let config = Config::read(common.config.as_deref())?;
    let profile = settings::profile(&config, common.profile.as_deref())?;
    let name = args
        .url
        .clone()
        .or_else(|| args.target.target.clone())
        .or(profile.target);
    let found = settings::resolve_target(name.as_deref(), &args.target, &config)?;
    let mut endpoint = found.ok_or_else(|| {
        Failure::usage(
            "choose an endpoint to diagnose",
            "neither a URL nor a target of rounds.yaml is named",
            "for example: rounds diagnose https://host/fhir, or -t NAME",
        )
    })?;
    endpoint.target.writes = false;
    endpoint.target.load = false;
    Ok(endpoint)
}

fn options(args: &DiagnoseArgs, endpoint: &TargetSettings) -> Options {
    let target = &endpoint.target;
    // A rate that was configured for runs may be too fast for an endpoint that is ill; a flag is meant.
    let configured = target.rate.map_or(RATE, |rate| rate.min(RATE));
    Options {
        patient: endpoint.patients.first().cloned(),
        probes: args.probes.clone(),
        insecure: target.insecure,
        max_requests: target.max_requests.unwrap_or(MAX_REQUESTS),
        rate: args.target.rate.unwrap_or(configured),
    }
}

async fn consult(endpoint: &TargetSettings, options: &Options) -> Result<Consultation, Failure> {
    let target = &endpoint.target;
    // Nothing of a consultation is stored, what the program says included.
    let _started = start::start(endpoint, None).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let transport = client::connect(target, Arc::clone(&clock)).map_err(start::setup)?;
    let way = dial(target, &*clock).await;
    Ok(diagnose(ReadOnly::new(transport), way, options, clock).await)
}

fn conclude(consultation: &Consultation) -> Result<Exit, Failure> {
    if consultation.is_unreachable() {
        let line = consultation
            .lines
            .iter()
            .find(|line| line.mark == Mark::Fail);
        return Err(Failure::unreachable(
            format!("reach {}", consultation.target),
            line.map(|line| line.fact.clone()).unwrap_or_default(),
            line.and_then(|line| line.next_step.clone())
                .unwrap_or_else(|| "is the server up, and are host and port right?".to_owned()),
        ));
    }
    Ok(match consultation.exit_code() {
        0 => Exit::Ok,
        1 => Exit::Findings,
        _ => Exit::Undecided,
    })
}
