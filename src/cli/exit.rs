//! Exit codes: what a script may rely on. One place, one precedence; nothing else calls `exit`.

/// Exit code of a command. Several causes at once: the first in the order of [`Exit::PRECEDENCE`] wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing that counts.
    Ok,
    /// 1: findings that count, or failed thresholds.
    Findings,
    /// 2: usage, configuration or suite error.
    Usage,
    /// 3: target unreachable; retry the job.
    Unreachable,
    /// 4: nothing selected.
    NothingSelected,
    /// 5: baseline missing.
    BaselineMissing,
    /// 6: a waiver is stale or expired.
    StaleWaiver,
    /// 7: a guard refused a request in flight.
    SafetyStop,
    /// 8: too many cases could not be decided, or a load run says nothing about the target.
    Undecided,
    /// 70: a bug of ours.
    Bug,
    /// 130: interrupted; what was done is stored.
    Interrupted,
}

impl Exit {
    /// Which cause wins when there are several.
    pub const PRECEDENCE: &[Exit] = &[
        Exit::Interrupted,
        Exit::Bug,
        Exit::SafetyStop,
        Exit::Usage,
        Exit::BaselineMissing,
        Exit::Unreachable,
        Exit::Findings,
        Exit::StaleWaiver,
        Exit::Undecided,
        Exit::NothingSelected,
        Exit::Ok,
    ];

    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::NothingSelected => 4,
            Exit::BaselineMissing => 5,
            Exit::StaleWaiver => 6,
            Exit::SafetyStop => 7,
            Exit::Undecided => 8,
            Exit::Bug => 70,
            Exit::Interrupted => 130,
        }
    }

    /// The cause that wins; `Ok` for none.
    pub fn first(causes: &[Exit]) -> Exit {
        Self::PRECEDENCE
            .iter()
            .copied()
            .find(|exit| causes.contains(exit))
            .unwrap_or(Exit::Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_wins_over_findings_and_findings_over_undecided() {
        assert_eq!(
            Exit::first(&[Exit::Findings, Exit::Interrupted]),
            Exit::Interrupted
        );
        assert_eq!(
            Exit::first(&[Exit::Undecided, Exit::Findings]),
            Exit::Findings
        );
        assert_eq!(Exit::first(&[]), Exit::Ok);
    }

    #[test]
    fn every_exit_has_a_place_in_the_precedence_and_a_code_of_its_own() {
        let mut codes: Vec<u8> = Exit::PRECEDENCE.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 130]);
    }
}
