//! A case: what a property does to a target, as plain data. Not how it is done: no ids, URLs or tokens of a server,
//! no values of anybody's records, so that a stored case runs on any target and can be cut into smaller ones.
//!
//! Texts of a case (references in resources, the parts of a [`Raw`] request) may hold places that are filled in when
//! the case is executed: see [`super::place`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::form::Form;
use super::place;
pub use super::script::Script;
use crate::http::Method;
use crate::http::fault::Fault;

/// A sequence of steps for one property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Id of the property that judges the trace.
    pub property: String,
    /// Whose resources the case works on.
    pub ground: Origin,
    /// Chooses among equals where the cohort decides what there is (which patient, which category).
    pub salt: u32,
    /// Steps in order; ids are unique and keep their meaning when other steps are removed.
    pub steps: Vec<Step>,
}

/// Whose resources a case works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Resources that the case creates itself.
    Created,
    /// The cohort of the run, read only.
    Cohort,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Number by which other steps refer to this one; entries of Bundles share the numbering.
    pub id: u32,
    /// Sent at the same moment as its neighbours that carry this flag: a lane with this step alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
    /// Neighbouring steps with a lane are a block: the lanes begin at the same moment, and each sends its own steps
    /// one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<u8>,
    /// What happens to its request on the way, where it is one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What to do.
    pub command: Command,
}

impl Step {
    /// True if others act at the same time.
    pub fn is_concurrent(&self) -> bool {
        self.together || self.lane.is_some()
    }
}

/// What a step does. A `target` is the id of the step that created the resource; `name` stands for an identifier that
/// is unique to the execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// POST of a resource. The executor adds the tags of run and case and an identifier made from `name`.
    Create {
        /// Two creates with one name carry one identifier.
        name: String,
        /// The resource, without id, meta and identifier.
        resource: Value,
        /// Sends `If-None-Exist` with the identifier made from `name`.
        if_none_exist: bool,
    },
    /// PUT to an id that the client makes from `name`: update as create.
    PutNew {
        /// As in `Create`; it makes the id too.
        name: String,
        /// The resource, as in `Create`.
        resource: Value,
    },
    /// PUT of new content.
    Put {
        /// Step that created the resource.
        target: u32,
        /// The resource, as in `Create`.
        resource: Value,
        /// Sends `If-Match` with the version that this earlier step saw.
        if_match: Option<u32>,
    },
    /// PUT to the type with the identifier made from `name` as criterion: conditional update.
    PutWhere {
        /// As in `Create`.
        name: String,
        /// The resource, as in `Create`.
        resource: Value,
    },
    /// PATCH with a JSON Patch (RFC 6902).
    Patch {
        /// Step that created the resource.
        target: u32,
        /// The operations.
        operations: Value,
        /// As in `Put`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<u32>,
    },
    /// DELETE.
    Delete {
        /// Step that created the resource.
        target: u32,
        /// As in `Put`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<u32>,
    },
    /// DELETE on the type with the identifier made from `name` as criterion: conditional delete.
    DeleteWhere {
        /// Type.
        resource_type: String,
        /// As in `Create`.
        name: String,
    },
    /// GET of the current version.
    Read {
        /// Step that created the resource.
        target: u32,
    },
    /// HEAD of the current version.
    Head {
        /// Step that created the resource.
        target: u32,
    },
    /// GET of the current version if it is another one than an earlier step saw: conditional read.
    ReadIf {
        /// Step that created the resource.
        target: u32,
        /// The earlier step.
        seen: u32,
        /// Compares by `If-Modified-Since` in place of `If-None-Match`.
        since: bool,
    },
    /// GET of the version that an earlier step saw or made.
    ReadVersion {
        /// Step that created the resource.
        target: u32,
        /// The earlier step.
        seen: u32,
    },
    /// GET of the instance history, again until it holds what was written or the index lag has passed.
    History {
        /// Step that created the resource.
        target: u32,
        /// `_count`, `_since`, `_at`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<Criterion>,
    },
    /// GET of the history of a type or of the whole system, with all its pages.
    HistoryOf {
        /// Type; none for the system.
        resource_type: Option<String>,
        /// `_count`, `_since`, `_at`.
        options: Vec<Criterion>,
    },
    /// POST of a batch or transaction.
    Bundle {
        /// `transaction` in place of `batch`.
        transaction: bool,
        /// Its entries. Entries refer to each other by `${key:N}`, which becomes a `urn:uuid`.
        entries: Vec<Entry>,
    },
    /// Waits until a search confined to the case shows exactly what the case holds, at most the index lag.
    Settle {
        /// Type of the search.
        resource_type: String,
    },
    /// A search confined to the case, with all its pages.
    Search(Search),
    /// GET of a link of the Bundle that an earlier step ended with, and of the pages behind it.
    Follow {
        /// The earlier search.
        of: u32,
        /// Which of its pages, from 0; the last one if there are fewer.
        page: u32,
        /// `self`, `first`, `previous`, `last`, `next`.
        relation: String,
    },
    /// A request that none of the others can say: what a client may do wrong.
    Raw(Raw),
    /// Waits.
    Pause {
        /// Milliseconds.
        ms: u32,
    },
    /// Kills the target as a power cut would, starts it again, and waits until it answers.
    Restart,
}

/// One entry of a Bundle: a create, update, patch, delete, read, search or raw request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Number by which steps and other entries refer to this one.
    pub id: u32,
    /// What to do; its request becomes the entry.
    pub command: Command,
}

/// A request as it goes out. Every text may hold places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    /// Method.
    pub method: Method,
    /// URL relative to the base, percent-encoded.
    pub url: String,
    /// Header fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Body.
    #[serde(default)]
    pub body: RawBody,
    /// If the request may create a resource: the name for its identifier. A JSON body is then marked as in `Create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The body of a [`Raw`] request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum RawBody {
    /// No body.
    #[default]
    None,
    /// JSON; `Content-Type` is that of FHIR unless the headers say otherwise.
    Json(Value),
    /// Text, as it stands.
    Text(String),
    /// Bytes that need not be text, hexadecimal.
    Hex(String),
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Name by which the oracle finds the answer.
    pub label: String,
    /// Type.
    pub resource_type: String,
    /// Criteria, all of which apply.
    pub criteria: Vec<Criterion>,
    /// How it is sent.
    pub via: Via,
    /// `_count`.
    pub count: Option<u32>,
    /// `_sort`.
    pub sort: Option<String>,
    /// What shapes the answer and not the matches: `_include`, `_revinclude`, `_total`, `_summary`, `_elements`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
    /// In the compartment of the resource that this step created, or that this search found first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compartment: Option<u32>,
    /// How the URL is written.
    #[serde(default, skip_serializing_if = "Spelling::is_usual")]
    pub spelling: Spelling,
    /// Asks for `handling=lenient` in place of `strict`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lenient: bool,
    /// Repeats the search until it shows this, at most the index lag. The trace holds the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
}

/// How the query of a URL is percent-encoded: all of these mean the same (RFC 3986, 2.1 and 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// What must be encoded is.
    #[default]
    Usual,
    /// Separators of FHIR are encoded too: `:`, `,`, `/`, `$`, `*`.
    Separators,
    /// Small hexadecimal digits.
    SmallHex,
    /// Letters and digits of values are encoded as well.
    Everything,
}

impl Spelling {
    fn is_usual(&self) -> bool {
        *self == Spelling::Usual
    }
}

/// What a search waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Until {
    /// Step that created the resource.
    pub target: u32,
    /// The resource is among the matches; false: it is not.
    pub found: bool,
}

/// One search parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// Name, with its modifier.
    pub name: String,
    /// Value.
    pub value: Term,
}

/// A value in a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Term {
    /// A value of ours in the syntax of FHIR search, not yet percent-encoded.
    Text(String),
    /// The n-th distinct value (modulo their number) that the cohort's resources hold for the parameter.
    Cohort(u32),
    /// The n-th resource (modulo their number) of the cohort's company that holds a value for the parameter, and its
    /// first value. [`super::trace::Event::named`] says which resource that was.
    Pivot(u32),
    /// Logical ids of so many resources of the cohort's company, from the n-th on.
    Pool(u32, u32),
    /// The identifier that `Create` made from a name.
    Identifier(String),
    /// The logical id of what a step created.
    Id(u32),
    /// `Type/id` of what a step created.
    Key(u32),
    /// The logical ids that an earlier search found, by its label, as a list.
    FoundIds(String),
    /// `Type/id` of what an earlier search found, as a list.
    FoundKeys(String),
    /// As `Cohort`, for a parameter of another type than the one that is searched: type, code and number.
    CohortOf(String, String, u32),
    /// Logical ids of the resources of the searched type to which the matches of an earlier search refer: its label and
    /// the element that holds the reference.
    Targets(String, String),
    /// `meta.lastUpdated` as a step saw it, moved by so many milliseconds.
    Moment(u32, i64),
    /// Alternatives: a comma-separated list.
    AnyOf(Vec<Term>),
    /// A prefix (or any text) before a value.
    Prefixed(String, Box<Term>),
    /// A value in another form; nothing is asked if the value has no such form.
    As(Form, Box<Term>),
}

/// How a search is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// GET with a query.
    Get,
    /// POST to `_search`, parameters in the body.
    Post,
    /// POST to `_search`, the first criterion in the URL and the rest in the body.
    Mixed,
}

impl Search {
    /// A search by GET without `_count` and `_sort`.
    pub fn of(label: &str, resource_type: &str, criteria: Vec<Criterion>) -> Self {
        Search {
            label: label.to_owned(),
            resource_type: resource_type.to_owned(),
            criteria,
            via: Via::Get,
            count: None,
            sort: None,
            options: Vec::new(),
            compartment: None,
            spelling: Spelling::Usual,
            lenient: false,
            until: None,
        }
    }

    /// Adds what shapes the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.options.push((name.to_owned(), value.into()));
        self
    }

    /// Waits until the resource that a step created is (or is not) among the matches.
    #[must_use]
    pub fn until(mut self, target: u32, found: bool) -> Self {
        self.until = Some(Until { target, found });
        self
    }

    /// Names of its criteria, for people.
    pub fn names(&self) -> Vec<&str> {
        self.criteria
            .iter()
            .map(|criterion| criterion.name.as_str())
            .collect()
    }
}

impl Criterion {
    /// A criterion.
    pub fn new(name: impl Into<String>, value: Term) -> Self {
        Criterion {
            name: name.into(),
            value,
        }
    }
}

impl Term {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Term::Text(text.into())
    }

    /// A value behind a prefix.
    pub fn prefixed(prefix: &str, value: Term) -> Self {
        Term::Prefixed(prefix.to_owned(), Box::new(value))
    }

    /// A value in another form.
    pub fn shaped(form: Form, value: Term) -> Self {
        Term::As(form, Box::new(value))
    }

    fn needs(&self, found: &mut BTreeSet<u32>) {
        match self {
            Term::Id(step) | Term::Key(step) | Term::Moment(step, _) => {
                found.insert(*step);
            }
            Term::AnyOf(terms) => terms.iter().for_each(|term| term.needs(found)),
            Term::Prefixed(_, term) | Term::As(_, term) => term.needs(found),
            Term::Text(_)
            | Term::Cohort(_)
            | Term::Pivot(_)
            | Term::Pool(..)
            | Term::Identifier(_)
            | Term::FoundIds(_)
            | Term::FoundKeys(_)
            | Term::CohortOf(..)
            | Term::Targets(..) => {}
        }
    }

    /// Labels of the searches whose answers the value is made of.
    pub fn labels(&self) -> Vec<&str> {
        match self {
            Term::FoundIds(label) | Term::FoundKeys(label) | Term::Targets(label, _) => {
                vec![label]
            }
            Term::AnyOf(terms) => terms.iter().flat_map(Term::labels).collect(),
            Term::Prefixed(_, term) | Term::As(_, term) => term.labels(),
            _ => Vec::new(),
        }
    }
}

impl Command {
    /// The steps on which this one depends.
    pub fn needs(&self) -> Vec<u32> {
        let mut found: BTreeSet<u32> = self.target().into_iter().collect();
        match self {
            Command::Create { resource, .. }
            | Command::PutNew { resource, .. }
            | Command::PutWhere { resource, .. } => place::steps_of(resource, &mut found),
            Command::Put {
                resource, if_match, ..
            } => {
                found.extend(*if_match);
                place::steps_of(resource, &mut found);
            }
            Command::Patch {
                operations,
                if_match,
                ..
            } => {
                found.extend(*if_match);
                place::steps_of(operations, &mut found);
            }
            Command::Delete { if_match, .. } => found.extend(*if_match),
            Command::ReadIf { seen, .. } | Command::ReadVersion { seen, .. } => {
                found.insert(*seen);
            }
            Command::History { options, .. } | Command::HistoryOf { options, .. } => {
                options
                    .iter()
                    .for_each(|option| option.value.needs(&mut found));
            }
            Command::Bundle { entries, .. } => {
                let own: BTreeSet<u32> = entries.iter().map(|entry| entry.id).collect();
                let needed = entries.iter().flat_map(|entry| entry.command.needs());
                found.extend(needed.filter(|step| !own.contains(step)));
            }
            Command::Search(search) => {
                found.extend(search.compartment);
                found.extend(search.until.map(|until| until.target));
                let terms = search.criteria.iter().map(|criterion| &criterion.value);
                terms.for_each(|term| term.needs(&mut found));
            }
            Command::Follow { of, .. } => {
                found.insert(*of);
            }
            Command::Raw(raw) => raw.needs(&mut found),
            Command::Read { .. }
            | Command::Head { .. }
            | Command::DeleteWhere { .. }
            | Command::Settle { .. }
            | Command::Pause { .. }
            | Command::Restart => {}
        }
        found.into_iter().collect()
    }

    /// The step that created the resource on which this one acts.
    pub fn target(&self) -> Option<u32> {
        match self {
            Command::Put { target, .. }
            | Command::Patch { target, .. }
            | Command::Delete { target, .. }
            | Command::Read { target }
            | Command::Head { target }
            | Command::ReadIf { target, .. }
            | Command::ReadVersion { target, .. }
            | Command::History { target, .. } => Some(*target),
            _ => None,
        }
    }

    /// The resource or patch that is sent.
    pub fn payload(&self) -> Option<&Value> {
        match self {
            Command::Create { resource, .. }
            | Command::PutNew { resource, .. }
            | Command::Put { resource, .. }
            | Command::PutWhere { resource, .. } => Some(resource),
            Command::Patch { operations, .. } => Some(operations),
            Command::Raw(Raw {
                body: RawBody::Json(value),
                ..
            }) => Some(value),
            _ => None,
        }
    }

    /// The resource or patch that is sent.
    pub fn payload_mut(&mut self) -> Option<&mut Value> {
        match self {
            Command::Create { resource, .. }
            | Command::PutNew { resource, .. }
            | Command::Put { resource, .. }
            | Command::PutWhere { resource, .. } => Some(resource),
            Command::Patch { operations, .. } => Some(operations),
            Command::Raw(Raw {
                body: RawBody::Json(value),
                ..
            }) => Some(value),
            _ => None,
        }
    }

    /// The name of the identifier that a command gives or asks for.
    pub fn name(&self) -> Option<&str> {
        match self {
            Command::Create { name, .. }
            | Command::PutNew { name, .. }
            | Command::PutWhere { name, .. }
            | Command::DeleteWhere { name, .. } => Some(name),
            Command::Raw(raw) => raw.name.as_deref(),
            _ => None,
        }
    }

    /// True if the command may bring a resource into being.
    pub fn creates(&self) -> bool {
        match self {
            Command::Create { .. } | Command::PutNew { .. } | Command::PutWhere { .. } => true,
            Command::Raw(raw) => raw.name.is_some() || raw.method == Method::Post,
            Command::Bundle { entries, .. } => entries.iter().any(|entry| entry.command.creates()),
            _ => false,
        }
    }

    /// True if the command may change what is stored.
    pub fn writes(&self) -> bool {
        match self {
            Command::Create { .. }
            | Command::PutNew { .. }
            | Command::Put { .. }
            | Command::PutWhere { .. }
            | Command::Patch { .. }
            | Command::Delete { .. }
            | Command::DeleteWhere { .. } => true,
            Command::Raw(raw) => !raw.method.is_safe(),
            Command::Bundle { entries, .. } => entries.iter().any(|entry| entry.command.writes()),
            _ => false,
        }
    }
}

impl Raw {
    /// A request without a body.
    pub fn of(method: crate::http::Method, url: impl Into<String>) -> Self {
        Raw {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: RawBody::None,
            name: None,
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn needs(&self, found: &mut BTreeSet<u32>) {
        let mut texts = vec![self.url.as_str()];
        texts.extend(self.headers.iter().map(|(_, value)| value.as_str()));
        match &self.body {
            RawBody::Text(text) => texts.push(text),
            RawBody::Json(value) => place::steps_of(value, found),
            RawBody::None | RawBody::Hex(_) => {}
        }
        for text in texts {
            found.extend(place::steps(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_case_keeps_number_text_and_reads_back_as_it_was() {
        let mut script = Script::new("property/decimal-text", Origin::Created, 3);
        let resource = serde_json::from_str(
            r#"{"resourceType":"Observation","valueQuantity":{"value":0.10}}"#,
        )
        .unwrap();
        let made = script.create(resource);
        script.read(made);
        let case = script.finish();
        let text = serde_json::to_string(&case).unwrap();
        assert!(text.contains("0.10"));
        let value = serde_json::to_value(&case).unwrap();
        assert_eq!(serde_json::from_value::<Case>(value).unwrap(), case);
        assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), case);
    }
}
