//! The JSON of bodies that were just read: many judges look at one exchange, one after the other, and parsing is what
//! they would cost most. Not a store: each thread keeps the few bodies that it looked at last.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

/// Bytes of bodies whose JSON a thread keeps at most, but for the last, which is kept whatever its size: all pages of
/// most walks. Parsed, a body takes about ten times as much.
const MAX_BYTES: usize = 1 << 20;
/// Bodies that a thread keeps at most: looking for one is a walk over all.
const MAX_BODIES: usize = 32;

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::default();
}

/// A body as JSON (numbers keep their text); `None` if it is none.
pub(super) fn json(body: &Bytes) -> Option<Arc<Value>> {
    if body.is_empty() {
        return None;
    }
    RECENT.with_borrow_mut(|recent| recent.json(body))
}

/// Bodies with their JSON, the oldest first.
#[derive(Default)]
struct Recent {
    bodies: VecDeque<(Bytes, Option<Arc<Value>>)>,
    bytes: usize,
}

impl Recent {
    fn json(&mut self, body: &Bytes) -> Option<Arc<Value>> {
        let known = self.bodies.iter().find(|(known, _)| is_same(known, body));
        if let Some((_, value)) = known {
            return value.clone();
        }
        let value = serde_json::from_slice(body).ok().map(Arc::new);
        self.keep(body, value.clone());
        value
    }

    fn keep(&mut self, body: &Bytes, value: Option<Arc<Value>>) {
        self.bytes += body.len();
        self.bodies.push_back((body.clone(), value));
        while self.bodies.len() > 1 && (self.bytes > MAX_BYTES || self.bodies.len() > MAX_BODIES) {
            if let Some((oldest, _)) = self.bodies.pop_front() {
                self.bytes -= oldest.len();
            }
        }
    }
}

/// True for the same bytes in memory. What is kept stays where it is, so no other body can come to stand there.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    one.as_ptr() == other.as_ptr() && one.len() == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_parsed_once_as_long_as_it_is_looked_at() {
        let body = Bytes::from("{\"a\":1.0}");
        let mut recent = Recent::default();
        let first = recent.json(&body).unwrap();
        assert!(Arc::ptr_eq(&first, &recent.json(&body.clone()).unwrap()));
        assert_eq!(first.to_string(), "{\"a\":1.0}");
        // The same text elsewhere, and another text at the same place, are other bodies.
        assert!(!Arc::ptr_eq(
            &first,
            &recent.json(&Bytes::from(body.to_vec())).unwrap()
        ));
        assert_eq!(recent.json(&body.slice(..4)), None);
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let mut recent = Recent::default();
        for number in 0..100 {
            recent.json(&Bytes::from(number.to_string()));
        }
        assert_eq!(recent.bodies.len(), MAX_BODIES);
        let large = |bytes| Bytes::from(format!("\"{}\"", "x".repeat(bytes)));
        recent.json(&large(MAX_BYTES - 2));
        assert_eq!((recent.bodies.len(), recent.bytes), (1, MAX_BYTES));
        // One that is too large drives out all others, and goes with the next.
        recent.json(&large(MAX_BYTES));
        assert_eq!((recent.bodies.len(), recent.bytes), (1, MAX_BYTES + 2));
        recent.json(&Bytes::from("1"));
        assert_eq!((recent.bodies.len(), recent.bytes), (1, 1));
    }
}
