//! `rounds definitions searches`: distils what a guide asks of searches and records into a file of ours.
//! Not needed to run the harness: the file is embedded; this is how it was made.

use std::fs;
use std::path::Path;

use crate::cli::package;
use crate::suite::generated::guide::Guide;

/// Reads a package, writes the distilled guide and says how much there is.
///
/// # Errors
/// What cannot be read or written, and what the package lacks.
pub fn run(input: &Path, output: &Path) -> Result<String, String> {
    let guide = Guide::distil(&package::read(input, package::is_definition)?)?;
    let mut text = serde_json::to_string_pretty(&guide).expect("a guide is plain data");
    text.push('\n');
    fs::write(output, text).map_err(|error| format!("{}: {error}", output.display()))?;
    let searches: usize = guide
        .resources
        .iter()
        .map(|resource| resource.searches.len() * resource.profiles.len())
        .sum();
    Ok(format!(
        "{}: {} types, {searches} searches of profiles\n",
        guide.package,
        guide.resources.len()
    ))
}
