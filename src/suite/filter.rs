//! The language of `-E`: which cases are selected. Not a query over results.
//!
//! ```text
//! search/*                  id, with `*` for any characters; a row is `search/token[code]`
//! suite(core/*)             suite id          level(SHALL)       severity(major)
//! checklist(SCH-*)          checklist row     reads()  writes()  whether the case may change the target
//! not A    A and B    A or B    (A)           `not` binds closest, then `and`, then `or`
//! ```

use std::fmt;

use super::ir::Case;
use super::yaml::suggest;

/// Characters of a filter at most; bounds the depth of the parser too.
pub const MAX_LENGTH: usize = 4_096;

/// Depth of parentheses and `not` at most.
const MAX_DEPTH: usize = 64;

/// A filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Byte offset.
    pub position: usize,
    /// Lower-case fragment.
    pub message: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.position + 1, self.message)
    }
}

impl std::error::Error for FilterError {}

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Term);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Id(String),
    Suite(String),
    Level(String),
    Severity(String),
    Checklist(String),
    Reads,
    Writes,
    Not(Box<Term>),
    And(Vec<Term>),
    Or(Vec<Term>),
}

/// What a filter sees of a case; properties have no checklist row.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Suite id.
    pub suite: &'a str,
    /// Case id, with its row.
    pub id: &'a str,
    /// Level as printed.
    pub level: &'a str,
    /// Severity as printed.
    pub severity: &'a str,
    /// Checklist row.
    pub checklist: Option<&'a str>,
    /// Whether it may change the target.
    pub writes: bool,
}

impl Filter {
    /// Parses.
    ///
    /// # Errors
    /// The position and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser {
            text,
            position: 0,
            depth: 0,
        };
        if text.len() > MAX_LENGTH {
            return Err(parser.error(&format!("longer than {MAX_LENGTH} characters")));
        }
        let term = parser.any()?;
        parser.skip_space();
        if parser.position < text.len() {
            return Err(parser.error("expected `and`, `or` or the end"));
        }
        Ok(Filter(term))
    }

    /// True if a case of a suite is selected.
    pub fn selects(&self, suite: &str, case: &Case) -> bool {
        let id = case.full_id();
        self.matches(&Subject {
            suite,
            id: &id,
            level: case.level.as_str(),
            severity: case.severity.as_str(),
            checklist: case.checklist.as_deref(),
            writes: case.writes(),
        }) || case.row.is_some() && self.selects_without_row(suite, case)
    }

    /// `search/token` selects all rows of the case.
    fn selects_without_row(&self, suite: &str, case: &Case) -> bool {
        self.matches(&Subject {
            suite,
            id: &case.id,
            level: case.level.as_str(),
            severity: case.severity.as_str(),
            checklist: case.checklist.as_deref(),
            writes: case.writes(),
        })
    }

    /// True if something without a case is selected: a property or a load suite. Its level and severity are not
    /// known before it ran, so it is selected by suite and id alone.
    pub fn selects_id(&self, suite: &str, id: &str) -> bool {
        self.matches(&Subject {
            suite,
            id,
            level: "",
            severity: "",
            checklist: None,
            writes: true,
        })
    }

    /// True unless no case of a suite can be selected whose ids begin with `area/` and are not known yet.
    pub fn may_select(&self, suite: &str, area: &str) -> bool {
        self.0.may_match(suite, &format!("{area}/"))
    }

    /// True if the subject is selected.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.0.matches(subject)
    }
}

impl Term {
    fn may_match(&self, suite: &str, start: &str) -> bool {
        match self {
            Term::Id(pattern) => {
                let fixed = pattern.split('*').next().unwrap_or_default();
                fixed.starts_with(start)
                    || (fixed.len() < pattern.len() && start.starts_with(fixed))
            }
            Term::Suite(pattern) => glob(pattern, suite),
            Term::And(terms) => terms.iter().all(|term| term.may_match(suite, start)),
            Term::Or(terms) => terms.iter().any(|term| term.may_match(suite, start)),
            // Generated cases only read; the rest is known with the case.
            Term::Writes => false,
            Term::Level(_)
            | Term::Severity(_)
            | Term::Checklist(_)
            | Term::Reads
            | Term::Not(_) => true,
        }
    }

    fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Term::Id(pattern) => glob(pattern, subject.id),
            Term::Suite(pattern) => glob(pattern, subject.suite),
            Term::Level(level) => level.eq_ignore_ascii_case(subject.level),
            Term::Severity(severity) => severity.eq_ignore_ascii_case(subject.severity),
            Term::Checklist(pattern) => subject.checklist.is_some_and(|row| glob(pattern, row)),
            Term::Reads => !subject.writes,
            Term::Writes => subject.writes,
            Term::Not(term) => !term.matches(subject),
            Term::And(terms) => terms.iter().all(|term| term.matches(subject)),
            Term::Or(terms) => terms.iter().any(|term| term.matches(subject)),
        }
    }
}

/// `*` stands for any characters. Linear in the text for each star: the last star alone is retried.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while seen < text.len() {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at + 1, seen));
            at += 1;
        } else if pattern.get(at) == Some(&text[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            at = after;
            seen = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

const FUNCTIONS: &[&str] = &["suite", "level", "severity", "checklist", "reads", "writes"];

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, message: &str) -> FilterError {
        FilterError {
            position: self.position,
            message: message.to_owned(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn skip_space(&mut self) {
        self.position += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes a word if it stands here whole.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let Some(after) = self.rest().strip_prefix(word) else {
            return false;
        };
        let ends = after.is_empty() || after.starts_with([' ', '\t', '(', ')']);
        if ends {
            self.position += word.len();
        }
        ends
    }

    fn take(&mut self, character: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(character);
        if found {
            self.position += character.len_utf8();
        }
        found
    }

    fn any(&mut self) -> Result<Term, FilterError> {
        let mut terms = vec![self.every()?];
        while self.take_word("or") {
            terms.push(self.every()?);
        }
        Ok(one_or(terms, Term::Or))
    }

    fn every(&mut self) -> Result<Term, FilterError> {
        let mut terms = vec![self.single()?];
        while self.take_word("and") {
            terms.push(self.single()?);
        }
        Ok(one_or(terms, Term::And))
    }

    fn single(&mut self) -> Result<Term, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(&format!("nested more than {MAX_DEPTH} levels")));
        }
        let term = if self.take_word("not") {
            Term::Not(Box::new(self.single()?))
        } else if self.take('(') {
            let inner = self.any()?;
            if !self.take(')') {
                return Err(self.error("expected `)`"));
            }
            inner
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(term)
    }

    fn atom(&mut self) -> Result<Term, FilterError> {
        let start = self.position;
        let word: String = self
            .rest()
            .chars()
            .take_while(|character| !character.is_whitespace() && !matches!(character, '(' | ')'))
            .collect();
        if word.is_empty() {
            return Err(self.error("expected an id pattern or a function such as `suite(core/*)`"));
        }
        self.position += word.len();
        if !self.rest().starts_with('(') {
            if FUNCTIONS.contains(&word.as_str()) {
                return Err(self.error("expected `(`"));
            }
            return Ok(Term::Id(word));
        }
        self.take('(');
        let close = self
            .rest()
            .find(')')
            .ok_or_else(|| self.error("expected `)`"))?;
        let argument = self.rest()[..close].trim().to_owned();
        self.position += close + 1;
        Ok(match word.as_str() {
            "suite" => Term::Suite(argument),
            "level" => Term::Level(argument),
            "severity" => Term::Severity(argument),
            "checklist" => Term::Checklist(argument),
            "reads" => Term::Reads,
            "writes" => Term::Writes,
            _ => {
                self.position = start;
                let hint = match suggest(&word, FUNCTIONS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("known: {}", FUNCTIONS.join(", ")),
                };
                return Err(self.error(&format!("there is no function `{word}`; {hint}")));
            }
        })
    }
}

fn one_or(mut terms: Vec<Term>, join: fn(Vec<Term>) -> Term) -> Term {
    if terms.len() == 1 {
        terms.remove(0)
    } else {
        join(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(filter: &str) -> bool {
        Filter::parse(filter).unwrap().matches(&Subject {
            suite: "core/search",
            id: "search/token[code]",
            level: "SHALL",
            severity: "major",
            checklist: Some("TOK-01"),
            writes: false,
        })
    }

    #[test]
    fn a_suite_whose_cases_are_not_known_yet_is_ruled_out_by_ids_and_suites_alone() {
        let may = |text: &str| {
            Filter::parse(text)
                .unwrap()
                .may_select("core/pairwise", "pairwise")
        };
        for text in [
            "*",
            "pair*",
            "pairwise/patient-1",
            "suite(core/*)",
            "not search/*",
            "level(SHALL)",
        ] {
            assert!(may(text), "{text}");
        }
        for text in [
            "search/*",
            "pair",
            "suite(expansion)",
            "writes()",
            "search/* and reads()",
        ] {
            assert!(!may(text), "{text}");
        }
    }

    #[test]
    fn ids_and_functions_select_and_combine() {
        assert!(selects("search/*"));
        assert!(selects("search/token*"));
        assert!(selects("*[code]"));
        assert!(!selects("search/string*"));
        assert!(selects("suite(core/*) and level(SHALL) and reads()"));
        assert!(selects("level(MAY) or checklist(TOK-*)"));
        assert!(!selects("not (level(SHALL) or severity(minor))"));
        assert!(selects("not level(MAY) and not writes()"));
    }

    #[test]
    fn a_mistake_is_reported_with_its_position() {
        assert_eq!(
            Filter::parse("a or levl(MAY)").unwrap_err().to_string(),
            "at 6: there is no function `levl`; did you mean `level`?"
        );
        assert_eq!(Filter::parse("(a").unwrap_err().position, 2);
        assert!(Filter::parse("").is_err());
        assert!(Filter::parse("a b").is_err());
        assert!(Filter::parse(&"(".repeat(100)).is_err());
    }
}
