//! `rounds config`: every setting with its value and where it comes from.

use super::super::args::{Common, ConfigArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;
use super::super::settings::Settings;

/// Prints the settings.
///
/// # Errors
/// Settings that cannot be resolved.
pub fn run(common: &Common, args: &ConfigArgs) -> Result<Exit, Failure> {
    let config = Config::read(common.config.as_deref())?;
    let settings = Settings::resolve(common, &args.run, &config)?;
    let name_width = settings
        .rows
        .iter()
        .map(|row| row.name.len())
        .max()
        .unwrap_or_default();
    let value_width = settings
        .rows
        .iter()
        .map(|row| row.value.chars().count())
        .max()
        .unwrap_or_default();
    let lines: Vec<String> = settings
        .rows
        .iter()
        .map(|row| {
            format!(
                "{:name_width$}  {:value_width$}  {}",
                row.name,
                row.value,
                row.source.as_str()
            )
        })
        .collect();
    output::print(&lines.join("\n"));
    Ok(Exit::Ok)
}
