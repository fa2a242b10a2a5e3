//! Which profiles a resource is held to: those that were asked for, those that it claims, those that a loaded guide
//! demands of every resource of the type, and those that R4 itself demands of vital signs.
//! Not what a profile says (`overlay`).

use serde_json::{Map, Value};

use super::occurrence::Occurrence;
use super::vital_sign;
use super::walk::Walk;

/// Profiles that one resource may claim; more are not checked.
const MAX_CLAIMS: usize = 32;

impl<'v> Walk<'v> {
    /// Holds a resource to its profiles, each once. What was asked for concerns the root alone, and what guides and R4
    /// demand unasked concerns no contained resource, which is a part of another one.
    pub(super) fn profiles(
        &mut self,
        occurrence: &Occurrence<'v>,
        object: &'v Map<String, Value>,
        is_root: bool,
        contained: bool,
    ) {
        let Some(full) = &self.full else { return };
        let mut canonicals: Vec<&'v str> = Vec::new();
        let mut add = |canonical: &'v str| {
            if !canonicals.contains(&canonical) {
                canonicals.push(canonical);
            }
        };
        if is_root {
            full.asked.iter().copied().for_each(&mut add);
        }
        if full.validator.claimed {
            claims(object).for_each(&mut add);
        }
        if !contained {
            let library = full.library();
            library.globals(occurrence.code).for_each(&mut add);
        }
        let has_vital_signs = full.validator.vital_signs && occurrence.code == "Observation";
        for canonical in &canonicals {
            self.by_canonical(canonical, occurrence);
        }
        if has_vital_signs && !contained {
            let mut unasked: Vec<&'static str> = vital_sign::profiles(object).collect();
            unasked.retain(|canonical| !canonicals.contains(canonical));
            unasked.dedup();
            for canonical in unasked {
                self.vital_sign(canonical, occurrence);
            }
        }
    }
}

/// The canonicals in `meta.profile`.
fn claims(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let meta = object.get("meta");
    let claimed = meta
        .and_then(|meta| meta.get("profile"))
        .and_then(Value::as_array);
    let canonicals = claimed.into_iter().flatten().filter_map(Value::as_str);
    canonicals.take(MAX_CLAIMS)
}
