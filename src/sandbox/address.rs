//! The URLs that the server shows of itself: what links, `fullUrl` and `Location` start with. Not where it listens.

use super::defect::Fault;
use super::server::Server;
use super::variant::Difference;

/// What a proxy in front of the server is there to hide.
const INTERNAL: &str = "http://backend.internal:8080/app/fhir";

/// Where a server is that was not told where it is.
const LOCALHOST: &str = "http://localhost/fhir";

/// What the links of an answer start with: the base, or its path where links are relative. A path that starts with a
/// slash means the same to who resolves it against the request and to who resolves it against the base.
pub fn of_links<'a>(server: &'a Server, used: &[(String, String)]) -> &'a str {
    let base = server.base();
    let moves =
        server.has(Fault::BarMovesLinks) && used.iter().any(|(_, value)| value.contains('|'));
    if moves || server.has(Fault::LinksOfInternalHost) {
        return INTERNAL;
    }
    if server.has(Fault::LinksWithoutPath) {
        return base.rsplit_once('/').map_or(base, |(around, _)| around);
    }
    if !server.is(Difference::RelativeLinks) {
        return base;
    }
    let authority = base.find("://").map_or(0, |scheme| scheme + 3);
    base[authority..]
        .find('/')
        .map_or("", |path| &base[authority + path..])
}

/// What the `fullUrl` of an entry starts with.
pub fn of_entries(server: &Server) -> &str {
    match server.has(Fault::LinksOfInternalHost) {
        true => INTERNAL,
        false => server.base(),
    }
}

/// What a `Location` starts with.
pub fn of_location(server: &Server) -> &str {
    match server.has(Fault::LocationOfLocalhost) {
        true => LOCALHOST,
        false => server.base(),
    }
}
