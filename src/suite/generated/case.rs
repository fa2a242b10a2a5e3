//! The parts that generated cases are built of. What a case is about is its generator's business.

use crate::fhir::path::Expression;
use crate::http::Method;
use crate::record::finding::Span;
use crate::record::{Level, Severity};

use super::super::ir::{
    BodyTemplate, Case, DEFAULT_PAGES, Expectation, Follow, Ids, Pick, Refusal, RequestTemplate,
    Row, Rule, StatusPattern, Step, Total,
};
use super::super::template::Template;

/// What a case says of itself.
pub(super) struct Words {
    pub id: String,
    pub row: Option<String>,
    pub title: String,
    pub spec: &'static str,
    pub sentence: &'static str,
    pub level: Level,
    pub severity: Severity,
    pub checklist: Option<&'static str>,
}

/// The place of a case that stands in no file.
pub(super) fn span(suite: &str) -> Span {
    Span {
        file: format!("{suite} (generated)"),
        line: 1,
        column: 1,
    }
}

/// A case of reading steps.
pub(super) fn case(suite: &str, words: Words, picks: Vec<Pick>, steps: Vec<Step>) -> Case {
    Case {
        id: words.id,
        row: words.row.map(|name| Row {
            name,
            columns: Vec::new(),
        }),
        title: words.title,
        spec: words.spec.to_owned(),
        sentence: words.sentence.to_owned(),
        level: words.level,
        severity: words.severity,
        checklist: words.checklist.map(str::to_owned),
        requires: Vec::new(),
        identities: Vec::new(),
        picks,
        steps,
        teardown: Vec::new(),
        was: Vec::new(),
        span: span(suite),
    }
}

/// A resource of a type with a search value for each of the codes, under the names `v0`, `v1`, ….
pub(super) fn pick(suite: &str, name: &str, resource_type: &str, codes: &[&str]) -> Pick {
    Pick {
        name: name.to_owned(),
        resource_type: resource_type.to_owned(),
        condition: None,
        values: Vec::new(),
        searches: codes
            .iter()
            .enumerate()
            .map(|(position, code)| (format!("v{position}"), (*code).to_owned()))
            .collect(),
        span: span(suite),
    }
}

/// A template of our own; generators write only such as parse.
pub(super) fn template(text: &str) -> Template {
    Template::parse(text).expect("a generator closes what it opens")
}

/// An expression of our own; generators write only such as parse.
pub(super) fn expression(text: &str) -> Expression {
    Expression::parse(text).expect("a generator writes FHIRPath")
}

/// A request that reads, with what must hold of all pages of its answer.
pub(super) fn step(
    suite: &str,
    method: Method,
    url: &str,
    form: Option<&[(String, String)]>,
    rules: Vec<Rule>,
) -> Step {
    Step {
        request: RequestTemplate {
            method,
            url: template(url),
            headers: Vec::new(),
            body: form.map(|pairs| {
                let pairs = pairs
                    .iter()
                    .map(|(name, value)| (name.clone(), template(value)));
                BodyTemplate::Form(pairs.collect())
            }),
        },
        identity: None,
        name: None,
        expects: expectations(suite, rules),
        captures: Vec::new(),
        poll: None,
        follow: Some(Follow {
            pages: DEFAULT_PAGES,
            is_asked: false,
        }),
        confine: true,
        refusal: Refusal::Expected,
        span: span(suite),
    }
}

/// Rules as expectations.
pub(super) fn expectations(suite: &str, rules: Vec<Rule>) -> Vec<Expectation> {
    let at = |rule| Expectation {
        rule,
        span: span(suite),
    };
    rules.into_iter().map(at).collect()
}

/// One of these statuses.
pub(super) fn status(codes: &[u16]) -> Rule {
    Rule::Status(
        codes
            .iter()
            .map(|code| StatusPattern::Code(*code))
            .collect(),
    )
}

/// The answer of the oracle: which matches, and how many.
pub(super) fn by_oracle() -> Vec<Rule> {
    vec![
        status(&[200]),
        Rule::Ids(Ids::Oracle),
        Rule::Total(Total::Oracle),
    ]
}
