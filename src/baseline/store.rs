//! The store: runs, baselines and case files under `.rounds/`, written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::record::Run;
use crate::record::case_file::CaseFile;
use crate::record::id::RunId;
use crate::record::run::SCHEMA;
use crate::seed::Seed;

/// Bytes of a stored run that are read at most.
const MAX_BYTES: u64 = 512 << 20;

/// Runs of one seed that may begin in one second.
const MAX_RUNS_PER_SECOND: u32 = 1_000;

/// Something in the store could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// There is no such thing; what there is instead.
    Missing {
        /// What was looked for.
        what: String,
        /// Names that exist.
        known: Vec<String>,
    },
    /// It is there and cannot be used.
    Unusable {
        /// Path.
        path: String,
        /// Why.
        why: String,
    },
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Missing { what, known } if known.is_empty() => {
                write!(f, "there is no {what}")
            }
            StoreError::Missing { what, known } => {
                write!(f, "there is no {what}; there are: {}", known.join(", "))
            }
            StoreError::Unusable { path, why } => write!(f, "{path}: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A folder with runs, baselines and cases.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// A store in a folder that need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Store { root: root.into() }
    }

    /// Folder of one run.
    pub fn run_folder(&self, id: &RunId) -> PathBuf {
        self.root.join("runs").join(&id.0)
    }

    /// Where a run is stored.
    pub fn run_file(&self, id: &RunId) -> PathBuf {
        self.run_folder(id).join("run.json")
    }

    /// Takes an id for a run that starts now, by making its folder: two runs of one second never share one.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn claim_run(&self, started: jiff::Timestamp, seed: Seed) -> Result<RunId, StoreError> {
        let runs = self.root.join("runs");
        fs::create_dir_all(&runs).map_err(|error| unusable(&runs, error))?;
        let first = RunId::new(started, seed);
        for number in 1..=MAX_RUNS_PER_SECOND {
            let id = match number {
                1 => first.clone(),
                _ => RunId(format!("{first}-{number}")),
            };
            match fs::create_dir(self.run_folder(&id)) {
                Ok(()) => return Ok(id),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unusable(&runs, error)),
            }
        }
        Err(unusable(&runs, "too many runs in one second"))
    }

    /// Gives an id back if nothing was stored under it.
    pub fn release_run(&self, id: &RunId) {
        // A folder with something in it stays, which is what is wanted.
        let _ = fs::remove_dir(self.run_folder(id));
    }

    /// Stores a run and gives its path.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save_run(&self, run: &Run) -> Result<PathBuf, StoreError> {
        let path = self.run_file(&run.id);
        write_json(&path, run)?;
        Ok(path)
    }

    /// Ids of stored runs, oldest first.
    pub fn runs(&self) -> Vec<RunId> {
        names(&self.root.join("runs"), "")
            .into_iter()
            .filter(|name| self.run_file(&RunId(name.clone())).exists())
            .map(RunId)
            .collect()
    }

    /// A run by id, by file, or the last one.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn run(&self, name: Option<&str>) -> Result<Run, StoreError> {
        let Some(name) = name else {
            let last = self.runs().pop();
            let last = last.ok_or_else(|| StoreError::Missing {
                what: "stored run".into(),
                known: Vec::new(),
            })?;
            return read_run(&self.run_file(&last));
        };
        let file = Path::new(name);
        if is_file_name(name) && file.exists() {
            return read_run(file);
        }
        let stored = self.run_file(&RunId(name.to_owned()));
        if stored.exists() {
            return read_run(&stored);
        }
        let mut known: Vec<String> = self.runs().into_iter().map(|id| id.0).collect();
        known.reverse();
        known.truncate(5);
        Err(StoreError::Missing {
            what: format!("run `{name}`"),
            known,
        })
    }

    /// Where a baseline is stored: a file that one names, or a name in the store.
    pub fn baseline_file(&self, name: &str) -> PathBuf {
        if is_file_name(name) {
            PathBuf::from(name)
        } else {
            self.root.join("baselines").join(format!("{name}.json"))
        }
    }

    /// Names of baselines in the store.
    pub fn baselines(&self) -> Vec<String> {
        names(&self.root.join("baselines"), ".json")
    }

    /// Saves a run as a baseline: everything but the exchanges, so that the file can be committed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_baseline(&self, name: &str, run: &Run) -> Result<PathBuf, StoreError> {
        let mut run = run.clone();
        run.exchanges.clear();
        let path = self.baseline_file(name);
        write_json(&path, &run)?;
        Ok(path)
    }

    /// A baseline by name or file.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be read.
    pub fn baseline(&self, name: &str) -> Result<Run, StoreError> {
        let path = self.baseline_file(name);
        if !path.exists() {
            return Err(StoreError::Missing {
                what: format!("baseline `{name}`"),
                known: self.baselines(),
            });
        }
        read_run(&path)
    }

    /// Deletes a baseline.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be deleted.
    pub fn drop_baseline(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.baseline_file(name);
        if !path.exists() {
            return Err(StoreError::Missing {
                what: format!("baseline `{name}`"),
                known: self.baselines(),
            });
        }
        fs::remove_file(&path).map_err(|error| unusable(&path, error))?;
        Ok(path)
    }

    /// Stores a case file and gives its path.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save_case(&self, case: &CaseFile) -> Result<PathBuf, StoreError> {
        let name = format!("{}-{}.json", case.case.replace('/', "-"), case.fingerprint);
        let path = self.root.join("cases").join(name);
        write_json(&path, case)?;
        Ok(path)
    }

    /// Case files of a case id, newest name last.
    ///
    /// # Errors
    /// A case file cannot be read.
    pub fn cases(&self, id: &str) -> Result<Vec<CaseFile>, StoreError> {
        let folder = self.root.join("cases");
        let mut cases = Vec::new();
        for name in names(&folder, ".json") {
            let case = read_case(&folder.join(format!("{name}.json")))?;
            if case.case == id {
                cases.push(case);
            }
        }
        Ok(cases)
    }
}

/// Reads a case file.
///
/// # Errors
/// It cannot be read or is none.
pub fn read_case(path: &Path) -> Result<CaseFile, StoreError> {
    let text = fs::read_to_string(path).map_err(|error| unusable(path, error))?;
    serde_json::from_str(&text).map_err(|error| unusable(path, format!("not a case file: {error}")))
}

/// A name with a folder or an ending is a file that the user keeps.
fn is_file_name(name: &str) -> bool {
    name.contains(['/', '\\'])
        || Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "json")
}

fn read_run(path: &Path) -> Result<Run, StoreError> {
    let size = fs::metadata(path)
        .map_err(|error| unusable(path, error))?
        .len();
    if size > MAX_BYTES {
        return Err(unusable(
            path,
            format!("it has {size} bytes; a run has {MAX_BYTES} at most"),
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| unusable(path, error))?;
    let value: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| unusable(path, format!("not JSON: {error}")))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema <= u64::from(SCHEMA) => {}
        Some(schema) => {
            let why = format!(
                "it has schema {schema}; this version of rounds reads up to {SCHEMA}: use a newer one"
            );
            return Err(unusable(path, why));
        }
        None => return Err(unusable(path, "it is not a run of rounds")),
    }
    serde_json::from_str(&text)
        .map_err(|error| unusable(path, format!("not a run of rounds: {error}")))
}

/// Writes beside the file and renames, so that a stop in between leaves the old file or none.
fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), StoreError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(|error| unusable(folder, error))?;
    }
    let mut text = serde_json::to_string_pretty(value).map_err(|error| unusable(path, error))?;
    text.push('\n');
    let beside = path.with_extension("json.part");
    let written = fs::File::create(&beside).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| unusable(path, error))
}

fn names(folder: &Path, ending: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn unusable(path: &Path, why: impl ToString) -> StoreError {
    StoreError::Unusable {
        path: path.display().to_string(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::run::sample;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("rounds-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_run_comes_back_as_it_was_stored() {
        let root = folder("run");
        let store = Store::new(&root);
        store.save_run(&sample()).unwrap();
        assert_eq!(store.run(None).unwrap(), sample());
        assert_eq!(store.run(Some(&sample().id.0)).unwrap(), sample());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn runs_of_one_second_have_ids_of_their_own_and_an_unused_one_is_given_back() {
        let root = folder("claim");
        let store = Store::new(&root);
        let claim = || {
            store
                .claim_run(jiff::Timestamp::UNIX_EPOCH, Seed::FIXED)
                .unwrap()
        };
        let (first, second) = (claim(), claim());
        assert_eq!(second.0, format!("{first}-2"));
        store.release_run(&second);
        assert_eq!(claim(), second);
        assert!(store.runs().is_empty(), "a folder alone is no run");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_missing_baseline_names_those_that_exist() {
        let root = folder("baseline");
        let store = Store::new(&root);
        store.save_baseline("main", &sample()).unwrap();
        let error = store.baseline("mian").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no baseline `mian`; there are: main"
        );
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_run_of_a_newer_version_is_refused_with_a_sentence() {
        let root = folder("newer");
        fs::create_dir_all(&root).unwrap();
        let file = root.join("run.json");
        fs::write(&file, "{\"schema\": 99}").unwrap();
        let error = Store::new(&root)
            .run(Some(file.to_str().unwrap()))
            .unwrap_err();
        assert!(error.to_string().contains("use a newer one"), "{error}");
        fs::remove_dir_all(root).unwrap();
    }
}
