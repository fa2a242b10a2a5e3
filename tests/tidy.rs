//! The rules of the house as data, held against the source text: layers, walls around dependencies, registration,
//! wording. Not a parser of Rust: it reads lines, which is enough for code that is formatted by `rustfmt`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer, lowest first. An import goes down; within a layer there is none.
const LAYERS: &[&[&str]] = &[
    &["seed", "clock", "secret", "stats"],
    &["fhir", "http"],
    &["record"],
    &["population", "check", "probe", "sandbox"],
    &["suite", "property"],
    &["engine"],
    &["baseline", "report"],
    &["cli"],
];

/// Imports that no layer allows or forbids by itself: from, to, reason.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    (
        "engine",
        "sandbox",
        "a self-test takes the path of production",
    ),
    ("suite", "sandbox", "the judge does not know the accused"),
    ("property", "sandbox", "the judge does not know the accused"),
    ("report", "engine", "a report renders and never executes"),
    ("baseline", "engine", "a baseline compares what is recorded"),
];

/// Imports against the table that stand for a reason: from, to, reason. This list may only shrink.
const IMPORTS_EXCUSED: &[(&str, &str, &str)] = &[];

/// Who may call the oracle.
const ORACLE_CALLERS: &[&str] = &["fhir", "check", "property", "suite", "engine"];

/// Crates that only some files may name: crate, files or folders.
const WALLS: &[(&str, &[&str])] = &[
    ("reqwest", &["src/http/client.rs", "src/http/client/"]),
    ("clap", &["src/cli/"]),
    ("clap_complete", &["src/cli/"]),
    ("proptest", &["src/property/", "src/engine/property/"]),
    ("fake", &["src/population/"]),
    ("adya", &["src/property/order/isolation.rs"]),
    ("rand_chacha", &["src/seed.rs"]),
    ("indicatif", &["src/cli/progress.rs"]),
    ("hyper::server", &["src/sandbox/serve.rs"]),
    ("quick_junit", &["src/report/junit.rs"]),
    ("json_patch", &["src/sandbox/"]),
    ("quick_xml", &["src/fhir/xml/"]),
];

/// What stands at the top of the repository. Not more than this, and not all of it at every moment.
const TOP: &[&str] = &[
    ".ci",
    ".git",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "NOTICE",
    "README.md",
    "benches",
    "fixtures",
    "src",
    "suites",
    "tests",
];

/// What a build or a run leaves there; not part of the repository.
const LEFTOVERS: &[&str] = &["target", ".rounds"];

/// Levels of folders that are walked.
const MAX_DEPTH: usize = 12;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder, in order, with their paths from the root.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = vec![(root().join(folder), 0)];
    while let Some((path, depth)) = open.pop() {
        assert!(depth <= MAX_DEPTH, "{} is nested too deep", path.display());
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            open.extend(entries.map(|entry| (entry.unwrap().path(), depth + 1)));
        } else {
            let name = path.strip_prefix(root()).unwrap();
            found.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    found.sort();
    found
}

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A source file without tests and comments.
struct Source {
    file: String,
    module: String,
    code: String,
}

/// All files of the library that are not tests.
fn sources() -> Vec<Source> {
    let all: Vec<String> = files("src")
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .collect();
    let tests = test_files(&all);
    all.into_iter()
        .filter(|file| !tests.iter().any(|test| is_in(file, test)))
        .map(|file| Source {
            module: module(&file).to_owned(),
            code: code(&text(&file)),
            file,
        })
        .collect()
}

/// True if the file is the one named, or below it where that is a folder.
fn is_in(file: &str, place: &str) -> bool {
    file == place || (place.ends_with('/') && file.starts_with(place))
}

/// `src/http/client.rs` is in `http`.
fn module(file: &str) -> &str {
    let rest = file.strip_prefix("src/").unwrap_or(file);
    rest.split(['/', '.']).next().unwrap_or_default()
}

/// The files and folders that `#[cfg(test)]` keeps out of the library.
fn test_files(all: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for file in all {
        let text = text(file);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim() != "#[cfg(test)]" {
                continue;
            }
            let next = lines.next().unwrap_or_default().trim();
            let Some((_, name)) = next
                .strip_suffix(';')
                .and_then(|declaration| declaration.rsplit_once("mod "))
            else {
                continue;
            };
            let folder = match file.strip_suffix("/mod.rs") {
                Some(folder) => folder.to_owned(),
                None => file.trim_end_matches(".rs").to_owned(),
            };
            found.push(format!("{folder}/{name}.rs"));
            found.push(format!("{folder}/{name}/"));
        }
    }
    found
}

/// Lines before the test module, without comments.
fn code(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let starts_tests = line == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|next| next.contains("mod ") && next.ends_with('{'));
        if starts_tests {
            break;
        }
        if !line.trim_start().starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Modules that a text names as `crate::…`, groups included (`crate::{a, b::c}`).
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        if before.is_alphanumeric() || before == '_' || before == '$' {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .collect(),
            None => vec![rest],
        };
        for name in names {
            let name: String = name
                .trim()
                .chars()
                .take_while(|character| character.is_alphanumeric() || *character == '_')
                .collect();
            if layer(&name).is_some() {
                found.insert(name);
            }
        }
    }
    found
}

/// True if the word stands alone in the text.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let before = code[..at].chars().next_back().is_some_and(is_part);
        let after = code[at + word.len()..].chars().next().is_some_and(is_part);
        !before && !after
    })
}

#[test]
fn every_module_has_its_layer() {
    let modules: BTreeSet<String> = sources()
        .into_iter()
        .map(|source| source.module)
        .filter(|module| module != "lib" && module != "main")
        .collect();
    let placed: BTreeSet<String> = LAYERS
        .iter()
        .flat_map(|layer| layer.iter().map(|module| (*module).to_owned()))
        .collect();
    assert_eq!(modules, placed);
}

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = layer(&source.module) else {
            continue;
        };
        for import in imports(&source.code) {
            let pair = |(from, to, _): &(&str, &str, &str)| *from == source.module && *to == import;
            let is_down = layer(&import).is_some_and(|other| other < own);
            let is_legal = import == source.module
                || (is_down && !FORBIDDEN.iter().any(pair))
                || IMPORTS_EXCUSED.iter().any(pair);
            if !is_legal {
                wrong.push(format!("{} imports {import}", source.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_judges_and_engines_call_the_oracle() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|source| !ORACLE_CALLERS.contains(&source.module.as_str()))
        .filter(|source| source.code.contains("oracle::"))
        .map(|source| source.file)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// True if the text names a crate, or a module of a crate: `rand::…`, `use rand;`, and not `super::rand::…`.
fn names_crate(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let after = &code[at + path.len()..];
        let is_start = !before.is_alphanumeric() && !matches!(before, '_' | ':' | '"' | '-' | '.');
        let is_use = code[..at].ends_with("use ") && after.starts_with([';', ' ']);
        is_start && (after.starts_with("::") || is_use)
    })
}

#[test]
fn dependencies_stay_behind_their_walls() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (dependency, places) in WALLS {
        let users: Vec<&str> = sources
            .iter()
            .filter(|source| names_crate(&source.code, dependency))
            .map(|source| source.file.as_str())
            .collect();
        // A wall around nothing is a wall that this test does not see.
        assert!(!users.is_empty(), "nobody names {dependency}");
        for user in users {
            if !places.iter().any(|place| is_in(user, place)) {
                wrong.push(format!("{user} names {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_and_crates_are_seen_in_every_form() {
    let text =
        "use crate::fhir::Key;\nuse crate::{http::Exchange, record};\nlet a = crate::seed::x();";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["fhir", "http", "record", "seed"]);
    assert!(names_crate("use rand::Rng;", "rand") && names_crate("(rand::x())", "rand"));
    assert!(!names_crate("super::rand::x() operand::y", "rand"));
    let kept = code("a();\n// b();\n#[cfg(test)]\nmod tests {\nc();\n}\n");
    assert_eq!(kept, "a();\n");
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    for file in files("src").iter().chain(&files("tests")) {
        if file.ends_with(".rs") {
            let text = text(file);
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with("//! ") && first.len() > 20,
                "{file}: {first}"
            );
        }
    }
}

#[test]
fn nothing_is_left_undone_and_nothing_panics_on_data() {
    let forbidden = [
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("db", "g!"),
        concat!("#[ig", "nore"),
        concat!(".unw", "rap()"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code.lines().enumerate() {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!(
                    "{}: {word} (code line {})",
                    source.file,
                    number + 1
                ));
            }
        }
    }
    for file in files("src").iter().chain(&files("tests")) {
        if file.ends_with(".rs") && text(file).contains(concat!("#[ig", "nore")) {
            wrong.push(format!("{file}: a test is switched off"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_written_out_has_an_order() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|source| ["report", "record", "baseline"].contains(&source.module.as_str()))
        .filter(|source| names(&source.code, "HashMap") || names(&source.code, "HashSet"))
        .map(|source| source.file)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn everything_that_is_written_is_listed() {
    let written = |folder: &str, text: &str| -> usize {
        sources()
            .iter()
            .filter(|source| source.file.starts_with(folder))
            .map(|source| source.code.matches(text).count())
            .sum()
    };
    let counts = [
        (
            "checks",
            written("src/check/", "impl Check for "),
            rounds::check::all().count(),
        ),
        (
            "properties",
            written("src/property/", "impl Property for "),
            rounds::property::PROPERTIES.len(),
        ),
        (
            "probes",
            written("src/probe/", "impl Probe for "),
            rounds::probe::PROBES.len(),
        ),
        (
            "formats",
            written("src/report/", "impl Format for "),
            rounds::report::FORMATS.len(),
        ),
        (
            "generators",
            written("src/population/", "const GENERATOR: Generator"),
            rounds::population::GENERATORS.len(),
        ),
        (
            "suites",
            files("suites")
                .iter()
                .filter(|file| file.ends_with(".yaml"))
                .count(),
            rounds::suite::builtin::SUITES.len(),
        ),
    ];
    for (what, written, listed) in counts {
        assert_eq!(written, listed, "{what}: in files, in the list");
    }
}

#[test]
fn every_suite_file_is_built_in() {
    let on_disk: BTreeSet<String> = files("suites")
        .into_iter()
        .filter(|file| file.ends_with(".yaml"))
        .collect();
    let built_in: BTreeSet<String> = rounds::suite::builtin::SUITES
        .iter()
        .map(|source| source.file.to_owned())
        .collect();
    assert_eq!(on_disk, built_in);
}

#[test]
fn no_judge_knows_a_defect_by_its_id() {
    let mut wrong = Vec::new();
    let judges = ["check", "property", "probe", "suite", "engine"];
    for source in sources() {
        if !judges.contains(&source.module.as_str()) {
            continue;
        }
        for defect in rounds::sandbox::DEFECTS.iter() {
            if source.code.contains(&format!("\"{}\"", defect.id)) {
                wrong.push(format!("{} names {}", source.file, defect.id));
            }
        }
    }
    for file in files("suites") {
        for defect in rounds::sandbox::DEFECTS.iter() {
            if text(&file).contains(&format!("\"{}\"", defect.id)) {
                wrong.push(format!("{file} names {}", defect.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_new_stands_at_the_top() {
    let mut strangers = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !TOP.contains(&name.as_str()) && !LEFTOVERS.contains(&name.as_str()) {
            strangers.push(name);
        }
    }
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn no_machine_is_named() {
    // Written in parts, or this file would name them.
    let machines = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("arti", "factory"),
        concat!("jf", "rog"),
        concat!("cargo-", "mirror"),
    ];
    let mut wrong = Vec::new();
    for entry in TOP.iter().filter(|entry| **entry != ".git") {
        if !root().join(entry).exists() {
            continue;
        }
        for file in files(entry) {
            // What is packed is not text.
            let Ok(text) = fs::read_to_string(root().join(&file)) else {
                continue;
            };
            for machine in machines.iter().filter(|machine| text.contains(**machine)) {
                wrong.push(format!("{file} names {machine}"));
            }
        }
    }
    let lock = text("Cargo.lock");
    let foreign = lock
        .lines()
        .filter(|line| line.starts_with("source = "))
        .find(|line| !line.contains("registry+https://github.com/rust-lang/crates.io-index"));
    assert_eq!(foreign, None);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_is_a_lumber_room() {
    let forbidden = [
        "util", "utils", "helper", "helpers", "common", "misc", "manager",
    ];
    for file in files("src") {
        for part in file.trim_end_matches(".rs").split('/') {
            assert!(!forbidden.contains(&part), "{file}");
        }
    }
}

#[test]
fn ids_are_unique_over_all_lists() {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let ids = rounds::check::all()
        .map(|check| (check.spec().id, "check"))
        .chain(
            rounds::sandbox::DEFECTS
                .iter()
                .map(|defect| (defect.id, "defect")),
        )
        .chain(
            rounds::sandbox::VARIANTS
                .iter()
                .map(|variant| (variant.id, "variant")),
        );
    for (id, what) in ids {
        if let Some(other) = seen.insert(id, what) {
            panic!("{id} is a {what} and a {other}");
        }
    }
}
