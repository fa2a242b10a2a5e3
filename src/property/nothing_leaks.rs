//! `property/nothing-leaks`: whatever a search asks for, it finds nothing outside of what confines it, and nothing that
//! is only contained. Row SM-38 of the catalogue.

use serde_json::{Value, json};

use super::case::{Case, Criterion, Origin, Script, Search, Term};
use super::contrast::{self, Judged, matches, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::fhir::oracle::{Known, Match};
use crate::fhir::query::Query;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct NothingLeaks;

/// Searches on one population.
const TURNS: usize = 5;
/// Id of the resource that is contained; no server gives such an id by itself.
pub const INNER: &str = "rounds-inner";

static SPEC: PropertySpec = PropertySpec {
    id: "property/nothing-leaks",
    title: "A search finds nothing outside of what confines it",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#combining",
    sentence: "This is known as an AND search parameter, since the server is expected to respond only with results which match both values.",
    family: Family::Search,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Fresh, Guard::SelfLink],
    precondition: "a search that is confined was answered with matches",
    usual_causes: &[
        "a list of alternatives loosens the criteria beside it",
        "a criterion with a modifier replaces the others",
        "contained resources are indexed as if they stood alone",
    ],
};

impl Property for NothingLeaks {
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
        if ground.origin == Origin::Created && values.chance(50) {
            script.create(container(resource_type, values));
            script.settle(resource_type);
        }
        script.search(Search::of("leak0", resource_type, Vec::new()));
        for turn in 1..TURNS {
            let parameter = population.parameter(values);
            let one = population.criterion(parameter, values);
            let other = population.criterion(parameter, values);
            let criterion = match turn % 4 {
                1 => one,
                2 => Criterion::new(one.name, Term::AnyOf(vec![one.value, other.value])),
                3 => Criterion::new(format!("{}:not", one.name), one.value),
                _ => Criterion::new(format!("{}:missing", one.name), Term::text("false")),
            };
            let search = Search::of(&format!("leak{turn}"), resource_type, vec![criterion]);
            script.search(search);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, &format!("leak{turn}"))))
    }
}

/// A resource with another of the same type inside.
fn container(resource_type: &str, values: &mut Values) -> Value {
    let mut outer = dataset::member(resource_type, values);
    let mut inner = dataset::member(resource_type, values);
    inner["id"] = json!(INNER);
    outer["contained"] = json!([inner]);
    let reference = json!({ "reference": format!("#{INNER}") });
    match resource_type {
        "Observation" => outer["hasMember"] = json!([reference]),
        _ => outer["link"] = json!([{ "other": reference, "type": "seealso" }]),
    }
    outer
}

fn judge(trace: &Trace, label: &str) -> Judged {
    answer::prepared(trace)?;
    let Some(found) = contrast::answered(trace, label)? else {
        return Ok(None);
    };
    let stored = bodies::of(trace, label);
    let Some(confinement) = confinement(trace, label) else {
        return Ok(None);
    };
    if stored.is_empty() {
        return Ok(None);
    }
    let known = Known::new(stored.values()).at(&trace.base);
    let outside = |(key, body): &(&Key, &Value)| {
        known.judge(body, &confinement) == Match::No && !is_own(trace, key)
    };
    let foreign = stored.iter().filter(outside).count();
    let inner = stored.keys().filter(|key| key.id == INNER).count();
    let (title, sign, number) = match (foreign, inner) {
        (0, 0) => return Ok(Some(Vec::new())),
        (0, number) => (
            "A search finds a contained resource as if it stood alone",
            "contained",
            number,
        ),
        (number, _) => (
            "A search finds a resource outside of what confines it",
            "foreign",
            number,
        ),
    };
    let violation = Violation::new(
        SPEC.id,
        title,
        "only what meets every criterion",
        Phrase::say(format!("{}: {number} {sign}", matches(stored.len()))),
    )
    .at("Bundle.entry")
    .signed(sign);
    Ok(Some(vec![shown_by(violation, trace, &[&found])]))
}

/// A resource that the case created: that its body does not show the tag is the matter of another property.
fn is_own(trace: &Trace, key: &Key) -> bool {
    let mut events = trace.events.iter();
    events.any(|event| event.step.command.creates() && event.key.as_ref() == Some(key))
}

/// What was sent beside the criteria of the search.
fn confinement(trace: &Trace, label: &str) -> Option<Query> {
    let search = contrast::search(trace, label)?;
    let names = search.names();
    let pairs: Vec<(String, String)> = bodies::sent(trace, label)
        .into_iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .collect();
    let query = Query::parse(Some(&search.resource_type), &pairs).ok()?;
    (!query.criteria.is_empty() && query.unknown.is_empty()).then_some(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};

    fn judge(found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let url = "http://h/fhir/Patient?_tag=s%7Cc";
        let mut page = searchset(found, url);
        page["entry"][0]["resource"]["meta"] = json!({"tag": [{"system": "s", "code": "c"}]});
        let search = Search::of("leak0", "Patient", Vec::new());
        stage.push(Command::Search(search), None, vec![(200, page)]);
        stage.asking(url);
        NothingLeaks.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_meets_the_confinement_is_silent() {
        let judgement = judge(&["Patient/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_belongs_to_others_is_found() {
        let judgement = judge(&["Patient/1", "Patient/2"]);
        assert_eq!(judgement.violations[0].signature, ["foreign"]);
    }
}
