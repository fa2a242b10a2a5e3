//! Writes cases step by step. Numbers only; what a step means is said in [`super::case`].

use serde_json::Value;

use super::case::{Case, Command, Entry, Origin, Search, Step};
use crate::http::fault::Fault;

/// Numbers the steps of a case while it is being written.
#[derive(Debug)]
pub struct Script {
    case: Case,
    next: u32,
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
            next: 0,
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Appends a step and gives its number.
    pub fn push(&mut self, command: Command) -> u32 {
        let id = self.number();
        self.case.steps.push(Step {
            id,
            together: false,
            lane: None,
            fault: None,
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

    /// Appends a step to a lane of the block that is being written.
    pub fn push_lane(&mut self, lane: u8, command: Command) -> u32 {
        let id = self.push(command);
        if let Some(step) = self.case.steps.last_mut() {
            step.lane = Some(lane);
        }
        id
    }

    /// Appends a step whose request something happens to on its way.
    pub fn push_faulty(&mut self, command: Command, fault: Fault) -> u32 {
        let id = self.push(command);
        if let Some(step) = self.case.steps.last_mut() {
            step.fault = Some(fault);
        }
        id
    }

    /// An entry for a Bundle of this case.
    pub fn entry(&mut self, command: Command) -> Entry {
        let id = self.number();
        Entry { id, command }
    }

    /// A name that no other resource of the case has.
    pub fn fresh_name(&self) -> String {
        format!("r{}", self.next)
    }

    /// A batch or transaction.
    pub fn bundle(&mut self, transaction: bool, entries: Vec<Entry>) -> u32 {
        self.push(Command::Bundle {
            transaction,
            entries,
        })
    }

    /// POST of a resource with an identifier of its own.
    pub fn create(&mut self, resource: Value) -> u32 {
        let command = self.creation(resource);
        self.push(command)
    }

    /// The command of [`Script::create`], for a Bundle or a lane.
    pub fn creation(&self, resource: Value) -> Command {
        Command::Create {
            name: self.fresh_name(),
            resource,
            if_none_exist: false,
        }
    }

    /// PUT to an id of the client's.
    pub fn put_new(&mut self, resource: Value) -> u32 {
        let name = self.fresh_name();
        self.push(Command::PutNew { name, resource })
    }

    /// PUT.
    pub fn put(&mut self, target: u32, resource: Value, if_match: Option<u32>) -> u32 {
        self.push(Command::Put {
            target,
            resource,
            if_match,
        })
    }

    /// PATCH with a JSON Patch.
    pub fn patch(&mut self, target: u32, operations: Value) -> u32 {
        self.push(Command::Patch {
            target,
            operations,
            if_match: None,
        })
    }

    /// DELETE.
    pub fn delete(&mut self, target: u32) -> u32 {
        self.push(Command::Delete {
            target,
            if_match: None,
        })
    }

    /// GET.
    pub fn read(&mut self, target: u32) -> u32 {
        self.push(Command::Read { target })
    }

    /// GET of a version.
    pub fn read_version(&mut self, target: u32, seen: u32) -> u32 {
        self.push(Command::ReadVersion { target, seen })
    }

    /// GET of the history of a resource.
    pub fn history(&mut self, target: u32) -> u32 {
        self.push(Command::History {
            target,
            options: Vec::new(),
        })
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
