//! What a server lost or changed of a resource: the comparison of what was sent with what came back.
//!
//! Not a byte comparison. A server may assign `id` and `meta`, rewrite `text`, add elements (in front of ours too),
//! write references with or without its base, and write the same instant in another zone. It may not lose elements
//! or change values. Numbers are told apart further: see [`Kind`].

use serde_json::Value;

use crate::fhir::{Key, datatype};

/// One place where something sent did not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Element path with indexes (`Observation.valueQuantity.value`).
    pub path: String,
    /// What happened to it.
    pub kind: Kind,
    /// What was sent, as JSON.
    pub sent: String,
    /// What came back, as JSON; empty if nothing.
    pub got: String,
}

/// What happened to something that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is not there.
    Lost,
    /// It has another value.
    Changed,
    /// A number kept its value as far as a 64-bit float holds one, and not its digits: `6.30` came back as `6.3`.
    /// R4 takes both for adequate, so long as the precision is kept beside the value
    /// (<http://hl7.org/fhir/R4/datatypes.html#decimal>).
    Precision,
}

impl Kind {
    /// For fingerprints.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Lost => "lost",
            Kind::Changed => "changed",
            Kind::Precision => "decimal-text",
        }
    }
}

/// Members at the top of a resource that the server may set.
const SERVERS_OWN: &[&str] = &["id", "meta", "text"];
/// Differences of one kind reported at most.
const MAX_DIFFERENCES: usize = 20;
/// Lists are searched for an item that moved up to this length.
const MAX_MOVED: usize = 50;
/// Levels of nesting compared.
const MAX_DEPTH: usize = 64;

/// Compares; empty if everything that was sent is there. Tags, profiles and security labels that were sent must be
/// among those that came back.
pub fn differences(sent: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let name = crate::fhir::resource::resource_type(sent).unwrap_or("Resource");
    let (Value::Object(members), Value::Object(others)) = (sent, got) else {
        compare(name, sent, got, 0, &mut found);
        return found;
    };
    for (member, value) in members {
        if SERVERS_OWN.contains(&member.as_str()) {
            continue;
        }
        compare_member(name, member, value, others.get(member), 0, &mut found);
    }
    for list in ["tag", "profile", "security"] {
        let sent = sent.pointer(&format!("/meta/{list}"));
        let got = got
            .pointer(&format!("/meta/{list}"))
            .and_then(Value::as_array);
        for label in sent.and_then(Value::as_array).into_iter().flatten() {
            let is_there = got.is_some_and(|got| got.iter().any(|other| same_label(label, other)));
            if !is_there {
                push(
                    &mut found,
                    format!("{name}.meta.{list}"),
                    Kind::Lost,
                    label,
                    None,
                );
            }
        }
    }
    found
}

/// Labels are the same if system and code are.
fn same_label(sent: &Value, got: &Value) -> bool {
    match sent {
        Value::Object(_) => ["system", "code"]
            .iter()
            .all(|member| sent.get(member) == got.get(member)),
        other => other == got,
    }
}

fn push(found: &mut Vec<Difference>, path: String, kind: Kind, sent: &Value, got: Option<&Value>) {
    let alike = found.iter().filter(|known| known.kind == kind).count();
    if alike < MAX_DIFFERENCES {
        found.push(Difference {
            path,
            kind,
            sent: sent.to_string(),
            got: got.map(ToString::to_string).unwrap_or_default(),
        });
    }
}

fn compare_member(
    path: &str,
    member: &str,
    sent: &Value,
    got: Option<&Value>,
    depth: usize,
    found: &mut Vec<Difference>,
) {
    let path = format!("{path}.{member}");
    match got {
        Some(got) => compare(&path, sent, got, depth + 1, found),
        None => push(found, path, Kind::Lost, sent, None),
    }
}

fn compare(path: &str, sent: &Value, got: &Value, depth: usize, found: &mut Vec<Difference>) {
    if depth > MAX_DEPTH {
        return;
    }
    match (sent, got) {
        (Value::Object(members), Value::Object(others)) => {
            for (member, value) in members {
                // The narrative of a contained resource is the server's like that of the resource itself.
                if member == "text" && value.get("div").is_some() {
                    continue;
                }
                compare_member(path, member, value, others.get(member), depth, found);
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            compare_lists(path, items, others, depth, found);
        }
        (Value::Number(left), Value::Number(right)) => {
            if let Some(kind) = number_changed(&left.to_string(), &right.to_string()) {
                push(found, path.to_owned(), kind, sent, Some(got));
            }
        }
        (Value::String(left), Value::String(right)) => {
            if !same_text(left, right) {
                push(found, path.to_owned(), Kind::Changed, sent, Some(got));
            }
        }
        _ if sent == got => {}
        _ => push(found, path.to_owned(), Kind::Changed, sent, Some(got)),
    }
}

/// Text in a list has its place (given names, lines of an address). The order of other items has no meaning unless
/// their definition says so, so each may come back anywhere in the list.
fn compare_lists(
    path: &str,
    items: &[Value],
    others: &[Value],
    depth: usize,
    found: &mut Vec<Difference>,
) {
    let may_move = items.iter().all(Value::is_object) && items.len() <= MAX_MOVED;
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let here = others.get(index);
        let differences = |other: &Value| {
            let mut inside = Vec::new();
            compare(&path, item, other, depth + 1, &mut inside);
            inside
        };
        let in_place = here.map(differences);
        if in_place.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        let is_elsewhere = may_move
            && others.len() <= MAX_MOVED
            && others.iter().any(|other| differences(other).is_empty());
        if is_elsewhere {
            continue;
        }
        match in_place {
            Some(inside) => found.extend(inside.into_iter().take(MAX_DIFFERENCES)),
            None => push(found, path.clone(), Kind::Lost, item, None),
        }
    }
}

/// `None` if a number is the same. The notation with an exponent is never held against anybody: libraries write it in
/// their own way, ours included.
fn number_changed(sent: &str, got: &str) -> Option<Kind> {
    if sent == got {
        return None;
    }
    let value = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    let is_scientific = |text: &str| text.contains(['e', 'E']);
    match (value(sent), value(got)) {
        (Some(left), Some(right)) if left == right => {
            (!is_scientific(sent) && !is_scientific(got)).then_some(Kind::Precision)
        }
        // Beyond what a float holds only the same text in another notation is known to be the same.
        (None, None) if sent.eq_ignore_ascii_case(got) => None,
        _ => Some(Kind::Changed),
    }
}

/// Same text, the same instant in another zone, or the same reference with another base. References that the
/// server must resolve (`urn:uuid:…`, `Type?…`) are whatever it made of them.
fn same_text(sent: &str, got: &str) -> bool {
    // R4 has no meaning for white space around text, and XML storage may drop it.
    if sent.trim() == got.trim() || sent.starts_with("urn:uuid:") || sent.starts_with("urn:oid:") {
        return true;
    }
    if sent.contains('?') && Key::from_reference(got).is_some() {
        return true;
    }
    if let (Some(left), Some(right)) = (Key::from_reference(sent), Key::from_reference(got)) {
        let is_relative = |text: &str| !text.contains("://");
        return left == right && (is_relative(sent) || is_relative(got));
    }
    sent.contains('T')
        && got.contains('T')
        && datatype::interval(sent, 0)
            .zip(datatype::interval(got, 0))
            .is_some_and(|(left, right)| left.start == right.start)
}
