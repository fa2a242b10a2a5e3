//! Reads a folder of NDJSON and JSON files back, whoever wrote them. Says where something is wrong, and
//! takes nothing that it does not understand.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::data_files;
use crate::fhir::resource::{self, resource_type};
use crate::fhir::{Key, bundle};
use crate::population::types;

/// Files in a folder at most.
const FILES: usize = 1_000_000;
/// Bytes of one line or of one JSON file at most.
const BYTES: u64 = 256 * 1024 * 1024;
/// Resources at most.
const RESOURCES: usize = 10_000_000;

/// The resources of all `.ndjson` and `.json` files of a folder, what others refer to first; files of other
/// kinds are left alone. A JSON file holds one resource or a Bundle of resources.
///
/// Errors say file and line: no data, not JSON, a member that occurs twice, no legal type and id, a resource
/// that occurs twice, more than the limits.
pub fn read(dir: &Path) -> Result<Vec<Value>, String> {
    let names = data_files(dir)?;
    if names.is_empty() {
        return Err(format!(
            "{} holds no .ndjson and no .json file",
            dir.display()
        ));
    }
    if names.len() > FILES {
        return Err(format!("{} holds more than {FILES} files", dir.display()));
    }
    let mut reader = Reader::default();
    for name in &names {
        let path = dir.join(name);
        let file = File::open(&path)
            .map_err(|error| format!("cannot open {}: {error}", path.display()))?;
        if name.ends_with(".ndjson") {
            reader.lines(&path, BufReader::new(file))?;
        } else {
            reader.whole(&path, file)?;
        }
    }
    // A stable sort: within one type the order of the files stays.
    reader.resources.sort_by_key(|resource| {
        let name = resource_type(resource).unwrap_or_default();
        let known = types().position(|known| known == name);
        (
            known.unwrap_or(usize::MAX),
            match known {
                Some(_) => String::new(),
                None => name.to_owned(),
            },
        )
    });
    Ok(reader.resources)
}

#[derive(Default)]
struct Reader {
    resources: Vec<Value>,
    seen: HashSet<Key>,
}

impl Reader {
    fn lines(&mut self, path: &Path, mut file: impl BufRead) -> Result<(), String> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let place = format!("{}:{number}", path.display());
            let length = (&mut file)
                .take(BYTES + 1)
                .read_until(b'\n', &mut line)
                .map_err(|error| format!("{place}: cannot read: {error}"))?;
            if length == 0 {
                break;
            }
            if line.len() as u64 > BYTES {
                return Err(format!("{place}: a line of more than {BYTES} bytes"));
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let value = parse(&line).map_err(|(_, what)| format!("{place}: {what}"))?;
            self.add(value, &place)?;
        }
        Ok(())
    }

    fn whole(&mut self, path: &Path, file: File) -> Result<(), String> {
        let name = path.display();
        let mut bytes = Vec::new();
        file.take(BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("{name}: cannot read: {error}"))?;
        if bytes.len() as u64 > BYTES {
            return Err(format!("{name}: a file of more than {BYTES} bytes"));
        }
        let value = parse(&bytes).map_err(|(line, what)| format!("{name}:{line}: {what}"))?;
        if resource_type(&value) != Some("Bundle") {
            return self.add(value, &name.to_string());
        }
        for (number, entry) in bundle::entries(&value).enumerate() {
            let place = format!("{name}: entry[{number}]");
            let resource = bundle::resource(entry)
                .ok_or_else(|| format!("{place}: an entry without a resource"))?;
            self.add(resource.clone(), &place)?;
        }
        Ok(())
    }

    fn add(&mut self, value: Value, place: &str) -> Result<(), String> {
        let key = Key::of(&value)
            .filter(|key| Key::from_reference(&key.to_string()).as_ref() == Some(key))
            .ok_or_else(|| format!("{place}: not a resource with a legal resourceType and id"))?;
        if self.resources.len() == RESOURCES {
            return Err(format!("{place}: more than {RESOURCES} resources"));
        }
        if !self.seen.insert(key.clone()) {
            return Err(format!("{place}: {key} occurs twice"));
        }
        self.resources.push(value);
        Ok(())
    }
}

/// The value, or the line and what is wrong there.
fn parse(bytes: &[u8]) -> Result<Value, (usize, String)> {
    let parsed = resource::parse(bytes).map_err(|error| {
        (
            error.line,
            format!("column {}: {}", error.column, error.message),
        )
    })?;
    match parsed.duplicates.first() {
        Some(name) => Err((1, format!("member `{name}` occurs twice in one object"))),
        None => Ok(parsed.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_lines(text: &str) -> Result<Vec<Value>, String> {
        let mut reader = Reader::default();
        reader.lines(Path::new("Patient.ndjson"), text.as_bytes())?;
        Ok(reader.resources)
    }

    #[test]
    fn errors_say_file_and_line() {
        let good = r#"{"resourceType":"Patient","id":"1"}"#;
        assert_eq!(read_lines(&format!("{good}\n\n")).unwrap().len(), 1);
        for (bad, what) in [
            (
                "{",
                "Patient.ndjson:2: column 1: the JSON text ends too early",
            ),
            (good, "Patient.ndjson:2: Patient/1 occurs twice"),
            (
                r#"{"resourceType":"Patient","id":"a b"}"#,
                "Patient.ndjson:2: not a resource with a legal resourceType and id",
            ),
            (
                r#"{"resourceType":"Patient","id":"2","id":"3"}"#,
                "Patient.ndjson:2: member `id` occurs twice in one object",
            ),
        ] {
            assert_eq!(read_lines(&format!("{good}\n{bad}")).unwrap_err(), what);
        }
    }
}
