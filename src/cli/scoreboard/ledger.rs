//! The ledger: trials that are done, one per line, so that a board that was interrupted goes on where it was. It belongs
//! to one build of the program, one catalogue and one plan; another one begins its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::engine::scoreboard::{Row, Trial};
use crate::record::id::Fingerprint;

/// Rows on disk.
pub struct Ledger {
    path: PathBuf,
    rows: BTreeMap<String, Row>,
    file: Mutex<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    trial: String,
    row: Row,
}

impl Ledger {
    /// Opens the ledger of these terms in a store's folder; `fresh` empties it. A line that cannot be read, such as one
    /// that was cut short, is left out, and its trial runs again.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn open(store: &Path, terms: &[&str], fresh: bool) -> io::Result<Self> {
        let folder = store.join("scoreboard");
        fs::create_dir_all(&folder)?;
        let key = Fingerprint::new(terms.iter().copied());
        let path = folder.join(format!("{key}.jsonl"));
        let text = match fresh {
            true => String::new(),
            false => fs::read_to_string(&path).unwrap_or_default(),
        };
        let rows = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok())
            .map(|line| (line.trial, line.row))
            .collect();
        let mut file = File::options().create(true).append(true).open(&path)?;
        if fresh {
            file.set_len(0)?;
        } else if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(Ledger {
            path,
            rows,
            file: Mutex::new(file),
        })
    }

    /// The row of a trial that is done.
    pub fn row(&self, trial: &Trial) -> Option<&Row> {
        self.rows.get(&trial.key())
    }

    /// Notes a row; flushed at once.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self, trial: &Trial, row: &Row) -> io::Result<()> {
        let line = Line {
            trial: trial.key(),
            row: row.clone(),
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let mut file = self.file.lock().expect("no panic while held");
        file.write_all(text.as_bytes())?;
        file.flush()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What tells this build of the program from others.
pub fn build() -> String {
    let bytes = std::env::current_exe().and_then(fs::read);
    let digest = bytes.map(|bytes| ring::digest::digest(&ring::digest::SHA256, &bytes));
    let bytes = digest.map(|digest| digest.as_ref().to_vec());
    let text = bytes.unwrap_or_default();
    text.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::scoreboard::CleanRun;
    use crate::seed::Seed;

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("rounds-ledger-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    fn row(requests: u64) -> Row {
        Row::Clean(CleanRun {
            variants: Vec::new(),
            seed: "1".to_owned(),
            findings: Vec::new(),
            undecided: Vec::new(),
            decided: 3,
            requests,
        })
    }

    #[test]
    fn what_was_noted_is_there_the_next_time_and_not_under_other_terms() {
        let folder = folder("again");
        let trial = Trial::Clean(Vec::new(), Seed(1));
        let ledger = Ledger::open(&folder, &["a"], false).unwrap();
        ledger.note(&trial, &row(7)).unwrap();
        // A line that was cut short.
        let mut file = File::options().append(true).open(ledger.path()).unwrap();
        file.write_all(b"{\"trial\":\"clean//2\",").unwrap();
        let again = Ledger::open(&folder, &["a"], false).unwrap();
        assert_eq!(again.row(&trial), Some(&row(7)));
        let second = Trial::Clean(Vec::new(), Seed(2));
        assert_eq!(again.row(&second), None);
        again.note(&second, &row(8)).unwrap();
        let third = Ledger::open(&folder, &["a"], false).unwrap();
        assert_eq!(third.row(&second), Some(&row(8)));
        assert_eq!(
            Ledger::open(&folder, &["b"], false).unwrap().row(&trial),
            None
        );
        assert_eq!(
            Ledger::open(&folder, &["a"], true).unwrap().row(&trial),
            None
        );
        assert_eq!(
            Ledger::open(&folder, &["a"], false).unwrap().row(&trial),
            None
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
