//! Making a failing case smaller, the pure part: cut, slice, delta debugging and simpler payloads as candidates to
//! try. Who tries them, and what counts as the same failure, is decided elsewhere.
//!
//! Delta debugging after Zeller and Hildebrandt 2002, <https://doi.org/10.1109/32.988498>.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::property::case::{Case, Command, Entry, Step};

/// Nesting of payloads that is simplified.
const MAX_DEPTH: usize = 8;

/// The steps up to and including `last`.
pub fn cut(steps: &[Step], last: u32) -> Vec<Step> {
    let end = steps
        .iter()
        .position(|step| step.id == last)
        .map_or(steps.len(), |at| at + 1);
    steps[..end].to_vec()
}

/// The steps on which the `shown` ones depend, directly or through others, with all that touch the same resources.
/// Searches depend on whatever was created before them.
pub fn slice(steps: &[Step], shown: &BTreeSet<u32>) -> Vec<Step> {
    let mut kept: BTreeSet<u32> = shown.clone();
    let searches = steps.iter().any(|step| {
        kept.contains(&step.id)
            && matches!(step.command, Command::Search(_) | Command::Settle { .. })
    });
    loop {
        let touched: BTreeSet<u32> = steps
            .iter()
            .filter(|step| kept.contains(&step.id))
            .flat_map(|step| step.command.needs())
            .collect();
        let before = kept.len();
        for step in steps {
            let shares = step
                .command
                .target()
                .is_some_and(|target| touched.contains(&target));
            let populates = searches
                && (step.command.creates() || matches!(step.command, Command::Settle { .. }));
            if touched.contains(&step.id) || shares || populates {
                kept.insert(step.id);
            }
        }
        if kept.len() == before {
            break;
        }
    }
    steps
        .iter()
        .filter(|step| kept.contains(&step.id))
        .cloned()
        .collect()
}

/// Delta debugging as a dialogue: `candidate` gives a candidate, `report` says whether it still fails.
pub struct Reducer<T> {
    items: Vec<T>,
    parts: usize,
    part: usize,
}

impl<T: Clone> Reducer<T> {
    /// Starts from items that fail together.
    pub fn new(items: Vec<T>) -> Self {
        Reducer {
            items,
            parts: 2,
            part: 0,
        }
    }

    /// The items without one of their parts; `None` if no single item can be left out.
    pub fn candidate(&mut self) -> Option<Vec<T>> {
        if self.items.len() < 2 {
            return None;
        }
        if self.part >= self.parts {
            if self.parts >= self.items.len() {
                return None;
            }
            self.parts = (self.parts * 2).min(self.items.len());
            self.part = 0;
        }
        let (start, end) = self.bounds();
        let mut rest = self.items[..start].to_vec();
        rest.extend_from_slice(&self.items[end..]);
        Some(rest)
    }

    /// Says whether the last candidate still failed.
    pub fn report(&mut self, still_fails: bool) {
        if !still_fails {
            self.part += 1;
            return;
        }
        let (start, end) = self.bounds();
        self.items.drain(start..end);
        self.parts = (self.parts - 1).max(2).min(self.items.len().max(1));
        self.part = 0;
    }

    /// The smallest failing items so far.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    fn bounds(&self) -> (usize, usize) {
        let length = self.items.len();
        (
            self.part * length / self.parts,
            (self.part + 1) * length / self.parts,
        )
    }
}

/// Cases that differ from this one by one simpler payload or search, simplest change first: an update folded into its
/// create, whole members and criteria left out, then numbers made shorter.
pub fn simpler(case: &Case) -> Vec<Case> {
    let mut candidates = folded(case);
    candidates.extend(without_criteria(case));
    for (index, step) in case.steps.iter().enumerate() {
        for command in simpler_commands(&step.command) {
            let mut candidate = case.clone();
            candidate.steps[index].command = command;
            candidates.push(candidate);
        }
    }
    candidates
}

/// Cases in which one criterion is gone from every search that has it: related searches stay related.
fn without_criteria(case: &Case) -> Vec<Case> {
    let mut criteria = Vec::new();
    for step in &case.steps {
        if let Command::Search(search) = &step.command {
            let fresh = search
                .criteria
                .iter()
                .filter(|criterion| !criteria.contains(criterion));
            criteria.extend(fresh.collect::<Vec<_>>());
        }
    }
    criteria
        .into_iter()
        .map(|gone| {
            let mut candidate = case.clone();
            for step in &mut candidate.steps {
                if let Command::Search(search) = &mut step.command {
                    search.criteria.retain(|criterion| criterion != gone);
                }
            }
            candidate
        })
        .collect()
}

/// Cases in which the create has the content of an update, and the update is gone.
fn folded(case: &Case) -> Vec<Case> {
    let mut candidates = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        let Command::Put {
            target,
            resource: content,
            if_match: None,
        } = &step.command
        else {
            continue;
        };
        let mut candidate = case.clone();
        candidate.steps.remove(index);
        for create in candidate.steps.iter_mut().filter(|step| step.id == *target) {
            if let Command::Create { resource, .. } = &mut create.command {
                *resource = content.clone();
            }
        }
        candidates.push(candidate);
    }
    candidates
}

fn simpler_commands(command: &Command) -> Vec<Command> {
    let mut simpler = Vec::new();
    if let Some(payload) = command.payload() {
        for value in simpler_values(payload, 0) {
            let mut copy = command.clone();
            if let Some(place) = copy.payload_mut() {
                *place = value;
            }
            simpler.push(copy);
        }
    }
    match command {
        Command::Search(search) if search.sort.is_some() => {
            let mut copy = search.clone();
            copy.sort = None;
            simpler.push(Command::Search(copy));
        }
        Command::Search(search) => {
            simpler.extend((0..search.options.len()).map(|index| {
                let mut copy = search.clone();
                copy.options.remove(index);
                Command::Search(copy)
            }));
        }
        Command::Bundle {
            transaction,
            entries,
        } => simpler.extend(simpler_entries(*transaction, entries)),
        _ => {}
    }
    simpler
}

/// Bundles without one entry, then with one simpler entry.
fn simpler_entries(transaction: bool, entries: &[Entry]) -> Vec<Command> {
    let bundle = |entries: Vec<Entry>| Command::Bundle {
        transaction,
        entries,
    };
    let mut simpler = Vec::new();
    if entries.len() > 1 {
        simpler.extend((0..entries.len()).map(|index| {
            let mut rest = entries.to_vec();
            rest.remove(index);
            bundle(rest)
        }));
    }
    for (index, entry) in entries.iter().enumerate() {
        for command in simpler_commands(&entry.command) {
            let mut changed = entries.to_vec();
            changed[index].command = command;
            simpler.push(bundle(changed));
        }
    }
    simpler
}

fn simpler_values(value: &Value, depth: usize) -> Vec<Value> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    match value {
        Value::Object(members) => {
            let mut simpler: Vec<Value> = members
                .keys()
                .filter(|name| *name != "resourceType" && members.len() > 1)
                .map(|name| {
                    let mut copy = members.clone();
                    copy.shift_remove(name);
                    Value::Object(copy)
                })
                .collect();
            for (name, inner) in members.iter().filter(|(name, _)| *name != "resourceType") {
                for replacement in simpler_values(inner, depth + 1) {
                    let mut copy = members.clone();
                    copy.insert(name.clone(), replacement);
                    simpler.push(Value::Object(copy));
                }
            }
            simpler
        }
        Value::Array(items) => {
            let mut simpler: Vec<Value> = (0..items.len())
                .filter(|_| items.len() > 1)
                .map(|index| {
                    let mut copy = items.clone();
                    copy.remove(index);
                    Value::Array(copy)
                })
                .collect();
            for (index, inner) in items.iter().enumerate() {
                for replacement in simpler_values(inner, depth + 1) {
                    let mut copy = items.clone();
                    copy[index] = replacement;
                    simpler.push(Value::Array(copy));
                }
            }
            simpler
        }
        Value::Number(number) => shorter_number(&number.to_string()).into_iter().collect(),
        Value::String(_) | Value::Bool(_) | Value::Null => Vec::new(),
    }
}

/// One digit less after the point.
fn shorter_number(text: &str) -> Option<Value> {
    let (whole, fraction) = text.split_once('.')?;
    let shorter = match fraction.len() {
        0 | 1 => whole.to_owned(),
        length => format!("{whole}.{}", fraction.get(1..length)?),
    };
    serde_json::from_str(&shorter).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::{Origin, Script};
    use serde_json::json;

    fn reduce<T: Clone>(items: Vec<T>, fails: impl Fn(&[T]) -> bool) -> (Vec<T>, usize) {
        let mut reducer = Reducer::new(items);
        let mut tried = 0;
        while let Some(candidate) = reducer.candidate() {
            tried += 1;
            reducer.report(fails(&candidate));
        }
        (reducer.items().to_vec(), tried)
    }

    #[test]
    fn three_steps_that_matter_are_found_among_sixty() {
        let needed = [3, 31, 58];
        let (left, tried) = reduce((0..60).collect(), |steps| {
            needed.iter().all(|step| steps.contains(step))
        });
        assert_eq!(left, needed);
        assert!(tried <= 120, "{tried}");
    }

    #[test]
    fn one_step_is_found_and_nothing_is_tried_below_it() {
        assert_eq!(reduce((0..8).collect(), |steps| steps.contains(&5)).0, [5]);
        assert_eq!(reduce(vec![1], |_| true), (vec![1], 0));
    }

    fn case() -> Case {
        let mut script = Script::new("property/round-trip", Origin::Created, 0);
        let first = script.create(json!({"resourceType": "Patient", "active": true}));
        let other = script.create(json!({"resourceType": "Patient", "gender": "male"}));
        script.read(other);
        script.put(first, json!({"resourceType": "Patient"}), None);
        script.read(first);
        script.read(other);
        script.finish()
    }

    #[test]
    fn cutting_and_slicing_keep_what_the_failing_step_depends_on() {
        let case = case();
        let cut = cut(&case.steps, 4);
        assert_eq!(cut.len(), 5);
        let sliced = slice(&cut, &BTreeSet::from([4]));
        assert_eq!(
            sliced.iter().map(|step| step.id).collect::<Vec<_>>(),
            [0, 3, 4]
        );
    }

    #[test]
    fn simpler_cases_change_one_thing_and_keep_the_type() {
        let candidates = simpler(&case());
        assert_eq!(candidates.len(), 3);
        assert_eq!(candidates[0].steps.len(), 5);
        for candidate in &candidates[1..] {
            assert_eq!(candidate.steps.len(), 6);
            let Command::Create { resource, .. } = &candidate.steps[0].command else {
                panic!("the first step creates");
            };
            assert_eq!(resource["resourceType"], "Patient");
        }
        assert_eq!(shorter_number("1.50").unwrap().to_string(), "1.0");
    }
}
