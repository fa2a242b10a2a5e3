//! What planted faults make of pages: other matches, other totals, links that lead elsewhere. An honest server's pages go
//! through here unchanged.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::defect::Fault;
use super::super::operation::everything::references;
use super::super::outcome::Refusal;
use super::super::search;
use super::super::server::Server;
use super::super::store::Version;
use super::super::turn::Turn;
use super::{CURSOR, Content, Cut, Snapshot, write_cursor};
use crate::fhir::query::{Shape, encode_pairs};

/// A query that a server with a fault cannot keep.
const LONG_QUERY: usize = 2_048;

/// Length of a cursor that a server with a fault makes and does not take.
const LONG_CURSOR: usize = 4_096;

/// Elements below elements in which references are looked for.
const MAX_DEPTH: usize = 64;

/// True if the first page leads on though it is the last.
pub fn promises_more(server: &Server, snapshot: &Snapshot) -> bool {
    let is_search = matches!(snapshot.content, Content::Search(_));
    let is_full = snapshot.count > 0 && snapshot.matches.len() == snapshot.count;
    is_search && is_full && server.has(Fault::NextLinkToNothing)
}

/// Refuses a cursor that is too long.
pub fn refuse_long(server: &Server, cursor: &str) -> Result<(), Refusal> {
    if cursor.len() >= LONG_CURSOR && server.has(Fault::NextLinkTooLong) {
        return Err(Refusal::not_found("there is nothing at this URL"));
    }
    Ok(())
}

/// Refuses a page of a query that is too long.
pub fn forget_long(server: &Server, snapshot: &Snapshot) -> Result<(), Refusal> {
    let is_long = encode_pairs(&snapshot.used).len() > LONG_QUERY;
    if is_long && server.has(Fault::LongQueryPageLost) {
        let message = "the cursor is not one of this server";
        return Err(Refusal::new(400, "value", message));
    }
    Ok(())
}

/// The matches that a later page is cut from, where it is not those of the snapshot.
pub fn other_matches(
    turn: &mut Turn<'_>,
    snapshot: &Snapshot,
    offset: usize,
) -> Result<Option<Vec<Arc<Version>>>, Refusal> {
    let Content::Search(shape) = &snapshot.content else {
        return Ok(None);
    };
    if offset == 0 {
        return Ok(None);
    }
    if turn.server.has(Fault::PageOfNewerState) {
        return search::anew(turn, snapshot);
    }
    let mut matches = snapshot.matches.clone();
    if turn.server.has(Fault::PageOrderDrifts) {
        matches.reverse();
        return Ok(Some(matches));
    }
    if joins(shape) && turn.server.has(Fault::IncludeLosesSort) {
        matches.sort_by_key(|version| version.position);
        return Ok(Some(matches));
    }
    Ok(None)
}

/// The matches of a page that are shown.
pub fn page<'a>(
    turn: &mut Turn<'_>,
    snapshot: &Snapshot,
    page: &'a [Arc<Version>],
) -> Result<&'a [Arc<Version>], Refusal> {
    let Content::Search(shape) = &snapshot.content else {
        return Ok(page);
    };
    let mut shown = page.len();
    if turn.server.has(Fault::IncludesFillPage) && joins(shape) {
        while shown > 1 && search::entries(turn, shape, &page[..shown])?.len() > snapshot.count {
            shown -= 1;
        }
    }
    Ok(&page[..shown])
}

/// `Bundle.total` of a page.
pub fn total(turn: &mut Turn<'_>, snapshot: &Snapshot, cut: &Cut) -> Result<Option<u64>, Refusal> {
    let Content::Search(shape) = &snapshot.content else {
        return Ok(snapshot.total);
    };
    let counts_only = shape.summary.as_deref() == Some("count");
    if counts_only && turn.server.has(Fault::CountWithoutTotal) {
        return Ok(None);
    }
    let mut total = snapshot.total;
    if turn.server.has(Fault::TotalOfPage) && !counts_only {
        total = total.map(|_| (cut.end - cut.start) as u64);
    }
    if turn.server.has(Fault::TotalOfRest) {
        total = total.map(|total| total.saturating_sub(cut.start as u64));
    }
    if cut.start > 0
        && turn.server.has(Fault::TotalOfNow)
        && let Some(matches) = search::anew(turn, snapshot)?
    {
        total = total.map(|_| matches.len() as u64);
    }
    Ok(total)
}

/// The result parameters of a page.
pub fn shape<'a>(server: &Server, shape: &'a Shape, cut: &Cut) -> Cow<'a, Shape> {
    if cut.start == 0 || !server.has(Fault::IncludeOnFirstPageOnly) {
        return Cow::Borrowed(shape);
    }
    Cow::Owned(Shape {
        include: Vec::new(),
        revinclude: Vec::new(),
        ..shape.clone()
    })
}

/// Where the next page starts; `None` if there is none.
pub fn next(
    turn: &Turn<'_>,
    snapshot: &Snapshot,
    page: &[Arc<Version>],
    cut: &Cut,
) -> Option<usize> {
    let server = turn.server;
    let is_search = matches!(snapshot.content, Content::Search(_));
    if cut.end >= cut.of {
        let is_full = cut.end - cut.start == snapshot.count;
        let leads_on = is_search && is_full && server.has(Fault::NextLinkToNothing);
        return leads_on.then_some(cut.end);
    }
    let stops = server.has(Fault::DanglingReferenceEndsPages)
        && page.iter().any(|version| {
            server.strikes(Fault::DanglingReferenceEndsPages, &version.key.id)
                && dangles(turn, version)
        });
    if stops || server.has(Fault::NextLinkAbsent) {
        return None;
    }
    if repeats(server, snapshot) {
        return Some(cut.start);
    }
    if is_accurate(snapshot) && server.has(Fault::TotalShiftsPage) {
        return Some(cut.end + 1).filter(|next| *next < cut.of);
    }
    let overlaps = server.has(Fault::PageOverlap) && snapshot.count > 1;
    Some(cut.end - usize::from(overlaps))
}

/// True if the page leads to itself.
fn repeats(server: &Server, snapshot: &Snapshot) -> bool {
    let Content::Search(shape) = &snapshot.content else {
        return false;
    };
    let mut names = snapshot.used.iter().map(|(name, _)| name.as_str());
    let includes = shape.include.len() + shape.revinclude.len();
    let is_chained = |name: &str| name.contains('.') && !name.starts_with('_');
    names.clone().any(|name| name == "_id") && server.has(Fault::IdPageRepeats)
        || includes > 1 && server.has(Fault::TwoIncludesPageRepeats)
        || !shape.include.is_empty()
            && server.has(Fault::ChainIncludePageRepeats)
            && names.any(is_chained)
}

fn is_accurate(snapshot: &Snapshot) -> bool {
    match &snapshot.content {
        Content::Search(shape) => shape.total.as_deref() == Some("accurate"),
        Content::History => false,
    }
}

fn joins(shape: &Shape) -> bool {
    !shape.include.is_empty() || !shape.revinclude.is_empty()
}

/// True if a resource refers to one of this server that is not there.
fn dangles(turn: &Turn<'_>, version: &Version) -> bool {
    let mut keys = Vec::new();
    if let Some(resource) = &version.resource {
        references(resource, turn.server.base(), MAX_DEPTH, &mut keys);
    }
    keys.iter().any(|key| turn.store.living(key).is_none())
}

/// The base of page links.
pub fn base(server: &Server, start: usize) -> String {
    let base = server.base();
    let path = base.rfind('/').unwrap_or(base.len());
    let (authority, path) = base.split_at(path);
    match authority.rsplit_once(':') {
        Some((_, port)) if start > 0 && server.has(Fault::PageLinkPortRepeated) => {
            format!("{authority}:{port}{path}")
        }
        _ => base.to_owned(),
    }
}

/// The cursor of the next page.
pub fn cursor(server: &Server, cursor: String, name: u64, start: usize) -> String {
    if server.has(Fault::NextLinkTooLong) {
        return format!("{cursor:0<LONG_CURSOR$}");
    }
    if start > 0 && server.has(Fault::CursorAppended) {
        return format!("{}&{CURSOR}={cursor}", write_cursor(name, start));
    }
    cursor
}
