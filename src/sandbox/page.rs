//! Pages of searches and histories: a snapshot of what was found, cursors into it, links. Not what matches.

mod flaw;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::address;
use super::defect::Fault;
use super::history;
use super::outcome::Refusal;
use super::search;
use super::server::Server;
use super::store::Version;
use super::subset::{self, Subset};
use super::turn::{Reply, Turn};
use super::variant::Difference;
use crate::fhir::query::{Shape, encode_pairs};
use crate::seed::Seed;

/// Query parameter that carries a cursor.
pub const CURSOR: &str = "_cursor";

/// Entries of a page when the client does not say.
pub const DEFAULT_PAGE: usize = 50;

/// Largest page; a larger `_count` is cut to it, as R4 allows.
pub const LARGEST_PAGE: usize = 1_000;

/// Largest page of the variant `page-cap-20`.
pub const SMALL_PAGE: usize = 20;

/// Snapshots kept; when there are more, the oldest expires and its links are answered with 410.
pub const SNAPSHOTS: usize = 256;

/// What the entries of a snapshot are.
pub enum Content {
    /// Versions of a history.
    History,
    /// Matches of a search; the result parameters shape the pages.
    Search(Box<Shape>),
}

/// What was found when the search was made; writes afterwards do not change it.
pub struct Snapshot {
    /// Path below the base.
    pub path: String,
    /// The parameters that were used, for the self link.
    pub used: Vec<(String, String)>,
    /// `Bundle.total`; `None` leaves it out.
    pub total: Option<u64>,
    /// Entries of a page; 0 for the count alone.
    pub count: usize,
    /// Everything found, in order.
    pub matches: Vec<Arc<Version>>,
    /// Kind of Bundle.
    pub content: Content,
}

/// Snapshots by opaque name.
pub struct Cursors {
    seed: Seed,
    issued: u64,
    kept: BTreeMap<u64, Arc<Snapshot>>,
    order: VecDeque<u64>,
}

impl Cursors {
    /// No snapshots yet.
    pub fn new(seed: Seed) -> Self {
        Cursors {
            seed: seed.derive("cursor"),
            issued: 0,
            kept: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    fn keep(&mut self, snapshot: Arc<Snapshot>) -> u64 {
        if self.order.len() == SNAPSHOTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        let name = self.seed.index(self.issued).0;
        self.issued += 1;
        self.kept.insert(name, snapshot);
        self.order.push_back(name);
        name
    }
}

/// The size of a page: what the client asks for, within the server's limit.
pub fn size(server: &Server, asked: Option<u64>) -> usize {
    let largest = match server.facade() {
        Some(_) => super::facade::PAGE_LIMIT,
        None if server.is(Difference::SmallPages) => SMALL_PAGE,
        None => LARGEST_PAGE,
    };
    match asked {
        None => DEFAULT_PAGE.min(largest),
        Some(asked) => usize::try_from(asked).unwrap_or(usize::MAX).min(largest),
    }
}

/// The first page; the snapshot is kept if there are more.
pub fn first(turn: &mut Turn<'_>, snapshot: impl Into<Arc<Snapshot>>) -> Result<Reply, Refusal> {
    let snapshot = snapshot.into();
    let has_more = snapshot.count > 0
        && (snapshot.matches.len() > snapshot.count || leads_to_nothing(turn.server, &snapshot))
        || flaw::promises_more(turn.server, &snapshot);
    let name = has_more.then(|| turn.cursors.keep(Arc::clone(&snapshot)));
    render(turn, &snapshot, name, 0)
}

/// The page that a cursor names.
pub fn resume(turn: &mut Turn<'_>, cursor: &str) -> Result<Reply, Refusal> {
    flaw::refuse_long(turn.server, cursor)?;
    let (name, offset) = read_cursor(cursor).ok_or_else(|| {
        if turn.server.has(Fault::TamperedCursorCrashes) {
            return Refusal::crashed();
        }
        Refusal::new(400, "value", "the cursor is not one of this server")
    })?;
    let snapshot = turn
        .cursors
        .kept
        .get(&name)
        .cloned()
        .ok_or_else(|| Refusal::new(410, "expired", "the page has expired: search again"))?;
    flaw::forget_long(turn.server, &snapshot)?;
    render(turn, &snapshot, Some(name), offset)
}

fn write_cursor(name: u64, offset: usize) -> String {
    format!("{name:016x}{offset:x}")
}

fn read_cursor(cursor: &str) -> Option<(u64, usize)> {
    let (name, offset) = cursor.split_at_checked(16)?;
    let name = u64::from_str_radix(name, 16).ok()?;
    let offset = usize::from_str_radix(offset, 16).ok()?;
    Some((name, offset))
}

/// Which part of the matches a page is.
struct Cut {
    start: usize,
    end: usize,
    of: usize,
}

fn render(
    turn: &mut Turn<'_>,
    snapshot: &Snapshot,
    name: Option<u64>,
    offset: usize,
) -> Result<Reply, Refusal> {
    let other = flaw::other_matches(turn, snapshot, offset)?;
    let matches = other.as_deref().unwrap_or(&snapshot.matches);
    let start = offset.min(matches.len());
    let end = matches.len().min(start + snapshot.count);
    let cut = Cut {
        start,
        end,
        of: matches.len(),
    };
    let page = flaw::page(turn, snapshot, &matches[start..end])?;
    let counts_only = snapshot.count == 0;
    let mut total = flaw::total(turn, snapshot, &cut)?
        .filter(|_| counts_only || !turn.server.is(Difference::NoTotals));
    let (kind, entries) = match &snapshot.content {
        Content::History => {
            let entries = page
                .iter()
                .map(|version| history::entry(turn.server, version));
            if turn.server.has(Fault::HistoryTotalOfPage) {
                total = Some(page.len() as u64);
            }
            ("history", entries.collect::<Vec<_>>())
        }
        Content::Search(shape) => {
            let shape = flaw::shape(turn.server, shape, &cut);
            let entries = search::entries(turn, &shape, page)?;
            if turn.server.has(Fault::TotalCountsIncluded) {
                total = total.map(|total| total + (entries.len() - page.len()) as u64);
            }
            ("searchset", entries)
        }
    };
    let mut bundle = json!({ "resourceType": "Bundle", "type": kind });
    if let Some(total) = total {
        bundle["total"] = total.into();
    }
    if snapshot.count == 0 && turn.server.has(Fault::CountWithoutType) {
        bundle.as_object_mut().map(|members| members.remove("type"));
    }
    if let Content::Search(shape) = &snapshot.content
        && turn.server.has(Fault::SubsettedOnBundle)
        && !Subset::of_shape(shape)?.is_whole()
    {
        subset::tag(&mut bundle);
    }
    let next = flaw::next(turn, snapshot, page, &cut)
        .or_else(|| (start < end && leads_to_nothing(turn.server, snapshot)).then_some(end));
    bundle["link"] = links(turn.server, snapshot, name, start, next);
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    Ok(Reply::made(200, bundle))
}

fn links(
    server: &Server,
    snapshot: &Snapshot,
    name: Option<u64>,
    start: usize,
    next: Option<usize>,
) -> Value {
    let here = name
        .filter(|_| start > 0 && !server.has(Fault::SelfLinkOfFirstPage))
        .map(|name| write_cursor(name, start));
    let mut links = vec![link("self", &self_url(server, snapshot, here))];
    let Some(name) = name else {
        return Value::Array(links);
    };
    let root = address::of_links(server, &snapshot.used);
    let base = match root == server.base() {
        true => flaw::base(server, start),
        false => root.to_owned(),
    };
    let mut add = |relation: &str, offset: usize| {
        let mut cursor = write_cursor(name, offset);
        if relation == "next" {
            cursor = flaw::cursor(server, cursor, name, start);
        }
        let url = format!("{base}/{}?{CURSOR}={cursor}", snapshot.path);
        links.push(link(relation, &url));
    };
    add("first", 0);
    if start > 0 {
        add("previous", start.saturating_sub(snapshot.count));
    }
    if let Some(next) = next {
        add("next", next);
    }
    Value::Array(links)
}

/// A planted fault: the history of a type has one page too many.
fn leads_to_nothing(server: &Server, snapshot: &Snapshot) -> bool {
    let is_of_type = snapshot.path.matches('/').count() == 1;
    let is_history = matches!(snapshot.content, Content::History);
    server.has(Fault::HistoryNextToNothing) && is_history && is_of_type
}

fn self_url(server: &Server, snapshot: &Snapshot, cursor: Option<String>) -> String {
    let mut pairs = snapshot.used.clone();
    pairs.extend(cursor.map(|cursor| (CURSOR.to_owned(), cursor)));
    let path = format!("{}/{}", address::of_links(server, &pairs), snapshot.path);
    if pairs.is_empty() {
        return path;
    }
    format!("{path}?{}", encode_pairs(&pairs))
}

fn link(relation: &str, url: &str) -> Value {
    json!({ "relation": relation, "url": url })
}
