//! `$lookup`, `$subsumes`, `$expand` and `$validate-code` over the CodeSystems and ValueSets that are stored here and
//! a small fixture. <http://hl7.org/fhir/R4/terminology-service.html>. No other code system is known.

mod code_system;
mod expansion;

use std::sync::OnceLock;

use serde_json::{Value, json};

use self::code_system::CodeSystem;
use self::expansion::Coding;
use super::super::defect::Fault;
use super::super::outcome::Refusal;
use super::super::router::Place;
use super::super::search;
use super::super::store::instant_text;
use super::super::turn::{Call, Reply, Turn};
use super::input::{Input, missing};
use crate::fhir::bundle;
use crate::fhir::resource::resource_type;
use crate::http::message::Method;

/// CodeSystems and ValueSets that are known from the start: a Bundle.
static FIXTURE: &str = include_str!("../../../../fixtures/sandbox/terminology.json");

fn fixture() -> &'static Value {
    static PARSED: OnceLock<Value> = OnceLock::new();
    PARSED
        .get_or_init(|| serde_json::from_str(FIXTURE).expect("the fixture is JSON, as a test says"))
}

/// The definition of a canonical URL: a stored one first, then the fixture.
fn canonical(turn: &mut Turn<'_>, name: &str, url: &str) -> Result<Value, Refusal> {
    let (url, version) = match url.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (url, None),
    };
    let now = turn.server.clock().elapsed();
    turn.index.catch_up(now);
    let fits = |resource: &Value| {
        let text = |member: &str| resource.get(member).and_then(Value::as_str);
        text("url") == Some(url) && version.is_none_or(|version| text("version") == Some(version))
    };
    let stored = search::record(turn, name, None, &[])?;
    let stored = stored
        .iter()
        .rev()
        .filter_map(|version| version.resource.as_ref());
    let known = bundle::entries(fixture())
        .filter_map(bundle::resource)
        .filter(|resource| resource_type(resource) == Some(name));
    let found = stored.chain(known).find(|resource| fits(resource));
    found
        .cloned()
        .ok_or_else(|| Refusal::not_found(format!("there is no {name} of this URL")))
}

/// The resource that an operation is about: that of the instance, of a parameter, or of a canonical URL.
fn subject(
    turn: &mut Turn<'_>,
    input: &Input,
    place: &Place,
    names: (&str, &str, &str),
) -> Result<Value, Refusal> {
    let (name, inline, url) = names;
    if let Place::Instance(key) = place {
        let version = turn.living(key)?;
        return Ok(version.resource.clone().unwrap_or_default());
    }
    let inline = input.value(inline).or(input.body());
    if let Some(resource) = inline.filter(|value| resource_type(value) == Some(name)) {
        return Ok(resource.clone());
    }
    let url = input
        .text(url)
        .ok_or_else(|| missing(&format!("the URL of a {name}")))?;
    canonical(turn, name, &url)
}

fn parameters(parts: Vec<Value>) -> Reply {
    Reply::made(
        200,
        json!({ "resourceType": "Parameters", "parameter": parts }),
    )
}

/// `CodeSystem/$lookup`, <http://hl7.org/fhir/R4/codesystem-operation-lookup.html>.
pub fn lookup(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, Refusal> {
    let input = Input::of(call);
    let coding = match input.value("coding") {
        Some(coding) => Coding::of(coding),
        None => Coding::new(input.text("system"), input.text("code")),
    };
    let (Some(system), Some(code)) = (coding.system, coding.code) else {
        return Err(missing("system and code, or a coding,"));
    };
    let resource = canonical(turn, "CodeSystem", &system)?;
    let code_system = CodeSystem::new(&resource);
    let crashes = turn.server.has(Fault::LookupDesignationCrashes);
    if crashes && code_system.has_designation_without_language(&code) {
        let message = "the language of a designation could not be read";
        return Err(Refusal::new(500, "exception", message));
    }
    let display = match code_system.display(&code) {
        Some(display) => display.to_owned(),
        None if turn.server.has(Fault::LookupInvents) => code,
        None => return Err(Refusal::not_found("the code system has no such code")),
    };
    Ok(parameters(vec![
        json!({ "name": "name", "valueString": code_system.name() }),
        json!({ "name": "display", "valueString": display }),
    ]))
}

/// `CodeSystem/$subsumes`, <http://hl7.org/fhir/R4/codesystem-operation-subsumes.html>.
pub fn subsumes(turn: &mut Turn<'_>, call: &Call, place: &Place) -> Result<Reply, Refusal> {
    let input = Input::of(call);
    let code = |plain: &str, coding: &str| {
        let coded = input.value(coding).and_then(|value| Coding::of(value).code);
        input.text(plain).or(coded).ok_or_else(|| missing(plain))
    };
    let (left, right) = (code("codeA", "codingA")?, code("codeB", "codingB")?);
    let resource = subject(turn, &input, place, ("CodeSystem", "codeSystem", "system"))?;
    let code_system = CodeSystem::new(&resource);
    for code in [&left, &right] {
        if code_system.display(code).is_none() {
            return Err(Refusal::not_found("the code system has no such code"));
        }
    }
    let outcome = if left == right {
        "equivalent"
    } else if code_system.is_below(&right, &left) {
        "subsumes"
    } else if code_system.is_below(&left, &right) {
        "subsumed-by"
    } else {
        "not-subsumed"
    };
    Ok(parameters(vec![
        json!({ "name": "outcome", "valueCode": outcome }),
    ]))
}

/// `ValueSet/$expand`, <http://hl7.org/fhir/R4/valueset-operation-expand.html>.
pub fn expand(turn: &mut Turn<'_>, call: &Call, place: &Place) -> Result<Reply, Refusal> {
    let input = Input::of(call);
    let mut value_set = subject(turn, &input, place, ("ValueSet", "valueSet", "url"))?;
    let mut members = expansion::members(turn, &value_set)?;
    let filter = input.text("filter").map(|filter| filter.to_lowercase());
    let filter = filter.filter(|_| !turn.server.has(Fault::ExpandIgnoresFilter));
    let (mut offset, mut count) = (input.number("offset")?, input.number("count")?);
    if turn.server.has(Fault::ExpandIgnoresPaging)
        || call.method == Method::Post && turn.server.has(Fault::ExpandPostIgnoresPaging)
    {
        (offset, count) = (None, None);
    }
    let part = |members: Vec<Coding>| -> Vec<Coding> {
        let rest = members.into_iter().skip(offset.unwrap_or(0));
        rest.take(count.unwrap_or(usize::MAX)).collect()
    };
    let cuts_first = turn.server.has(Fault::ExpandFiltersPage);
    if cuts_first {
        members = part(members);
    }
    if let Some(filter) = filter {
        members.retain(|member| member.shows(&filter));
    }
    let total = members.len();
    if !cuts_first {
        members = part(members);
    }
    let shown: Vec<Value> = members.iter().map(Coding::to_json).collect();
    let mut expansion = json!({
        "timestamp": instant_text(turn.server.clock().now()),
        "total": total,
    });
    if let Some(offset) = offset {
        expansion["offset"] = offset.into();
    }
    if !shown.is_empty() {
        expansion["contains"] = Value::Array(shown);
    }
    value_set["expansion"] = expansion;
    Ok(Reply::made(200, value_set))
}

/// `$validate-code` of a ValueSet or a CodeSystem,
/// <http://hl7.org/fhir/R4/valueset-operation-validate-code.html>.
pub fn validate_code(turn: &mut Turn<'_>, call: &Call, place: &Place) -> Result<Reply, Refusal> {
    let input = Input::of(call);
    let is_value_set = place.resource_type() == Some("ValueSet");
    let (members, codings) = if is_value_set {
        let value_set = subject(turn, &input, place, ("ValueSet", "valueSet", "url"))?;
        (
            expansion::members(turn, &value_set)?,
            codings(&input, input.text("system"))?,
        )
    } else {
        let resource = subject(turn, &input, place, ("CodeSystem", "codeSystem", "url"))?;
        let code_system = CodeSystem::new(&resource);
        let own = code_system.url().map(str::to_owned);
        (code_system.members(), codings(&input, own)?)
    };
    let found = codings
        .iter()
        .find_map(|coding| members.iter().find(|member| member.is_same(coding)));
    let Some(found) = found else {
        let anything = turn.server.has(Fault::ValidateCodeAnything);
        return Ok(verdict(
            anything,
            (!anything).then_some("the code is not one of these"),
            None,
        ));
    };
    let differs = codings
        .iter()
        .filter(|coding| found.is_same(coding))
        .any(|coding| !found.is_called_the_same(coding));
    let message = differs.then_some("the code has another display");
    Ok(verdict(!differs, message, found.display.as_deref()))
}

/// What is to be validated: a code with its system, a coding, or the codings of a concept.
fn codings(input: &Input, system: Option<String>) -> Result<Vec<Coding>, Refusal> {
    if let Some(concept) = input.value("codeableConcept") {
        let list = concept.get("coding").and_then(Value::as_array);
        return Ok(list.into_iter().flatten().map(Coding::of).collect());
    }
    if let Some(coding) = input.value("coding") {
        return Ok(vec![Coding::of(coding)]);
    }
    if system.is_none() {
        return Err(missing("the system of the code"));
    }
    let mut coding = Coding::new(system, Some(input.required("code")?));
    coding.display = input.text("display");
    Ok(vec![coding])
}

fn verdict(result: bool, message: Option<&str>, display: Option<&str>) -> Reply {
    let mut parts = vec![json!({ "name": "result", "valueBoolean": result })];
    parts.extend(message.map(|text| json!({ "name": "message", "valueString": text })));
    parts.extend(display.map(|text| json!({ "name": "display", "valueString": text })));
    parameters(parts)
}
