//! `property/crossing-transactions-end`: transactions that touch the same resources in opposite order all end, none with
//! an error of the server. R4 lets a transaction be rejected with an error of either kind, so a 500 is a note; one that
//! never ends is not. Row CC-13.

use super::case::{Case, Command, Entry, Origin, Script};
use super::contest;
use super::trace::{Event, Reply, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::http::FailureKind;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CrossingTransactionsEnd;

/// Fewest and most clients.
const LANES: (u32, u32) = (2, 4);
/// Transactions of one client.
const ROUNDS: u32 = 2;
/// Part of the signature of a violation that is an error of the server.
const FAILED: &str = "server-error";

static SPEC: PropertySpec = PropertySpec {
    id: "property/crossing-transactions-end",
    title: "Transactions that touch the same resources in opposite order all end without an error of the server",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#transaction",
    sentence: "or reject all resources and return an HTTP 400 or 500 type response",
    family: Family::Concurrency,
    guards: &[Guard::Tag],
    precondition: "two transactions on the same resources, in opposite order, were answered at the same time",
    usual_causes: &[
        "rows are locked in the order of the entries, and a deadlock is not tried again",
        "a conflict of two transactions is reported as an error of the server",
    ],
};

impl Property for CrossingTransactionsEnd {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = [0, 1].map(|turn| script.create(dataset::turn(resource_type, turn, values)));
        let (least, most) = LANES;
        let mut turn = 2;
        for lane in 0..least + values.below(most - least + 1) {
            for _ in 0..ROUNDS {
                let mut order = made;
                if lane % 2 == 1 {
                    order.reverse();
                }
                let entries: Vec<Entry> = order
                    .into_iter()
                    .map(|target| {
                        script.entry(Command::Put {
                            target,
                            resource: dataset::turn(resource_type, turn, values),
                            if_match: None,
                        })
                    })
                    .collect();
                turn += 1;
                let bundle = Command::Bundle {
                    transaction: true,
                    entries,
                };
                script.push_lane(lane as u8, bundle);
            }
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        judge(trace)
    }

    fn level_of(&self, violation: &Violation) -> Level {
        if violation.signature.iter().any(|part| part == FAILED) {
            Level::May
        } else {
            SPEC.level
        }
    }
}

/// Types of which several clients may write some in transactions.
///
/// # Errors
/// As [`Ground::written`].
pub(super) fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let types = ground.written(&["read", "update"])?;
    if !ground.capability.supports_system("transaction") {
        return Err(Verdict::Skip("not claimed: transaction".to_owned()));
    }
    contest::admitted(ground)?;
    Ok(types)
}

fn judge(trace: &Trace) -> Judgement {
    let crossing: Vec<&Event> = trace
        .events
        .iter()
        .filter(|event| {
            event.step.is_concurrent()
                && matches!(
                    event.step.command,
                    Command::Bundle {
                        transaction: true,
                        ..
                    }
                )
                && event.last().is_some()
        })
        .collect();
    let accepted = crossing.iter().any(|event| event.accepted().is_some());
    let refused = crossing
        .iter()
        .filter(|_| !accepted)
        .find_map(|event| life::refusal(event, "a transaction"));
    if let Some(reason) = refused {
        return Judgement::open(reason);
    }
    let mut judgement = Judgement {
        weighed: u32::from(crossing.len() > 1),
        ..Judgement::default()
    };
    if crossing.len() < 2 {
        return judgement;
    }
    let hung = |event: &&&Event| {
        let failure = event.last().and_then(|last| last.outcome.as_ref().err());
        failure.is_some_and(|failure| failure.kind == FailureKind::Timeout)
    };
    let failed =
        |event: &&&Event| matches!(event.reply(), Reply::Unknown) && life::status(event) == 500;
    let found = [
        (
            crossing.iter().find(failed),
            "A transaction that crosses another one ends in an error of the server",
            FAILED,
        ),
        (
            crossing.iter().find(hung),
            "A transaction that crosses another one is not answered in time",
            "hangs",
        ),
    ];
    for (event, title, sign) in found {
        let Some(event) = event else { continue };
        let actual = match event.last().and_then(|last| last.status()) {
            Some(status) => Phrase::say(format!("status {status}")),
            None => Phrase::say("no answer in time"),
        };
        // The one that fails is not alone to blame, so all that were under way are shown.
        let violation = life::violation(
            &SPEC,
            title,
            "success, or a refusal with 409, 412, 429 or 503",
            actual,
            "status",
            &crossing,
        );
        judgement.violations.push(violation.signed(sign));
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judged(statuses: [u16; 2]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        stage.create("Patient/1", json!({"resourceType": "Patient"}));
        for (lane, status) in statuses.into_iter().enumerate() {
            let bundle = Command::Bundle {
                transaction: true,
                entries: Vec::new(),
            };
            let step = stage.push(bundle, None, vec![(status, json!({}))]);
            stage.at(step, lane as u8, 10, 20);
        }
        CrossingTransactionsEnd.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn success_conflict_and_overload_are_silent() {
        for statuses in [[200, 200], [200, 409], [200, 503], [200, 429]] {
            let judgement = judged(statuses);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn an_error_of_the_server_is_found() {
        assert_eq!(judged([200, 500]).violations[0].signature, [FAILED]);
    }

    #[test]
    fn a_target_that_refuses_transactions_is_not_accused() {
        assert_eq!(judged([405, 405]).weighed, 0);
    }
}
