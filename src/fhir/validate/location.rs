//! The place in a resource that the walk has reached, written out only when an issue needs it.
//! Not a FHIRPath parser.

use std::fmt::Write;

/// Longer names of unknown members are not shown.
const MAX_NAME: usize = 64;

/// One step down.
#[derive(Debug, Clone, Copy)]
enum Step {
    Name(&'static str),
    Index(usize),
}

/// A stack of steps from the root resource.
#[derive(Debug, Default)]
pub(super) struct Location(Vec<Step>);

impl Location {
    pub fn enter(&mut self, name: &'static str) {
        self.0.push(Step::Name(name));
    }

    pub fn enter_item(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// The names from a depth on, without indexes.
    pub fn names_from(&self, depth: usize) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().skip(depth).filter_map(|step| match step {
            Step::Name(name) => Some(*name),
            Step::Index(_) => None,
        })
    }

    /// Steps from the root.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// `Patient.name[0].given[1]`; `Resource` at a root without a type.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Name(name) if text.is_empty() => text.push_str(name),
                Step::Name(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                Step::Index(index) => {
                    write!(text, "[{index}]").expect("writing to a String cannot fail");
                }
            }
        }
        if text.is_empty() {
            text.push_str("Resource");
        }
        text
    }

    /// The place of a member that the type does not know. A name that does not look like one could be data: it is
    /// shown as `?`.
    pub fn text_of_unknown(&self, name: &str) -> String {
        let is_name = name.len() <= MAX_NAME
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        format!("{}.{}", self.text(), if is_name { name } else { "?" })
    }
}
