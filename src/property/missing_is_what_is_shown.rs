//! `property/missing-is-what-is-shown`: `:missing` agrees with what the resources hold, and an element with nothing but
//! an extension is missing (SM-06). Row SM-06 of the catalogue. Only for simple elements; what is hidden from us is not
//! judged.

use serde_json::{Value, json};

use super::case::{Case, Criterion, Origin, Script, Term};
use super::dataset::Population;
use super::parameter::{Kind, Parameter};
use super::relation::{self, Ruling, Sets, only, parameter_of};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, variety};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct MissingIsWhatIsShown;

/// Parameters on one population.
const TURNS: usize = 2;

/// Resources of a population.
const POPULATION: u32 = 6;

static SPEC: PropertySpec = PropertySpec {
    id: "property/missing-is-what-is-shown",
    title: ":missing agrees with what the resources hold, and an extension alone is no value",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#modifiers",
    sentence: "For simple data type elements, :missing=true will match on all elements where either the underlying element is omitted or where the element is present with extensions but no @value is specified",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with and without a value were searched with the modifier",
    usual_causes: &[
        "an element that has only an extension counts as a value",
        "resources without a row in the index are neither missing nor there",
        "true and false are exchanged, or any text is taken for true",
    ],
};

fn suits(parameter: &Parameter) -> bool {
    matches!(parameter.kind, Kind::Code | Kind::Date) && parameter.path.len() == 1
}

/// Of what is written only elements that may be left out.
fn may_lack(parameter: &Parameter) -> bool {
    suits(parameter) && parameter.code != "status"
}

impl Property for MissingIsWhatIsShown {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(may_lack, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(may_lack, 1).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let (resource_type, parameters) = values.pick(&ground.types).clone();
        if ground.origin == Origin::Created {
            for _ in 0..POPULATION {
                let mut resource = variety::member(resource_type, values);
                for parameter in &parameters {
                    if values.chance(30) {
                        leave_extension(parameter, &mut resource);
                    }
                }
                script.create(resource);
            }
            script.settle(resource_type);
        }
        let population = Population {
            resource_type,
            parameters,
            resources: Vec::new(),
        };
        relation::related(script, population, values, TURNS, |inquiry, values| {
            let name = format!("{}:missing", inquiry.population.parameter(values).code);
            for flag in ["true", "false"] {
                inquiry.ask(flag, vec![Criterion::new(name.clone(), Term::text(flag))]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

/// Puts an extension in the place of a value.
fn leave_extension(parameter: &Parameter, resource: &mut Value) {
    let (Some(members), [member]) = (resource.as_object_mut(), parameter.path) else {
        return;
    };
    if members.shift_remove(*member).is_some() {
        let reason = json!({ "extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked" }] });
        members.insert(format!("_{member}"), reason);
    }
}

/// What a resource holds for a simple element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Value,
    Extension,
    Nothing,
    Unclear,
}

fn held(parameter: &Parameter, body: &Value) -> Held {
    let [member] = parameter.path else {
        return Held::Unclear;
    };
    if is_subsetted(body) {
        return Held::Unclear;
    }
    if body.get(*member).is_some() {
        return Held::Value;
    }
    let alone = format!("_{member}");
    let mut rest = body.clone();
    let had = rest
        .as_object_mut()
        .and_then(|members| members.shift_remove(&alone));
    match had {
        _ if !parameter.is_missing(&rest) => Held::Unclear,
        Some(_) => Held::Extension,
        None => Held::Nothing,
    }
}

/// Elements were left out of what is shown, <http://hl7.org/fhir/R4/search.html#elements>.
fn is_subsetted(body: &Value) -> bool {
    let tags = body.get("meta").and_then(|meta| meta.get("tag"));
    let mut tags = tags.and_then(Value::as_array).into_iter().flatten();
    tags.any(|tag| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED"))
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [yes, no] = ["true", "false"].map(|label| format!("{label}{turn}"));
    let (Some(first), Some(second)) = (only(trace, &yes), only(trace, &no)) else {
        return Ok(None);
    };
    let flag = |criterion: &Criterion, flag: &str| criterion.value == Term::text(flag);
    let is_pair = first.name == second.name
        && first.name.ends_with(":missing")
        && flag(first, "true")
        && flag(second, "false");
    let Some(parameter) = parameter_of(trace, &yes).filter(|found| is_pair && suits(found)) else {
        return Ok(None);
    };
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let (Some(lacking), Some(having)) = (sets.get(&yes), sets.get(&no)) else {
        return sets.ruling(false, Vec::new());
    };
    if lacking == *sets.all() && having == *sets.all() && !lacking.is_empty() {
        let reason = "the modifier :missing changes nothing: it is ignored";
        return Err(super::Open::Unsupported(reason.to_owned()));
    }
    let mut wrong = [0_usize; 3];
    let mut seen = [0_usize; 3];
    for (key, body) in sets.bodies() {
        let kind = match held(parameter, &body) {
            Held::Value => 0,
            Held::Extension => 1,
            Held::Nothing => 2,
            Held::Unclear => continue,
        };
        seen[kind] += 1;
        let (expected, other) = if kind == 0 {
            (&having, &lacking)
        } else {
            (&lacking, &having)
        };
        wrong[kind] += usize::from(!expected.contains(&key) || other.contains(&key));
    }
    let titles = [
        ("A resource with a value is missing it", "value"),
        (
            "An element with nothing but an extension is not missing",
            "extension",
        ),
        ("A resource without a value is not missing it", "nothing"),
    ];
    let violations: Vec<_> = titles
        .into_iter()
        .zip(wrong)
        .filter(|(_, number)| *number > 0)
        .map(|((title, sign), number)| {
            sets.broken(
                title,
                format!(
                    "{} with a value, {} with an extension only, {} with nothing",
                    seen[0], seen[1], seen[2]
                ),
                format!(
                    "{} with false, {} with true: {number} wrong",
                    having.len(),
                    lacking.len()
                ),
                sign,
            )
        })
        .collect();
    sets.ruling(seen.iter().sum::<usize>() > 0, violations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};

    fn judge(yes: &[usize], no: &[usize]) -> Judgement {
        let all = [
            patient("1", json!({"gender": "male"})),
            patient("2", json!({"_gender": {"extension": []}})),
            patient("3", json!({})),
            patient("4", json!({"meta": {"tag": [{"code": "SUBSETTED"}]}})),
        ];
        let mut stage = Stage::new(SPEC.id);
        for (label, flag, found) in [
            ("all", None, &[0, 1, 2, 3][..]),
            ("true0", Some("true"), yes),
            ("false0", Some("false"), no),
            ("again", None, &[0, 1, 2, 3]),
        ] {
            let criteria = flag.map(|flag| Criterion::new("gender:missing", Term::text(flag)));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        MissingIsWhatIsShown.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_is_shown_is_silent() {
        let judgement = judge(&[1, 2], &[0, 3]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn each_kind_in_the_wrong_half_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge(&[0, 1, 2], &[])), "value");
        assert_eq!(sign(judge(&[2], &[0, 1])), "extension");
        assert_eq!(sign(judge(&[1], &[0])), "nothing");
    }

    #[test]
    fn a_value_is_left_as_an_extension() {
        let parameter = super::super::parameter::find("Patient", "birthdate").unwrap();
        let mut resource = patient("1", json!({"birthDate": "1980"}));
        leave_extension(parameter, &mut resource);
        assert_eq!(held(parameter, &resource), Held::Extension);
    }
}
