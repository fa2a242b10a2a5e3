//! Runs commands, gathers every byte of theirs (both streams, every file below the working folder) and searches it for
//! every sentinel in every spelling. What a sentinel is stands in `planted`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::planted::SENTINELS;
use crate::cli::stage::Folder;

/// Findings that a message shows at most.
const SHOWN: usize = 60;

/// Commands heard, in order, and what was found in them.
pub struct Ear {
    pub folder: Folder,
    spellings: Vec<(&'static str, String)>,
    leaks: BTreeSet<String>,
    about: String,
    seen: BTreeMap<String, Vec<u8>>,
    commands: usize,
    bytes: usize,
}

impl Ear {
    pub fn new() -> Self {
        let spellings = SENTINELS
            .iter()
            .flat_map(|(class, value)| spellings(value).into_iter().map(|text| (*class, text)))
            .collect();
        Ear {
            folder: Folder::new(),
            spellings,
            leaks: BTreeSet::new(),
            about: String::new(),
            seen: BTreeMap::new(),
            commands: 0,
            bytes: 0,
        }
    }

    /// Names what the commands that follow are run against.
    pub fn about(&mut self, what: &str) {
        what.clone_into(&mut self.about);
    }

    /// Runs a command and searches all that it wrote.
    pub fn hear(&mut self, arguments: &[&str]) {
        let output = self
            .folder
            .command(arguments)
            .output()
            .expect("the binary starts");
        let words = arguments.iter().filter(|word| !word.contains("://"));
        let shown: Vec<&str> = words.take(3).copied().collect();
        let command = format!("{} {}", self.about, shown.join(" "));
        assert!(
            output.status.code().is_some_and(|code| code != 70),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.commands += 1;
        self.search(&command, "standard output", &output.stdout);
        self.search(&command, "standard error", &output.stderr);
        let mut files = BTreeMap::new();
        gather(&self.folder.path(""), "", &mut files);
        for (name, content) in files {
            if self.seen.get(&name) != Some(&content) {
                self.search(&command, &name, &content);
                self.search(&command, "a file's name", name.as_bytes());
                self.seen.insert(name, content);
            }
        }
    }

    fn search(&mut self, command: &str, place: &str, content: &[u8]) {
        self.bytes += content.len();
        let text = String::from_utf8_lossy(content);
        let lower = text.to_lowercase();
        for (class, spelling) in &self.spellings {
            if let Some(at) = lower.find(spelling.as_str()) {
                let start = floor(&lower, at.saturating_sub(60));
                let end = floor(&lower, (at + spelling.len() + 40).min(lower.len()));
                let around = lower[start..end].replace('\n', "⏎");
                self.leaks
                    .insert(format!("{command} · {place} · {class}: …{around}…"));
            }
        }
    }

    /// Begins with an empty folder.
    pub fn forget(&mut self) {
        self.folder = Folder::new();
        self.seen.clear();
    }

    /// Asserts that no sentinel was heard, and that there was something to hear.
    #[track_caller]
    pub fn found_nothing(&self) {
        let mut message = String::new();
        for leak in self.leaks.iter().take(SHOWN) {
            let _ = writeln!(message, "{leak}");
        }
        println!(
            "{} commands, {} bytes, {} sentinels in {} spellings",
            self.commands,
            self.bytes,
            SENTINELS.len(),
            self.spellings.len()
        );
        assert!(
            self.leaks.is_empty(),
            "{} leaks\n{message}",
            self.leaks.len()
        );
        assert!(
            self.bytes > 10_000,
            "only {} bytes were written",
            self.bytes
        );
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The value in lower case as it is, percent-encoded, escaped as in JSON and XML, in base64 at each of three offsets.
fn spellings(value: &str) -> BTreeSet<String> {
    let quoted = serde_json::to_string(value).expect("text is JSON");
    let ascii: String = value
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                format!("\\u{:04x}", u32::from(c))
            }
        })
        .collect();
    let mut spellings = BTreeSet::from([
        value.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        ascii,
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(value, NON_ALPHANUMERIC)
            .to_string()
            .replace("%20", "+"),
        value.replace(' ', "%20"),
        value.replace('/', "\\/"),
        value.replace(['|', '$', ','], "\\$0"),
    ]);
    for offset in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(format!("{}{value}", "x".repeat(offset)));
        // Characters at both ends also hold bits of what stands beside the value.
        let end = encoded.len() - 2;
        let inner = &encoded[if offset == 0 { 0 } else { offset + 1 }..end];
        // Less could stand in a hash by chance.
        if inner.len() >= 8 {
            spellings.insert(inner.to_owned());
        }
    }
    spellings
        .into_iter()
        .map(|text| text.to_lowercase())
        .collect()
}

/// All files below a folder by their path.
fn gather(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(
                name,
                fs::read(entry.path()).expect("a file that was just listed"),
            );
        }
    }
}
