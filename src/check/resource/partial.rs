//! Which answers may hold resources in part: nothing follows from what such a resource lacks, and marking it as a part
//! is a SHOULD only. <http://hl7.org/fhir/R4/search.html#summary>

use std::collections::HashSet;

use crate::fhir::bundle;
use crate::http::{Exchange, Request};

/// Links that are remembered at most.
const MAX_LINKS: usize = 10_000;

const WORDS: [&[u8]; 2] = [b"_elements=", b"_summary="];

/// True if a request asks for parts: in its URL, in a form, or in the entry of a batch.
pub(super) fn asks_for_parts(request: &Request) -> bool {
    let has = |text: &[u8]| {
        WORDS
            .iter()
            .any(|word| text.windows(word.len()).any(|window| window == *word))
    };
    has(request.url.as_bytes()) || has(&request.body)
}

/// Follows parts from page to page: the link to the next one need not name what the first was asked for.
#[derive(Debug, Default)]
pub(super) struct Pages {
    links: HashSet<String>,
}

impl Pages {
    /// True if the answer may hold parts.
    pub fn are_partial(&mut self, exchange: &Exchange) -> bool {
        let url = &exchange.request.url;
        if !asks_for_parts(&exchange.request) && !self.links.contains(url) {
            return false;
        }
        let next = exchange
            .json()
            .and_then(|body| bundle::link_url(&body, "next", url));
        if self.links.len() < MAX_LINKS {
            self.links.extend(next);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::survey::tests::exchange;
    use super::*;
    use crate::http::Method;

    #[test]
    fn a_form_or_a_batch_may_ask_for_parts_too() {
        let form = Request::new(Method::Post, "Patient/_search")
            .with_body("application/x-www-form-urlencoded", "_elements=name");
        assert!(asks_for_parts(&form));
        let entry = json!({"request": {"method": "GET", "url": "Patient/a?_summary=true"}});
        let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry]});
        assert!(asks_for_parts(
            &Request::new(Method::Post, "").with_json(&batch)
        ));
        assert!(!asks_for_parts(&Request::get("Patient?name=_elements")));
    }

    #[test]
    fn the_pages_behind_a_partial_one_are_partial() {
        let mut pages = Pages::default();
        let page = |next: &str| {
            json!({"resourceType": "Bundle", "type": "searchset",
                "link": [{"relation": "next", "url": next}]})
        };
        let first = exchange(
            1,
            Request::get("Patient?_elements=name"),
            200,
            &page("x?p=2"),
        );
        let second = exchange(2, Request::get("x?p=2"), 200, &page("x?p=3"));
        let third = exchange(3, Request::get("x?p=3"), 200, &page("x?p=4"));
        let other = exchange(4, Request::get("x?q=2"), 200, &page("x?q=3"));
        assert!(pages.are_partial(&first));
        assert!(pages.are_partial(&second));
        assert!(pages.are_partial(&third));
        assert!(!pages.are_partial(&other));
    }
}
