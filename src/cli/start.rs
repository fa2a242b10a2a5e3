//! A target that we start ourselves: starts its program, waits until it answers, kills and starts it again where an
//! engine wants to know what outlasts that. The process itself is in `process`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::clock::SystemClock;
use crate::engine::context::{Restart, Restarting};
use crate::http::client;
use crate::http::target::Target;
use crate::http::{Request, Transport};

use super::failure::Failure;
use super::process::Process;
use super::settings::TargetSettings;

/// How long a program may take to answer.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How long it may take to answer one request meanwhile.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// A running program that answers; ends when the last one that knows it is dropped.
#[derive(Debug)]
pub struct Started {
    process: Mutex<Process>,
    settings: TargetSettings,
}

impl Restart for Started {
    fn restart(&self) -> Restarting<'_> {
        Box::pin(async move {
            let mut process = self.process.lock().await;
            let again = match process.kill().await {
                Ok(()) => process.start_again(),
                Err(error) => Err(error),
            };
            again.map_err(|error| error.to_string())?;
            until_ready(&mut process, &self.settings)
                .await
                .map_err(|failure| failure.why)
        })
    }
}

/// The file with the output of a target's program, in the store.
pub fn log_file(store: &Path, settings: &TargetSettings) -> PathBuf {
    let name: String = settings
        .target
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    store.join("started").join(format!("{name}.log"))
}

/// Starts the target's program, if it names one, and waits until its `ready` URL (or `/metadata`) answers below 500.
/// What it says goes to the file, or nowhere.
///
/// # Errors
/// The program cannot be started, ends at once, or does not answer in time.
pub async fn start(
    settings: &TargetSettings,
    log: Option<PathBuf>,
) -> Result<Option<Arc<Started>>, Failure> {
    let Some(program) = &settings.start else {
        return Ok(None);
    };
    if answers(settings).await? {
        return Err(Failure::usage(
            format!("start `{program}`"),
            "something answers at its URL already; testing it could mean testing the wrong program",
            "stop it first, or drop `start` from the target",
        ));
    }
    let mut process = Process::start(program.clone(), log).map_err(|error| {
        let hint = "`start` is a line for sh, or a list: a program and its arguments";
        Failure::usage(format!("start `{program}`"), error.to_string(), hint)
    })?;
    until_ready(&mut process, settings).await?;
    Ok(Some(Arc::new(Started {
        process: Mutex::new(process),
        settings: settings.clone(),
    })))
}

async fn until_ready(process: &mut Process, settings: &TargetSettings) -> Result<(), Failure> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if answers(settings).await? {
            return Ok(());
        }
        let (why, hint) = if let Some(status) = process.ended() {
            (
                format!("it ended before it answered ({status})"),
                "run the command by hand to see what it prints",
            )
        } else if Instant::now() >= deadline {
            (
                format!("it did not answer within {} s", START_LIMIT.as_secs()),
                "check `ready`: the URL that answers when the program is up",
            )
        } else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let hint = match process.log() {
            Some(log) => format!("{} has what it said", log.display()),
            None => hint.to_owned(),
        };
        let what = format!("start `{}`", process.program());
        return Err(Failure::unreachable(what, why, hint));
    }
}

async fn answers(settings: &TargetSettings) -> Result<bool, Failure> {
    let ready = settings
        .ready
        .clone()
        .unwrap_or_else(|| settings.target.base.clone());
    let url = if settings.ready.is_some() {
        ""
    } else {
        "metadata"
    };
    let target = Target {
        base: ready,
        rate: None,
        timeout: ANSWER_LIMIT,
        ..settings.target.clone()
    };
    let clock = Arc::new(SystemClock::new());
    let transport = client::Client::new(&target, clock).map_err(setup)?;
    let exchange = transport.send(Request::get(url)).await;
    Ok(exchange.status().is_some_and(|status| status < 500))
}

/// A target that cannot be used as described is the user's to mend.
pub fn setup(error: crate::http::target::SetupError) -> Failure {
    Failure::usage(error.what, error.why, error.hint)
}
