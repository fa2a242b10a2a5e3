//! Checks on answers to searches: what matched, what is missing, how it is counted, ordered and linked.
//!
//! They all read the search through `Search`, which takes the query as it was really sent. Two things keep them
//! honest: a criterion that the target neither declares nor lists in its self link may legally have been
//! ignored and excludes no match, and completeness is judged only on a walk that reached the last page.

mod every_hit_matches;
mod include_resolves;
mod mode;
mod next_link;
mod no_duplicates;
mod nothing_missing;
mod self_link;
mod sorted;
mod total;

use std::sync::Arc;

use serde_json::Value;

use super::{Check, Evidence};
use crate::fhir::oracle::{Answer, Known, Match};
use crate::fhir::query::{Criterion, Modifier, Query, Subject, decode_pairs};
use crate::fhir::{Key, bundle, definitions, outcome, resource};
use crate::http::{Exchange, Method, Request};

/// Checks of this area in order of id.
pub static CHECKS: &[&dyn Check] = &[
    &every_hit_matches::EveryHitMatches,
    &include_resolves::IncludeResolves,
    &mode::Mode,
    &next_link::NextLink,
    &no_duplicates::NoDuplicates,
    &nothing_missing::NothingMissing,
    &self_link::SelfLink,
    &sorted::Sorted,
    &total::Total,
];

/// A search as it was sent: type, compartment and decoded parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Type that is searched; `None` for the whole system.
    pub resource_type: Option<String>,
    /// `Patient/1` of `Patient/1/Observation`.
    pub compartment: Option<Key>,
    /// Parameters in order, of the URL and then of the form; those without a value are left out, as R4 ignores them.
    pub pairs: Vec<(String, String)>,
}

impl Asked {
    /// Reads a request; `None` if it is no search (a read, a history, an operation, a page link with a path of its
    /// own).
    pub fn of(request: &Request, base: &str) -> Option<Asked> {
        let url = request.url.as_str();
        let rest = url
            .strip_prefix(base)
            .or_else(|| is_relative(url).then_some(url))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let by_post = request.method == Method::Post && segments.last() == Some(&"_search");
        if by_post {
            segments.pop();
        } else if request.method != Method::Get {
            return None;
        }
        let mut pairs = decode_pairs(query);
        if by_post {
            pairs.extend(decode_pairs(std::str::from_utf8(&request.body).ok()?));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        let (resource_type, compartment) = match segments.as_slice() {
            // The base alone is a search only if it asks for something.
            [] if pairs.is_empty() => return None,
            [] => (None, None),
            [name] if definitions::is_resource_type(name) => (Some((*name).to_owned()), None),
            [owner, id, name]
                if definitions::is_resource_type(owner)
                    && definitions::is_resource_type(name)
                    && resource::is_id(id) =>
            {
                (Some((*name).to_owned()), Some(Key::new(*owner, *id)))
            }
            _ => return None,
        };
        Some(Asked {
            resource_type,
            compartment,
            pairs,
        })
    }
}

/// True for a URL without scheme and host; a value in the query may well be a URL.
fn is_relative(url: &str) -> bool {
    !url.split('?').next().unwrap_or_default().contains("://")
}

/// One page of an answer.
struct Page<'a> {
    exchange: &'a Exchange,
    bundle: Arc<Value>,
}

/// A search with all its pages.
struct Search<'a> {
    asked: Asked,
    pages: Vec<Page<'a>>,
}

impl<'a> Search<'a> {
    /// The search that the first exchange makes; the others are its further pages. `None` if it is no search or has
    /// no successful answer.
    fn of(evidence: &Evidence<'a>) -> Option<Search<'a>> {
        let asked = Asked::of(&evidence.exchanges.first()?.request, evidence.base)?;
        let pages: Vec<Page<'a>> = evidence
            .exchanges
            .iter()
            .map_while(|exchange| {
                let is_success = exchange.status()? == 200;
                let bundle = exchange.parsed()?;
                let is_bundle = resource::resource_type(&bundle) == Some("Bundle");
                (is_success && is_bundle).then_some(Page { exchange, bundle })
            })
            .collect();
        (!pages.is_empty()).then_some(Search { asked, pages })
    }

    /// True if the last page has no `next` link.
    fn is_complete(&self, evidence: &Evidence<'_>) -> bool {
        let all_read = self.pages.len() == evidence.exchanges.len();
        all_read
            && self
                .pages
                .last()
                .is_some_and(|page| bundle::link(&page.bundle, "next").is_none())
    }

    /// Numbers of the exchanges.
    fn numbers(&self) -> Vec<u32> {
        self.pages.iter().map(|page| page.exchange.number).collect()
    }

    /// Matches over all pages, with the exchange that shows them. `search.mode` is optional: without it an entry of
    /// another type than the one that was searched is an included resource.
    fn hits(&self) -> impl Iterator<Item = (u32, &Value)> {
        self.pages.iter().flat_map(|page| {
            self.matches(page)
                .map(|resource| (page.exchange.number, resource))
        })
    }

    /// Matches of one page.
    fn matches<'p>(&'p self, page: &'p Page<'_>) -> impl Iterator<Item = &'p Value> {
        let wanted = self.asked.resource_type.as_deref();
        let is_wanted = move |resource: &Value| {
            wanted.is_none_or(|wanted| resource::resource_type(resource) == Some(wanted))
        };
        bundle::entries(&page.bundle).filter_map(move |entry| {
            let resource = bundle::resource(entry)?;
            let is_match = match bundle::mode(entry) {
                Some(mode) => mode == "match",
                None => is_wanted(resource),
            };
            let is_outcome = outcome::is_outcome(resource) && wanted != Some("OperationOutcome");
            (is_match && !is_outcome).then_some(resource)
        })
    }

    /// True if the first exchange is not the first page.
    fn starts_later(&self) -> bool {
        self.pages.first().is_some_and(|page| {
            ["previous", "prev"]
                .iter()
                .any(|relation| bundle::link(&page.bundle, relation).is_some())
        })
    }

    /// True if the URL of the first page has parameters that R4 does not know: it may be a link that the server made.
    fn has_own_parameters(&self) -> bool {
        let resource_type = self.asked.resource_type.as_deref().unwrap_or("Resource");
        self.asked.pairs.iter().any(|(name, _)| {
            let code = base_code(name);
            !is_result_parameter(code)
                && code != "_has"
                && definitions::search_parameter(resource_type, code).is_none()
        })
    }

    /// True if the data may have changed while the pages were read: nothing confines the search to data of our own.
    fn may_shift(&self, evidence: &Evidence<'_>) -> bool {
        let may_have_changed = evidence
            .cohort
            .is_some_and(|cohort| cohort.completeness.may_have_changed());
        may_have_changed && self.pages.len() > 1
    }

    /// The query as the target had to understand it. `None` where the grammar gives no meaning, or where a
    /// parameter is not one of R4, so that the target may know more than we do.
    fn query(&self, evidence: &Evidence<'_>) -> Option<Query> {
        self.query_of(|name| self.is_binding(name, evidence))
    }

    /// The query with everything that R4 knows, whether the target had to apply it or not: what meets all of it must
    /// be returned in either case.
    fn whole_query(&self, evidence: &Evidence<'_>) -> Option<Query> {
        self.query_of(|name| {
            let code = base_code(name);
            let is_known = |resource_type| {
                is_link(name) || definitions::search_parameter(resource_type, code).is_some()
            };
            self.is_binding(name, evidence)
                || self.asked.resource_type.as_deref().is_none_or(is_known)
        })
    }

    fn query_of(&self, is_wanted: impl Fn(&str) -> bool) -> Option<Query> {
        // With `_contained` a match is a container or is contained; neither need satisfy the criteria by itself.
        let contained = |(name, value): &(String, String)| name == "_contained" && value != "false";
        if self.asked.pairs.iter().any(contained) {
            return None;
        }
        let pairs: Vec<(String, String)> = self
            .asked
            .pairs
            .iter()
            .filter(|(name, _)| is_wanted(name))
            .cloned()
            .collect();
        Query::parse(self.asked.resource_type.as_deref(), &pairs).ok()
    }

    /// True if what matches rests on other resources than those that are returned: to read these again says nothing
    /// about those.
    fn looks_elsewhere(&self, evidence: &Evidence<'_>) -> bool {
        self.whole_query(evidence)
            .is_none_or(|query| query.criteria.iter().any(looks_elsewhere))
    }

    /// True if the target may have ignored a parameter, so that more than the whole query's matches may come.
    fn may_be_wider(&self, evidence: &Evidence<'_>) -> bool {
        let mut names = self.asked.pairs.iter().map(|(name, _)| name);
        names.any(|name| !self.is_binding(name, evidence))
    }

    /// False for a parameter that the target does not declare and does not list in its self link: it was ignored,
    /// as R4 allows (<http://hl7.org/fhir/R4/search.html#errors>).
    fn is_binding(&self, name: &str, evidence: &Evidence<'_>) -> bool {
        let (Some(resource_type), Some(capability)) =
            (self.asked.resource_type.as_deref(), evidence.capability)
        else {
            return true;
        };
        let code = base_code(name);
        if is_link(name) {
            return self.lists(name);
        }
        is_result_parameter(code)
            || capability.supports_parameter(resource_type, code)
            || self
                .self_pairs()
                .is_none_or(|pairs| pairs.iter().any(|(listed, _)| listed == name))
    }

    /// True if the self link names the parameter.
    fn lists(&self, name: &str) -> bool {
        self.self_pairs()
            .is_some_and(|pairs| pairs.iter().any(|(listed, _)| listed == name))
    }

    /// Parameters of the first page's self link.
    fn self_pairs(&self) -> Option<Vec<(String, String)>> {
        let link = bundle::link(&self.pages.first()?.bundle, "self")?;
        let (_, query) = link.split_once('?').unwrap_or((link, ""));
        Some(decode_pairs(query))
    }

    /// What `_count` may have held back on the only page; `None` where pages are followed, and where all that is known
    /// and counted is shown. A server need not page: "Servers SHALL NOT return more resources than requested, even if
    /// they don't support paging" (<http://hl7.org/fhir/R4/search.html#count>).
    fn cut(&self, evidence: &Evidence<'_>) -> Option<Cut> {
        let is_whole = self.pages.len() == 1 && self.is_complete(evidence);
        if !is_whole || self.is_count_only() || self.starts_later() || self.has_own_parameters() {
            return None;
        }
        let mut pairs = self.asked.pairs.iter();
        let (_, count) = pairs.find(|(name, _)| name == "_count")?;
        let shown: Vec<Key> = self.hits().filter_map(|(_, hit)| Key::of(hit)).collect();
        let answer = answer(self, evidence).ok();
        let known = answer
            .as_ref()
            .map_or(&[][..], |answer| answer.must.as_slice());
        let hides = known.iter().any(|key| !shown.contains(key));
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let cut = Cut {
            shown: number(shown.len()),
            known: number(known.len()),
            total: bundle::total(&self.pages.first()?.bundle).filter(|_| !self.may_estimate()),
        };
        let is_full = count.parse() == Ok(cut.shown);
        (is_full && (hides || cut.matches() > cut.shown)).then_some(cut)
    }

    /// True if the total may be an estimate.
    fn may_estimate(&self) -> bool {
        let mut pairs = self.asked.pairs.iter();
        pairs.any(|(name, value)| name == "_total" && value != "accurate")
    }

    /// True if the answer holds no matches by request (`_count=0`, `_summary=count`).
    fn is_count_only(&self) -> bool {
        self.asked.pairs.iter().any(|(name, value)| {
            (name == "_count" && value == "0") || (name == "_summary" && value == "count")
        })
    }
}

/// A page that is full by `_count` and leads to no other, where more may match than it shows.
struct Cut {
    /// Matches on the page.
    shown: u64,
    /// Matches that are known, of which the page shows any.
    known: u64,
    /// `Bundle.total`, where it is no estimate.
    total: Option<u64>,
}

impl Cut {
    /// Matches in all, as far as is known.
    fn matches(&self) -> u64 {
        self.known.max(self.total.unwrap_or_default())
    }

    /// True if the total counts what is not shown: nothing is lost, it is held back.
    fn is_counted(&self) -> bool {
        self.total
            .is_some_and(|total| total > self.shown && total >= self.known)
    }

    /// True if the total says that nothing is held back, or less than what is known.
    fn is_denied(&self) -> bool {
        self.total
            .is_some_and(|total| total <= self.shown || total < self.known)
    }
}

/// `subject:Patient.name` and `subject:missing` are about `subject`.
fn base_code(name: &str) -> &str {
    name.split([':', '.']).next().unwrap_or(name)
}

/// True for chains and `_has`, which no CapabilityStatement can declare: "Servers can choose when and where to implement
/// parameter chaining" (<http://hl7.org/fhir/R4/search.html#conformance>).
fn is_link(name: &str) -> bool {
    name.contains('.') || name.starts_with("_has:")
}

/// True for parameters that shape the answer and do not select.
fn is_result_parameter(code: &str) -> bool {
    matches!(
        code,
        "_count"
            | "_sort"
            | "_total"
            | "_summary"
            | "_elements"
            | "_include"
            | "_revinclude"
            | "_contained"
            | "_containedType"
            | "_format"
            | "_pretty"
            | "_type"
    )
}

/// True if the resource is marked as a part of itself; then nothing follows from what it lacks.
fn is_subsetted(resource: &Value) -> bool {
    resource
        .pointer("/meta/tag")
        .and_then(Value::as_array)
        .is_some_and(|tags| {
            tags.iter()
                .any(|tag| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED"))
        })
}

/// True if the criterion looks at other resources than the one that matches.
fn looks_elsewhere(criterion: &Criterion) -> bool {
    !matches!(criterion.subject, Subject::Parameter(_))
}

/// True if the criterion holds because something is *not* there, which only a complete cohort can know of others.
fn holds_by_absence(criterion: &Criterion) -> bool {
    let negative = matches!(
        criterion.modifier,
        Some(Modifier::Missing | Modifier::Not | Modifier::NotIn)
    );
    negative
        || match &criterion.subject {
            Subject::Parameter(_) => false,
            Subject::Chain { branches, .. } => {
                branches.iter().any(|(_, branch)| holds_by_absence(branch))
            }
            Subject::Has { rest, .. } => holds_by_absence(rest),
        }
}

/// The oracle's answer as far as this cohort may give one; the reason where it may not.
fn answer(search: &Search<'_>, evidence: &Evidence<'_>) -> Result<Arc<Answer>, String> {
    let cohort = evidence.cohort.ok_or("there is no cohort")?;
    let query = search
        .whole_query(evidence)
        .ok_or("the query has no meaning in the grammar of R4")?;
    if !query.unknown.is_empty() {
        return Err("a parameter is not one of R4".to_owned());
    }
    let by_absence_elsewhere = query
        .criteria
        .iter()
        .any(|criterion| looks_elsewhere(criterion) && holds_by_absence(criterion));
    if !cohort.completeness.knows_absence() && by_absence_elsewhere {
        return Err("the cohort is a sample, and the criterion holds by absence".to_owned());
    }
    let known = known(evidence);
    let answer = known.answer(&query)?;
    if let Some(owner) = &search.asked.compartment {
        let mut answer = Answer::clone(&answer);
        let is_inside = |key: &Key| {
            cohort
                .resources
                .get(key)
                .is_some_and(|resource| in_compartment(resource, owner, &known))
        };
        answer.must.retain(is_inside);
        answer.may.retain(is_inside);
        return Ok(Arc::new(answer));
    }
    Ok(answer)
}

/// The cohort as the oracle takes it; nothing where there is none.
fn known<'a>(evidence: &Evidence<'a>) -> Known<'a> {
    let resources = evidence.cohort.map(|cohort| cohort.resources.values());
    Known::new(resources.into_iter().flatten())
        .at(evidence.base)
        .remembering(evidence.memory)
}

/// True if a resource belongs to a patient's compartment by one of its parameters.
fn in_compartment(resource: &Value, owner: &Key, known: &Known<'_>) -> bool {
    let Some(resource_type) = resource::resource_type(resource) else {
        return false;
    };
    if owner.resource_type != "Patient" {
        return false;
    }
    if resource_type == "Patient" && resource::id(resource) == Some(owner.id.as_str()) {
        return true;
    }
    definitions::patient_compartment(resource_type)
        .iter()
        .any(|code| {
            let pairs = [((*code).to_owned(), owner.to_string())];
            Query::parse(Some(resource_type), &pairs)
                .is_ok_and(|query| known.judge(resource, &query) == Match::Yes)
        })
}

/// Why the oracle cannot decide what this search must return; `None` if it can.
pub fn undecidable(evidence: &Evidence<'_>) -> Option<String> {
    let Some(search) = Search::of(evidence) else {
        return Some("there is no search with a successful answer".to_owned());
    };
    if !search.is_count_only() && !search.is_complete(evidence) {
        let pages = search.pages.len();
        return Some(format!(
            "the walk ended after {pages} page(s), before the last one"
        ));
    }
    if let Some(cut) = search.cut(evidence)
        && !cut.is_counted()
    {
        return Some(UNPAGED.to_owned());
    }
    match answer(&search, evidence) {
        Err(reason) => Some(reason),
        Ok(answer) => open_throughout(&answer),
    }
}

const UNPAGED: &str = "the target does not page: an answer that _count cuts has no next link";

/// Why a walk over pages says nothing: the target gave one page, and nothing leads to the rest. `None` if it pages, or
/// if one page is all.
pub fn unpaged(evidence: &Evidence<'_>) -> Option<String> {
    let cut = Search::of(evidence)?.cut(evidence);
    cut.map(|_| UNPAGED.to_owned())
}

/// Why an answer says nothing at all: R4 leaves it open for every resource whether it matches.
fn open_throughout(answer: &Answer) -> Option<String> {
    let reason = answer.open.first()?;
    let decided = answer.must.len() + answer.refused;
    (decided == 0).then(|| format!("no resource is decided: {reason}"))
}
