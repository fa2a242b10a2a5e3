//! `rounds definitions build`: makes the definitions pack of R4, or of a guide, from a published package.
//! Not needed to run the harness: the packs are embedded; this is how they were made.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::package;
use crate::fhir::definitions::{Library, build, sizes};

/// Reads an npm or FHIR package (`.tgz`, or unpacked as a folder), writes the pack and returns its sizes as text. A
/// package that holds the base types gives the pack of R4, any other one the pack of a guide.
pub fn run(input: &Path, output: &Path) -> Result<String, String> {
    let top = package::read(input, package::is_definition)?;
    let is_guide = top.values().any(|document| {
        document.get("resourceType").and_then(Value::as_str) == Some("StructureDefinition")
    });
    drop(top);
    let (name, pack) = if is_guide {
        let guide = package::guide(input, &Library::r4())?;
        let name = guide.about.name.replace("hl7.fhir.", "").replace('.', "-");
        (
            format!("{name}-{}.pack", guide.about.version),
            guide.to_pack(),
        )
    } else {
        (
            "r4.pack".to_owned(),
            build::build(&package::read(input, |_| true)?),
        )
    };
    let pack = pack.map_err(|error| error.to_string())?;
    let output = if output.is_dir() {
        output.join(name)
    } else {
        output.to_owned()
    };
    fs::write(&output, &pack).map_err(|error| format!("{}: {error}", output.display()))?;
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
