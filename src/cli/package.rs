//! Reads FHIR packages (`.tgz`, or unpacked as a folder) into documents, within limits.
//! Not what the documents mean: `fhir::definitions::build` distils them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::failure::Failure;
use crate::fhir::definitions::{Guide, Library, build};

/// The largest file that is read from a package, in bytes; the largest of R4 has 35 MB.
const MAX_FILE: u64 = 128 << 20;

/// All files of a package together, unpacked, in bytes; those of R4 have 100 MB.
const MAX_TOTAL: u64 = 512 << 20;

/// Entries of one archive; the largest published guides have a few thousand.
const MAX_ENTRIES: usize = 100_000;

/// Folders nested deeper than this are refused.
const MAX_FOLDER_DEPTH: usize = 16;

/// Documents by file name.
pub type Documents = BTreeMap<String, Value>;

/// Reads all JSON files of a package whose names the filter takes.
pub fn read(input: &Path, takes: impl Fn(&str) -> bool) -> Result<Documents, String> {
    let mut reader = Reader {
        takes: &takes,
        documents: Documents::new(),
        total: 0,
        entries: 0,
    };
    if input.is_dir() {
        reader.folder(input, input, 0)?;
    } else {
        reader.archive(input)?;
    }
    Ok(reader.documents)
}

/// True for the files that define: those at the top of `package/`, and not the examples, API descriptions and logs.
pub fn is_definition(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let folder = parts.next();
    matches!(folder, None | Some("package")) && !file.starts_with('.')
}

/// Reads a FHIR package as a guide over a library.
///
/// # Errors
/// A file that cannot be read, limits, a package without definitions, and profiles without a snapshot whose base is
/// not known.
pub fn guide(input: &Path, library: &Library) -> Result<Guide, String> {
    let documents = read(input, is_definition)?;
    let (guide, problems) = build::guide(&documents, library);
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    if guide.profiles.is_empty()
        && guide.codes.value_sets.is_empty()
        && guide.questionnaires.is_empty()
    {
        return Err(format!(
            "{}: no profile, no value set and no Questionnaire",
            input.display()
        ));
    }
    Ok(guide)
}

/// What is built in, and packages.
///
/// # Errors
/// The first package that cannot be used.
pub fn library(packages: &[PathBuf]) -> Result<Arc<Library>, Failure> {
    let mut library = Arc::clone(Library::built_in());
    for path in packages {
        let what = format!("load the package {}", path.display());
        let guide = guide(path, &library).map_err(|why| {
            let hint = "a FHIR package is a .tgz with `package/package.json`, or its folder";
            Failure::usage(what, why, hint)
        })?;
        library = Arc::new(library.with(vec![Arc::new(guide)]));
    }
    Ok(library)
}

struct Reader<'r> {
    takes: &'r dyn Fn(&str) -> bool,
    documents: Documents,
    total: u64,
    entries: usize,
}

impl Reader<'_> {
    fn archive(&mut self, input: &Path) -> Result<(), String> {
        let at = |error: std::io::Error| format!("{}: {error}", input.display());
        let file = fs::File::open(input).map_err(at)?;
        // What the archive unpacks to is limited as a whole, headers and passed-over files included.
        let unpacked = flate2::read::GzDecoder::new(file).take(2 * MAX_TOTAL);
        let mut archive = tar::Archive::new(unpacked);
        for entry in archive.entries().map_err(at)? {
            let entry = entry.map_err(at)?;
            let name = entry.path().map_err(at)?.to_string_lossy().into_owned();
            self.file(name, entry)?;
        }
        Ok(())
    }

    fn folder(&mut self, root: &Path, folder: &Path, depth: usize) -> Result<(), String> {
        if depth > MAX_FOLDER_DEPTH {
            return Err(format!("{}: folders nested too deeply", root.display()));
        }
        let at = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            if path.is_dir() {
                self.folder(root, &path, depth + 1)?;
            } else {
                let relative = path.strip_prefix(root).unwrap_or(&path);
                let name = relative.to_string_lossy().into_owned();
                self.file(name, fs::File::open(&path).map_err(at)?)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, name: String, source: impl Read) -> Result<(), String> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(format!("more than {MAX_ENTRIES} files"));
        }
        if !name.ends_with(".json") || !(self.takes)(&name) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        source
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("{name}: {error}"))?;
        self.total += bytes.len() as u64;
        if bytes.len() as u64 > MAX_FILE {
            return Err(format!("{name}: larger than {MAX_FILE} bytes"));
        }
        if self.total > MAX_TOTAL {
            return Err(format!("larger than {MAX_TOTAL} bytes unpacked"));
        }
        let document =
            serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))?;
        self.documents.insert(name, document);
        Ok(())
    }
}
