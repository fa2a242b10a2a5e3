//! Which legal variants are on in which clean run: none, each alone, and pairs that can be on together.

use crate::sandbox::{VARIANTS, Variant, combinable, variant};
use crate::seed::Seed;
use crate::suite::yaml::suggest;

use super::super::failure::Failure;

/// Draws of a pair before a run goes without.
const DRAWS: u64 = 32;

/// The variants that take part, in order; none named stands for all.
///
/// # Errors
/// A variant that there is not.
pub fn singles(named: &[String]) -> Result<Vec<&'static str>, Failure> {
    let known: Vec<&str> = VARIANTS.iter().map(|variant| variant.id).collect();
    for name in named {
        if !known.contains(&name.as_str()) {
            let near = suggest(name, &known).unwrap_or("`rounds list variants` shows all");
            return Err(Failure::usage(
                format!("use variant `{name}`"),
                "there is none of that id",
                format!("nearest: {near}"),
            ));
        }
    }
    let wanted = |id: &&str| named.is_empty() || named.iter().any(|name| name == id);
    Ok(known.into_iter().filter(wanted).collect())
}

/// The arrangement of a run: cycles of the plain sandbox, each variant alone, and as many sampled pairs. The same index
/// gives the same arrangement however many runs there are.
pub fn of_run(singles: &[&'static str], index: u64) -> Vec<String> {
    let count = singles.len() as u64;
    let place = index % (2 * count + 1);
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    match place {
        0 => Vec::new(),
        place if place <= count => owned(&[singles[place as usize - 1]]),
        _ => owned(&pair(singles, index)),
    }
}

/// A pair, drawn by the number of the run; the plain sandbox where no pair can be on.
fn pair(singles: &[&'static str], index: u64) -> Vec<&'static str> {
    let seed = Seed::FIXED.derive("scoreboard/pairs").index(index);
    let draws = (0..DRAWS).map(|draw| {
        let number = seed.index(draw).0;
        let count = singles.len() as u64;
        let (first, second) = (number % count, number / count % count);
        [singles[first as usize], singles[second as usize]]
    });
    let mut pairs = draws.filter(|[first, second]| are_combinable(first, second));
    let mut pair = pairs.next().map(Vec::from).unwrap_or_default();
    pair.sort_unstable();
    pair
}

/// True if two variants are two, and the sandbox can have both.
fn are_combinable(first: &str, second: &str) -> bool {
    let both: Vec<&Variant> = [first, second].into_iter().filter_map(variant).collect();
    first != second && combinable(&both).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_has_the_plain_sandbox_every_variant_and_pairs() {
        let singles = singles(&[]).unwrap();
        let cycle = 2 * singles.len() as u64 + 1;
        let arrangements: Vec<Vec<String>> =
            (0..cycle).map(|index| of_run(&singles, index)).collect();
        assert!(arrangements[0].is_empty());
        for id in &singles {
            assert!(arrangements.contains(&vec![(*id).to_owned()]), "{id}");
        }
        let pairs = arrangements.iter().filter(|variants| variants.len() == 2);
        assert_eq!(pairs.count(), singles.len());
        assert_ne!(of_run(&singles, cycle - 1), of_run(&singles, 2 * cycle - 1));
    }

    #[test]
    fn named_variants_alone_take_part_and_an_unknown_one_is_refused() {
        let named = vec!["index-lag".to_owned()];
        let singles = singles(&named).unwrap();
        for index in 0..6 {
            let variants = of_run(&singles, index);
            assert!(variants.is_empty() || variants == named, "{variants:?}");
        }
        assert!(super::singles(&["index-leg".to_owned()]).is_err());
    }

    #[test]
    fn what_contradicts_each_other_is_never_drawn() {
        assert!(!are_combinable("opaque-versions", "no-versions"));
        assert!(!are_combinable("index-lag", "index-lag"));
        assert!(are_combinable("index-lag", "opaque-versions"));
    }
}
