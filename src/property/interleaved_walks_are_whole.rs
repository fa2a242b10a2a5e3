//! `property/interleaved-walks-are-whole`: two walks through pages at the same time see what each sees alone. Row PG-07 of
//! the catalogue.

use super::case::{Case, Command, Origin, Script, Search};
use super::contrast::{self, Equal, Judged, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct InterleavedWalksAreWhole;

/// Walks at the same time.
const WALKS: [&str; 2] = ["left", "right"];

static SPEC: PropertySpec = PropertySpec {
    id: "property/interleaved-walks-are-whole",
    title: "Two walks through pages at the same time see what each sees alone",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#paging",
    sentence: "Servers SHOULD support paging for the results of a search or history interaction, and if they do, they SHALL conform to this method",
    family: Family::Paging,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "two walks were made at the same time, one of them over more than one page",
    usual_causes: &[
        "the position of a walk is kept for the client and not for the search",
        "a cursor is the number of a page of whatever search was last",
    ],
};

impl Property for InterleavedWalksAreWhole {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched(1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched(1).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let resource_type = population.resource_type;
        let mut alone = |label: &str| Search {
            count: Some(1 + values.below(2)),
            ..Search::of(label, resource_type, Vec::new())
        };
        let (whole, mut part) = (alone("left-alone"), alone("right-alone"));
        if ground.origin == Origin::Created && values.chance(60) {
            let parameter = population.parameter(values);
            part.criteria.push(population.criterion(parameter, values));
        }
        script.search(whole.clone());
        script.search(part.clone());
        for (lane, (search, label)) in (0u8..).zip([(&whole, WALKS[0]), (&part, WALKS[1])]) {
            let walk = Search {
                label: label.to_owned(),
                ..search.clone()
            };
            script.push_lane(lane, Command::Search(walk));
        }
        script.search(Search {
            label: "again".to_owned(),
            ..whole
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather(WALKS.map(|label| judge(trace, label)))
    }
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let alone = format!("{label}-alone");
    let is_concurrent = WALKS.iter().all(|walk| {
        let event = trace.search(walk);
        event.is_some_and(|event| event.step.is_concurrent())
    });
    if !is_concurrent || answer::criteria(trace, label) != answer::criteria(trace, &alone) {
        return Ok(None);
    }
    if !answer::steady(trace, "left-alone", "again")? {
        return Ok(None);
    }
    let (Some(wanted), Some(walk)) = (
        contrast::answered(trace, &alone)?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    // One page may be that of a server that does not page.
    if walk.pages.len() < 2 {
        return Ok(None);
    }
    if wanted.repeated() > 0 {
        return Err(Open::Undecided("a walk alone repeats matches".to_owned()));
    }
    let equal = Equal {
        rule: SPEC.id,
        lost: "A walk misses matches while another walk goes on",
        added: "A walk has matches of something else while another walk goes on",
        wanted: &wanted.set(),
        found: &walk.set(),
    };
    let repeated = walk.repeated();
    let found = equal.violation().or_else(|| {
        (repeated > 0).then(|| {
            let title = "A walk repeats matches while another walk goes on";
            let actual = Phrase::say(format!("{repeated} of them again"));
            Violation::new(SPEC.id, title, "every match once", actual)
                .at("Bundle.entry")
                .signed("repeated")
        })
    });
    let shown = found.map(|violation| shown_by(violation, trace, &[&wanted, &walk]));
    Ok(Some(shown.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(left: &[&[&str]]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let search = |label: &str| Command::Search(Search::of(label, "Patient", Vec::new()));
        let page = |keys: &[&str]| (200, searchset(keys, "Patient?_tag=x"));
        let both: &[&str] = &["Patient/1", "Patient/2"];
        for label in ["left-alone", "right-alone"] {
            stage.push(search(label), None, vec![page(both)]);
        }
        let pages = left.iter().map(|keys| page(keys)).collect();
        stage.push(search("left"), None, pages);
        stage.push(search("right"), None, vec![page(both)]);
        stage.push(search("again"), None, vec![page(both)]);
        let mut trace = stage.trace();
        for event in &mut trace.events[2..4] {
            event.step.lane = Some(0);
        }
        InterleavedWalksAreWhole.check(&trace, &capability(json!({})))
    }

    #[test]
    fn a_walk_that_is_not_disturbed_is_silent() {
        let judgement = judge(&[&["Patient/1"], &["Patient/2"]]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        assert_eq!(judge(&[&["Patient/1"]]).weighed, 0);
    }

    #[test]
    fn a_walk_that_is_disturbed_is_found() {
        let sign = |left: &[&[&str]]| judge(left).violations[0].signature[0].clone();
        assert_eq!(sign(&[&["Patient/1"], &["Patient/1"]]), "lost");
        assert_eq!(
            sign(&[&["Patient/1"], &["Patient/2"], &["Patient/2"]]),
            "repeated"
        );
        assert_eq!(
            sign(&[&["Patient/1"], &["Patient/2", "Patient/9"]]),
            "added"
        );
    }
}
