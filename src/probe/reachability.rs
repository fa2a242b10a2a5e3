//! Is there a way to the host: name, address, TCP. Not TLS, which is `tls`.

use super::answer::duration;
use super::{Judgement, Known, Probe, Spec, Step};
use crate::http::dial::Way;
use crate::http::{Exchange, FailureKind};
use crate::record::consultation::{Mark, Owner};

/// The probe.
pub struct Reachability;

impl Probe for Reachability {
    fn spec(&self) -> Spec {
        Spec {
            id: "reachability",
            title: "the host name resolves and its port takes connections",
            spec: "https://www.rfc-editor.org/rfc/rfc9110#section-4.3.3",
            owner: Owner::Network,
        }
    }

    fn next(&self, _known: &Known, _seen: &[Exchange]) -> Step {
        Step::Done
    }

    fn judge(&self, known: &Known, _seen: &[Exchange]) -> Judgement {
        match &known.way {
            Ok(Way::Proxied) => Judgement::new(Mark::Info, "through a proxy, not measured"),
            Ok(Way::Direct(facts)) => {
                let fact = format!(
                    "{}, DNS {}, TCP {}",
                    facts.connected_to,
                    duration(facts.resolved_in),
                    duration(facts.connected_in)
                );
                Judgement::new(Mark::Pass, fact).of(facts.addresses.len())
            }
            Err(failure) => Judgement::new(Mark::Fail, failure.message.clone()).next_step(
                if failure.kind == FailureKind::Dns {
                    "check the host name, and the name server of this machine"
                } else {
                    "check the port, and firewalls between here and the host"
                },
            ),
        }
    }
}
