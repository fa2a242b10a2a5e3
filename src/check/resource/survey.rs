//! All that came back in a run: each distinct resource is validated once, and what is wrong is grouped by rule and place,
//! so that one fault in 37 responses is one cause. What we sent broken is ours.
//! Not the rules themselves (`flaw`), and not the check of one exchange (`judged`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::examine::{Digest, Examiner, Part, digest};
use super::flaw::Identity;
use super::judged::flaws_of_ours;
use super::ours::{Ours, is_at_place_of};
use super::partial::Pages;
use crate::check;
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::fhir::definitions::Library;
use crate::http::Exchange;
use crate::record::{Level, Violation};

/// Distinct bodies that are told apart at most; further ones are validated each time.
const MAX_BODIES: usize = 200_000;
/// Causes that are kept at most; a server with more is broken throughout.
const MAX_CAUSES: usize = 400;
/// Responses of one cause whose numbers are kept; the others are counted.
const MAX_NUMBERS: usize = 1_000;
/// Exchanges of one cause that are kept whole, some of which may turn out to be ours.
const MAX_EXAMPLES: usize = 8;

/// One cause: a rule broken at a place.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Id of the check.
    pub check: &'static str,
    /// How strongly the rule binds.
    pub level: Level,
    /// As first seen; its exchanges are all responses that show it, up to a limit.
    pub violation: Violation,
    /// Responses that show it.
    pub responses: usize,
    /// Some of the exchanges, to be shown.
    pub examples: Vec<Exchange>,
}

/// One cause as it is being collected: what is ours is known only at the end.
#[derive(Debug)]
struct Found {
    level: Level,
    /// By resource, so that those that we sent broken can be taken out: the first sighting and the responses.
    by_key: IndexMap<Option<Key>, (Violation, Vec<u32>, usize)>,
    examples: Vec<(Option<Key>, Exchange)>,
}

/// What all bodies of a run came to.
#[derive(Debug, Default)]
pub struct Survey {
    examiner: Examiner,
    pages: Pages,
    ours: Ours,
    /// Causes of each distinct body with the resources that have them.
    bodies: HashMap<Digest, Vec<(usize, Option<Key>)>>,
    found: IndexMap<Identity, Found>,
    responses: u64,
}

impl Survey {
    /// A survey that judges with the definitions of a library a target that claims this of itself.
    pub fn new(library: Arc<Library>, capability: &Capability) -> Self {
        Survey {
            examiner: Examiner::new(library, Some(capability)),
            ..Survey::default()
        }
    }

    /// Looks at one exchange: at the answer, and at what was sent.
    pub fn add(&mut self, exchange: &Exchange) {
        self.ours.note(exchange, &mut self.examiner);
        let Some(response) = exchange.response() else {
            return;
        };
        if response.body.is_empty() || self.pages.are_partial(exchange) {
            return;
        }
        let digest = digest(&response.body);
        if let Some(known) = self.bodies.get(&digest) {
            self.responses += 1;
            for (position, key) in known {
                if let Some((_, found)) = self.found.get_index_mut(*position)
                    && let Some((_, numbers, count)) = found.by_key.get_mut(key)
                {
                    put(numbers, count, exchange.number);
                }
            }
            return;
        }
        let Some(body) = exchange.parsed() else {
            return;
        };
        self.responses += 1;
        let seen = self.validate(exchange, &body);
        if self.bodies.len() < MAX_BODIES {
            self.bodies.insert(digest, seen);
        }
    }

    /// Responses with a JSON body that were looked at.
    pub fn responses(&self) -> u64 {
        self.responses
    }

    /// Distinct bodies among them.
    pub fn bodies(&self) -> usize {
        self.bodies.len()
    }

    /// Distinct resources that claim a profile that is known.
    pub fn claims(&self) -> usize {
        self.examiner.claims
    }

    /// Rules that applied and could not be evaluated, by name and what they ask for (empty where a target's data names
    /// it), with how often.
    pub fn not_checked(&self) -> &BTreeMap<(&'static str, String), usize> {
        &self.examiner.open
    }

    /// The causes in the order in which they were first seen, without those of resources that we sent so.
    pub fn causes(&mut self, loaded: Option<&IndexMap<Key, Value>>) -> Vec<Cause> {
        let keys = self.found.values().flat_map(|found| found.by_key.keys());
        let keys: BTreeSet<&Key> = keys.flatten().collect();
        for (key, sent) in loaded.into_iter().flatten() {
            if keys.contains(key) {
                self.ours.note_loaded(key, sent, &mut self.examiner);
            }
        }
        self.found
            .iter()
            .filter_map(|(identity, found)| self.cause(identity, found))
            .collect()
    }

    fn cause(&self, identity: &Identity, found: &Found) -> Option<Cause> {
        let mut theirs = found
            .by_key
            .iter()
            .filter(|(key, _)| !self.ours.has(identity, key.as_ref()))
            .map(|(_, sightings)| sightings);
        let (violation, first_numbers, first_count) = theirs.next()?;
        let mut numbers: BTreeSet<u32> = first_numbers.iter().copied().collect();
        // Beyond the numbers that are kept, a response with two such resources may be counted twice; as many as kept
        // are counted exactly.
        let mut beyond = first_count - first_numbers.len();
        for (_, more, count) in theirs {
            numbers.extend(more);
            beyond += count - more.len();
        }
        let mut violation = violation.clone();
        violation.exchanges = numbers.iter().copied().collect();
        let is_theirs =
            |(key, _): &&(Option<Key>, Exchange)| !self.ours.has(identity, key.as_ref());
        let examples = found.examples.iter().filter(is_theirs);
        Some(Cause {
            check: identity.check,
            level: found.level,
            violation,
            responses: numbers.len() + beyond,
            examples: examples.map(|(_, exchange)| exchange.clone()).collect(),
        })
    }

    fn validate(&mut self, exchange: &Exchange, body: &Value) -> Vec<(usize, Option<Key>)> {
        let parts = self.examiner.examine(body);
        if parts.is_empty() {
            return Vec::new();
        }
        // What an answer repeats of its own request is ours, whether it has an id or not.
        let ours = flaws_of_ours(&mut self.examiner, std::iter::once(exchange));
        let mut seen: Vec<(usize, Option<Key>)> = Vec::new();
        for part in &parts {
            self.sight(exchange, part, &ours, &mut seen);
        }
        seen
    }

    fn sight(
        &mut self,
        exchange: &Exchange,
        part: &Part,
        ours: &BTreeSet<Identity>,
        seen: &mut Vec<(usize, Option<Key>)>,
    ) {
        for flaw in part.flaws.iter() {
            let is_new = !self.found.contains_key(&flaw.identity);
            if is_at_place_of(&flaw.identity, ours) || (is_new && self.found.len() >= MAX_CAUSES) {
                continue;
            }
            let Some(check) = check::by_id(flaw.identity.check) else {
                continue;
            };
            let entry = self.found.entry(flaw.identity.clone());
            let position = entry.index();
            let found = entry.or_insert_with(|| Found {
                level: flaw.level,
                by_key: IndexMap::new(),
                examples: Vec::new(),
            });
            let sighting = (position, part.key.clone());
            if seen.contains(&sighting) {
                continue;
            }
            let (_, numbers, count) = found.by_key.entry(part.key.clone()).or_insert_with(|| {
                let violation = flaw.violation(check.spec(), &part.prefix, exchange.number);
                (violation, Vec::new(), 0)
            });
            put(numbers, count, exchange.number);
            // A claim may name the version that another claim leaves open.
            found.level = found.level.min(flaw.level);
            if found.examples.len() < MAX_EXAMPLES {
                found.examples.push((part.key.clone(), exchange.clone()));
            }
            seen.push(sighting);
        }
    }
}

fn put(numbers: &mut Vec<u32>, count: &mut usize, number: u32) {
    *count += 1;
    if numbers.len() < MAX_NUMBERS {
        numbers.push(number);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Headers, Method, Request, Response, Timings};

    pub fn exchange(number: u32, request: Request, status: u16, body: &Value) -> Exchange {
        Exchange {
            number,
            request,
            outcome: Ok(Response {
                status,
                version: "HTTP/1.1",
                headers: Headers::default(),
                body: body.to_string().into(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    fn read(number: u32, body: &Value) -> Exchange {
        exchange(number, Request::get("Patient/a"), 200, body)
    }

    fn page(number: u32, resources: &[Value]) -> Exchange {
        let entries: Vec<Value> = resources
            .iter()
            .map(|resource| {
                let id = resource["id"].as_str().unwrap();
                json!({"fullUrl": format!("http://e/Patient/{id}"), "resource": resource})
            })
            .collect();
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "entry": entries});
        exchange(number, Request::get("Patient?x=y"), 200, &bundle)
    }

    fn broken(id: &str) -> Value {
        json!({"resourceType": "Patient", "id": id, "gender": "unheard-of"})
    }

    fn put_request(sent: &Value) -> Request {
        Request::new(Method::Put, "Patient/a").with_json(sent)
    }

    fn causes(exchanges: &[Exchange]) -> Vec<Cause> {
        let mut survey = Survey::default();
        exchanges.iter().for_each(|exchange| survey.add(exchange));
        survey.causes(None)
    }

    #[test]
    fn one_fault_in_many_responses_is_one_cause() {
        let found = causes(&[
            read(1, &broken("a")),
            read(2, &broken("a")),
            page(3, &[broken("a"), broken("b"), broken("c")]),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].responses, 3);
        assert_eq!(found[0].violation.exchanges, [1, 2, 3]);
        assert_eq!(found[0].violation.signature[1], "Patient.gender");
    }

    #[test]
    fn faults_at_two_places_are_two_causes() {
        let other = json!({"resourceType": "Patient", "id": "b", "birthDate": "yesterday"});
        assert_eq!(causes(&[page(1, &[broken("a"), other])]).len(), 2);
    }

    #[test]
    fn a_body_that_comes_again_is_validated_once() {
        let mut survey = Survey::default();
        for number in 1..=5 {
            survey.add(&read(number, &broken("a")));
        }
        assert_eq!((survey.bodies(), survey.responses()), (1, 5));
        assert_eq!(survey.causes(None)[0].responses, 5);
    }

    #[test]
    fn what_we_sent_broken_is_ours_wherever_and_whenever_it_comes_back() {
        let sent = broken("a");
        // The search was answered before the write was looked at: cases run side by side.
        let found = causes(&[
            page(1, std::slice::from_ref(&sent)),
            exchange(2, put_request(&sent), 201, &json!({})),
            read(3, &sent),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_is_broken_elsewhere_is_theirs_although_we_sent_the_like() {
        let found = causes(&[
            exchange(1, put_request(&broken("a")), 201, &json!({})),
            page(2, &[broken("a"), broken("b")]),
        ]);
        assert_eq!(found[0].responses, 1);
        let more =
            json!({"resourceType": "Patient", "id": "a", "gender": "male", "birthDate": "x"});
        let sound = json!({"resourceType": "Patient", "id": "a", "gender": "male"});
        let found = causes(&[
            exchange(1, put_request(&sound), 201, &json!({})),
            read(2, &more),
        ]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_was_loaded_broken_is_ours() {
        let mut survey = Survey::default();
        survey.add(&read(1, &broken("a")));
        let loaded = IndexMap::from([(Key::new("Patient", "a"), broken("a"))]);
        assert!(survey.causes(Some(&loaded)).is_empty());
    }

    #[test]
    fn what_a_patch_left_is_nobodys() {
        let patch = Request::new(Method::Patch, "Patient/a").with_json(&json!([]));
        let found = causes(&[exchange(1, patch, 200, &broken("a")), read(2, &broken("a"))]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn an_invariant_is_a_cause_of_its_own_check() {
        let contact =
            json!({"resourceType": "Patient", "id": "a", "contact": [{"gender": "male"}]});
        let found = causes(&[read(1, &contact)]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].check, found[0].level),
            ("resource/invariants", Level::Shall)
        );
        assert_eq!(found[0].violation.signature, ["pat-1", "Patient.contact"]);
    }

    #[test]
    fn a_claim_weighs_fully_only_where_its_version_is_known() {
        let url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
        let level = |claim: &str, guide: &str| {
            let patient =
                json!({"resourceType": "Patient", "id": "a", "meta": {"profile": [claim]}});
            let guide = format!("http://hl7.org/fhir/us/core/ImplementationGuide/x{guide}");
            let capability = Capability::new(json!({"implementationGuide": [guide]}));
            let mut survey = Survey::new(Arc::clone(Library::built_in()), &capability);
            survey.add(&read(1, &patient));
            let found = survey.causes(None);
            found.first().map(|cause| (cause.check, cause.level))
        };
        let broken = |level| Some(("resource/claimed-profiles", level));
        assert_eq!(level(url, ""), broken(Level::Should));
        assert_eq!(level(&format!("{url}|6.1.0"), ""), broken(Level::Shall));
        assert_eq!(level(url, "|6.1.0"), broken(Level::Shall));
        assert_eq!(level(url, "|3.1.1"), None);
        assert_eq!(level(&format!("{url}|3.1.1"), ""), None);
    }

    #[test]
    fn what_cannot_be_checked_is_counted_and_foreign_names_are_not_kept() {
        let patient = json!({"resourceType": "Patient", "id": "a",
            "meta": {"profile": ["http://example.org/StructureDefinition/of-ada"]}});
        let mut survey = Survey::default();
        survey.add(&read(1, &patient));
        survey.add(&page(2, &[patient]));
        let open = survey.not_checked();
        assert_eq!(open[&("profile/definition", String::new())], 1);
        assert_eq!(survey.claims(), 0);
    }

    #[test]
    fn what_was_sent_to_an_unknown_place_is_ours_everywhere() {
        let sent = broken("x");
        let conditional = Request::new(Method::Put, "Patient?identifier=1").with_json(&sent);
        let quiet = |status| exchange(1, conditional.clone(), status, &Value::Null);
        assert!(causes(&[quiet(201), read(2, &broken("a"))]).is_empty());
        assert_eq!(causes(&[quiet(412), read(2, &broken("a"))]).len(), 1);
        let patch = Request::new(Method::Patch, "Patient?identifier=1").with_json(&json!([]));
        let quiet = |status| exchange(1, patch.clone(), status, &Value::Null);
        assert!(causes(&[quiet(200), read(2, &broken("a"))]).is_empty());
        assert_eq!(causes(&[quiet(404), read(2, &broken("a"))]).len(), 1);
    }

    #[test]
    fn parts_and_other_media_types_are_not_judged() {
        let part = Request::get("Patient/a?_elements=gender");
        let mut html = read(1, &broken("a"));
        if let Ok(response) = &mut html.outcome {
            response.body = "<html>".into();
        }
        let found = causes(&[exchange(2, part, 200, &broken("a")), html]);
        assert!(found.is_empty());
    }
}
