//! Bearer tokens that the sandbox has issued: how a request carries one, whether it lives, what it opens
//! (<https://www.rfc-editor.org/rfc/rfc6750>). Not who gets one: that is for `facade` and `smart`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::outcome::Refusal;
use super::turn::Reply;
use crate::http::message::Headers;

/// Tokens with what each opens.
pub struct Tokens<T> {
    /// Tokens kept; the oldest is forgotten beyond that.
    limit: usize,
    issued: u64,
    known: BTreeMap<String, (Duration, T)>,
    order: VecDeque<String>,
}

impl<T: Clone> Tokens<T> {
    /// None yet, and never more than `limit`.
    pub fn new(limit: usize) -> Self {
        Tokens {
            limit,
            issued: 0,
            known: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Tokens issued so far, the forgotten ones included.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// Makes a token known until `expiry`, on the clock that [`Tokens::opened`] is asked with.
    pub fn issue(&mut self, token: String, expiry: Duration, opens: T) {
        self.issued += 1;
        if self.order.len() == self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(token.clone());
        self.known.insert(token, (expiry, opens));
    }

    /// What the token of a request opens.
    ///
    /// # Errors
    /// 401 with a challenge where there is no token, or none that is known and alive.
    pub fn opened(&self, headers: &Headers, now: Duration) -> Result<T, Refusal> {
        let refuse = |message: &str, error: Option<&str>| {
            Err(Refusal::new(401, "login", message)
                .with_header("WWW-Authenticate", challenge(error)))
        };
        let Some(token) = bearer(headers) else {
            return refuse("a bearer token is needed", None);
        };
        match self.known.get(token) {
            Some((expiry, opens)) if *expiry > now => Ok(opens.clone()),
            Some(_) => refuse("the token has expired", Some("invalid_token")),
            None => refuse("the token is not known", Some("invalid_token")),
        }
    }
}

/// The token that a request carries, RFC 6750 section 2.1.
fn bearer(headers: &Headers) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// `WWW-Authenticate` of a refusal; without an error where the request said nothing of itself, RFC 6750 section 3.
pub fn challenge(error: Option<&str>) -> String {
    let error = error.map_or(String::new(), |code| format!(", error=\"{code}\""));
    format!("Bearer realm=\"rounds sandbox\"{error}")
}

/// An answer of a token endpoint, which no cache may keep, RFC 6749 section 5.1.
pub fn uncached(reply: Reply) -> Reply {
    reply
        .with_header("Cache-Control", "no-store")
        .with_header("Pragma", "no-cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_token_is_forgotten_and_a_late_one_is_refused() {
        let mut tokens = Tokens::new(2);
        for token in ["a", "b", "c"] {
            tokens.issue(token.to_owned(), Duration::from_secs(9), token);
        }
        let opened = |value: &str, seconds| {
            let headers: Headers = [("Authorization", value)].into_iter().collect();
            tokens.opened(&headers, Duration::from_secs(seconds)).ok()
        };
        assert_eq!(tokens.issued(), 3);
        assert_eq!(opened("Bearer a", 1), None);
        assert_eq!(opened("bearer  c", 1), Some("c"));
        assert_eq!(opened("Bearer c", 9), None);
        assert_eq!(opened("Basic c", 1), None);
    }
}
