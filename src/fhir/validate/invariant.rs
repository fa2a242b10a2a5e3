//! Invariants in FHIRPath: one condition on one element. Not FHIRPath itself, and not the invariants that the walk
//! knows by heart.

use serde_json::Value;

use super::occurrence::Occurrence;
use super::walk::Walk;
use super::{Severity, rule};
use crate::fhir::definitions::profile::Invariant;
use crate::fhir::path::{Computed, Context, Item};

impl<'v> Walk<'v> {
    /// Applies conditions to an element; one without an answer is noted as not checked.
    pub(super) fn invariants(&mut self, invariants: &[Invariant], occurrence: &Occurrence<'v>) {
        for invariant in invariants {
            match self.holds(invariant, occurrence) {
                Some(true) => {}
                Some(false) => {
                    let severity = if invariant.is_error {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    self.report_as(
                        rule::INVARIANT,
                        severity,
                        Some(&invariant.key),
                        format!("breaks {}: {}", invariant.key, invariant.human),
                    );
                }
                None => {
                    if let Some(full) = &mut self.full {
                        full.open(rule::INVARIANT, invariant.key.clone());
                    }
                }
            }
        }
    }

    /// Whether a condition holds; `None` if the engine cannot say, or the condition is empty on this data.
    fn holds(&self, invariant: &Invariant, occurrence: &Occurrence<'v>) -> Option<bool> {
        // The engine gives the resource for `%context`, which would be the element.
        if invariant.expression.contains("%context") {
            return None;
        }
        let plan = invariant.plan().ok()?;
        let full = self.full.as_ref()?;
        let scope = full.resources.last()?;
        let variables = [("rootResource", scope.root)];
        let context = Context {
            resource: scope.resource,
            variables: &variables,
            now: full.now,
        };
        let focus = Item::Node {
            value: occurrence.value,
            sibling: occurrence.sibling,
            type_name: occurrence.code,
        };
        let result = plan.evaluate_from(&context, &focus).ok()?;
        match result.as_slice() {
            [Item::Computed(Computed::Boolean(holds))] => Some(*holds),
            [
                Item::Node {
                    value: Some(Value::Bool(holds)),
                    ..
                },
            ] => Some(*holds),
            // A single item of another kind is true where a truth value is asked.
            [_] => Some(true),
            _ => None,
        }
    }
}
