//! Strict YAML 1.2 into a tree that knows where everything stands. Not a serde format: files are checked by hand,
//! so that every mistake of a file is reported at once, with its place and a hint.
//!
//! Refused: duplicate keys, anchors, aliases, tags, several documents, keys that are not text. Plain scalars follow
//! the core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>), except that only what JSON would call a number
//! is one (`0x1f` and `007` are text); numbers keep their text.

use std::fmt;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as EventSpan};

use crate::record::finding::Span;

/// Bytes of a file at most.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Levels of nesting at most.
pub const MAX_DEPTH: usize = 64;
/// Scalars, lists and maps in a file at most.
pub const MAX_NODES: usize = 200_000;
/// Problems reported for one file at most.
pub const MAX_PROBLEMS: usize = 100;

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File as the user would name it.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// Lower-case fragment: what is wrong.
    pub message: String,
    /// What to do about it, if known (``did you mean `expect`?``).
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What is there.
    pub value: Value,
    /// File as the user would name it.
    pub file: Arc<str>,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

/// What a node can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A JSON number as written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in order; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

impl Node {
    /// A mistake at this place.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_string(),
            line: self.line,
            column: self.column,
            message: message.into(),
            hint: None,
        }
    }

    /// A mistake at the place of a key of this map.
    pub fn problem_at(&self, key: &Key, message: impl Into<String>) -> Problem {
        Problem {
            line: key.line,
            column: key.column,
            ..self.problem(message)
        }
    }

    /// The place for records.
    pub fn span(&self) -> Span {
        Span {
            file: self.file.to_string(),
            line: self.line,
            column: self.column,
        }
    }

    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(known, _)| known.text == key)
            .map(|(_, node)| node)
    }

    /// Entries of a map; empty for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Items of a list; empty for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text: text, numbers and booleans as written.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// A number that is a non-negative integer.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        match &self.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// As JSON; numbers keep their text.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => serde_json::Value::Bool(*flag),
            Value::Number(text) => text
                .parse::<serde_json::Number>()
                .map_or_else(|_| text.as_str().into(), serde_json::Value::Number),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }

    /// `a map`, `a list`, `text`, … for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Reports every key that is not known, with a suggestion; a node that is no map is a problem too.
    pub fn check_keys(&self, what: &str, known: &[&str], problems: &mut Vec<Problem>) {
        if !matches!(self.value, Value::Map(_)) {
            problems.push(self.problem(format!("{what} must be a map, found {}", self.kind())));
            return;
        }
        for (key, _) in self.entries() {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let mut problem = self.problem_at(key, format!("unknown key `{}` in {what}", key.text));
            problem.hint = Some(match suggest(&key.text, known) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known keys: {}", known.join(", ")),
            });
            problems.push(problem);
        }
    }
}

/// Reads one document.
///
/// # Errors
/// All mistakes of the file in order of their places, [`MAX_PROBLEMS`] at most.
pub fn parse(file_name: &str, text: &str) -> Result<Node, Vec<Problem>> {
    let mut reader = Reader {
        file: Arc::from(file_name),
        problems: Vec::new(),
        nodes: 0,
        open: Vec::new(),
        root: None,
    };
    if text.len() > MAX_BYTES {
        reader.complain(1, 1, &format!("the file is larger than {MAX_BYTES} bytes"));
        return Err(reader.problems);
    }
    reader.read(text);
    if reader.problems.is_empty() {
        return Ok(reader.root.unwrap_or(Node {
            value: Value::Null,
            file: Arc::from(file_name),
            line: 1,
            column: 1,
        }));
    }
    reader.problems.sort();
    reader.problems.truncate(MAX_PROBLEMS);
    Err(reader.problems)
}

/// Builds the tree from events without recursion.
struct Reader {
    file: Arc<str>,
    problems: Vec<Problem>,
    nodes: usize,
    open: Vec<Open>,
    root: Option<Node>,
}

/// A list or map whose end has not come yet.
struct Open {
    node: Node,
    /// The key that waits for its value.
    key: Option<Key>,
}

impl Reader {
    fn complain(&mut self, line: u32, column: u32, message: &str) {
        self.problems.push(Problem {
            file: self.file.to_string(),
            line,
            column,
            message: message.to_owned(),
            hint: None,
        });
    }

    fn read(&mut self, text: &str) {
        let mut documents = 0;
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let marker = error.marker();
                    let (line, column) = place(marker.line(), marker.col());
                    self.complain(line, column, &format!("not YAML: {}", error.info()));
                    return;
                }
            };
            let (line, column) = start(&span);
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                self.complain(
                    line,
                    column,
                    &format!("more than {MAX_NODES} values in one file"),
                );
                return;
            }
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                if documents > 1 {
                    self.complain(line, column, "a second document; one file is one document");
                    return;
                }
            }
            if !self.take(event, line, column) {
                return;
            }
        }
    }

    /// Takes one event; false if reading cannot go on.
    fn take(&mut self, event: Event<'_>, line: u32, column: u32) -> bool {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_marks(anchor, tag.is_some(), line, column);
                let value = if style == ScalarStyle::Plain {
                    resolve(&text)
                } else {
                    Value::Text(text.into_owned())
                };
                self.add(value, line, column);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_marks(anchor, tag.is_some(), line, column);
                return self.enter(Value::List(Vec::new()), line, column);
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_marks(anchor, tag.is_some(), line, column);
                return self.enter(Value::Map(Vec::new()), line, column);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.put(open.node);
                }
            }
            Event::Alias(_) => {
                self.complain(
                    line,
                    column,
                    "aliases (`*name`) are not allowed; write it out",
                );
                self.add(Value::Null, line, column);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        true
    }

    fn refuse_marks(&mut self, anchor: usize, tagged: bool, line: u32, column: u32) {
        if anchor != 0 {
            self.complain(
                line,
                column,
                "anchors (`&name`) are not allowed; write it out",
            );
        }
        if tagged {
            self.complain(line, column, "tags (`!name`) are not allowed");
        }
    }

    fn node(&self, value: Value, line: u32, column: u32) -> Node {
        Node {
            value,
            file: Arc::clone(&self.file),
            line,
            column,
        }
    }

    fn enter(&mut self, value: Value, line: u32, column: u32) -> bool {
        if self.open.len() >= MAX_DEPTH {
            self.complain(
                line,
                column,
                &format!("nested more than {MAX_DEPTH} levels"),
            );
            return false;
        }
        if self.expects_key() {
            self.complain(line, column, "a key must be text");
        }
        let node = self.node(value, line, column);
        self.open.push(Open { node, key: None });
        true
    }

    fn expects_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| matches!(open.node.value, Value::Map(_)) && open.key.is_none())
    }

    fn add(&mut self, value: Value, line: u32, column: u32) {
        let node = self.node(value, line, column);
        self.put(node);
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => match open.key.take() {
                Some(key) => {
                    let first = entries.iter().find(|(known, _)| known.text == key.text);
                    if let Some((first, _)) = first {
                        let message =
                            format!("duplicate key `{}`, first on line {}", key.text, first.line);
                        self.complain(key.line, key.column, &message);
                    } else {
                        entries.push((key, node));
                    }
                }
                None => {
                    open.key = Some(Key {
                        text: node.scalar().unwrap_or_default(),
                        line: node.line,
                        column: node.column,
                    });
                }
            },
            _ => {}
        }
    }
}

fn place(line: usize, column: usize) -> (u32, u32) {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    (number(line.max(1)), number(column + 1))
}

fn start(span: &EventSpan) -> (u32, u32) {
    place(span.start.line(), span.start.col())
}

/// The value of a plain scalar.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_json_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

/// RFC 8259 section 6.
fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

/// The known word that was probably meant: the nearest by edit distance, within a third of its length.
pub fn suggest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Longest words that are compared; anything longer is no typing mistake.
const MAX_WORD: usize = 64;

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(MAX_WORD).collect();
    let right: Vec<char> = right.chars().take(MAX_WORD).collect();
    let width = right.len() + 1;
    let mut table = vec![0; (left.len() + 1) * width];
    for row in 0..=left.len() {
        for column in 0..width {
            table[row * width + column] = if row == 0 || column == 0 {
                row + column
            } else {
                let differs = usize::from(left[row - 1] != right[column - 1]);
                let mut best = (table[(row - 1) * width + column] + 1)
                    .min(table[row * width + column - 1] + 1)
                    .min(table[(row - 1) * width + column - 1] + differs);
                let swapped = row > 1
                    && column > 1
                    && left[row - 1] == right[column - 2]
                    && left[row - 2] == right[column - 1];
                if swapped {
                    best = best.min(table[(row - 2) * width + column - 2] + 1);
                }
                best
            };
        }
    }
    table[left.len() * width + width - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        parse("f.yaml", text)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn values_know_their_line_and_column() {
        let root = parse("f.yaml", "a: 1\nb:\n  - x\n  - {c: 1.50}\n").unwrap();
        let item = &root.get("b").unwrap().items()[1];
        let number = item.get("c").unwrap();
        assert_eq!((number.line, number.column), (4, 9));
        assert_eq!(number.to_json().to_string(), "1.50");
    }

    #[test]
    fn what_is_not_a_json_number_is_text() {
        let root = parse("f.yaml", "[007, 0x1f, 1., 1e5, -0.10, 2013-01-14, \"5\"]").unwrap();
        let kinds: Vec<&str> = root.items().iter().map(Node::kind).collect();
        assert_eq!(
            kinds,
            [
                "text", "text", "text", "a number", "a number", "text", "text"
            ]
        );
    }

    #[test]
    fn duplicates_anchors_aliases_and_tags_are_all_reported_at_once() {
        assert_eq!(
            problems("a: &x 1\nb: *x\na: 2\nc: !t 3\n"),
            [
                "f.yaml:1:4: anchors (`&name`) are not allowed; write it out",
                "f.yaml:2:4: aliases (`*name`) are not allowed; write it out",
                "f.yaml:3:1: duplicate key `a`, first on line 1",
                "f.yaml:4:4: tags (`!name`) are not allowed",
            ]
        );
    }

    #[test]
    fn a_second_document_and_a_syntax_error_are_refused() {
        assert!(problems("a: 1\n---\nb: 2\n")[0].contains("a second document"));
        assert!(problems("a: [1, 2\n")[0].contains("not YAML"));
    }

    #[test]
    fn nesting_is_limited() {
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        assert!(problems(&deep)[0].contains("nested more than 64 levels"));
    }

    #[test]
    fn an_unknown_key_is_reported_with_the_word_that_was_meant() {
        let root = parse("f.yaml", "expct: 1\nstatus: 2\n").unwrap();
        let mut found = Vec::new();
        root.check_keys("a step", &["expect", "status"], &mut found);
        assert_eq!(
            found[0].to_string(),
            "f.yaml:1:1: unknown key `expct` in a step; did you mean `expect`?"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_word_far_from_all_known_words_gets_no_suggestion() {
        assert_eq!(suggest("frobnicate", &["expect", "status"]), None);
        assert_eq!(suggest("stauts", &["expect", "status"]), Some("status"));
    }
}
