//! Which legal variants go together: all but the pairs that contradict each other, or of which one leaves no place
//! for the other to show.

use super::Variant;

/// Two variants that do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clash {
    /// One.
    pub one: &'static str,
    /// The other.
    pub other: &'static str,
    /// Why not both.
    pub reason: &'static str,
}

const fn clash(one: &'static str, other: &'static str, reason: &'static str) -> Clash {
    Clash { one, other, reason }
}

const READS_ONLY: &str = "the facade takes no writes, so the other never shows";
const NO_DELETE: &str = "the modest server does not delete, so the other never shows";
const NO_VERSION: &str = "without versions there is none to name";

/// In alphabetical order of both.
const CLASHES: &[Clash] = &[
    clash("conflict-as-409", "facade", READS_ONLY),
    clash("delete-many", "facade", READS_ONLY),
    clash("delete-many", "modest", NO_DELETE),
    clash("delete-with-outcome", "facade", READS_ONLY),
    clash("delete-with-outcome", "modest", NO_DELETE),
    clash("facade", "gone-as-404", READS_ONLY),
    clash("facade", "if-match-required", READS_ONLY),
    clash("facade", "index-lag", READS_ONLY),
    clash("facade", "index-lag-2s", READS_ONLY),
    clash("facade", "modest", "both say which interactions there are"),
    clash("facade", "no-totals", "the facade has no totals anyway"),
    clash(
        "facade",
        "no-versions",
        "the facade shows no versions anyway",
    ),
    clash("facade", "page-cap-20", "the facade's pages are smaller"),
    clash("facade", "quiet-update", READS_ONLY),
    clash(
        "facade",
        "smart",
        "each is an authorization server of its own",
    ),
    clash(
        "facade",
        "unknown-ignored",
        "the facade refuses parameters that it does not know",
    ),
    clash("gone-as-404", "modest", NO_DELETE),
    clash("if-match-required", "no-versions", NO_VERSION),
    clash(
        "index-lag",
        "index-lag-2s",
        "the longer lag hides the shorter",
    ),
    clash("no-versions", "opaque-versions", NO_VERSION),
];

/// True if these variants can be switched on together; else the first pair that cannot, in the order of the list.
///
/// # Errors
/// The pair and why.
pub fn combinable(variants: &[&Variant]) -> Result<(), &'static Clash> {
    let is_on = |id| variants.iter().any(|variant| variant.id == id);
    match CLASHES
        .iter()
        .find(|clash| is_on(clash.one) && is_on(clash.other))
    {
        Some(clash) => Err(clash),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{VARIANTS, variant};

    #[test]
    fn clashes_are_sorted_pairs_of_variants() {
        let pairs: Vec<_> = CLASHES
            .iter()
            .map(|clash| (clash.one, clash.other))
            .collect();
        assert!(pairs.is_sorted_by(|one, other| one < other));
        for (one, other) in pairs {
            assert!(one < other && variant(one).is_some() && variant(other).is_some());
        }
    }

    #[test]
    fn most_pairs_go_together_and_a_clash_says_why_not() {
        let pair = ["facade", "smart"].map(|id| variant(id).unwrap());
        assert!(combinable(&pair).unwrap_err().reason.contains("of its own"));
        let fine = VARIANTS
            .iter()
            .enumerate()
            .flat_map(|(at, one)| VARIANTS[at + 1..].iter().map(move |other| [one, other]))
            .filter(|pair| combinable(pair).is_ok())
            .count();
        assert_eq!(fine, 19 * 18 / 2 - CLASHES.len());
        let pairs: Vec<&Variant> = VARIANTS
            .iter()
            .filter(|variant| {
                !["facade", "index-lag", "modest", "no-versions"].contains(&variant.id)
            })
            .collect();
        assert_eq!(combinable(&pairs), Ok(()));
    }
}
