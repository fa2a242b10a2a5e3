//! Cross-origin resource sharing: what a page of another origin may do and see. <https://fetch.spec.whatwg.org/#http-cors-protocol>
//! Any origin may come, without credentials of the browser: there are no secrets here.

use crate::http::message::{Headers, Method, Request};

/// Fields of a request that a page may set.
const ALLOWED: &str = "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, \
                       If-None-Match, Prefer, X-Request-Id";

/// Fields of an answer that a page may read.
const EXPOSED: &str = "Content-Location, ETag, Last-Modified, Location, X-Request-Id";

/// Seconds for which a browser may keep the answer to a preflight.
const MAX_AGE: &str = "600";

/// Adds what a request from another origin is told; `methods` are those of the place, as in `Allow`.
pub fn answer(request: &Request, methods: Option<&str>, headers: &mut Headers) {
    if request.headers.get("origin").is_none() {
        return;
    }
    headers.append("Access-Control-Allow-Origin", "*");
    headers.append("Access-Control-Expose-Headers", EXPOSED);
    let wanted = request.headers.get("access-control-request-method");
    if request.method == Method::Options && wanted.is_some() {
        headers.append("Access-Control-Allow-Methods", methods.unwrap_or_default());
        headers.append("Access-Control-Allow-Headers", ALLOWED);
        headers.append("Access-Control-Max-Age", MAX_AGE);
    }
}
