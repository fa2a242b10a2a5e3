//! Steps that read sets: searches with their pages, histories, links, and the wait for the index. What the answers
//! mean is judged elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::request::fresh;
use super::{CASE_SYSTEM, Run, SET_SYSTEM};
use crate::engine::require;
use crate::fhir::{Key, bundle, query};
use crate::http::{Exchange, Method, Request};
use crate::property::case::{Command, Criterion, Origin, Search, Spelling, Term, Until, Via};
use crate::property::parameter::{self, Parameter};
use crate::property::trace::{Event, Outcome};

/// Pages of one search at most.
const MAX_PAGES: usize = 40;
/// `_count` of the searches that wait for the index.
const SETTLE_COUNT: u32 = 100;
/// Pauses between polls: short at first, because most servers are ready at once.
const PAUSES_MS: &[u64] = &[10, 20, 40, 80, 160, 250];
/// Polls of one step at most, whatever the clock says.
const MAX_POLLS: u32 = 100;

/// Names and values of a query, not percent-encoded.
pub(super) type Pairs = Vec<(String, String)>;

/// Exchanges of a step and how it went.
type Read = (Vec<Arc<Exchange>>, Outcome);

impl Run {
    /// Criteria that confine a search to this execution or to the company of its cohort.
    fn confinement(&self, resource_type: &str) -> Vec<(String, String)> {
        match self.case.ground {
            Origin::Cohort => self
                .company(resource_type)
                .map(|company| company.pairs)
                .unwrap_or_default(),
            Origin::Created if self.executor.tag_fails.load(Ordering::Relaxed) => {
                vec![(
                    "identifier".to_owned(),
                    format!("{SET_SYSTEM}|{}", self.code),
                )]
            }
            Origin::Created => vec![("_tag".to_owned(), format!("{CASE_SYSTEM}|{}", self.code))],
        }
    }

    /// The criteria of a search with their values, and the resources of the cohort that they stand for; `None` if
    /// there is no value to ask for.
    pub(super) fn criteria(&self, search: &Search) -> Option<(Pairs, Vec<Key>)> {
        let mut named = Vec::new();
        let pairs = search
            .criteria
            .iter()
            .map(|criterion| {
                let value = self.value(
                    &search.resource_type,
                    &criterion.name,
                    &criterion.value,
                    &mut named,
                )?;
                Some((criterion.name.clone(), value))
            })
            .collect::<Option<_>>()?;
        Some((pairs, named))
    }

    fn value(
        &self,
        resource_type: &str,
        name: &str,
        term: &Term,
        named: &mut Vec<Key>,
    ) -> Option<String> {
        let not_empty = |list: Vec<String>| (!list.is_empty()).then(|| list.join(","));
        match term {
            Term::Text(text) => Some(text.clone()),
            Term::Identifier(name) => Some(self.token(name)),
            Term::Id(step) => Some(self.key(*step)?.id),
            Term::Key(step) => Some(self.key(*step)?.to_string()),
            Term::Cohort(nth) => self.held(resource_type, name, *nth),
            Term::Pivot(nth) => {
                let (key, value) = self.pivot(resource_type, name, *nth)?;
                named.push(key);
                Some(value)
            }
            Term::Pool(nth, count) => {
                let keys = self.pool(resource_type, *nth, *count)?;
                named.extend(keys.iter().cloned());
                not_empty(keys.into_iter().map(|key| key.id).collect())
            }
            Term::FoundIds(label) => not_empty(
                self.found_by(label)?
                    .into_iter()
                    .map(|key| key.id)
                    .collect(),
            ),
            Term::FoundKeys(label) => {
                let keys = self.found_by(label)?;
                not_empty(keys.iter().map(Key::to_string).collect())
            }
            Term::CohortOf(resource_type, code, nth) => self.held(resource_type, code, *nth),
            Term::Targets(label, element) => {
                not_empty(self.targets_of(label, element, resource_type)?)
            }
            Term::Moment(step, shift) => self.moment(*step, *shift),
            Term::AnyOf(terms) => {
                let values: Option<Vec<String>> = terms
                    .iter()
                    .map(|term| self.value(resource_type, name, term, named))
                    .collect();
                not_empty(values?)
            }
            Term::Prefixed(prefix, term) => {
                let value = self.value(resource_type, name, term, named)?;
                Some(format!("{prefix}{value}"))
            }
            Term::As(form, term) => form.of(&self.value(resource_type, name, term, named)?),
        }
    }

    /// The n-th distinct value that the company's resources hold for a parameter.
    fn held(&self, resource_type: &str, name: &str, nth: u32) -> Option<String> {
        let parameter = parameter::find(resource_type, name)?;
        let company = self.company(resource_type).ok()?;
        let values: BTreeSet<String> = company
            .pool
            .iter()
            .flat_map(|resource| parameter.values(resource))
            .collect();
        let index = nth as usize % values.len().max(1);
        values.into_iter().nth(index)
    }

    /// The n-th resource of the company that holds a value for a parameter, and that value.
    fn pivot(&self, resource_type: &str, name: &str, nth: u32) -> Option<(Key, String)> {
        let parameter: &Parameter = parameter::find(resource_type, name)?;
        let company = self.company(resource_type).ok()?;
        let holders: Vec<(Key, String)> = company
            .pool
            .iter()
            .filter_map(|resource| {
                let value = parameter.values(resource).into_iter().next()?;
                Some((Key::of(resource)?, value))
            })
            .collect();
        let index = nth as usize % holders.len().max(1);
        holders.into_iter().nth(index)
    }

    /// Keys of some of the company's resources, from the n-th on.
    fn pool(&self, resource_type: &str, nth: u32, count: u32) -> Option<Vec<Key>> {
        let company = self.company(resource_type).ok()?;
        let keys: Vec<Key> = company
            .pool
            .iter()
            .filter_map(|resource| Key::of(resource))
            .collect();
        let start = nth as usize % keys.len().max(1);
        let around = keys.iter().cycle().skip(start).take(keys.len());
        Some(around.take(count as usize).cloned().collect())
    }

    fn labelled(&self, label: &str) -> Option<&Event> {
        let mut all = self.events.iter().chain(self.before.iter());
        all.find(
            |event| matches!(&event.step.command, Command::Search(search) if search.label == label),
        )
    }

    /// What the search with a label found, all pages together.
    fn found_by(&self, label: &str) -> Option<BTreeSet<Key>> {
        Some(found(&self.labelled(label)?.exchanges))
    }

    /// The first match of a search.
    pub(super) fn first_found(&self, step: u32) -> Option<Key> {
        let event = self.event(step)?;
        if !matches!(event.step.command, Command::Search(_)) {
            return None;
        }
        let page = event.exchanges.first()?.json()?;
        bundle::match_keys(&page).into_iter().next()
    }

    /// The next link of the first page of a search.
    pub(super) fn next_link(&self, step: u32) -> Option<String> {
        linked(self.event(step)?.exchanges.first()?, "next")
    }

    /// Ids of the resources of a type to which the matches of a search refer.
    fn targets_of(&self, label: &str, element: &str, resource_type: &str) -> Option<Vec<String>> {
        let event = self.labelled(label)?;
        let pages = event
            .exchanges
            .iter()
            .filter_map(|exchange| exchange.json());
        let mut ids = BTreeSet::new();
        for page in pages {
            let referred = bundle::matches(&page).filter_map(|one| {
                Key::from_reference(one.get(element)?.get("reference")?.as_str()?)
            });
            ids.extend(
                referred
                    .filter(|key| key.resource_type == resource_type)
                    .map(|key| key.id),
            );
        }
        Some(ids.into_iter().collect())
    }

    /// `meta.lastUpdated` as a step saw it, moved.
    fn moment(&self, step: u32, shift_ms: i64) -> Option<String> {
        let body = self.event(step).and_then(Event::accepted)?.json()?;
        let updated = body
            .get("meta")?
            .get("lastUpdated")
            .and_then(Value::as_str)?;
        let instant: Timestamp = updated.parse().ok()?;
        let moved = instant
            .checked_add(SignedDuration::from_millis(shift_ms))
            .ok()?;
        Some(format!("{moved:.3}"))
    }

    /// The request of a search's first page, with its pairs.
    pub(super) fn first_page(
        &self,
        search: &Search,
        criteria: Vec<(String, String)>,
    ) -> Option<(Request, Vec<(String, String)>)> {
        let mut pairs = match search.compartment {
            Some(_) if self.case.ground == Origin::Cohort => Vec::new(),
            _ => self.confinement(&search.resource_type),
        };
        let shape = [
            search.sort.clone().map(|sort| ("_sort".to_owned(), sort)),
            search
                .count
                .map(|count| ("_count".to_owned(), count.to_string())),
        ];
        if self.case.ground == Origin::Cohort && criteria.iter().any(|(name, _)| name == "_id") {
            // A search for certain resources is confined already, and to others than its company would be.
            pairs.retain(|(name, _)| name != "_id");
        }
        let first_criterion = pairs.len();
        pairs.extend(criteria);
        pairs.extend(shape.into_iter().flatten());
        pairs.extend(search.options.iter().cloned());
        let place = match search.compartment {
            Some(step) => format!("{}/{}", self.key(step)?, search.resource_type),
            None => search.resource_type.clone(),
        };
        let mut request = search_request(&place, &pairs, search.via, first_criterion);
        if search.lenient {
            request.headers.set("Prefer", "handling=lenient");
        }
        request.url = spelled(&request.url, search.spelling);
        Some((request, pairs))
    }

    /// A search with all its pages.
    pub(super) async fn search(
        &mut self,
        search: &Search,
    ) -> (Vec<Arc<Exchange>>, Outcome, Vec<Key>) {
        let skipped = (Vec::new(), Outcome::Skipped, Vec::new());
        let Some((criteria, named)) = self.criteria(search) else {
            return skipped;
        };
        let Some((request, pairs)) = self.first_page(search, criteria) else {
            return skipped;
        };
        let (exchanges, outcome) = self.walk_until(request, search.until).await;
        if let Some(refused) = exchanges.last()
            && matches!(refused.status(), Some(400 | 403))
            && self.learn(&search.resource_type, &pairs, refused)
        {
            self.learned = true;
        }
        (exchanges, outcome, named)
    }

    /// Sends a search with all its pages, again until it shows what it waits for.
    async fn walk_until(&self, request: Request, until: Option<Until>) -> Read {
        let wanted = until.and_then(|until| Some((self.key(until.target)?, until.found)));
        let started = self.ctx().clock.elapsed();
        let mut polls = 0;
        loop {
            let (exchanges, outcome) = self.walk(request.clone(), "next").await;
            polls += 1;
            let shown = wanted
                .as_ref()
                .is_none_or(|(key, is_found)| found(&exchanges).contains(key) == *is_found);
            let answered = exchanges.last().and_then(|exchange| exchange.status()) == Some(200);
            let waited = self.ctx().clock.elapsed().saturating_sub(started);
            if shown || !answered || waited >= self.ctx().index_lag || polls >= MAX_POLLS {
                return (exchanges, outcome);
            }
            pause(polls).await;
        }
    }

    fn learn(&self, resource_type: &str, pairs: &[(String, String)], refused: &Exchange) -> bool {
        require::learn(&self.ctx().requirements, resource_type, pairs, refused)
    }

    /// Sends a request for a Bundle and follows its links of one relation.
    async fn walk(&self, request: Request, relation: &str) -> Read {
        let mut exchanges = vec![self.scope.send(request).await];
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(next) = exchanges
            .last()
            .and_then(|exchange| linked(exchange, relation))
        {
            // A link to another host is for a check to judge: nothing is sent there, and nothing can be concluded.
            let leaves = !same_origin(&exchanges[0].request.url, &next);
            if exchanges.len() >= MAX_PAGES || leaves || !seen.insert(next.clone()) {
                return (exchanges, Outcome::Endless);
            }
            exchanges.push(self.scope.send(fresh(next)).await);
        }
        (exchanges, Outcome::Done)
    }

    /// Follows a link of a page of an earlier step: `previous` back to the first page, all others forward.
    pub(super) async fn follow(&mut self, of: u32, page: u32, relation: &str) -> Read {
        let exchange = self.event(of).and_then(|event| {
            let pages = &event.exchanges;
            pages.get(page as usize).or_else(|| pages.last())
        });
        let Some(link) = exchange.and_then(|exchange| linked(exchange, relation)) else {
            return (Vec::new(), Outcome::Skipped);
        };
        let onward = match relation {
            "previous" | "prev" => relation,
            _ => "next",
        };
        self.walk(fresh(link), onward).await
    }

    /// Polls a search for everything of this execution until it shows exactly what is there.
    pub(super) async fn settle(&mut self, resource_type: &str) -> Read {
        let trace = self.so_far();
        let wanted: BTreeSet<Key> = trace.live(resource_type).into_iter().collect();
        let in_doubt = trace.doubt().is_some();
        let started = self.ctx().clock.elapsed();
        let mut polls = 0;
        loop {
            let mut pairs = self.confinement(resource_type);
            pairs.push(("_count".to_owned(), SETTLE_COUNT.to_string()));
            let request = search_request(resource_type, &pairs, Via::Get, pairs.len());
            let (exchanges, _) = self.walk(request, "next").await;
            polls += 1;
            let last = exchanges.last().map(Arc::as_ref);
            let refused = last
                .and_then(Exchange::status)
                .is_some_and(|status| (400..500).contains(&status) && status != 429);
            if refused && let Some(last) = last {
                self.learned |= self.learn(resource_type, &pairs, last);
            }
            let found = found(&exchanges);
            if !refused && found == wanted {
                return (exchanges, Outcome::Settled { polls });
            }
            let confines = !refused && (in_doubt || found.iter().all(|key| self.is_ours(key)));
            let switched = !confines && !self.executor.tag_fails.swap(true, Ordering::Relaxed);
            let waited = self.ctx().clock.elapsed().saturating_sub(started);
            let hopeless =
                (refused && !switched) || waited >= self.ctx().index_lag || polls >= MAX_POLLS;
            if self.learned || hopeless {
                return (exchanges, Outcome::Unsettled);
            }
            if !switched {
                pause(polls).await;
            }
        }
    }

    fn is_ours(&self, key: &Key) -> bool {
        let mut all = self.before.iter().chain(&self.events);
        all.any(|event| {
            event.key.as_ref() == Some(key)
                || event
                    .parts
                    .iter()
                    .any(|part| part.key.as_ref() == Some(key))
        })
    }

    /// The history, again until it holds as many entries as there were writes.
    pub(super) async fn history(&mut self, target: u32, options: &[Criterion]) -> Read {
        let (Some(key), Some(query)) = (self.key(target), self.options(options)) else {
            return (Vec::new(), Outcome::Skipped);
        };
        let writes = self
            .before
            .iter()
            .chain(&self.events)
            .filter(|event| event.key.as_ref() == Some(&key) && event.accepted().is_some())
            .filter(|event| event.step.command.writes())
            .count();
        let started = self.ctx().clock.elapsed();
        let mut polls = 0;
        loop {
            let url = format!("{key}/_history{query}");
            let (exchanges, outcome) = self.walk(fresh(url), "next").await;
            polls += 1;
            let entries: usize = exchanges
                .iter()
                .filter_map(|exchange| exchange.json())
                .map(|page| bundle::entries(&page).count())
                .sum();
            let waited = self.ctx().clock.elapsed().saturating_sub(started);
            let answered = exchanges.last().and_then(|exchange| exchange.status()) == Some(200);
            let enough = entries >= writes || !options.is_empty();
            if enough || !answered || waited >= self.ctx().index_lag || polls >= MAX_POLLS {
                return (exchanges, outcome);
            }
            pause(polls).await;
        }
    }

    /// The history of a type or of the system.
    pub(super) async fn history_of(
        &mut self,
        resource_type: Option<&str>,
        options: &[Criterion],
    ) -> Read {
        let Some(query) = self.options(options) else {
            return (Vec::new(), Outcome::Skipped);
        };
        let place = resource_type
            .map(|name| format!("{name}/"))
            .unwrap_or_default();
        let url = format!("{place}_history{query}");
        self.walk(fresh(url), "next").await
    }

    /// The query of a history; `None` if there is no value to ask for.
    fn options(&self, options: &[Criterion]) -> Option<String> {
        let pairs: Vec<(String, String)> = options
            .iter()
            .map(|option| {
                let value = self.value("", &option.name, &option.value, &mut Vec::new())?;
                Some((option.name.clone(), value))
            })
            .collect::<Option<_>>()?;
        Some(if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", query::encode_pairs(&pairs))
        })
    }
}

/// The request of a search; `Via::Mixed` puts the pair at `first_criterion` into the URL.
fn search_request(
    place: &str,
    pairs: &[(String, String)],
    via: Via,
    first_criterion: usize,
) -> Request {
    let (in_url, in_body) = match via {
        Via::Get => (pairs.to_vec(), Vec::new()),
        Via::Post => (Vec::new(), pairs.to_vec()),
        Via::Mixed => {
            let mut rest = pairs.to_vec();
            let at = first_criterion.min(rest.len());
            let moved: Vec<(String, String)> =
                rest.splice(at..(at + 1).min(rest.len()), []).collect();
            (moved, rest)
        }
    };
    let path = match via {
        Via::Get => place.to_owned(),
        Via::Post | Via::Mixed => format!("{place}/_search"),
    };
    let url = if in_url.is_empty() {
        path
    } else {
        format!("{path}?{}", query::encode_pairs(&in_url))
    };
    let request = match via {
        Via::Get => Request::get(url),
        Via::Post | Via::Mixed => Request::new(Method::Post, url).with_body(
            "application/x-www-form-urlencoded",
            query::encode_pairs(&in_body),
        ),
    };
    request
        .with_header("Cache-Control", "no-cache")
        .with_header("Prefer", "handling=strict")
}

/// The URL with its query in another spelling.
fn spelled(url: &str, spelling: Spelling) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let query = match spelling {
        Spelling::Usual => query.to_owned(),
        Spelling::SmallHex => small_hex(query),
        Spelling::Separators => respelled(query, |byte| b":,/$*".contains(&byte)),
        Spelling::Everything => respelled(query, |byte| byte != b'=' && byte != b'%'),
    };
    format!("{path}?{query}")
}

/// Encodes the bytes of values that are chosen, what is encoded already and names excepted.
fn respelled(query: &str, chosen: impl Fn(u8) -> bool) -> String {
    let pairs = query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut written = format!("{name}=");
        let mut skip = 0;
        for letter in value.bytes() {
            if letter == b'%' {
                skip = 3;
            }
            if skip == 0 && chosen(letter) {
                written.push_str(&format!("%{letter:02X}"));
            } else {
                written.push(char::from(letter));
            }
            skip = usize::saturating_sub(skip, 1);
        }
        written
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn small_hex(query: &str) -> String {
    let mut digits = 0;
    let letters = query.chars().map(|letter| {
        let is_digit = digits > 0;
        digits = if letter == '%' {
            2
        } else {
            usize::saturating_sub(digits, 1)
        };
        if is_digit {
            letter.to_ascii_lowercase()
        } else {
            letter
        }
    });
    letters.collect()
}

fn same_origin(one: &str, other: &str) -> bool {
    match (url::Url::parse(one), url::Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => true,
    }
}

/// A link of a page, resolved against the URL of the page.
fn linked(exchange: &Exchange, relation: &str) -> Option<String> {
    if exchange.status() != Some(200) {
        return None;
    }
    let page = exchange.json()?;
    bundle::link_url(&page, relation, &exchange.request.url)
}

fn found(exchanges: &[Arc<Exchange>]) -> BTreeSet<Key> {
    exchanges
        .iter()
        .filter_map(|exchange| exchange.json())
        .flat_map(|page| bundle::match_keys(&page))
        .collect()
}

async fn pause(polls: u32) {
    let index = (polls.saturating_sub(1) as usize).min(PAUSES_MS.len() - 1);
    tokio::time::sleep(Duration::from_millis(PAUSES_MS[index])).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_of_a_url_means_the_same() {
        let url = "Patient?_tag=a%7Cb&family=\u{c4}x"
            .replace('\u{c4}', "%C3%84")
            .replace("x", "x,y");
        for spelling in [
            Spelling::Separators,
            Spelling::SmallHex,
            Spelling::Everything,
        ] {
            let other = spelled(&url, spelling);
            assert_ne!(other, url);
            let decoded = |url: &str| query::decode_pairs(url.split_once('?').unwrap().1);
            assert_eq!(decoded(&other), decoded(&url));
        }
        assert!(spelled(&url, Spelling::SmallHex).contains("%c3%84x"));
        assert!(spelled(&url, Spelling::Separators).contains("x%2Cy"));
        assert!(spelled(&url, Spelling::Everything).contains("_tag=%61%7C%62"));
        assert_eq!(spelled("Patient", Spelling::Everything), "Patient");
    }

    #[test]
    fn a_mixed_search_has_its_first_criterion_in_the_url() {
        let pairs: Vec<(String, String)> = [("_tag", "t"), ("gender", "male"), ("family", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let request = search_request("Patient", &pairs, Via::Mixed, 1);
        assert_eq!(request.url, "Patient/_search?gender=male");
        assert_eq!(request.body, "_tag=t&family=x");
        assert_eq!(
            search_request("Patient", &pairs, Via::Post, 1).url,
            "Patient/_search"
        );
    }
}
