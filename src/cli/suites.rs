//! Choosing suites: built-in ones by id or area, files by path. Every error of every file is told at once.

use std::path::Path;

use crate::suite::builtin;
use crate::suite::generated::{self, Generator};
use crate::suite::ir::Suite;
use crate::suite::load::{Source, load_with};
use crate::suite::yaml::{self, Problem};

use super::exit::Exit;
use super::failure::Failure;

/// Bytes of a suite file that are read at most.
const MAX_BYTES: u64 = 4 << 20;

/// A suite file's text with its names.
pub struct Text {
    id: String,
    file: String,
    /// As it stands.
    pub text: String,
}

/// The suites of ids, areas (`core` is all of `core/…`) and files, in order and once; `default` where none is named.
///
/// # Errors
/// A name that stands for nothing, or mistakes in files.
pub fn select(named: &[String], default: &[&str]) -> Result<Vec<Suite>, Failure> {
    let names: Vec<&str> = if named.is_empty() {
        default.to_vec()
    } else {
        named.iter().map(String::as_str).collect()
    };
    let mut texts: Vec<Text> = Vec::new();
    let mut made: Vec<&Generator> = Vec::new();
    for name in names {
        for generator in generated::named(name) {
            if !made.iter().any(|known| known.suite == generator.suite) {
                made.push(generator);
            }
        }
        for text in find(name)? {
            if !texts.iter().any(|known| known.id == text.id) {
                texts.push(text);
            }
        }
    }
    let sources: Vec<Source<'_>> = texts
        .iter()
        .map(|text| Source {
            id: &text.id,
            file: &text.file,
            text: &text.text,
        })
        .collect();
    let mut suites = load_with(&sources, &table).map_err(|problems| mistakes(&problems))?;
    suites.extend(made.into_iter().map(Generator::empty));
    Ok(suites)
}

/// A file of rows, beside the suite file that names it.
fn table(suite: &str, name: &str) -> Result<String, String> {
    let folder = Path::new(suite).parent().unwrap_or(Path::new(""));
    let path = folder.join(name);
    let size = std::fs::metadata(&path)
        .map_err(|error| error.to_string())?
        .len();
    if size > MAX_BYTES {
        return Err(format!("it has {size} bytes, more than {MAX_BYTES}"));
    }
    std::fs::read_to_string(&path).map_err(|error| error.to_string())
}

/// Every built-in suite, those included whose cases depend on the target and are not known yet.
///
/// # Errors
/// A mistake in a built-in file, which a test rules out.
pub fn all() -> Result<Vec<Suite>, Failure> {
    let ids: Vec<String> = names().map(str::to_owned).collect();
    select(&ids, &[])
}

/// Ids of the suites whose cases depend on the target.
pub fn generated() -> impl Iterator<Item = &'static str> {
    generated::GENERATORS
        .iter()
        .map(|generator| generator.suite)
}

/// Ids of all built-in suites.
pub fn names() -> impl Iterator<Item = &'static str> {
    let written = builtin::SUITES.iter().map(|source| source.id);
    written.chain(generated())
}

/// Checks files without running them.
///
/// # Errors
/// Every mistake of every file.
pub fn check(files: &[String]) -> Result<Vec<Suite>, Failure> {
    select(files, &[])
}

fn find(name: &str) -> Result<Vec<Text>, Failure> {
    if is_file(name) {
        return read(name).map(|text| vec![text]);
    }
    let found: Vec<Text> = builtin::named(name)
        .map(|source| Text {
            id: source.id.to_owned(),
            file: source.file.to_owned(),
            text: source.text.to_owned(),
        })
        .collect();
    if found.is_empty() && generated::named(name).next().is_none() {
        let known: Vec<&str> = names().collect();
        let hint = match yaml::suggest(name, &known) {
            Some(near) => format!("did you mean `{near}`? `rounds list suites` shows all"),
            None => "`rounds list suites` shows all; a file is named with its ending: ./mine.yaml"
                .to_owned(),
        };
        return Err(Failure::usage(
            format!("run suite `{name}`"),
            "there is none of that name",
            hint,
        )
        .with_code(Exit::Usage));
    }
    Ok(found)
}

fn is_file(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// A suite file.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn read(name: &str) -> Result<Text, Failure> {
    let refuse = |why: String| Failure::usage(format!("read {name}"), why, "");
    let size = std::fs::metadata(name)
        .map_err(|error| refuse(error.to_string()))?
        .len();
    if size > MAX_BYTES {
        return Err(refuse(format!(
            "it has {size} bytes; a suite has {MAX_BYTES} at most"
        )));
    }
    let text = std::fs::read_to_string(name).map_err(|error| refuse(error.to_string()))?;
    let id = name.trim_start_matches("./").trim_start_matches("suites/");
    let id = id
        .strip_suffix(".yaml")
        .or_else(|| id.strip_suffix(".yml"))
        .unwrap_or(id);
    Ok(Text {
        id: id.to_owned(),
        file: name.to_owned(),
        text,
    })
}

/// Mistakes in suite files as one failure.
pub fn mistakes(problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    let count = match problems.len() {
        1 => "1 mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    Failure::usage(
        format!("use the suites, {count}:"),
        format!("\n{}", lines.join("\n")),
        "",
    )
}
