//! A program that we started, with everything that it started in turn: begun, killed, ended. Whether it is ready is
//! asked in `start`.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

/// How long a program may take to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Pause between two looks at a program that is to end.
const PAUSE: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments, as they are.
    Arguments(Vec<String>),
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Program::Shell(line) => f.write_str(line),
            Program::Arguments(arguments) => f.write_str(&arguments.join(" ")),
        }
    }
}

impl Program {
    fn command(&self) -> Command {
        let (name, arguments) = match self {
            Program::Shell(line) => ("sh", vec!["-c", line.as_str()]),
            Program::Arguments(arguments) => {
                let mut arguments = arguments.iter().map(String::as_str);
                (arguments.next().unwrap_or_default(), arguments.collect())
            }
        };
        let mut command = Command::new(name);
        // A group of its own: what the program starts ends with it.
        command
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null());
        command
    }
}

/// Groups that run: what is left of them ends with us, however we end.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every program that we started: for an end that runs no destructors.
pub fn kill_all() {
    for group in std::mem::take(&mut *running()) {
        signal(group, "-KILL");
    }
}

/// A running program; ends with its process group when dropped.
#[derive(Debug)]
pub struct Process {
    program: Program,
    log: Option<PathBuf>,
    child: Child,
    group: u32,
}

impl Process {
    /// Starts a program; both its outputs go to the file, from its beginning, or nowhere.
    ///
    /// # Errors
    /// There is no such program, or the file cannot be written.
    pub fn start(program: Program, log: Option<PathBuf>) -> io::Result<Self> {
        if let Some(log) = &log {
            fs::create_dir_all(log.parent().unwrap_or(Path::new("")))?;
            File::create(log)?;
        }
        let (child, group) = spawn(&program, log.as_deref())?;
        Ok(Process {
            program,
            log,
            child,
            group,
        })
    }

    /// What was started.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The file with its output.
    pub fn log(&self) -> Option<&Path> {
        self.log.as_deref()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// `kill -9`, to the whole group at once; returns when it is gone.
    ///
    /// # Errors
    /// The system does not say that it is gone.
    pub async fn kill(&mut self) -> io::Result<()> {
        signal(self.group, "-KILL");
        running().remove(&self.group);
        self.child.wait().await.map(|_| ())
    }

    /// Starts the same program again; its output goes on in the same file.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        (self.child, self.group) = spawn(&self.program, self.log.as_deref())?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        signal(self.group, "-TERM");
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(PAUSE),
                Ok(Some(_)) | Err(_) => break,
            }
        }
        // What is left of the group after its leader ended, or the leader that did not obey.
        signal(self.group, "-KILL");
        running().remove(&self.group);
    }
}

fn spawn(program: &Program, log: Option<&Path>) -> io::Result<(Child, u32)> {
    let (out, err) = match log {
        Some(log) => {
            let file = File::options().append(true).open(log)?;
            (Stdio::from(file.try_clone()?), Stdio::from(file))
        }
        None => (Stdio::null(), Stdio::null()),
    };
    let child = program.command().stdout(out).stderr(err).spawn()?;
    let group = child.id().unwrap_or_default();
    running().insert(group);
    Ok((child, group))
}

fn signal(group: u32, signal: &str) {
    // Best effort: a group that is gone is what we want.
    let _ = std::process::Command::new("kill")
        .args([signal, "--", &format!("-{group}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a file before a test gives up.
    const MAX_POLLS: u32 = 1_000;

    fn log(name: &str) -> PathBuf {
        let folder = format!("rounds-process-{}", std::process::id());
        std::env::temp_dir().join(folder).join(name)
    }

    async fn said(log: &Path, lines: usize) -> String {
        let mut text = String::new();
        for _ in 0..MAX_POLLS {
            text = fs::read_to_string(log).unwrap_or_default();
            if text.lines().count() >= lines {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        text
    }

    #[tokio::test]
    async fn what_a_program_says_is_kept_over_a_kill_and_a_new_start() {
        let log = log("kept");
        let program = Program::Shell("echo out; echo err >&2; sleep 600".to_owned());
        let mut process = Process::start(program, Some(log.clone())).unwrap();
        assert_eq!(said(&log, 2).await, "out\nerr\n");
        assert!(process.ended().is_none());
        process.kill().await.unwrap();
        assert!(process.ended().is_some());
        process.start_again().unwrap();
        assert_eq!(said(&log, 4).await, "out\nerr\nout\nerr\n");
    }

    #[tokio::test]
    async fn arguments_reach_a_program_as_they_are() {
        let log = log("arguments");
        let arguments = ["printf", "%s\\n", "a b", "$HOME"].map(str::to_owned);
        let program = Program::Arguments(arguments.to_vec());
        let _process = Process::start(program, Some(log.clone())).unwrap();
        assert_eq!(said(&log, 2).await, "a b\n$HOME\n");
    }

    #[test]
    fn a_program_that_there_is_not_is_an_error() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _entered = runtime.enter();
        for arguments in [vec!["/no/such/program".to_owned()], Vec::new()] {
            assert!(Process::start(Program::Arguments(arguments), None).is_err());
        }
    }
}
