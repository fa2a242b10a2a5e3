//! The version sweep: decides in one pass over the version order whether completed operations on one resource are
//! linearizable. Not a search: the order of the versions is given (by `_history`), so there is nothing to search for.
//!
//! Each operation has its place in the version order: a write where its version stands, a read behind the version that
//! it saw. An order of places explains the history exactly if no operation ended before one began that has a place
//! before it (Herlihy and Wing 1990, <https://doi.org/10.1145/78969.78972>, for a register whose writes are ordered).

use super::{Action, Contradiction, Kind, Operation, Verdict, Version, positions};

/// An operation that began last of some, and when.
type Latest = Option<(u64, usize)>;

/// Judges completed operations (and writes that stay open, see [`super::resolve`]) by the order of versions, oldest
/// first. The register holds nothing before its first version. A version that none of the operations made may have
/// been made at any time.
pub fn sweep(order: &[Version], operations: &[Operation]) -> Verdict {
    let mut sweep = Sweep::new(order, operations);
    if sweep.index.len() < order.len() {
        return Verdict::Undecided("the history shows a version id twice");
    }
    if let Err(reason) = sweep.place() {
        return Verdict::Undecided(reason);
    }
    sweep.times();
    if sweep.found.is_empty() {
        sweep.refusals();
    }
    if sweep.found.is_empty() {
        Verdict::Explained
    } else {
        Verdict::Contradicted(sweep.found)
    }
}

/// Where an operation stands.
#[derive(Clone, Copy)]
enum Place {
    /// It made this version.
    Makes(usize),
    /// It saw this version; 0 is the time before the first.
    Sees(usize),
    /// It stands where this version is not the current one.
    Not(usize),
    /// It has no place.
    Nowhere,
}

struct Sweep<'a> {
    order: &'a [Version],
    operations: &'a [Operation],
    index: std::collections::HashMap<&'a str, usize>,
    /// The operation that made each version.
    makers: Vec<Option<usize>>,
    places: Vec<Place>,
    /// For each version the latest call of what stands before it.
    before: Vec<Latest>,
    found: Vec<Contradiction>,
}

impl<'a> Sweep<'a> {
    fn new(order: &'a [Version], operations: &'a [Operation]) -> Self {
        Sweep {
            order,
            operations,
            index: positions(order),
            makers: vec![None; order.len() + 1],
            places: vec![Place::Nowhere; operations.len()],
            before: vec![None; order.len() + 2],
            found: Vec::new(),
        }
    }

    fn report(&mut self, kind: Kind, operations: Vec<usize>) {
        self.found.push(Contradiction::of(kind, operations));
    }

    fn place(&mut self) -> Result<(), &'static str> {
        let operations = self.operations;
        for (number, operation) in operations.iter().enumerate() {
            match &operation.action {
                Action::Write { made, .. } => self.place_write(number, made),
                Action::Delete { made, .. } => {
                    let made = made.as_deref().ok_or("a delete shows no version")?;
                    self.place_write(number, made);
                }
                Action::Refused { based_on } => {
                    // What was never a version was never the current one.
                    if let Some(base) = self.index.get(based_on.as_str()) {
                        self.places[number] = Place::Not(*base);
                    }
                }
                Action::Read { saw: Some(saw) } => match self.index.get(saw.as_str()) {
                    Some(version) => self.places[number] = Place::Sees(*version),
                    None => self.report(Kind::ReadOutsideHistory, vec![number]),
                },
                Action::Read { saw: None } => {}
                Action::Unknown { .. } => return Err("the outcome of a write is unknown"),
            }
        }
        self.place_absences()?;
        self.bases();
        Ok(())
    }

    fn place_write(&mut self, number: usize, made: &str) {
        let Some(version) = self.index.get(made).copied() else {
            self.report(Kind::WriteLost, vec![number]);
            return;
        };
        match self.makers[version] {
            Some(other) => self.report(Kind::OneVersionTwice, vec![other, number]),
            None => {
                self.makers[version] = Some(number);
                self.places[number] = Place::Makes(version);
            }
        }
    }

    /// Reads that found nothing: at a deletion, or before the first version.
    fn place_absences(&mut self) -> Result<(), &'static str> {
        let gone: Vec<usize> = (1..=self.order.len())
            .filter(|version| self.order[version - 1].deleted)
            .collect();
        let first = self.makers.get(1).copied().flatten();
        let first_return = first.and_then(|first| self.operations[first].returned);
        for (number, operation) in self.operations.iter().enumerate() {
            if !matches!(operation.action, Action::Read { saw: None }) {
                continue;
            }
            let may_be_first =
                first.is_none() || first_return.is_none_or(|returned| returned >= operation.called);
            self.places[number] = match (may_be_first, gone.as_slice()) {
                (true, []) => Place::Sees(0),
                (false, [gone]) => Place::Sees(*gone),
                // It saw nothing while there was always something: behind the first version, nothing like it exists.
                (false, []) => {
                    let first = first.into_iter().chain([number]).collect();
                    self.found
                        .push(Contradiction::of(Kind::ReadOutsideHistory, first));
                    Place::Nowhere
                }
                _ => return Err("a read that found nothing may stand in several places"),
            };
        }
        Ok(())
    }

    /// Writes that name the version they are based on come right behind it.
    fn bases(&mut self) {
        for number in 0..self.operations.len() {
            let Place::Makes(version) = self.places[number] else {
                continue;
            };
            let (Action::Write { based_on, .. } | Action::Delete { based_on, .. }) =
                &self.operations[number].action
            else {
                continue;
            };
            let Some(base) = based_on else { continue };
            let base = self.index.get(base.as_str()).copied();
            if base.is_none_or(|base| base + 1 != version) {
                let between = self.makers[version - 1];
                let made = base.and_then(|base| self.makers[base]);
                let shown = made.into_iter().chain(between).chain([number]).collect();
                self.report(Kind::BaseNotCurrent, shown);
            }
        }
    }

    /// What ended before something began that stands before it.
    fn times(&mut self) {
        let mut latest: Vec<Latest> = vec![None; self.order.len() + 1];
        for (number, place) in self.places.iter().enumerate() {
            if let Place::Makes(version) | Place::Sees(version) = place {
                let call = Some((self.operations[number].called, number));
                latest[*version] = latest[*version].max(call);
            }
        }
        for (version, latest) in latest.into_iter().enumerate() {
            self.before[version + 1] = self.before[version].max(latest);
        }
        for number in 0..self.operations.len() {
            let Some(ended) = self.operations[number].returned else {
                continue;
            };
            let earlier = match self.places[number] {
                Place::Makes(version) => self.before[version],
                Place::Sees(version) => self.before[version].max(self.made_at(version)),
                Place::Not(_) | Place::Nowhere => None,
            };
            let Some((_, earlier)) = earlier.filter(|(called, _)| ended < *called) else {
                continue;
            };
            self.out_of_time(number, earlier);
        }
    }

    fn made_at(&self, version: usize) -> Latest {
        let maker = self.makers[version]?;
        Some((self.operations[maker].called, maker))
    }

    /// `ended` stands behind `began` and ended before it began.
    fn out_of_time(&mut self, ended: usize, began: usize) {
        let (kind, shown) = match (self.places[began], self.places[ended]) {
            (Place::Sees(seen), _) => {
                let maker = self.makers[seen];
                let shown = maker.into_iter().chain([ended, began]).collect();
                (Kind::StaleRead, shown)
            }
            (Place::Makes(made), Place::Sees(seen)) if made == seen => {
                (Kind::ReadBeforeWrite, vec![began, ended])
            }
            _ => (Kind::WriteOutOfTime, vec![ended, began]),
        };
        self.report(kind, shown);
    }

    /// Refused writes: each stands before the version that it is based on was made, or behind the next one.
    ///
    /// The bounds of the moments at which versions were made are known now. The latest possible moments satisfy every
    /// refusal that can stand before its version; one that cannot must stand behind the next version, which bounds
    /// that version's moment, and with it those before. A bound only falls, so this ends.
    fn refusals(&mut self) {
        let refused: Vec<(usize, usize)> = (0..self.operations.len())
            .filter_map(|number| match self.places[number] {
                Place::Not(base) => Some((number, base)),
                _ => None,
            })
            .collect();
        if refused.is_empty() {
            return;
        }
        let mut latest = self.latest_moments();
        let mut behind = vec![false; refused.len()];
        loop {
            let mut moved = false;
            for (position, (number, base)) in refused.iter().copied().enumerate() {
                let operation = &self.operations[number];
                if behind[position] || latest[base] >= operation.called {
                    continue;
                }
                behind[position] = true;
                moved = true;
                let ended = operation.returned.unwrap_or(u64::MAX);
                let is_last = base == self.order.len();
                if is_last || self.earliest_moment(base + 1) > ended {
                    let next = self.makers.get(base + 1).copied().flatten();
                    let shown = self.makers[base].into_iter().chain(next).chain([number]);
                    let shown = shown.collect();
                    self.report(Kind::CurrentBaseRefused, shown);
                    continue;
                }
                for moment in latest[..=base + 1].iter_mut().rev() {
                    if *moment <= ended {
                        break;
                    }
                    *moment = ended;
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn earliest_moment(&self, version: usize) -> u64 {
        let earliest = self.before[version].max(self.made_at(version));
        earliest.map_or(0, |(called, _)| called)
    }

    /// The latest moment at which each version can have been made.
    fn latest_moments(&self) -> Vec<u64> {
        let mut latest = vec![u64::MAX; self.order.len() + 1];
        for (number, place) in self.places.iter().enumerate() {
            if let Place::Makes(version) | Place::Sees(version) = place {
                let ended = self.operations[number].returned.unwrap_or(u64::MAX);
                latest[*version] = latest[*version].min(ended);
            }
        }
        for version in (0..self.order.len()).rev() {
            latest[version] = latest[version].min(latest[version + 1]);
        }
        latest
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{Plan, chained, plan};
    use super::super::wgl;
    use super::*;
    use crate::seed::Seed;

    fn order(ids: &[&str]) -> Vec<Version> {
        ids.iter().map(|id| Version::live(*id)).collect()
    }

    fn operation(called: u64, returned: u64, action: Action) -> Operation {
        Operation {
            lane: 0,
            called,
            returned: Some(returned),
            action,
        }
    }

    fn read(called: u64, returned: u64, saw: &str) -> Operation {
        let saw = Some(saw.to_owned());
        operation(called, returned, Action::Read { saw })
    }

    fn write(called: u64, returned: u64, made: &str, based_on: Option<&str>) -> Operation {
        let made = made.to_owned();
        let based_on = based_on.map(str::to_owned);
        operation(called, returned, Action::Write { made, based_on })
    }

    fn refused(called: u64, returned: u64, based_on: &str) -> Operation {
        let based_on = based_on.to_owned();
        operation(called, returned, Action::Refused { based_on })
    }

    fn found(ids: &[&str], operations: &[Operation]) -> Vec<(Kind, Vec<usize>)> {
        match sweep(&order(ids), operations) {
            Verdict::Contradicted(found) => found
                .into_iter()
                .map(|found| (found.kind, found.operations))
                .collect(),
            Verdict::Explained => Vec::new(),
            Verdict::Undecided(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn overlapping_operations_may_take_effect_in_either_order() {
        let history = [
            write(0, 10, "1", None),
            write(20, 90, "2", Some("1")),
            read(30, 80, "1"),
            read(31, 79, "2"),
            refused(40, 85, "1"),
        ];
        assert_eq!(found(&["1", "2"], &history), []);
    }

    #[test]
    fn each_way_to_contradict_has_its_name_and_its_witness() {
        let first = write(0, 10, "1", None);
        let second = write(20, 30, "2", None);
        let with = |more: Operation| [first.clone(), second.clone(), more];
        let ids = ["1", "2", "3"];
        let cases = [
            (write(20, 30, "2", None), Kind::OneVersionTwice, vec![1, 2]),
            (read(40, 50, "9"), Kind::ReadOutsideHistory, vec![2]),
            (write(40, 50, "9", None), Kind::WriteLost, vec![2]),
            (
                write(40, 50, "3", Some("1")),
                Kind::BaseNotCurrent,
                vec![0, 1, 2],
            ),
            (refused(40, 50, "2"), Kind::CurrentBaseRefused, vec![1, 2]),
            (read(40, 50, "1"), Kind::StaleRead, vec![0, 1, 2]),
            (read(12, 15, "2"), Kind::ReadBeforeWrite, vec![1, 2]),
            (write(12, 15, "3", None), Kind::WriteOutOfTime, vec![2, 1]),
        ];
        for (operation, kind, witness) in cases {
            let ids = if kind == Kind::CurrentBaseRefused {
                &ids[..2]
            } else {
                &ids[..]
            };
            assert_eq!(found(ids, &with(operation)), [(kind, witness)]);
        }
    }

    #[test]
    fn a_refusal_is_right_once_the_next_version_may_be_there() {
        let first = write(0, 10, "1", None);
        let overlapping = write(45, 90, "2", Some("1"));
        assert_eq!(
            found(
                &["1", "2"],
                &[first.clone(), overlapping, refused(40, 50, "1")]
            ),
            []
        );
        let later = write(60, 90, "2", Some("1"));
        let history = [first, later, refused(40, 50, "1")];
        assert_eq!(
            found(&["1", "2"], &history),
            [(Kind::CurrentBaseRefused, vec![0, 1, 2])]
        );
    }

    #[test]
    fn one_refusal_may_leave_no_room_for_another() {
        // Both are based on a version whose write is under way; the second began before it could be made.
        let history = [
            write(0, 10, "1", None),
            write(20, 100, "2", None),
            refused(50, 60, "1"),
            refused(65, 70, "2"),
        ];
        assert_eq!(
            found(&["1", "2"], &history),
            [(Kind::CurrentBaseRefused, vec![1, 3])]
        );
    }

    #[test]
    fn a_read_of_nothing_stands_at_the_only_deletion() {
        let mut versions = order(&["1", "2"]);
        versions[1].deleted = true;
        let delete = Action::Delete {
            made: Some("2".to_owned()),
            based_on: None,
        };
        let absent = |called, returned| operation(called, returned, Action::Read { saw: None });
        let history = [
            write(0, 10, "1", None),
            operation(20, 30, delete),
            absent(40, 50),
        ];
        assert_eq!(sweep(&versions, &history), Verdict::Explained);
        let early = [history[0].clone(), history[1].clone(), absent(12, 15)];
        assert!(matches!(sweep(&versions, &early), Verdict::Contradicted(_)));
    }

    #[test]
    fn the_sweep_and_the_search_agree_on_small_random_histories() {
        let (mut explained, mut contradicted) = (0, 0);
        for number in 0..30_000 {
            let mut stream = Seed(7).derive("order/sweep").index(number).stream();
            let Plan { order, operations } = plan(&mut stream);
            let swept = sweep(&order, &operations);
            let searched = wgl::search(None, &chained(&order, &operations), wgl::BUDGET);
            match (&swept, &searched) {
                (Verdict::Explained, Verdict::Explained) => explained += 1,
                (Verdict::Contradicted(found), Verdict::Contradicted(_)) => {
                    contradicted += 1;
                    assert!(found.iter().all(|found| !found.operations.is_empty()));
                }
                _ => panic!("{number}: {swept:?}, {searched:?}, {order:?}, {operations:#?}"),
            }
        }
        assert!(
            explained > 5_000 && contradicted > 5_000,
            "{explained} {contradicted}"
        );
    }
}
