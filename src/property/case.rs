//! A case: what a property does to a target, as plain data. Not how it is done: no ids, URLs or tokens of a server,
//! no values of anybody's records, so that a stored case runs on any target and can be cut into smaller ones.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Number by which other steps refer to this one.
    pub id: u32,
    /// Sent at the same moment as its neighbours that carry this flag.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
    /// What to do.
    pub command: Command,
}

/// What a step does. A `target` is the id of the step that created the resource.
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
    /// PUT of new content.
    Put {
        /// Step that created the resource.
        target: u32,
        /// The resource, as in `Create`.
        resource: Value,
        /// Sends `If-Match` with the version that this earlier step saw.
        if_match: Option<u32>,
    },
    /// DELETE.
    Delete {
        /// Step that created the resource.
        target: u32,
    },
    /// GET of the current version.
    Read {
        /// Step that created the resource.
        target: u32,
    },
    /// GET of the instance history, again until it holds what was written or the index lag has passed.
    History {
        /// Step that created the resource.
        target: u32,
    },
    /// Waits until a search confined to the case shows exactly what the case holds, at most the index lag.
    Settle {
        /// Type of the search.
        resource_type: String,
    },
    /// A search confined to the case, with all its pages.
    Search(Search),
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
    /// The identifier that `Create` made from a name.
    Identifier(String),
    /// The logical id of what a step created.
    Id(u32),
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
        }
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

impl Command {
    /// The steps on which this one depends.
    pub fn needs(&self) -> Vec<u32> {
        match self {
            Command::Create { .. } | Command::Settle { .. } => Vec::new(),
            Command::Put {
                target, if_match, ..
            } => [*target].into_iter().chain(*if_match).collect(),
            Command::Delete { target } | Command::Read { target } | Command::History { target } => {
                vec![*target]
            }
            Command::Search(search) => search
                .criteria
                .iter()
                .filter_map(|criterion| match criterion.value {
                    Term::Id(step) => Some(step),
                    _ => None,
                })
                .collect(),
        }
    }

    /// The step that created the resource on which this one acts.
    pub fn target(&self) -> Option<u32> {
        match self {
            Command::Put { target, .. }
            | Command::Delete { target }
            | Command::Read { target }
            | Command::History { target } => Some(*target),
            Command::Create { .. } | Command::Settle { .. } | Command::Search(_) => None,
        }
    }
}

/// Numbers the steps of a case while it is being written.
#[derive(Debug)]
pub struct Script {
    case: Case,
}

impl Script {
    /// An empty case.
    pub fn new(property: &str, ground: Origin, salt: u32) -> Self {
        Script {
            case: Case {
                property: property.to_owned(),
                ground,
                salt,
                steps: Vec::new(),
            },
        }
    }

    /// Appends a step and gives its number.
    pub fn push(&mut self, command: Command) -> u32 {
        let id = u32::try_from(self.case.steps.len()).expect("a case has few steps");
        self.case.steps.push(Step {
            id,
            together: false,
            command,
        });
        id
    }

    /// Appends a step that is sent together with its neighbours.
    pub fn push_together(&mut self, command: Command) -> u32 {
        let id = self.push(command);
        if let Some(step) = self.case.steps.last_mut() {
            step.together = true;
        }
        id
    }

    /// POST of a resource with an identifier of its own.
    pub fn create(&mut self, resource: Value) -> u32 {
        let name = format!("r{}", self.case.steps.len());
        self.push(Command::Create {
            name,
            resource,
            if_none_exist: false,
        })
    }

    /// PUT.
    pub fn put(&mut self, target: u32, resource: Value, if_match: Option<u32>) -> u32 {
        self.push(Command::Put {
            target,
            resource,
            if_match,
        })
    }

    /// GET.
    pub fn read(&mut self, target: u32) -> u32 {
        self.push(Command::Read { target })
    }

    /// Waits for the index.
    pub fn settle(&mut self, resource_type: &str) -> u32 {
        self.push(Command::Settle {
            resource_type: resource_type.to_owned(),
        })
    }

    /// A search.
    pub fn search(&mut self, search: Search) -> u32 {
        self.push(Command::Search(search))
    }

    /// The case.
    pub fn finish(self) -> Case {
        self.case
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
