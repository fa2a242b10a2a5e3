//! Populations as files: NDJSON per type, or a transaction Bundle per patient, and back. Never half a file:
//! everything is written under a temporary name and renamed when it is whole.
//!
//! The bytes depend on the plan alone, not on the number of jobs. A folder that holds files of another
//! population is refused, because [`read`] could not tell them apart.

mod bundle;
mod ndjson;
mod read;

use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use bundle::bundles;
pub use ndjson::ndjson;
pub use read::read;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Files.
    pub files: u64,
    /// Resources in them.
    pub resources: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} resources in {} files", self.resources, self.files)
    }
}

/// Patients that one thread makes at a time; bounds the memory.
const CHUNK: u64 = 32;
/// Threads at most.
const JOBS: usize = 256;
/// The end of the name of a file that is not whole yet.
const PARTIAL: &str = ".partial";

/// Calls `make` for ranges of patients on several threads and `take` with the results in order.
fn in_order<T: Send>(
    patients: u64,
    jobs: usize,
    make: impl Fn(Range<u64>) -> Result<T, String> + Sync,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), String> {
    let jobs = jobs.clamp(1, JOBS) as u64;
    let mut next = 0;
    while next < patients {
        let chunks: Vec<Range<u64>> = (0..jobs)
            .map(|job| next + job * CHUNK)
            .filter(|start| *start < patients)
            .map(|start| start..patients.min(start + CHUNK))
            .collect();
        next = chunks.last().map_or(patients, |chunk| chunk.end);
        let results: Vec<Result<T, String>> = std::thread::scope(|scope| {
            let make = &make;
            let threads: Vec<_> = chunks
                .into_iter()
                .map(|chunk| scope.spawn(move || make(chunk)))
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err("a thread that makes patients died".to_owned()))
                })
                .collect()
        });
        for result in results {
            take(result?)?;
        }
    }
    Ok(())
}

/// A file under its temporary name; removed unless it is kept.
struct Draft {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Draft {
    fn create(dir: &Path, name: &str) -> Result<Self, String> {
        let path = dir.join(name);
        let temporary = dir.join(format!("{name}{PARTIAL}"));
        let file = File::create(&temporary)
            .map_err(|error| format!("cannot create {}: {error}", temporary.display()))?;
        Ok(Draft {
            path,
            temporary,
            file: Some(BufWriter::new(file)),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let file = self
            .file
            .as_mut()
            .expect("a draft is open until it is kept");
        file.write_all(bytes)
            .map_err(|error| format!("cannot write {}: {error}", self.temporary.display()))
    }

    /// Ends the file and gives it its name.
    fn keep(mut self) -> Result<(), String> {
        if let Some(mut file) = self.file.take() {
            file.flush()
                .map_err(|error| format!("cannot write {}: {error}", self.temporary.display()))?;
        }
        fs::rename(&self.temporary, &self.path)
            .map_err(|error| format!("cannot rename to {}: {error}", self.path.display()))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After `keep` there is nothing under this name; before it, nobody wants what is there.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes the folder, and refuses one that holds data files whose names `ours` does not know.
fn prepare(dir: &Path, ours: impl Fn(&str) -> bool) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("cannot create {}: {error}", dir.display()))?;
    for name in data_files(dir)? {
        if !ours(&name) {
            return Err(format!(
                "{} holds {name}, which is not of this population; choose an empty folder",
                dir.display()
            ));
        }
    }
    Ok(())
}

/// Names of the NDJSON and JSON files in a folder, sorted.
fn data_files(dir: &Path) -> Result<Vec<String>, String> {
    let failed = |error| format!("cannot list {}: {error}", dir.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".ndjson") || name.ends_with(".json") {
            names.push(name.into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}
