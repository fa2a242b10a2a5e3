//! How much is spent on properties: cases per property, by what the property is about, and the names of three budgets.

/// How many cases each property gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Cases of properties of single resources.
    pub sequences: u32,
    /// Cases of search properties that create their population.
    pub populations: u32,
    /// Cases of search properties over a cohort that may only be read.
    pub readings: u32,
}

/// The budgets by name, smallest first.
pub const NAMED: &[(&str, Budget)] = &[
    ("quick", Budget::QUICK),
    ("default", Budget::DEFAULT),
    ("thorough", Budget::THOROUGH),
];

impl Budget {
    /// For every change: a few minutes at most, also where each request takes its time.
    pub const QUICK: Budget = Budget {
        sequences: 4,
        populations: 2,
        readings: 2,
    };

    /// A few seconds for all properties on a near target.
    pub const DEFAULT: Budget = Budget {
        sequences: 10,
        populations: 4,
        readings: 4,
    };

    /// For a night: faults that one value in a hundred shows.
    pub const THOROUGH: Budget = Budget {
        sequences: 120,
        populations: 40,
        readings: 16,
    };

    /// A budget by name.
    pub fn named(name: &str) -> Option<Budget> {
        NAMED
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, budget)| *budget)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_named_budget_spends_more_than_the_one_before() {
        assert_eq!(Budget::named("default"), Some(Budget::default()));
        assert_eq!(Budget::named("endless"), None);
        for pair in NAMED.windows(2) {
            let (less, more) = (pair[0].1, pair[1].1);
            assert!(
                less.sequences < more.sequences
                    && less.populations < more.populations
                    && less.readings < more.readings
            );
        }
    }
}
