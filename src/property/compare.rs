//! What was written against what is read back, under the masks of what a server may set or rewrite. It knows no
//! definitions: whatever was sent must come back, whatever came in addition is the server's own business.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::number;

/// Nesting beyond this is not compared.
const MAX_DEPTH: usize = 64;

/// Members of a resource that the server sets.
const SET_BY_SERVER: &[&str] = &["id", "meta", "text"];

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Element path without indexes.
    pub path: String,
    /// `lost`, `changed` or `reordered`.
    pub kind: &'static str,
    /// What kind of value: `string`, `number`, `date`, `boolean`, `list`, `element`, `extension`.
    pub class: &'static str,
    /// What was written.
    pub sent: String,
    /// What is there, empty if nothing.
    pub found: String,
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Not at all, other than that they are there: number text is the subject of another property.
    Present,
    /// Value and precision.
    Exact,
}

/// What is lost or changed between `sent` and `found`.
pub fn differences(sent: &Value, found: &Value, base: &str, numbers: Numbers) -> Vec<Difference> {
    let mut comparison = Comparison {
        base,
        numbers,
        differences: Vec::new(),
    };
    let root = sent
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or("resource");
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => {
            let own: Map<String, Value> = sent
                .iter()
                .filter(|(name, _)| !SET_BY_SERVER.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            comparison.members(&own, found, root, 0);
        }
        _ => comparison.value(sent, found, root, 0),
    }
    comparison.differences
}

struct Comparison<'a> {
    base: &'a str,
    numbers: Numbers,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn note(&mut self, kind: &'static str, path: &str, sent: &Value, found: Option<&Value>) {
        self.differences.push(Difference {
            path: path.to_owned(),
            kind,
            class: class(path, sent),
            sent: shown(sent),
            found: found.map(shown).unwrap_or_default(),
        });
    }

    fn members(
        &mut self,
        sent: &Map<String, Value>,
        found: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) {
        for (name, value) in sent {
            let inner = format!("{path}.{name}");
            match found.get(name) {
                Some(other) => self.value(value, other, &inner, depth + 1),
                None => self.note("lost", &inner, value, None),
            }
        }
    }

    fn value(&mut self, sent: &Value, found: &Value, path: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match (sent, found) {
            (Value::Object(sent), Value::Object(found)) => self.members(sent, found, path, depth),
            (Value::Array(sent), Value::Array(found)) => self.list(sent, found, path, depth),
            (Value::Number(one), Value::Number(other)) => {
                if self.numbers == Numbers::Exact
                    && !number::same_precision(&one.to_string(), &other.to_string())
                {
                    self.note("changed", path, sent, Some(found));
                }
            }
            (Value::String(one), Value::String(other)) => {
                if !self.same_text(one, other, path) {
                    self.note("changed", path, sent, Some(found));
                }
            }
            _ if sent == found => {}
            _ => self.note("changed", path, sent, Some(found)),
        }
    }

    /// Lists of one length are compared by position; a longer list may hold what the server added anywhere.
    fn list(&mut self, sent: &[Value], found: &[Value], path: &str, depth: usize) {
        if sent.len() == found.len() {
            let before = self.differences.len();
            for (one, other) in sent.iter().zip(found) {
                self.value(one, other, path, depth + 1);
            }
            if self.differences.len() > before && self.is_permutation(sent, found, path, depth) {
                self.differences.truncate(before);
                let whole = Value::Array(sent.to_vec());
                self.note(
                    "reordered",
                    path,
                    &whole,
                    Some(&Value::Array(found.to_vec())),
                );
            }
            return;
        }
        let mut rest = found.iter();
        for one in sent {
            if !rest.any(|other| self.equal(one, other, path, depth)) {
                self.note("lost", path, one, None);
                return;
            }
        }
    }

    fn is_permutation(&self, sent: &[Value], found: &[Value], path: &str, depth: usize) -> bool {
        let mut left: Vec<&Value> = found.iter().collect();
        sent.iter().all(|one| {
            let at = left
                .iter()
                .position(|other| self.equal(one, other, path, depth));
            at.map(|at| left.swap_remove(at)).is_some()
        })
    }

    fn equal(&self, sent: &Value, found: &Value, path: &str, depth: usize) -> bool {
        let mut inner = Comparison {
            base: self.base,
            numbers: self.numbers,
            differences: Vec::new(),
        };
        inner.value(sent, found, path, depth + 1);
        inner.differences.is_empty()
    }

    /// The same text, the same instant in another zone, or the same reference in its absolute form.
    fn same_text(&self, sent: &str, found: &str, path: &str) -> bool {
        if sent == found {
            return true;
        }
        if path.ends_with(".reference") {
            let local = |text: &str| {
                text.strip_prefix(self.base)
                    .map_or(text, |rest| rest.trim_start_matches('/'))
                    .to_owned()
            };
            return local(sent) == local(found);
        }
        match (sent.parse::<Timestamp>(), found.parse::<Timestamp>()) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
    }
}

fn class(path: &str, value: &Value) -> &'static str {
    let last = path.rsplit('.').next().unwrap_or(path);
    match value {
        _ if last.starts_with('_') || path.contains(".extension") || path.contains("._") => {
            "extension"
        }
        Value::String(text) if looks_like_a_date(text) => "date",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) | Value::Null => "boolean",
        Value::Array(_) => "list",
        Value::Object(_) => "element",
    }
}

fn looks_like_a_date(text: &str) -> bool {
    let head: Vec<u8> = text.bytes().take(4).collect();
    head.len() == 4
        && head.iter().all(u8::is_ascii_digit)
        && matches!(text.as_bytes().get(4), None | Some(b'-'))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BASE: &str = "http://h/fhir";

    fn kinds(sent: Value, found: Value) -> Vec<(&'static str, &'static str)> {
        differences(&sent, &found, BASE, Numbers::Exact)
            .into_iter()
            .map(|difference| (difference.kind, difference.class))
            .collect()
    }

    #[test]
    fn what_a_server_may_set_or_rewrite_is_no_difference() {
        let sent = json!({"resourceType": "Observation", "id": "x", "meta": {"tag": []},
            "effectiveDateTime": "2020-01-01T10:00:00+02:00", "subject": {"reference": "Patient/1"},
            "category": [{"text": "a"}]});
        let found = json!({"resourceType": "Observation", "id": "77", "meta": {"versionId": "1"},
            "effectiveDateTime": "2020-01-01T08:00:00Z", "subject": {"reference": "http://h/fhir/Patient/1"},
            "category": [{"text": "added"}, {"text": "a", "coding": []}], "issued": "2020-01-01T08:00:00Z"});
        assert_eq!(kinds(sent, found), []);
    }

    #[test]
    fn lost_changed_and_reordered_values_are_told_apart() {
        assert_eq!(kinds(json!({"a": "x"}), json!({})), [("lost", "string")]);
        assert_eq!(
            kinds(json!({"a": "e\u{301}"}), json!({"a": "é"})),
            [("changed", "string")]
        );
        assert_eq!(
            kinds(json!({"a": "2020"}), json!({"a": "2020-01-01"})),
            [("changed", "date")]
        );
        assert_eq!(
            kinds(json!({"_a": {"id": "1"}}), json!({})),
            [("lost", "extension")]
        );
        assert_eq!(
            kinds(json!({"a": ["x", "y"]}), json!({"a": ["y", "x"]})),
            [("reordered", "list")]
        );
        assert_eq!(
            kinds(json!({"a": ["x", "y"]}), json!({"a": ["x"]})),
            [("lost", "string")]
        );
        assert_eq!(
            kinds(json!({"a": false}), json!({"a": "false"})),
            [("changed", "boolean")]
        );
    }

    #[test]
    fn number_text_counts_only_where_it_is_the_subject() {
        let sent = number_in("0.10");
        let found = number_in("0.1");
        assert_eq!(differences(&sent, &found, BASE, Numbers::Exact).len(), 1);
        assert_eq!(differences(&sent, &found, BASE, Numbers::Present), []);
    }

    fn number_in(text: &str) -> Value {
        serde_json::from_str(&format!("{{\"value\":{text}}}")).unwrap()
    }
}
