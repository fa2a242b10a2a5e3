//! The structure of everything that came back in a run: each distinct body is validated once, and what is wrong with it
//! is grouped by rule and place, so that one fault in 37 responses is one cause. What we sent broken is ours.
//! Not the check of one exchange: see `structure`, whose rules these are.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use serde_json::Value;

use super::structure::{self, Identity, asks_for_parts, flaws, flaws_of_ours, is_in};
use super::written::note_writes;
use crate::fhir::Key;
use crate::http::{Exchange, Method};
use crate::record::Violation;

/// Distinct bodies that are told apart at most; further ones are validated each time.
const MAX_BODIES: usize = 200_000;
/// Causes that are kept at most; a server with more is broken throughout.
const MAX_CAUSES: usize = 200;
/// Responses of one cause whose numbers are kept; the others are counted.
const MAX_NUMBERS: usize = 1_000;
/// Exchanges of one cause that are kept whole, some of which may turn out to be ours.
const MAX_EXAMPLES: usize = 8;
/// Resources whose flaws as sent are kept at most.
const MAX_SENT: usize = 100_000;

type Digest = [u8; 32];

/// One cause: a rule broken at a place.
#[derive(Debug, Clone)]
pub struct Cause {
    /// As first seen; its exchanges are all responses that show it, up to a limit.
    pub violation: Violation,
    /// Responses that show it.
    pub responses: usize,
    /// Some of the exchanges, to be shown.
    pub examples: Vec<Exchange>,
}

/// One cause as it is being collected: what is ours is known only at the end.
struct Found {
    /// By resource, so that those that we sent broken can be taken out: the first sighting and the responses.
    by_key: IndexMap<Option<Key>, (Violation, Vec<u32>, usize)>,
    examples: Vec<(Option<Key>, Exchange)>,
}

/// What all bodies of a run came to.
#[derive(Default)]
pub struct Survey {
    /// Causes of each distinct body with the resources that have them.
    bodies: HashMap<Digest, Vec<(usize, Option<Key>)>>,
    found: IndexMap<Identity, Found>,
    /// Flaws of what we sent, by the key that it was given.
    sent: HashMap<Key, BTreeSet<Identity>>,
    /// Resources that we patched: what they are now is partly ours, and not to be told apart.
    patched: BTreeSet<Key>,
    responses: u64,
}

impl Survey {
    /// Looks at one exchange: at the answer, and at what was sent.
    pub fn add(&mut self, exchange: &Exchange) {
        self.note_sent(exchange);
        let Some(response) = exchange.response() else {
            return;
        };
        if response.body.is_empty() || asks_for_parts(exchange) {
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

    /// The causes in the order in which they were first seen, without those of resources that we sent so.
    pub fn causes(&self, loaded: Option<&IndexMap<Key, Value>>) -> Vec<Cause> {
        self.found
            .iter()
            .filter_map(|(identity, found)| self.cause(identity, found, loaded))
            .collect()
    }

    fn cause(
        &self,
        identity: &Identity,
        found: &Found,
        loaded: Option<&IndexMap<Key, Value>>,
    ) -> Option<Cause> {
        let mut theirs = found
            .by_key
            .iter()
            .filter(|(key, _)| !self.is_ours(identity, key.as_ref(), loaded))
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
            |(key, _): &&(Option<Key>, Exchange)| !self.is_ours(identity, key.as_ref(), loaded);
        let examples = found.examples.iter().filter(is_theirs);
        Some(Cause {
            violation,
            responses: numbers.len() + beyond,
            examples: examples.map(|(_, exchange)| exchange.clone()).collect(),
        })
    }

    fn is_ours(
        &self,
        identity: &Identity,
        key: Option<&Key>,
        loaded: Option<&IndexMap<Key, Value>>,
    ) -> bool {
        let Some(key) = key else { return false };
        let was_sent = self
            .sent
            .get(key)
            .is_some_and(|flaws| flaws.contains(identity));
        was_sent || self.patched.contains(key) || is_in(identity, key, loaded)
    }

    /// What each written resource had wrong when it was sent.
    fn note_sent(&mut self, exchange: &Exchange) {
        match exchange.request.method {
            Method::Patch => {
                let path = exchange.request.url.split('?').next().unwrap_or_default();
                self.patched.extend(Key::from_reference(path));
                self.patched
                    .extend(exchange.parsed().as_deref().and_then(Key::of));
            }
            Method::Post | Method::Put => {
                let mut written = IndexMap::new();
                note_writes(exchange, &mut written);
                for (key, sent) in written {
                    let identities: Vec<Identity> =
                        flaws(&sent).into_iter().map(|flaw| flaw.identity).collect();
                    if !identities.is_empty() && self.sent.len() < MAX_SENT {
                        self.sent.entry(key).or_default().extend(identities);
                    }
                }
            }
            _ => {}
        }
    }

    fn validate(&mut self, exchange: &Exchange, body: &Value) -> Vec<(usize, Option<Key>)> {
        let flaws = flaws(body);
        if flaws.is_empty() {
            return Vec::new();
        }
        // What an answer repeats of its own request is ours, whether it has an id or not.
        let ours = flaws_of_ours(std::iter::once(exchange));
        let mut seen: Vec<(usize, Option<Key>)> = Vec::new();
        for flaw in flaws {
            let is_new = !self.found.contains_key(&flaw.identity);
            if ours.contains(&flaw.identity) || (is_new && self.found.len() >= MAX_CAUSES) {
                continue;
            }
            let key = flaw.key.clone();
            let entry = self.found.entry(flaw.identity.clone());
            let position = entry.index();
            let found = entry.or_insert_with(|| Found {
                by_key: IndexMap::new(),
                examples: Vec::new(),
            });
            if seen.contains(&(position, key.clone())) {
                continue;
            }
            let (_, numbers, count) = found.by_key.entry(key.clone()).or_insert_with(|| {
                let violation = structure::violation(flaw, exchange.number);
                (violation, Vec::new(), 0)
            });
            put(numbers, count, exchange.number);
            if found.examples.len() < MAX_EXAMPLES {
                found.examples.push((key.clone(), exchange.clone()));
            }
            seen.push((position, key));
        }
        seen
    }
}

fn put(numbers: &mut Vec<u32>, count: &mut usize, number: u32) {
    *count += 1;
    if numbers.len() < MAX_NUMBERS {
        numbers.push(number);
    }
}

fn digest(body: &[u8]) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, body).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Headers, Request, Response, Timings};

    fn exchange(number: u32, request: Request, status: u16, body: &Value) -> Exchange {
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
            .map(|resource| json!({"fullUrl": "http://e/x", "resource": resource}))
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
