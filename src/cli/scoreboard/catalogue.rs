//! The sandbox's catalogue as the scoreboard sees it: each defect at its strengths, with the families of cases that are
//! about its class and the length of the shortest sequence known to show it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::engine::scoreboard::Suspect;
use crate::record::scoreboard::ALWAYS;
use crate::sandbox::{self, DEFECTS, Defect, Strength};

use super::super::failure::Failure;
use super::super::setup::unknown;

/// Families by class of defect; a class without any cannot be attributed.
static FAMILIES: LazyLock<BTreeMap<String, Vec<String>>> =
    LazyLock::new(|| read(include_str!("../../../fixtures/defects/families.json")));

/// Requests of the shortest sequence known to show a defect: written by hand, from what the defect does. Waiting for an
/// index is none, a search is one whatever its pages.
static MINIMUM: LazyLock<BTreeMap<String, u32>> =
    LazyLock::new(|| read(include_str!("../../../fixtures/defects/minimum.json")));

fn read<T: serde::de::DeserializeOwned>(text: &str) -> BTreeMap<String, T> {
    serde_json::from_str(text).expect("a test reads the file too")
}

/// Every defect at the strengths wanted, in order.
pub fn all(wanted: impl Fn(Strength) -> bool) -> Vec<Suspect> {
    let of_defect = |defect: &&'static Defect| {
        let strengths = defect.strengths.iter().copied();
        let wanted = strengths.filter(|strength| wanted(*strength));
        let suspects = wanted.map(|strength| suspect(defect, strength));
        suspects.collect::<Vec<_>>()
    };
    DEFECTS.iter().flat_map(of_defect).collect()
}

/// A defect by id, or by id and strength.
///
/// # Errors
/// There is none of that name.
pub fn named(name: &str) -> Result<Suspect, Failure> {
    let known = || DEFECTS.iter().map(|defect| defect.id).collect::<Vec<_>>();
    let planted = sandbox::defect(name).ok_or_else(|| unknown("defect", name, &known()))?;
    Ok(suspect(planted.defect, planted.strength))
}

/// Checks names of classes.
///
/// # Errors
/// No defect is of a class.
pub fn check_classes(classes: &[String]) -> Result<(), Failure> {
    let mut known: Vec<&str> = DEFECTS.iter().map(|defect| defect.class).collect();
    known.dedup();
    match classes
        .iter()
        .find(|class| !known.contains(&class.as_str()))
    {
        Some(class) => Err(Failure::usage(
            format!("use class `{class}`"),
            "no defect is of that class",
            "`rounds list defects --json` shows the classes",
        )),
        None => Ok(()),
    }
}

fn suspect(defect: &Defect, strength: Strength) -> Suspect {
    let suffix = strength.suffix();
    Suspect {
        id: defect.id.to_owned(),
        strength: suffix.strip_prefix('@').unwrap_or(ALWAYS).to_owned(),
        name: format!("{}{suffix}", defect.id),
        class: defect.class.to_owned(),
        provenance: defect.provenance.to_owned(),
        known_minimum: MINIMUM.get(defect.id).copied(),
        families: FAMILIES.get(defect.class).cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::hints;
    use super::*;
    use crate::cli::suites;
    use crate::engine::scoreboard::is_family;

    /// A class that half the harness is about says nothing.
    const MAX_FAMILIES: usize = 5;

    #[test]
    fn every_class_of_the_catalogue_has_families_and_each_of_them_exists() {
        let suites = suites::all().unwrap();
        let ids = || {
            let cases = suites.iter().flat_map(|suite| suite.cases());
            cases.map(|case| case.id.as_str())
        };
        for (class, families) in FAMILIES.iter() {
            assert!(families.len() <= MAX_FAMILIES, "{class}");
            for family in families {
                assert!(is_family(family, ids()), "{class}: {family}");
            }
        }
        for defect in DEFECTS.iter() {
            let families = FAMILIES.get(defect.class);
            assert!(
                families.is_some_and(|families| !families.is_empty()),
                "{}: nothing is about its class {}",
                defect.id,
                defect.class
            );
        }
    }

    #[test]
    fn minima_are_of_defects_that_there_are_and_agree_with_the_minimal_cases() {
        for id in MINIMUM.keys() {
            assert!(named(id).is_ok(), "{id}");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/defects");
        assert_eq!(
            *MINIMUM,
            hints::minima(&folder).unwrap(),
            "`rounds scoreboard --seeds 0 --runs 0 --write-hints fixtures/defects` brings them up to date"
        );
    }

    #[test]
    fn a_strength_is_part_of_the_name_and_not_of_the_id() {
        let suspect = named("if-match-race@1ms").unwrap();
        assert_eq!(
            (suspect.id.as_str(), suspect.strength.as_str()),
            ("if-match-race", "1ms")
        );
        let usual = named("if-match-race").unwrap();
        assert_eq!(
            (usual.name.as_str(), usual.strength.as_str()),
            ("if-match-race", "always")
        );
        assert!(all(|_| true).len() > all(|strength| strength == Strength::Always).len());
        assert!(named("if-match-rice").is_err());
    }
}
