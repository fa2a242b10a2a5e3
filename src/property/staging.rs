//! Hand-made traces for the tests of oracles. Not the executor: what is staged here need not be possible.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::case::{Command, Criterion, Entry, Origin, Search, Step, Term};
use super::trace::{self, Event, Outcome, Trace};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, query};
use crate::http::fault::Fault;
use crate::http::{Exchange, Failure, FailureKind, Headers, Request, Response, Timings};

/// A trace that is being made up.
pub struct Stage {
    trace: Trace,
    next: u32,
}

impl Stage {
    /// An empty trace.
    pub fn new(_property: &str) -> Self {
        Stage {
            trace: Trace {
                base: "http://h/fhir".to_owned(),
                ground: Origin::Created,
                obstacle: None,
                events: Vec::new(),
            },
            next: 1,
        }
    }

    /// One event with its answers.
    pub fn push(&mut self, command: Command, key: Option<&str>, answers: Vec<(u16, Value)>) -> u32 {
        let id = self.trace.events.len() as u32;
        let sent = command.payload().map(Value::to_string).unwrap_or_default();
        let exchanges = answers
            .into_iter()
            .map(|(status, body)| Arc::new(self.exchange(&sent, status, &body)))
            .collect();
        self.trace.events.push(Event {
            step: Step {
                id,
                together: false,
                lane: None,
                fault: None,
                command,
            },
            key: key.and_then(Key::from_reference),
            called: Duration::ZERO,
            returned: Some(Duration::ZERO),
            exchanges,
            parts: Vec::new(),
            named: Vec::new(),
            outcome: Outcome::Done,
        });
        id
    }

    /// One event of a moment that it shares with its neighbours.
    pub fn push_together(&mut self, command: Command, key: Option<&str>, status: u16) -> u32 {
        let id = self.push(command, key, vec![(status, json!({}))]);
        if let Some(event) = self.trace.events.last_mut() {
            event.step.together = true;
        }
        id
    }

    /// A search that is answered with these resources and heeds all its criteria.
    pub fn find(&mut self, label: &str, criteria: Vec<Criterion>, found: &[&Value]) {
        let pairs: Vec<(String, String)> = criteria
            .iter()
            .map(|criterion| (criterion.name.clone(), text(&criterion.value)))
            .collect();
        let url = format!("Patient?{}", query::encode_pairs(&pairs));
        let entries: Vec<Value> = found
            .iter()
            .map(|resource| json!({"resource": resource, "search": {"mode": "match"}}))
            .collect();
        let answer = json!({"resourceType": "Bundle", "type": "searchset", "entry": entries,
            "link": [{"relation": "self", "url": url}]});
        let search = Search::of(label, "Patient", criteria);
        self.push(Command::Search(search), None, vec![(200, answer)]);
        let last = self.trace.events.last_mut();
        for exchange in last
            .into_iter()
            .flat_map(|event| event.exchanges.iter_mut())
        {
            let mut changed = exchange.as_ref().clone();
            changed.request.url = format!("http://h/fhir/{url}");
            *exchange = Arc::new(changed);
        }
    }

    fn exchange(&mut self, sent: &str, status: u16, body: &Value) -> Exchange {
        let number = self.next;
        self.next += 1;
        let mut request = Request::get("http://h/fhir/staged");
        request.body = sent.to_owned().into();
        Exchange {
            number,
            request,
            outcome: Ok(Response {
                status,
                version: "HTTP/1.1",
                headers: Headers::new(),
                body: body.to_string().into(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    /// A batch or transaction; `known` says on which resources its entries act, beyond what the answer says.
    pub fn bundle(
        &mut self,
        entries: Vec<Entry>,
        status: u16,
        answer: Value,
        known: &[(u32, &str)],
    ) -> u32 {
        let key_of = |target: u32| known.iter().find(|(step, _)| *step == target);
        let parts = trace::parts(&entries, Some(&answer), |command| {
            let (_, key) = key_of(command.target()?)?;
            Key::from_reference(key)
        });
        let command = Command::Bundle {
            transaction: true,
            entries,
        };
        let id = self.push(command, None, vec![(status, answer)]);
        if let Some(event) = self.trace.events.last_mut() {
            event.parts = parts;
        }
        id
    }

    /// A read of what an entry made.
    pub fn read_entry(&mut self, entry: u32, key: &str, status: u16, body: Value) -> u32 {
        let read = Command::Read { target: entry };
        self.push(read, Some(key), vec![(status, body)])
    }

    /// Says that something happened to the request of a step, and takes its answer away if the fault does.
    pub fn spoil(&mut self, step: u32, fault: Fault) {
        self.trace.events[step as usize].step.fault = Some(fault);
        if fault.hides_the_answer() {
            self.lose(step);
        }
    }

    /// Leaves a step without an answer.
    pub fn lose(&mut self, step: u32) {
        let event = &mut self.trace.events[step as usize];
        event.returned = None;
        if let Some(exchange) = event.exchanges.last_mut().map(Arc::make_mut) {
            exchange.outcome = Err(Failure {
                kind: FailureKind::Broken,
                message: "the connection broke".to_owned(),
            });
        }
    }

    /// Gives the requests of the last event this URL.
    pub fn asking(&mut self, url: &str) {
        let exchanges = self
            .trace
            .events
            .last_mut()
            .map(|event| &mut event.exchanges);
        for exchange in exchanges.into_iter().flatten() {
            Arc::make_mut(exchange).request.url = url.to_owned();
        }
    }

    /// A create with an answer.
    pub fn create_answered(&mut self, key: &str, resource: Value, status: u16) -> u32 {
        let create = Command::Create {
            name: "r0".to_owned(),
            resource,
            if_none_exist: false,
        };
        self.push(create, Some(key), vec![(status, json!({}))])
    }

    /// An accepted create.
    pub fn create(&mut self, key: &str, resource: Value) -> u32 {
        self.create_answered(key, resource, 201)
    }

    /// An update.
    pub fn put(&mut self, target: u32, resource: Value, status: u16) -> u32 {
        let put = Command::Put {
            target,
            resource,
            if_match: None,
        };
        self.push(put, Some("Patient/1"), vec![(status, json!({}))])
    }

    /// A read.
    pub fn read(&mut self, target: u32, status: u16, body: Value) -> u32 {
        self.push(
            Command::Read { target },
            Some("Patient/1"),
            vec![(status, body)],
        )
    }

    /// An index that showed everything at once.
    pub fn settle(&mut self, resource_type: &str) {
        self.settle_after(resource_type, 1);
    }

    /// An index that showed everything at the n-th poll.
    pub fn settle_after(&mut self, resource_type: &str, polls: u32) {
        let settle = Command::Settle {
            resource_type: resource_type.to_owned(),
        };
        self.push(settle, None, Vec::new());
        if let Some(event) = self.trace.events.last_mut() {
            event.outcome = Outcome::Settled { polls };
        }
    }

    /// Puts a step into a lane and into time, milliseconds.
    pub fn at(&mut self, step: u32, lane: u8, called: u64, returned: u64) {
        self.took(step, called, returned);
        self.trace.events[step as usize].step.lane = Some(lane);
    }

    /// Puts a step into time, milliseconds.
    pub fn took(&mut self, step: u32, called: u64, returned: u64) {
        let event = &mut self.trace.events[step as usize];
        event.called = Duration::from_millis(called);
        event.returned = Some(Duration::from_millis(returned));
    }

    /// An accepted create of a Patient with a version and a mark.
    pub fn versioned_create(&mut self, version: &str, mark: &str) -> u32 {
        let create = Command::Create {
            name: "r0".to_owned(),
            resource: marked(version, mark),
            if_none_exist: false,
        };
        let answers = vec![(201, marked(version, mark))];
        self.push(create, Some("Patient/1"), answers)
    }

    /// An update of a Patient to a version and a mark, with the If-Match as it was sent.
    pub fn versioned_put(
        &mut self,
        target: u32,
        version: &str,
        mark: &str,
        status: u16,
        if_match: Option<&str>,
    ) -> u32 {
        let put = Command::Put {
            target,
            resource: marked(version, mark),
            if_match: if_match.map(|_| target),
        };
        let body = if status < 300 {
            marked(version, mark)
        } else {
            json!({})
        };
        let step = self.push(put, Some("Patient/1"), vec![(status, body)]);
        let event = &mut self.trace.events[step as usize];
        if let (Some(named), Some(exchange)) = (if_match, event.exchanges.last_mut()) {
            let request = &mut Arc::make_mut(exchange).request;
            request.headers.set("If-Match", format!("W/\"{named}\""));
        }
        step
    }

    /// A read of a Patient at a version.
    pub fn versioned_read(&mut self, target: u32, version: &str, mark: &str) -> u32 {
        self.read(target, 200, marked(version, mark))
    }

    /// The history of a Patient, versions given oldest first. The mark of version `n` is `turn n-1`; another text is
    /// version and mark in one.
    pub fn versions(&mut self, target: u32, oldest_first: &[&str]) -> u32 {
        let entries: Vec<Value> = oldest_first
            .iter()
            .rev()
            .map(|version| match version.parse::<u32>() {
                Ok(number) => marked(version, &format!("turn {}", number.saturating_sub(1))),
                Err(_) => marked(version, version),
            })
            .map(|resource| json!({ "resource": resource, "request": { "method": "PUT" } }))
            .collect();
        let history = Command::History {
            target,
            options: Vec::new(),
        };
        let bundle = json!({"resourceType": "Bundle", "type": "history", "entry": entries});
        self.push(history, Some("Patient/1"), vec![(200, bundle)])
    }

    /// Gives the answer to a step a header field, where there is one to give.
    pub fn header(&mut self, step: u32, name: &str, value: Option<&str>) {
        let event = &mut self.trace.events[step as usize];
        let Some(exchange) = event.exchanges.last_mut().map(Arc::make_mut) else {
            return;
        };
        if let (Ok(response), Some(value)) = (&mut exchange.outcome, value) {
            response.headers.set(name, value);
        }
    }

    /// The trace.
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }
}

/// A value of ours as it is sent.
fn text(term: &Term) -> String {
    match term {
        Term::Text(text) => text.clone(),
        Term::Prefixed(prefix, term) => format!("{prefix}{}", text(term)),
        Term::As(form, term) => form.of(&text(term)).unwrap_or_default(),
        Term::AnyOf(terms) => terms.iter().map(text).collect::<Vec<_>>().join(","),
        _ => String::new(),
    }
}

/// A Patient with an id and other members.
pub fn patient(id: &str, members: Value) -> Value {
    let mut patient = json!({"resourceType": "Patient", "id": id});
    if let (Some(patient), Some(members)) = (patient.as_object_mut(), members.as_object()) {
        patient.extend(members.clone());
    }
    patient
}

/// A Patient at a version, with a mark.
pub fn marked(version: &str, mark: &str) -> Value {
    json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}, "name": [{"text": mark}]})
}

/// A response Bundle with these statuses and locations.
pub fn response(entries: &[(&str, &str)]) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .map(|(status, location)| json!({"response": {"status": status, "location": location}}))
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
}

/// A searchset with these matches and self link.
pub fn searchset(keys: &[&str], self_link: &str) -> Value {
    let entries: Vec<Value> = keys
        .iter()
        .filter_map(|key| Key::from_reference(key))
        .map(|key| json!({"resource": {"resourceType": key.resource_type, "id": key.id}, "search": {"mode": "match"}}))
        .collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries,
        "link": [{"relation": "self", "url": self_link}]})
}

/// A CapabilityStatement with these resources.
pub fn capability(resource: Value) -> Capability {
    Capability::new(json!({"rest": [{"mode": "server", "resource": [resource]}]}))
}
