//! What a sandbox has acknowledged, in a file: one line for each request that changed something, written before the
//! request is answered and read again at the next start. A `kill -9` loses nothing of it; a power cut may, for nothing
//! waits for the disk. Not a database: the file only grows.
//!
//! The first line says what the file is. Each further line is the list of the versions that one request made, so that
//! a transaction is there as a whole or not at all.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::{Version, write};
use crate::fhir::Key;
use crate::http::message::Method;

/// The first line: what the file is, and the form of the other lines.
const TITLE: &str = "{\"journal\":\"rounds sandbox\",\"schema\":1}";

/// Bytes of a journal that are read at most.
pub const SIZE_LIMIT: u64 = 2 << 30;

/// A journal that is open for writing; nobody else has it open.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// What the file held when it was opened, until a server takes it.
    held: Vec<Version>,
}

/// A journal that was opened, and what was wrong with it.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Arc<Journal>,
    /// Versions that it held.
    pub versions: usize,
    /// A sentence if its last line was torn; what the line would have said was never acknowledged.
    pub warning: Option<String>,
}

/// One version as it stands in a line.
#[derive(Serialize, Deserialize)]
struct Entry<R> {
    key: String,
    version: String,
    instant: String,
    method: Method,
    status: u16,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    resource: Option<R>,
}

fn none<R>() -> Option<R> {
    None
}

impl Journal {
    /// Opens a journal, beginning it if there is no such file.
    ///
    /// # Errors
    /// A sentence if the file cannot be read and written, is open elsewhere, is something else, or has a line (but for
    /// a torn last one) that no sandbox wrote. Such a file is left as it is.
    pub fn open(path: &Path) -> Result<Opened, String> {
        let text = |error: io::Error| error.to_string();
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(text)?;
        file.try_lock()
            .map_err(|_| "another sandbox has it open".to_owned())?;
        let size = file.metadata().map_err(text)?.len();
        if size > SIZE_LIMIT {
            return Err(format!(
                "it has {size} bytes; a journal has {SIZE_LIMIT} at most"
            ));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(text)?;
        let (held, length) = read(&bytes)?;
        let torn = bytes.len() - length;
        let warning = (torn > 0).then(|| {
            format!("the last line is torn: {torn} bytes that were never acknowledged are left out")
        });
        let mut inner = Inner {
            file,
            length: length as u64,
            held: Vec::new(),
        };
        inner.cut_back().map_err(text)?;
        if length == 0 {
            inner.append(TITLE.as_bytes()).map_err(text)?;
        }
        let versions = held.len();
        inner.held = held;
        Ok(Opened {
            journal: Arc::new(Journal {
                inner: Mutex::new(inner),
            }),
            versions,
            warning,
        })
    }

    /// What the file held when it was opened, oldest first; the second time there is nothing.
    pub(super) fn take_held(&self) -> Vec<Version> {
        std::mem::take(&mut self.lock().held)
    }

    /// Writes what one request made; it may be acknowledged once this has returned.
    ///
    /// # Errors
    /// The file cannot be written; nothing of the line is kept then.
    pub(super) fn note(&self, versions: &[Arc<Version>]) -> io::Result<()> {
        let entries: Vec<Entry<&Value>> = versions.iter().map(|version| entry(version)).collect();
        self.lock().append(&serde_json::to_vec(&entries)?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // Half a line in the middle would make the file worthless; if this fails too, the next start says so.
            let _ = self.cut_back();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Takes away what stands behind the last whole line.
    fn cut_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(|_| ())
    }
}

/// The versions of a journal and the bytes of its whole lines.
fn read(bytes: &[u8]) -> Result<(Vec<Version>, usize), String> {
    let is_other = "it is not a journal of the sandbox";
    let mut versions: Vec<Version> = Vec::new();
    let mut length = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let whole = line.strip_suffix(b"\n");
        match (index, whole) {
            (0, None) if TITLE.as_bytes().starts_with(line) => break,
            (0, Some(line)) if line == TITLE.as_bytes() => {}
            (0, _) => return Err(is_other.to_owned()),
            (_, None) => break,
            (_, Some(line)) => {
                let entries: Vec<Entry<Value>> = serde_json::from_slice(line)
                    .map_err(|error| format!("line {} is damaged: {error}", index + 1))?;
                for entry in entries {
                    let version = version(entry)
                        .ok_or_else(|| format!("line {} names no version", index + 1))?;
                    versions.push(version);
                }
            }
        }
        length += line.len();
    }
    Ok((versions, length))
}

fn entry(version: &Version) -> Entry<&Value> {
    Entry {
        key: version.key.to_string(),
        version: version.version_id.clone(),
        instant: version.last_updated(),
        method: version.method,
        status: version.status,
        resource: version.resource.as_ref(),
    }
}

/// A version but for its places, which the store gives.
fn version(entry: Entry<Value>) -> Option<Version> {
    let body = entry.resource.as_ref().map(write).unwrap_or_default();
    Some(Version {
        key: Key::from_reference(&entry.key)?,
        number: 0,
        position: 0,
        version_id: entry.version,
        instant: entry.instant.parse::<Timestamp>().ok()?,
        method: entry.method,
        status: entry.status,
        resource: entry.resource,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_count() {
        let line = r#"[{"key":"Patient/1","version":"1","instant":"2024-05-01T10:00:00.000Z","method":"PUT","status":201,"resource":{"a":1.10}}]"#;
        let whole = format!("{TITLE}\n{line}\n");
        let (versions, length) = read(whole.as_bytes()).unwrap();
        assert_eq!((versions.len(), length), (1, whole.len()));
        assert_eq!(versions[0].body.as_ref(), br#"{"a":1.10}"#);
        let torn = format!("{whole}{line}");
        assert_eq!(read(torn.as_bytes()).unwrap().1, whole.len());
        assert_eq!(read(&TITLE.as_bytes()[..7]).unwrap().1, 0);
    }

    #[test]
    fn other_files_and_damaged_lines_are_refused() {
        let refused = |text: String| read(text.as_bytes()).unwrap_err();
        assert!(refused("name,age\nAda,36\n".to_owned()).contains("not a journal"));
        assert!(refused("{}".to_owned()).contains("not a journal"));
        let damaged = refused(format!("{TITLE}\n[]\n[{{\"key\":\n[]\n"));
        assert!(damaged.starts_with("line 3 is damaged"), "{damaged}");
        let nameless = r#"[{"key":"","version":"1","instant":"soon","method":"PUT","status":201}]"#;
        assert!(refused(format!("{TITLE}\n{nameless}\n")).contains("line 2"));
    }
}
