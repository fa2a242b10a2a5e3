//! A target that we start ourselves: runs its command, waits until it answers, ends it when dropped.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::clock::SystemClock;
use crate::http::client;
use crate::http::target::Target;
use crate::http::{Request, Transport};

use super::failure::Failure;
use super::settings::TargetSettings;

/// How long a program may take to answer.
const START_LIMIT: Duration = Duration::from_secs(90);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a program may take to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running program; ends with its process group when dropped.
#[derive(Debug)]
pub struct Started {
    child: Child,
    group: u32,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.signal("-TERM");
        let deadline = std::time::Instant::now() + STOP_LIMIT;
        while std::time::Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Ok(Some(_)) | Err(_) => break,
            }
        }
        // What is left of the group after its leader ended, or the leader that did not obey.
        self.signal("-KILL");
    }
}

impl Started {
    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.group);
        // Best effort: a group that is gone is what we want.
        let _ = std::process::Command::new("kill")
            .args([signal, "--", &group])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Starts the target's program, if it names one, and waits until its `ready` URL (or `/metadata`) answers below 500.
///
/// # Errors
/// The program cannot be started, ends at once, or does not answer in time.
pub async fn start(settings: &TargetSettings) -> Result<Option<Started>, Failure> {
    let Some(command) = &settings.start else {
        return Ok(None);
    };
    if answers(settings).await? {
        return Err(Failure::usage(
            format!("start `{command}`"),
            "something answers at its URL already; testing it could mean testing the wrong program",
            "stop it first, or drop `start` from the target",
        ));
    }
    let child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Failure::usage(format!("start `{command}`"), error.to_string(), ""))?;
    let group = child.id().unwrap_or_default();
    let mut started = Started { child, group };
    let deadline = std::time::Instant::now() + START_LIMIT;
    loop {
        if answers(settings).await? {
            return Ok(Some(started));
        }
        if let Ok(Some(status)) = started.child.try_wait() {
            return Err(Failure::unreachable(
                format!("start `{command}`"),
                format!("it ended before it answered ({status})"),
                "run the command by hand to see what it prints",
            ));
        }
        if std::time::Instant::now() >= deadline {
            return Err(Failure::unreachable(
                format!("start `{command}`"),
                format!("it did not answer within {} s", START_LIMIT.as_secs()),
                "check `ready`: the URL that answers when the program is up",
            ));
        }
        tokio::time::sleep(PAUSE).await;
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
        timeout: Duration::from_secs(5),
        ..settings.target.clone()
    };
    let clock = std::sync::Arc::new(SystemClock::new());
    let transport = client::Client::new(&target, clock).map_err(setup)?;
    let exchange = transport.send(Request::get(url)).await;
    Ok(exchange.status().is_some_and(|status| status < 500))
}

/// A target that cannot be used as described is the user's to mend.
pub fn setup(error: crate::http::target::SetupError) -> Failure {
    Failure::usage(error.what, error.why, error.hint)
}
