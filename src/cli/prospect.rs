//! What a run has before it: the suites with their generated cases, planned on what a target claims. Runs nothing.

use std::collections::BTreeMap;

use crate::engine::plan::{self, Planned};
use crate::suite::generated::{self, LeftOut};
use crate::suite::ir::{Case, Suite};

use super::setup::Ground;

/// Suites whose cases are all known.
pub struct Prospect {
    /// Suites.
    pub suites: Vec<Suite>,
    /// Generated cases that there are not.
    pub left_out: Vec<LeftOut>,
    now: jiff::Timestamp,
}

impl Prospect {
    /// Makes the generated cases. A ground without data (a list, a dry run) leaves open which values there are.
    pub fn new(ground: &Ground, mut suites: Vec<Suite>, now: jiff::Timestamp) -> Self {
        let cohort = &ground.context.cohort;
        let left_out = generated::fill(
            &mut suites,
            &generated::Ground {
                capability: &ground.context.capability,
                cohort: (!cohort.resources.is_empty()).then_some(&**cohort),
                now,
            },
        );
        Prospect {
            suites,
            left_out,
            now,
        }
    }

    /// The plan.
    pub fn planned(
        &self,
        ground: &Ground,
        wanted: &dyn Fn(&Suite, &Case) -> bool,
        shard: Option<(usize, usize)>,
    ) -> Vec<Planned<'_>> {
        plan::plan(
            &self.suites,
            &plan::Terms {
                capability: &ground.context.capability,
                writes: ground.context.writes,
                validate_is_safe: ground.transport_target.validate_is_safe,
                identities: &ground.context.session.identities(),
                wanted,
                shard,
                now: self.now,
            },
        )
    }

    /// How many generated cases there are not, by reason; nothing where there are all.
    pub fn notice(&self) -> Option<String> {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for left in &self.left_out {
            *reasons.entry(&left.reason).or_default() += 1;
        }
        let reasons: Vec<String> = reasons
            .into_iter()
            .map(|(reason, count)| format!("{reason} ({count})"))
            .collect();
        (!reasons.is_empty()).then(|| {
            format!(
                "declared, and not tested: {}; `rounds list cases -t …` names what cannot be",
                reasons.join(", ")
            )
        })
    }
}
