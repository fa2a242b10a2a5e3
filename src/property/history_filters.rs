//! `property/history-filters`: a history with `_count`, `_since` or `_at` is what those leave of the whole history. Row
//! VH-06. Instants are held against each other by whole seconds: R4 asks no more of a server.

use jiff::Timestamp;

use super::case::{Case, Command, Criterion, Origin, Script, Term};
use super::chronicle::{self, Chapter};
use super::document::Kind;
use super::trace::{Event, Outcome, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::fhir::{bundle, query};
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct HistoryFilters;

static SPEC: PropertySpec = PropertySpec {
    id: "property/history-filters",
    title: "A history with _count, _since or _at is what those leave of the whole history",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "Only include resource versions that were created at or after the given instant in time",
    family: Family::History,
    guards: &[Guard::SelfLink, Guard::Unknown],
    precondition: "the history of one resource was read whole and with a parameter",
    usual_causes: &[
        "the parameter is read by the history of a type and not by that of an instance",
        "the next link of a history forgets where the page ended",
        "the instant is compared as text, or in another zone",
    ],
};

const INTERACTIONS: &[&str] = &["history-instance"];
/// How far from a version an instant lies that is to leave out all before or none, in milliseconds.
const FAR_MS: i64 = 3_000;
/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

impl Property for HistoryFilters {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        chronicle::types(ground, INTERACTIONS).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = chronicle::types(ground, INTERACTIONS).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        let mut writes = vec![made];
        for turn in 1..=2 + values.below(2) {
            writes.push(script.put(made, dataset::turn(resource_type, turn, values), None));
        }
        script.history(made);
        let moment = Term::Moment(
            *values.pick(&writes),
            *values.pick(&[-FAR_MS, 0, 0, FAR_MS]),
        );
        let option = match values.below(5) {
            0..=1 => {
                let count = 1 + values.below(2);
                Criterion::new("_count", Term::text(count.to_string()))
            }
            2..=3 => Criterion::new("_since", moment),
            _ => Criterion::new("_at", moment),
        };
        script.push(Command::History {
            target: made,
            options: vec![option],
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let mut whole: Option<(u32, &Event)> = None;
        for event in &trace.events {
            match &event.step.command {
                Command::History { target, options } if options.is_empty() => {
                    whole = Some((*target, event));
                }
                Command::History { target, options } => {
                    if let Some((of, whole)) = whole
                        && of == *target
                        && let [option] = options.as_slice()
                    {
                        compare(whole, event, &option.name, &mut judgement);
                    }
                }
                command if command.writes() => whole = None,
                _ => {}
            }
        }
        judgement
    }

    /// Versions that no page holds are lost to whoever reads the history.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.get(1).map(String::as_str) {
            Some("endless" | "missing") => Level::Robust,
            _ => SPEC.level,
        }
    }
}

fn compare(whole: &Event, part: &Event, name: &str, judgement: &mut Judgement) {
    if let Reply::Refused(exchange) = part.reply() {
        let status = exchange.status().unwrap_or_default();
        let reason = format!("a history with {name} is answered with {status}");
        judgement.open.push(Open::Unsupported(reason));
        return;
    }
    let (Some(all), Some(pages)) = (chronicle::chapters(whole), chronicle::pages(part)) else {
        return;
    };
    if whole.outcome == Outcome::Endless {
        return;
    }
    let listed = || pages.iter().flatten();
    let found = match name {
        "_count" => count(part, &all, &pages),
        "_since" if heeds(part, name) => {
            instant(part, name).and_then(|since| by_time(&all, listed(), &Since(since)))
        }
        "_at" if heeds(part, name) => {
            instant(part, name).and_then(|at| by_time(&all, listed(), &At(at)))
        }
        _ => {
            let reason = format!("a history ignores {name}: its self link does not show it");
            judgement.open.push(Open::Unsupported(reason));
            return;
        }
    };
    judgement.weighed += 1;
    if let Some((sign, title)) = found {
        let versions = |list: &mut dyn Iterator<Item = &Chapter>| -> Vec<String> {
            list.filter_map(|chapter| chapter.version.clone()).collect()
        };
        let before = versions(&mut all.iter());
        let after = versions(&mut listed());
        let violation = Violation::new(
            SPEC.id,
            title,
            chronicle::listing(before.iter().map(String::as_str)),
            chronicle::listing(after.iter().map(String::as_str)),
        );
        judgement.violations.push(
            violation
                .at("Bundle.entry")
                .signed(name)
                .signed(sign)
                .seen_in(whole.numbers().chain(part.numbers())),
        );
    }
}

/// Guard SELF, for histories. Without a self link that has a query nothing is known, and nothing concluded.
fn heeds(event: &Event, name: &str) -> bool {
    let page = event.exchanges.first().and_then(|exchange| exchange.json());
    let shown = page.as_ref().and_then(|page| bundle::link(page, "self"));
    shown
        .and_then(|url| url.split_once('?'))
        .is_some_and(|(_, text)| {
            query::decode_pairs(text)
                .iter()
                .any(|(known, _)| known == name)
        })
}

fn asked(event: &Event, name: &str) -> Option<String> {
    let url = &event.exchanges.first()?.request.url;
    let pairs = query::decode_pairs(url.split_once('?')?.1);
    pairs
        .into_iter()
        .find_map(|(known, value)| (known == name).then_some(value))
}

fn instant(event: &Event, name: &str) -> Option<Timestamp> {
    asked(event, name)?.parse().ok()
}

/// No page is larger than asked for, and together they are the whole.
fn count(event: &Event, all: &[Chapter], pages: &[Vec<Chapter>]) -> Option<Kind> {
    let most: usize = asked(event, "_count")?.parse().ok()?;
    let versions = |list: Vec<&Chapter>| -> Vec<Option<String>> {
        list.into_iter()
            .map(|chapter| chapter.version.clone())
            .collect()
    };
    let whole = versions(all.iter().collect());
    let union = versions(pages.iter().flatten().collect());
    if event.outcome == Outcome::Endless {
        Some(("endless", "The pages of a history do not end"))
    } else if whole.iter().any(|version| !union.contains(version)) {
        Some((
            "missing",
            "A version of the whole history is on none of its pages",
        ))
    } else if union.len() > whole.len() {
        Some(("repeated", "A version is on two pages of a history"))
    } else if union != whole {
        Some((
            "order",
            "The pages of a history have another order than the whole",
        ))
    } else if pages.iter().any(|page| page.len() > most) {
        Some(("too-many", "A page of a history holds more than _count"))
    } else {
        None
    }
}

/// What a parameter leaves of a history, as far as whole seconds tell.
trait Window {
    /// The version must be there. `next` is when the version after it was made.
    fn includes(&self, made: Timestamp, next: Option<Timestamp>) -> bool;
    /// The version must not be there.
    fn excludes(&self, made: Timestamp, next: Option<Timestamp>) -> bool;
}

struct Since(Timestamp);

impl Window for Since {
    fn includes(&self, made: Timestamp, _next: Option<Timestamp>) -> bool {
        // What was made at the instant itself is left to a case of its own: clocks are finer than what they show.
        made > self.0
    }

    fn excludes(&self, made: Timestamp, _next: Option<Timestamp>) -> bool {
        second(made) < second(self.0)
    }
}

struct At(Timestamp);

impl Window for At {
    fn includes(&self, made: Timestamp, next: Option<Timestamp>) -> bool {
        made < self.0 && next.is_none_or(|next| next > self.0)
    }

    fn excludes(&self, made: Timestamp, next: Option<Timestamp>) -> bool {
        let ended = |next: Timestamp| second(next) < second(self.0);
        second(made) > second(self.0) + 1 || next.is_some_and(ended)
    }
}

fn second(instant: Timestamp) -> i128 {
    instant.as_nanosecond().div_euclid(SECOND)
}

fn by_time<'a>(
    all: &[Chapter],
    listed: impl Iterator<Item = &'a Chapter>,
    window: &dyn Window,
) -> Option<Kind> {
    let listed: Vec<&Option<String>> = listed.map(|chapter| &chapter.version).collect();
    for (index, chapter) in all.iter().enumerate() {
        let Some(made) = chapter.instant.filter(|_| chapter.version.is_some()) else {
            continue;
        };
        let next = index.checked_sub(1).and_then(|newer| all[newer].instant);
        let is_listed = listed.contains(&&chapter.version);
        if window.includes(made, next) && !is_listed {
            return Some((
                "too-few",
                "A history with an instant lacks a version that belongs to it",
            ));
        }
        if window.excludes(made, next) && is_listed {
            return Some((
                "unfiltered",
                "A history with an instant holds a version that does not belong to it",
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::chronicle::testing::{bundle, version};
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};
    use std::sync::Arc;

    const TIMES: [&str; 2] = ["2020-01-01T00:00:05.100Z", "2020-01-01T00:00:09.100Z"];

    fn both() -> [Value; 2] {
        [version("2", TIMES[1]), version("1", TIMES[0])]
    }

    fn judge(query: &str, pages: Vec<Vec<Value>>) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let history = |options: Vec<Criterion>| Command::History {
            target: made,
            options,
        };
        let whole = vec![(200, bundle(both().to_vec()))];
        stage.push(history(Vec::new()), Some("Patient/1"), whole);
        let (name, value) = query.split_once('=').unwrap();
        let option = Criterion::new(name, Term::text(value));
        let pages = pages
            .into_iter()
            .map(|entries| {
                let mut page = bundle(entries);
                let url = format!("http://h/fhir/Patient/1/_history?{query}");
                page["link"] = json!([{"relation": "self", "url": url}]);
                (200, page)
            })
            .collect();
        stage.push(history(vec![option]), Some("Patient/1"), pages);
        let mut trace = stage.trace();
        for exchange in &mut trace.events.last_mut().unwrap().exchanges {
            Arc::make_mut(exchange).request.url =
                format!("http://h/fhir/Patient/1/_history?{query}");
        }
        HistoryFilters.check(&trace, &capability(json!({})))
    }

    fn sign(judgement: &Judgement) -> Option<&str> {
        let violation = judgement.violations.first()?;
        violation.signature.get(1).map(String::as_str)
    }

    #[test]
    fn pages_that_are_the_whole_are_silent_and_others_are_told_apart() {
        let [new, old] = both();
        let good = judge("_count=1", vec![vec![new.clone()], vec![old.clone()]]);
        assert_eq!((sign(&good), good.weighed), (None, 1));
        for (pages, wanted) in [
            (vec![vec![new.clone()]], "missing"),
            (vec![vec![new.clone(), old.clone()]], "too-many"),
            (vec![vec![old.clone()], vec![new.clone()]], "order"),
            (
                vec![vec![new.clone()], vec![new.clone()], vec![old.clone()]],
                "repeated",
            ),
        ] {
            assert_eq!(sign(&judge("_count=1", pages)), Some(wanted));
        }
    }

    #[test]
    fn an_instant_leaves_what_came_later_and_the_same_second_is_open() {
        let [new, old] = both();
        let between = "_since=2020-01-01T00:00:07Z";
        assert_eq!(sign(&judge(between, vec![vec![new.clone()]])), None);
        assert_eq!(sign(&judge(between, vec![vec![]])), Some("too-few"));
        let all = vec![vec![new.clone(), old.clone()]];
        assert_eq!(sign(&judge(between, all.clone())), Some("unfiltered"));
        assert_eq!(sign(&judge("_since=2020-01-01T00:00:05.900Z", all)), None);
    }

    #[test]
    fn a_moment_leaves_what_was_current_then() {
        let [new, old] = both();
        let at = "_at=2020-01-01T00:00:07Z";
        assert_eq!(sign(&judge(at, vec![vec![old.clone()]])), None);
        assert_eq!(sign(&judge(at, vec![vec![]])), Some("too-few"));
        assert_eq!(sign(&judge(at, vec![vec![new, old]])), Some("unfiltered"));
    }

    #[test]
    fn an_ignored_parameter_says_nothing() {
        let judgement = judge("_list=x", vec![both().to_vec()]);
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
