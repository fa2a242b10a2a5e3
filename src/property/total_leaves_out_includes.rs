//! `property/total-leaves-out-includes`: what comes along with the matches is not counted. Row SM-23 of the catalogue.

use super::case::{Case, Script, Search};
use super::contrast::{self, Judged, matches, shown_by};
use super::linked::{self, Link};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, bodies,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct TotalLeavesOutIncludes;

static SPEC: PropertySpec = PropertySpec {
    id: "property/total-leaves-out-includes",
    title: "Bundle.total counts the matches and not what comes along with them",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#count",
    sentence: "It does not count extra resources such as OperationOutcome or included resources that may also be returned.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources came along with the matches of a page that has a total",
    usual_causes: &[
        "the total is the number of entries of the Bundle",
        "the total is counted over a join, once for each included resource",
    ],
};

impl Property for TotalLeavesOutIncludes {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        linked_ground(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let on = linked_ground(ground).unwrap_or_default();
        let mut script = Script::new(SPEC.id, on.origin, values.below(1000));
        let linked = linked::populate(&mut script, &on, values);
        let plain = linked
            .search("plain", Vec::new())
            .with("_total", "accurate");
        script.search(plain.clone());
        for (label, count) in [("whole", None), ("paged", Some(2))] {
            let with = Search {
                label: label.to_owned(),
                count,
                ..plain.clone()
            };
            script.search(with.with("_include", linked.link.joined()));
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather(["whole", "paged"].map(|label| judge(trace, label)))
    }
}

fn linked_ground(ground: &Ground<'_>) -> Result<linked::LinkedGround, Verdict> {
    linked::ground(ground, "_include of a Patient", |link: &Link| {
        ground
            .capability
            .supports_include(link.resource_type, false, &link.joined())
    })
}

fn judge(trace: &Trace, label: &str) -> Judged {
    if answer::criteria(trace, label) != answer::criteria(trace, "plain")
        || !answer::steady(trace, "plain", "again")?
    {
        return Ok(None);
    }
    let (Some(plain), Some(with)) = (
        contrast::answered(trace, "plain")?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    let number = plain.set().len();
    if bodies::totals(trace, "plain").is_empty() {
        return Err(Open::Unsupported("answers have no total".to_owned()));
    }
    // A server that miscounts the matches alone does not miscount because of what comes along.
    let is_exact = |total: &u64| usize::try_from(*total) == Ok(number);
    let pages = bodies::pages_of(trace, label);
    let has_more = pages.iter().any(|page| !bodies::included(page).is_empty());
    let totals = bodies::totals(trace, label);
    let comparable =
        bodies::totals(trace, "plain").iter().all(is_exact) && with.set() == plain.set();
    if !comparable || !has_more || totals.is_empty() {
        return Ok(None);
    }
    let wrong = totals.iter().find(|total| !is_exact(total)).map(|total| {
        Violation::new(
            SPEC.id,
            "Bundle.total changes when resources come along with the matches",
            format!("a total of {number}: {}", matches(number)).as_str(),
            format!("a total of {total}").as_str(),
        )
        .at("Bundle.total")
        .signed("total")
    });
    let shown = wrong.map(|violation| shown_by(violation, trace, &[&plain, &with]));
    Ok(Some(shown.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(plain: Option<u64>, with: u64) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut page = searchset(&["Observation/1", "Observation/2"], "Observation?_tag=x");
        let mut ask = |label: &str, page| {
            let search = Search::of(label, "Observation", Vec::new());
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        if let Some(total) = plain {
            page["total"] = json!(total);
        }
        ask("plain", page.clone());
        let mut whole = page.clone();
        whole["total"] = json!(with);
        let along = json!({"resource": {"resourceType": "Patient", "id": "1"},
            "search": {"mode": "include"}});
        whole["entry"].as_array_mut().unwrap().push(along);
        ask("whole", whole);
        ask("again", page);
        TotalLeavesOutIncludes.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn the_total_stays_when_resources_come_along() {
        let judgement = judge(Some(2), 2);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        assert_eq!(judge(Some(2), 3).violations[0].signature, ["total"]);
    }

    #[test]
    fn a_server_without_totals_or_with_another_miscount_is_not_accused() {
        assert_eq!(judge(None, 3).weighed, 0);
        assert_eq!(judge(Some(1), 3).violations, []);
    }
}
