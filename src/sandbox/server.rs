//! The server as a pure function of its state and one request; no network; the one file is in
//! `journal`. Bytes on a wire: `serve`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::body;
use super::defect::{Fault, Faults, change};
use super::facade::Facade;
use super::history::{Scope, history};
use super::journal::Journal;
use super::log::{Logged, RequestLog};
use super::negotiate::{answer_type, essence, is_xml};
use super::outcome::Refusal;
use super::races;
use super::represent::{Format, represent};
use super::router::{Route, allow};
use super::smart::Smart;
use super::store::{Draft, Naming, Version, write};
use super::turn::{Call, Payload, Reply, State, Turn};
use super::variant::Difference;
use super::{
    Options, capability, conditional, cors, crash, instance, modest, narrative, operation, search,
    transaction, unversioned, utc,
};
use crate::clock::Clock;
use crate::fhir::Key;
use crate::fhir::query::decode_pairs;
use crate::http::message::{FHIR_JSON, Headers, Method, Request, Response};
use crate::seed::Seed;

/// How long after a write a search sees it with the variant `index-lag`.
pub const INDEX_LAG: Duration = Duration::from_millis(500);

/// The same with the variant `index-lag-2s`.
pub const LONG_INDEX_LAG: Duration = Duration::from_secs(2);

/// The sandbox without a network: requests in, responses out.
pub struct Server {
    base: String,
    faults: Faults,
    differences: BTreeSet<Difference>,
    clock: Arc<dyn Clock>,
    facade: Option<Facade>,
    smart: Option<Smart>,
    state: Mutex<State>,
    journal: Option<Arc<Journal>>,
    seed: Seed,
    naming: Naming,
    log: Arc<RequestLog>,
    capability: OnceLock<Bytes>,
}

impl Server {
    /// A server for a base URL without a trailing slash.
    ///
    /// # Errors
    /// A sentence if a resource to load beforehand has no type or no id.
    pub fn new(options: &Options, base: &str) -> Result<Self, String> {
        let faults = Faults::of(&options.defects);
        let differences: BTreeSet<Difference> = options
            .variants
            .iter()
            .map(|variant| variant.difference)
            .collect();
        let naming = if differences.contains(&Difference::NoVersions) {
            Naming::Nameless
        } else if differences.contains(&Difference::OpaqueVersions) {
            Naming::Opaque
        } else {
            Naming::Numbers
        };
        let server = Server {
            base: base.to_owned(),
            facade: differences
                .contains(&Difference::Facade)
                .then(|| Facade::new(options)),
            smart: differences
                .contains(&Difference::Smart)
                .then(|| Smart::new(options)),
            clock: Arc::clone(&options.clock),
            state: Mutex::new(State::empty(options.seed, naming, base, faults.clone())),
            journal: options.journal.clone(),
            seed: options.seed,
            naming,
            log: Arc::new(RequestLog::default()),
            capability: OnceLock::new(),
            faults,
            differences,
        };
        let held = server.journal.as_ref().map(|journal| journal.take_held());
        match held.filter(|held| !held.is_empty()) {
            Some(held) => crash::begin_with(&server, held.into_iter().map(Arc::new).collect()),
            None => server.load(&options.preload)?,
        }
        Ok(server)
    }

    /// As if the process had been killed and started again: what was not acknowledged may be gone.
    pub fn crash(&self) {
        crash::crash(self);
    }

    fn load(&self, resources: &[Value]) -> Result<(), String> {
        let mut turn = Turn::begin(self);
        for (position, resource) in resources.iter().enumerate() {
            let key = Key::of(resource)
                .ok_or_else(|| format!("resource {position} to be loaded has no type or no id"))?;
            turn.write(Draft {
                key,
                resource: Some(resource.clone()),
                method: Method::Put,
                status: 201,
            });
        }
        turn.index.flush();
        crash::settle(&mut turn).map_err(|_| "the journal cannot be written".to_owned())
    }

    /// Answers one request; never fails, never waits for anything but its turn.
    pub fn handle(&self, request: &Request) -> Response {
        let (path, query) = self.split(&request.url);
        let place = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        let route = match place.starts_with('/') {
            true => Err(Refusal::not_found("there is nothing outside the base")),
            false => Route::parse(&place),
        };
        let pairs = decode_pairs(&query);
        let form = form_of(request);
        let parameter = |wanted| parameter(&pairs, &form, wanted);
        let agreed = answer_type(self, &request.headers, parameter("_format"));
        let format = Format {
            media_type: agreed.as_ref().copied().unwrap_or(FHIR_JSON),
            pretty: parameter("_pretty") == Some("true"),
        };
        let template = route
            .as_ref()
            .map_or_else(|_| place.clone(), Route::template);
        let changes = !request.method.is_safe()
            && !matches!(
                route,
                Ok(Route::TypeSearch(_) | Route::CompartmentSearch(..) | Route::Operation(..))
            )
            && !is_token(&place);
        let reply = if is_token(&place) {
            self.token(request)
        } else {
            let checked = agreed.map(|_| ()).map_err(|refusal| *refusal);
            self.answer(request, route, pairs, checked)
                .unwrap_or_else(|refusal| self.told(refusal).into())
        };
        let line = Logged {
            method: request.method,
            path: template,
            query,
            status: reply.status,
            has_body: !request.body.is_empty(),
        };
        self.log.note(line, changes);
        self.respond(request, reply, format)
    }

    /// A refusal as the client is told of it: as it is, unless a fault changes something.
    fn told(&self, mut refusal: Refusal) -> Refusal {
        if refusal.status == 415 && self.has(Fault::OutcomeWithoutIssue) {
            refusal.issues.clear();
        }
        if refusal.status == 400 && self.has(Fault::ErrorsTellSql) {
            for issue in &mut refusal.issues {
                issue["diagnostics"] = change::DATABASE_ERROR.into();
            }
        }
        refusal
    }

    /// Path below the base and query; a URL outside the base keeps its leading slash and so names no place but
    /// `/token`.
    pub(super) fn split(&self, url: &str) -> (String, String) {
        let url = url.split('#').next().unwrap_or_default();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = match path.strip_prefix(&self.base) {
            Some(below) => below.trim_start_matches('/'),
            None => path,
        };
        (path.to_owned(), query.to_owned())
    }

    fn answer(
        &self,
        request: &Request,
        route: Result<Route, Refusal>,
        pairs: Vec<(String, String)>,
        format: Result<(), Refusal>,
    ) -> Result<Reply, Refusal> {
        if let Some(facade) = &self.facade {
            facade.admit(self.clock.elapsed())?;
        }
        let route = route.map_err(|refusal| {
            let is_bad_id = refusal.status == 400;
            match is_bad_id && self.has(Fault::BadIdCrashes) {
                true => Refusal::crashed(),
                false => refusal,
            }
        })?;
        let methods = self.methods(&route);
        if request.method == Method::Options {
            return Ok(Reply::empty(204).with_header("Allow", allow(methods)));
        }
        format?;
        if !methods.contains(&request.method) {
            let refusal = Refusal::new(
                405,
                "not-supported",
                "the method is not allowed at this URL",
            );
            return Err(refusal.with_header("Allow", allow(methods)));
        }
        if let Some(facade) = &self.facade {
            facade.authorize(&route, &request.headers, self.clock.elapsed())?;
            facade.permit(&route)?;
        }
        let mut scopes = None;
        if let Some(smart) = &self.smart {
            let granted = smart.authorize(&route, &request.headers, self.clock.elapsed())?;
            granted.permit(request.method, &route, &pairs, &request.headers)?;
            scopes = Some(granted);
        }
        let call = Call {
            method: match request.method {
                Method::Head => Method::Get,
                method => method,
            },
            body: body::read(self, &route, request)?,
            route,
            pairs,
            headers: request.headers.clone(),
            assigned: None,
        };
        if self.is(Difference::Modest) {
            modest::permit(&call)?;
        }
        let mut turn = Turn::begin(self);
        turn.scopes = scopes;
        if self.is(Difference::IfMatchRequired) {
            conditional::require_match(&turn, &call)?;
        }
        let reply = dispatch(&mut turn, &call);
        crash::settle(&mut turn)?;
        reply
    }

    fn methods(&self, route: &Route) -> &'static [Method] {
        match &self.facade {
            Some(_) => Facade::methods(route),
            None if !self.names_versions() && unversioned::is_left_out(route) => {
                unversioned::methods()
            }
            None if self.is(Difference::Modest) => modest::methods(route),
            None => route.methods(),
        }
    }

    fn token(&self, request: &Request) -> Reply {
        match (&self.facade, &self.smart) {
            (Some(facade), _) => facade.token(request, self.clock.elapsed()),
            (None, Some(smart)) => smart.token(self, request),
            (None, None) => Refusal::not_found("there is nothing at this URL").into(),
        }
    }

    fn respond(&self, request: &Request, reply: Reply, format: Format) -> Response {
        let mut headers = Headers::new();
        let (reply, media, body) = match self.written(&reply, format) {
            Ok((media, body)) => (reply, media, body),
            Err(refusal) => {
                let body = write(&refusal.outcome());
                (Reply::from(refusal), Some(FHIR_JSON), body)
            }
        };
        if let Some(mut media) = media {
            if media == FHIR_JSON && self.has(Fault::GenericJsonType) {
                media = "application/json";
            }
            headers.append("Content-Type", format!("{media};charset=utf-8"));
        }
        let body = match self.has(Fault::LatinBytes) {
            true => change::to_latin_1(&body),
            false => body,
        };
        let hides = reply.status == 201 && self.has(Fault::CreateWithoutLocation);
        let forgets = request.method == Method::Head && self.has(Fault::HeadWithoutEtag);
        for (name, value) in reply.headers {
            if !(hides && name == "Location" || forgets && name == "ETag") {
                headers.append(name, value);
            }
        }
        if let Some(id) = request.headers.get("x-request-id") {
            headers.append("X-Request-Id", id);
        }
        if !self.has(Fault::CorsMissing) {
            let methods = headers.get("allow").map(str::to_owned);
            cors::answer(request, methods.as_deref(), &mut headers);
        }
        let is_head = request.method == Method::Head;
        if is_head {
            headers.set("Content-Length", body.len().to_string());
        }
        Response {
            status: reply.status,
            version: "HTTP/1.1",
            headers,
            body: if is_head { Bytes::new() } else { body },
        }
    }

    /// The entity tag of the CapabilityStatement, weak since every format has the same: another text, another tag.
    pub(super) fn capability_tag(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.capability_json());
        let head = digest.as_ref()[..8].iter();
        let text: String = head.map(|byte| format!("{byte:02x}")).collect();
        format!("W/\"{text}\"")
    }

    fn capability_json(&self) -> Bytes {
        self.capability
            .get_or_init(|| write(&capability::statement(self)))
            .clone()
    }

    /// Media type and bytes of an answer.
    fn written(
        &self,
        reply: &Reply,
        format: Format,
    ) -> Result<(Option<&'static str>, Bytes), Refusal> {
        let body = match &reply.payload {
            Payload::Nothing => return Ok((None, Bytes::new())),
            _ if reply.status >= 400 && self.has(Fault::ErrorsAsHtml) => {
                let page = change::error_page(reply.status, reason(reply.status));
                return Ok((Some("text/html"), page.into()));
            }
            _ if reply.status >= 400 && self.has(Fault::ErrorsAsJson) => {
                let error = json!({ "status": reply.status, "error": reason(reply.status) });
                return Ok((Some("application/json"), write(&error)));
            }
            _ if reply.status >= 400
                && is_xml(format.media_type)
                && self.has(Fault::XmlErrorsCrash) =>
            {
                return Err(Refusal::crashed());
            }
            Payload::Plain(value) => return Ok((Some("application/json"), write(value))),
            Payload::Stored(version) if format.is_as_stored() => version.body.clone(),
            Payload::Stored(version) => match &version.resource {
                Some(resource) => represent(self, resource, format)?,
                None => Bytes::new(),
            },
            Payload::Made(resource) if capability::is_marker(resource) => {
                self.capability_bytes(format)?
            }
            Payload::Made(resource) => represent(self, resource, format)?,
        };
        Ok((Some(format.media_type), body))
    }

    fn capability_bytes(&self, format: Format) -> Result<Bytes, Refusal> {
        if !format.is_as_stored() {
            return represent(self, &capability::statement(self), format);
        }
        Ok(self.capability_json())
    }

    /// True if a fault is planted.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// True if a fault is planted and shows for this value (an id, a search value, a piece of content). A place that
    /// offers [`super::defect::Strength::OneInTen`] asks this in place of [`Server::has`].
    pub(super) fn strikes(&self, fault: Fault, value: &str) -> bool {
        self.faults.strikes(fault, value)
    }

    /// How long a planted race keeps its window open between the check and the act.
    pub(super) fn window(&self, fault: Fault) -> Duration {
        self.faults.window(fault)
    }

    /// True if the server differs in a legal way.
    pub(super) fn is(&self, difference: Difference) -> bool {
        self.differences.contains(&difference)
    }

    /// True if requests may sleep, so that whoever runs them must give them a thread.
    pub(super) fn pauses(&self) -> bool {
        races::FAULTS.iter().any(|fault| self.has(*fault))
    }

    /// `http://127.0.0.1:PORT/fhir`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The requests so far.
    pub fn log(&self) -> &Arc<RequestLog> {
        &self.log
    }

    pub(super) fn journal(&self) -> Option<&Journal> {
        self.journal.as_deref()
    }

    /// A state without resources.
    pub(super) fn empty_state(&self) -> State {
        State::empty(self.seed, self.naming, &self.base, self.faults.clone())
    }

    pub(super) fn facade(&self) -> Option<&Facade> {
        self.facade.as_ref()
    }

    pub(super) fn smart(&self) -> Option<&Smart> {
        self.smart.as_ref()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(super) fn index_lag(&self) -> Duration {
        if self.is(Difference::LongIndexLag) {
            LONG_INDEX_LAG
        } else if self.is(Difference::IndexLag) {
            INDEX_LAG
        } else {
            Duration::ZERO
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of one request must not take the others down; the state is consistent between statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said of a deleted resource: 410, or 404 where that is the server's way.
    pub(super) fn gone(&self) -> Refusal {
        if self.is(Difference::GoneAsNotFound) {
            return Refusal::not_found("there is no such resource");
        }
        Refusal::new(410, "deleted", "the resource was deleted")
    }

    /// False if nobody is shown a version (variant `no-versions`).
    pub(super) fn names_versions(&self) -> bool {
        !self.is(Difference::NoVersions)
    }

    /// The weak entity tag of a version.
    pub(super) fn etag(&self, version: &Version) -> String {
        if self.has(Fault::EtagDiffers) {
            return format!("W/\"{}\"", version.position);
        }
        format!("W/\"{}\"", version.version_id)
    }

    /// What is kept of a resource: all of it, unless the server's way or a fault changes something.
    pub(super) fn stored_form(&self, resource: Value) -> Value {
        self.faulty_form(self.legal_form(resource))
    }

    /// What a server may make of a resource before it keeps it (<http://hl7.org/fhir/R4/updates.html>).
    fn legal_form(&self, mut resource: Value) -> Value {
        if self.is(Difference::UtcInstants) {
            resource = utc::normalised(resource);
        }
        if self.is(Difference::ServerNarrative) {
            resource = narrative::added(resource);
        }
        resource
    }

    fn faulty_form(&self, resource: Value) -> Value {
        let changes: [(Fault, Change); 8] = [
            (Fault::DecimalThroughDouble, change::through_double),
            (Fault::DecimalAsExponent, change::without_zeros),
            (
                Fault::ExtensionValueDropped,
                change::without_extension_values,
            ),
            (
                Fault::PrimitiveExtensionDropped,
                change::without_primitive_extensions,
            ),
            (Fault::EmptyString, change::with_empty_texts),
            (Fault::ProfileStamped, change::with_profile),
            (Fault::ReferenceOfOldType, change::with_old_reference),
            (Fault::ValueAndReason, change::with_reason),
        ];
        let mut kept = resource;
        for (fault, change) in changes {
            if self.has(fault) && self.strikes(fault, &kept.to_string()) {
                kept = change(kept);
            }
        }
        kept
    }
}

/// What a fault makes of a resource.
type Change = fn(Value) -> Value;

fn is_token(place: &str) -> bool {
    place == "/token" || (place.ends_with("/token") && place.contains("://"))
}

/// Parameters in the form of a search by POST; `_format` and `_pretty` may stand there too.
fn form_of(request: &Request) -> Vec<(String, String)> {
    let is_form = request
        .headers
        .get("content-type")
        .is_some_and(|value| essence(value) == body::FORM);
    match std::str::from_utf8(&request.body) {
        Ok(text) if is_form => decode_pairs(text),
        _ => Vec::new(),
    }
}

fn parameter<'a>(
    pairs: &'a [(String, String)],
    form: &'a [(String, String)],
    wanted: &str,
) -> Option<&'a str> {
    pairs
        .iter()
        .chain(form)
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.as_str())
}

/// Sends a call to the room of its interaction; also used for the entries of a Bundle.
pub(super) fn dispatch(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, Refusal> {
    use Method::{Delete, Get, Patch, Post, Put};
    if let Some(scopes) = &turn.scopes {
        scopes.permit(call.method, &call.route, &call.pairs, &call.headers)?;
    }
    if !turn.server.names_versions() {
        unversioned::permit(&call.route)?;
    }
    match (call.method, &call.route) {
        (Get, Route::Metadata) => {
            let reply = Reply::made(200, capability::marker());
            Ok(reply.with_header("ETag", turn.server.capability_tag()))
        }
        (Get, Route::SmartConfiguration) if turn.server.smart().is_some() => {
            Ok(Smart::configuration(turn.server))
        }
        (Get, Route::SmartConfiguration) => Facade::smart_configuration(turn.server),
        (Get, Route::SystemHistory) => history(turn, call, &Scope::System),
        (Get, Route::TypeHistory(_)) if turn.server.has(Fault::HistoryClaimedOnly) => {
            let message = "the history of a type is not supported";
            Err(Refusal::new(501, "not-supported", message))
        }
        (Get, Route::TypeHistory(name)) => history(turn, call, &Scope::Type(name)),
        (Get, Route::InstanceHistory(key)) => history(turn, call, &Scope::Instance(key)),
        (Get, Route::Instance(key)) => instance::read(turn, call, key),
        (Get, Route::Version(key, version)) => instance::vread(turn, call, key, version),
        (Get, Route::Type(name)) | (Post, Route::TypeSearch(name)) => {
            search::search(turn, call, name, None)
        }
        (Get, Route::Compartment(key, name)) | (Post, Route::CompartmentSearch(key, name)) => {
            search::search(turn, call, name, Some(key))
        }
        (Get | Post, Route::Operation(place, code)) => operation::perform(turn, call, place, *code),
        (Post, Route::System) => transaction::bundle(turn, call),
        (Post, Route::Type(name)) => conditional::create(turn, call, name),
        (Put, Route::Type(name)) => conditional::update(turn, call, name),
        (Put, Route::Instance(key)) => instance::update(turn, call, key),
        (Patch, Route::Type(name)) => conditional::patch(turn, call, name),
        (Patch, Route::Instance(key)) => instance::patch(turn, call, key),
        (Delete, Route::Type(name)) => conditional::delete(turn, call, name),
        (Delete, Route::Instance(key)) => instance::delete(turn, call, key),
        _ => {
            let methods = allow(call.route.methods());
            let refusal = Refusal::new(
                405,
                "not-supported",
                "the method is not allowed at this URL",
            );
            Err(refusal.with_header("Allow", methods))
        }
    }
}

/// The call that an entry of a Bundle asks for.
pub(super) fn call_of_entry(
    server: &Server,
    method: Method,
    url: &str,
    headers: Headers,
    resource: Option<&Value>,
) -> Result<Call, Refusal> {
    let (path, query) = server.split(url);
    let place = percent_decode_str(&path).decode_utf8_lossy().into_owned();
    let route = Route::parse(place.trim_start_matches('/'))?;
    Ok(Call {
        method,
        body: body::of_entry(server, method, &route, resource)?,
        route,
        pairs: decode_pairs(&query),
        headers,
        assigned: None,
    })
}

/// Reason phrase of a status.
pub(super) fn reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown")
}

/// An instant as an HTTP date, RFC 9110 section 5.6.7.
pub(super) fn http_date(instant: Timestamp) -> String {
    rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&instant)
        .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
}

/// Reads an HTTP date; anything else counts as absent (RFC 9110 section 13.1.3).
pub(super) fn parse_http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
