//! The self link says what the server searched for. Only the first page is judged: later URLs are the server's own.

use super::super::{Check, CheckSpec, Evidence};
use super::{Search, base_code, is_result_parameter};
use crate::fhir::{bundle, definitions};
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "search/self-link",
    title: "The self link lists the parameters that were used",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#conformance",
    sentence: "the server SHALL return the parameters that were actually used to process the search",
    usual_causes: &[
        "a proxy or gateway drops the query string",
        "the parameter is declared but not implemented",
        "the form of a POST search is not read",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct SelfLink;

impl Check for SelfLink {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    let first = search.pages.first()?;
    // The URL of a later page is the server's own, and so is what its self link must list.
    if search.starts_later() || search.has_own_parameters() {
        return None;
    }
    let method = first.exchange.request.method;
    let violation = |expected: String, actual: &str| {
        Violation::new(
            SPEC.id,
            "The self link does not say what was searched for",
            expected.as_str(),
            actual,
        )
        .at("Bundle.link[self]")
        .seen_in([first.exchange.number])
        .signed(method.as_str())
    };
    // A link that is not there, and one that lists nothing, are one cause whatever was asked for.
    if bundle::link(&first.bundle, "self").is_none() {
        return Some(violation("a self link".to_owned(), "no self link").signed("absent"));
    }
    let resource_type = search.asked.resource_type.as_deref()?;
    let capability = evidence.capability?;
    // A value without meaning may be ignored, if the self link says so.
    search.query(evidence)?;
    let demanded: Vec<&str> = search
        .asked
        .pairs
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| {
            let code = base_code(name);
            !is_result_parameter(code)
                && definitions::search_parameter(resource_type, code).is_some()
                && capability.supports_parameter(resource_type, code)
        })
        .collect();
    let listed = search.self_pairs()?;
    let selecting = listed
        .iter()
        .filter(|(name, _)| !is_result_parameter(base_code(name)))
        .count();
    // A server may list an equivalent (`subject` for `patient`): only fewer criteria than were sent is a loss.
    if selecting >= demanded.len() {
        return None;
    }
    let lost: Vec<&str> = demanded
        .into_iter()
        .filter(|name| !listed.iter().any(|(found, _)| found == name))
        .collect();
    if lost.is_empty() {
        return None;
    }
    if selecting == 0 {
        let expected = "the self link lists the parameters that the target declares".to_owned();
        return Some(violation(expected, "the self link lists none").signed("nothing"));
    }
    let names = lost.join(", ");
    let expected = format!("the self link lists {names}, which the target declares");
    let actual = format!("the self link lacks {names}");
    Some(
        violation(expected, &actual)
            .signed(resource_type)
            .signed(names),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::capability::Capability;
    use crate::http::{Exchange, Request, Response, Timings};

    const BASE: &str = "https://fhir.example.org/r4";

    fn signature(query: &str, listed: &str) -> Vec<String> {
        let body = json!({"resourceType": "Bundle", "type": "searchset",
            "link": [{"relation": "self", "url": format!("{BASE}/Patient{listed}")}]});
        let exchange = Exchange {
            number: 1,
            request: Request::get(format!("{BASE}/Patient?{query}")),
            outcome: Ok(Response {
                status: 200,
                version: "HTTP/1.1",
                headers: [("content-type", "application/fhir+json")]
                    .into_iter()
                    .collect(),
                body: body.to_string().into(),
            }),
            timings: Timings::default(),
            translated: None,
        };
        let declared = ["family", "gender", "birthdate"].map(|name| json!({ "name": name }));
        let capability = Capability::new(json!({"rest": [{"mode": "server",
            "resource": [{"type": "Patient", "searchParam": declared}]}]}));
        let violations = SelfLink.judge(&Evidence {
            exchanges: &[&exchange],
            earlier: &[],
            capability: Some(&capability),
            cohort: None,
            memory: None,
            base: BASE,
        });
        violations.into_iter().next().unwrap().signature
    }

    #[test]
    fn links_that_list_nothing_are_one_cause_and_lost_parameters_are_told_apart() {
        let nothing = signature("family=a", "");
        assert_eq!(
            nothing,
            signature("gender=male&birthdate=2000", "?_count=2")
        );
        let family = signature("family=a&gender=male", "?gender=male");
        assert_ne!(nothing, family);
        assert_ne!(family, signature("family=a&gender=male", "?family=a"));
    }
}
