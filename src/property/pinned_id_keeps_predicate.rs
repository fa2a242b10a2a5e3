//! `property/pinned-id-keeps-predicate`: a search that is confined to one resource by `_id` decides about it as the same
//! search does without. Row SM-28 of the catalogue, second half: one predicate by two ways through an index.

use super::case::{Case, Criterion, Origin, Script, Search, Term};
use super::contrast::{self, Judged, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct PinnedIdKeepsPredicate;

/// Resources that the search is confined to, one after the other.
const PINS: usize = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/pinned-id-keeps-predicate",
    title: "A search confined to one resource decides about it as the same search does without",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#Introduction",
    sentence: "The server determines which of the set of resources it serves meet the specific criteria, and returns the results in the HTTP response as a bundle",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the search was answered for a resource that is there",
    usual_causes: &[
        "a search with _id becomes a read, and the other criteria are dropped",
        "the index that answers the search holds old values of a resource",
    ],
};

impl Property for PinnedIdKeepsPredicate {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_with("_id").map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_with("_id").unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let predicate = population.criterion(population.parameter(values), values);
        let plain = Search::of("free", population.resource_type, vec![predicate.clone()]);
        script.search(Search::of("all", population.resource_type, Vec::new()));
        script.search(plain.clone());
        let start = values.below(1000);
        for (pin, offset) in (0..PINS).zip(0u32..) {
            let term = match ground.origin {
                Origin::Cohort => Term::Pool(start + offset, 1),
                // The population is what the first steps create.
                Origin::Created => {
                    let number = u32::try_from(population.resources.len()).unwrap_or(1);
                    Term::Id((start + offset) % number)
                }
            };
            let criteria = vec![Criterion::new("_id", term), predicate.clone()];
            script.search(Search {
                label: format!("pin{pin}"),
                criteria,
                ..plain.clone()
            });
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..PINS).map(|pin| judge(trace, &format!("pin{pin}"))))
    }
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let Some(key) = pinned(trace, label) else {
        return Ok(None);
    };
    if !answer::steady(trace, "free", "again")? {
        return Ok(None);
    }
    let (Some(all), Some(free), Some(pin)) = (
        contrast::answered(trace, "all")?,
        contrast::answered(trace, "free")?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    if !all.set().contains(&key) {
        return Ok(None);
    }
    if pin.set().iter().any(|other| *other != key) {
        // That _id does not confine is the matter of another property.
        return Err(Open::Undecided(
            "_id does not confine the search".to_owned(),
        ));
    }
    let (is_free, is_pinned) = (free.set().contains(&key), pin.set().contains(&key));
    let title = match (is_free, is_pinned) {
        (true, false) => "A match is lost when the search is confined to it",
        (false, true) => "What does not match is found when the search is confined to it",
        _ => return Ok(Some(Vec::new())),
    };
    let found = |is_found: bool| {
        if is_found {
            "it matches"
        } else {
            "it does not match"
        }
    };
    let violation = Violation::new(SPEC.id, title, found(is_free), found(is_pinned))
        .at("Bundle.entry")
        .signed(if is_free { "lost" } else { "added" });
    Ok(Some(vec![shown_by(violation, trace, &[&free, &pin])]))
}

/// The resource to which a search is confined, if its other criteria are those of the free search.
fn pinned(trace: &Trace, label: &str) -> Option<Key> {
    let (pin, rest) = answer::criteria(trace, label).split_first()?;
    if pin.name != "_id" || rest.is_empty() || rest != answer::criteria(trace, "free") {
        return None;
    }
    match &pin.value {
        Term::Id(step) => trace.key(*step).cloned(),
        _ => trace.search(label)?.named.first().cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(free: &[&str], pin: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let step = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.settle("Patient");
        let male = Criterion::new("gender", Term::text("male"));
        let mut ask = |label: &str, criteria: Vec<Criterion>, keys: &[&str]| {
            let page = searchset(keys, "Patient?_tag=x&_id=y&gender=male");
            let search = Search::of(label, "Patient", criteria);
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        ask("all", Vec::new(), &["Patient/1", "Patient/2"]);
        ask("free", vec![male.clone()], free);
        ask(
            "pin0",
            vec![Criterion::new("_id", Term::Id(step)), male.clone()],
            pin,
        );
        ask("again", vec![male], free);
        PinnedIdKeepsPredicate.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_resource_matches_confined_as_it_does_free() {
        for keys in [&["Patient/1"][..], &[]] {
            let judgement = judge(keys, keys);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
        assert_eq!(judge(&["Patient/1"], &[]).violations[0].signature, ["lost"]);
        assert_eq!(
            judge(&[], &["Patient/1"]).violations[0].signature,
            ["added"]
        );
    }

    #[test]
    fn an_id_that_does_not_confine_is_not_judged_here() {
        assert_eq!(judge(&[], &["Patient/2"]).violations, []);
    }
}
