//! The value sets of required bindings, expanded to codes where the definitions allow it.
//! Not a terminology server: no displays, no hierarchies, no external code systems.

use std::sync::OnceLock;

use super::pack::{Part, ValueSetRow, r4, rows};

/// Position of a value set by its canonical, with or without a version.
pub(super) fn index_of(canonical: &str) -> Option<u32> {
    let url = canonical.split('|').next().unwrap_or(canonical);
    value_sets()
        .binary_search_by(|row| row.url.cmp(url))
        .ok()
        .and_then(|index| u32::try_from(index).ok())
}

/// True if the value set at this position has the code; `None` if it cannot be enumerated.
pub(crate) fn contains(index: u32, system: Option<&str>, code: &str) -> Option<bool> {
    let systems = value_sets().get(index as usize)?.systems.as_ref()?;
    Some(systems.iter().any(|(own, codes)| {
        system.is_none_or(|system| system == *own) && codes.binary_search(&code).is_ok()
    }))
}

/// All value sets, sorted by canonical.
pub(super) fn value_sets() -> &'static [ValueSetRow<'static>] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    static VALUE_SETS: OnceLock<Vec<ValueSetRow<'static>>> = OnceLock::new();
    VALUE_SETS.get_or_init(|| rows(BYTES.get_or_init(|| r4(Part::Terminology))))
}
