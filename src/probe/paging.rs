//! Does a walk over pages get anywhere: no page twice, no resource twice, links that can be followed, an end.

use std::collections::BTreeSet;

use super::answer::{is_own, outcome, plural, searchset};
use super::interactions::answering_types;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::{Key, bundle};
use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// Pages walked at most.
const MAX_PAGES: usize = 4;
/// Resources per page: as few as show whether pages work.
const PAGE_SIZE: &str = "5";

/// The probe.
pub struct Paging;

impl Probe for Paging {
    fn spec(&self) -> Spec {
        Spec {
            id: "paging",
            title: "following next links walks over all matches once",
            spec: "http://hl7.org/fhir/R4/http.html#paging",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        let Some(last) = seen.last() else {
            return first(known);
        };
        if seen.len() >= MAX_PAGES || !is_new(seen) {
            return Step::Done;
        }
        match next_url(last) {
            Some(url) => Step::Send(Request::get(url)),
            None => Step::Done,
        }
    }

    fn judge(&self, known: &Known, seen: &[Exchange]) -> Judgement {
        let walk = Walk::over(known, seen);
        let pages = plural(walk.pages, "page");
        let judgement = if let Some(failed) = &walk.failed {
            if walk.pages == 0 {
                return Judgement::new(Mark::Skip, format!("no search was answered ({failed})"));
            }
            Judgement::new(
                Mark::Fail,
                format!("the next link after {pages} cannot be followed: {failed}"),
            )
            .next_step("open the next link by hand; compare its host and length with the limits")
        } else if walk.foreign {
            Judgement::new(
                Mark::Fail,
                format!("the next link after {pages} leads to another scheme, host or port"),
            )
            .next_step("set the public base URL of the server, or the forwarded headers")
        } else if walk.loops {
            Judgement::new(
                Mark::Fail,
                format!("the walk returns to a page after {pages}"),
            )
            .next_step("compare the next link with the request that it came from")
        } else if walk.duplicates > 0 {
            let duplicates = plural(walk.duplicates, "resource");
            Judgement::new(Mark::Warn, format!("{duplicates} came twice in {pages}"))
                .next_step("sort by something unique; or records were added during the walk")
        } else if walk.is_empty_page {
            Judgement::new(
                Mark::Warn,
                format!("an empty page among {pages} has a next link"),
            )
            .next_step("clients that stop at an empty page lose what follows")
        } else if walk.pages == 1 {
            let resources = plural(walk.resources, "resource");
            Judgement::new(
                Mark::Info,
                format!("1 page with {resources}: nothing to walk"),
            )
        } else if walk.ended {
            Judgement::new(
                Mark::Pass,
                format!("{pages}, no duplicates, last page ends"),
            )
        } else {
            Judgement::new(
                Mark::Pass,
                format!("{pages}, no duplicates, more would follow"),
            )
        };
        judgement
            .of(walk.pages)
            .sign_if(walk.foreign, Sign::ForeignLink)
            .sign_if(walk.loops, Sign::PagingLoop)
            .sign_if(walk.duplicates > 0, Sign::PagingDuplicates)
            .sign_if(
                walk.pages > 1 && !walk.loops && walk.duplicates == 0,
                Sign::PageStateKept,
            )
    }
}

/// What a walk saw.
#[derive(Debug, Default)]
struct Walk {
    pages: usize,
    resources: usize,
    duplicates: usize,
    loops: bool,
    foreign: bool,
    is_empty_page: bool,
    ended: bool,
    failed: Option<String>,
}

impl Walk {
    fn over(known: &Known, seen: &[Exchange]) -> Self {
        let mut walk = Walk::default();
        let mut keys: BTreeSet<Key> = BTreeSet::new();
        let mut urls: BTreeSet<&str> = BTreeSet::new();
        for exchange in seen {
            let Some(searchset) = searchset(exchange) else {
                walk.failed = Some(outcome(exchange));
                break;
            };
            walk.pages += 1;
            let page = bundle::match_keys(&searchset);
            let next = bundle::link(&searchset, "next");
            let repeated = page.iter().filter(|key| keys.contains(key)).count();
            // A page that brings nothing new is the same page again, not a few rows that moved.
            walk.loops |=
                !urls.insert(&exchange.request.url) || (!page.is_empty() && repeated == page.len());
            walk.is_empty_page |= page.is_empty() && next.is_some();
            walk.duplicates += repeated;
            walk.resources += page.len();
            walk.ended = next.is_none();
            walk.foreign = next.is_some_and(|link| !is_own(&known.base, link));
            keys.extend(page);
        }
        let points_back = seen
            .last()
            .and_then(next_url)
            .is_some_and(|url| urls.contains(url.as_str()));
        walk.loops |= points_back;
        if walk.foreign {
            walk.failed = None;
        }
        walk
    }
}

/// A search of the type that has more than a page, as far as known.
fn first(known: &Known) -> Step {
    let mut types = answering_types(known);
    types.sort_by_key(|name| !has_more(known, name));
    let mut reason = "no search was answered".to_owned();
    for name in types {
        match known.search(name, &[("_count", PAGE_SIZE)]) {
            Ok(request) => return Step::Send(request),
            Err(why) => reason = why,
        }
    }
    Step::Skip(reason)
}

fn has_more(known: &Known, name: &str) -> bool {
    known.exchanges.iter().any(|exchange| {
        known.searched_type(&exchange.request.url) == Some(name)
            && searchset(exchange).is_some_and(|set| bundle::link(&set, "next").is_some())
    })
}

/// The absolute URL of the next page; a relative link is relative to the page it stands on.
fn next_url(exchange: &Exchange) -> Option<String> {
    let searchset = searchset(exchange)?;
    bundle::link_url(&searchset, "next", &exchange.request.url)
}

/// False if the last page was seen before, or its next link was.
fn is_new(seen: &[Exchange]) -> bool {
    let Some(next) = seen.last().and_then(next_url) else {
        return false;
    };
    seen.iter().all(|exchange| exchange.request.url != next)
}
