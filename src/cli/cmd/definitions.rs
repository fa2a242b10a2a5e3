//! `rounds definitions build`: makes the definitions pack from a published package.
//! Not needed to run the harness: the pack is embedded; this is how it was made.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::fhir::definitions::{build, sizes};

/// The largest file that is read from a package, in bytes; the largest of R4 has 35 MB.
const MAX_FILE: u64 = 128 << 20;

/// Folders nested deeper than this are refused.
const MAX_FOLDER_DEPTH: usize = 16;

/// Reads an npm or FHIR package (`.tgz`, or unpacked as a folder), writes the pack and returns its sizes as text.
pub fn run(input: &Path, output: &Path) -> Result<String, String> {
    let mut documents = BTreeMap::new();
    if input.is_dir() {
        read_folder(input, input, 0, &mut documents)?;
    } else {
        read_archive(input, &mut documents)?;
    }
    let pack = build::build(&documents).map_err(|error| error.to_string())?;
    fs::write(output, &pack).map_err(|error| format!("{}: {error}", output.display()))?;
    describe(&pack)
}

fn describe(pack: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    for part in sizes(pack).map_err(|error| error.to_string())? {
        text.push_str(&format!(
            "{:<12} {:>9} bytes, {:>9} decoded\n",
            part.name, part.compressed, part.raw
        ));
    }
    text.push_str(&format!("{:<12} {:>9} bytes\n", "pack", pack.len()));
    Ok(text)
}

fn read_archive(input: &Path, documents: &mut BTreeMap<String, Value>) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", input.display());
    let file = fs::File::open(input).map_err(at)?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries().map_err(at)? {
        let entry = entry.map_err(at)?;
        let name = entry.path().map_err(at)?.to_string_lossy().into_owned();
        if name.ends_with(".json") {
            let bytes = read_limited(entry, &name)?;
            add(name, &bytes, documents)?;
        }
    }
    Ok(())
}

fn read_folder(
    root: &Path,
    folder: &Path,
    depth: usize,
    documents: &mut BTreeMap<String, Value>,
) -> Result<(), String> {
    if depth > MAX_FOLDER_DEPTH {
        return Err(format!("{}: folders nested too deeply", root.display()));
    }
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.is_dir() {
            read_folder(root, &path, depth + 1, documents)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let name = relative.to_string_lossy().into_owned();
            let bytes = read_limited(fs::File::open(&path).map_err(at)?, &name)?;
            add(name, &bytes, documents)?;
        }
    }
    Ok(())
}

fn read_limited(source: impl Read, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    source
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("{name}: larger than {MAX_FILE} bytes"));
    }
    Ok(bytes)
}

fn add(name: String, bytes: &[u8], documents: &mut BTreeMap<String, Value>) -> Result<(), String> {
    let document = serde_json::from_slice(bytes).map_err(|error| format!("{name}: {error}"))?;
    documents.insert(name, document);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_definitions_is_refused_and_nothing_is_written() {
        let folder =
            std::env::temp_dir().join(format!("rounds-definitions-{}", std::process::id()));
        fs::create_dir_all(folder.join("package")).unwrap();
        fs::write(
            folder.join("package/a.json"),
            r#"{"resourceType":"Patient"}"#,
        )
        .unwrap();
        let output = folder.join("out.pack");
        let error = run(&folder, &output).unwrap_err();
        assert!(error.contains("StructureDefinition"), "{error}");
        assert!(!output.exists());
        fs::write(folder.join("package/b.json"), "{").unwrap();
        assert!(run(&folder, &output).unwrap_err().contains("b.json"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_is_no_archive_is_named() {
        let error = run(Path::new("Cargo.toml"), Path::new("never-written")).unwrap_err();
        assert!(error.starts_with("Cargo.toml: "), "{error}");
    }
}
