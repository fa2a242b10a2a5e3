//! Is the connection private, and for how long will the certificate be good. Measured by `http::dial`.

use jiff::Timestamp;

use super::answer::{duration, plural};
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::http::Exchange;
use crate::http::dial::{CertificateFacts, TlsFacts, Way};
use crate::record::consultation::{Mark, Owner};

/// Days before the end of a certificate from which it is a warning: most are renewed 30 days ahead.
const WARNING_DAYS: i64 = 30;
const SECONDS_PER_DAY: i64 = 86_400;

/// The probe.
pub struct Tls;

impl Probe for Tls {
    fn spec(&self) -> Spec {
        Spec {
            id: "tls",
            title: "the connection is encrypted and its certificate verifies",
            spec: "http://hl7.org/fhir/R4/security.html#http",
            owner: Owner::Gateway,
        }
    }

    fn next(&self, known: &Known, _seen: &[Exchange]) -> Step {
        match &known.way {
            Err(_) => Step::Skip("there is no connection".to_owned()),
            Ok(_) => Step::Done,
        }
    }

    fn judge(&self, known: &Known, _seen: &[Exchange]) -> Judgement {
        if known.base.scheme() != "https" {
            return plain(known);
        }
        match &known.way {
            Err(failure) => Judgement::new(Mark::Fail, failure.message.clone()),
            Ok(Way::Proxied) => Judgement::new(Mark::Info, "through a proxy, not measured"),
            Ok(Way::Direct(facts)) => match &facts.tls {
                None => Judgement::new(Mark::Info, "not measured"),
                Some(Err(failure)) => Judgement::new(Mark::Fail, failure.message.clone())
                    .next_step("look at the TLS set-up of what listens on this port"),
                Some(Ok(tls)) => judge(known, tls),
            },
        }
    }
}

fn plain(known: &Known) -> Judgement {
    let is_local = match known.base.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if is_local {
        return Judgement::new(Mark::Info, "plain HTTP on this machine");
    }
    Judgement::new(Mark::Warn, "plain HTTP: whoever is on the way reads along")
        .next_step("use the https URL")
}

fn judge(known: &Known, tls: &TlsFacts) -> Judgement {
    let handshake = format!("{} in {}", tls.version, duration(tls.shaken_in));
    let Some(certificate) = &tls.certificate else {
        return Judgement::new(
            Mark::Fail,
            format!("{handshake}; the certificate cannot be read"),
        );
    };
    let days = days_left(certificate, known.now);
    let is_ending = days < WARNING_DAYS;
    if let Err(reason) = &tls.verified {
        return untrusted(known, tls, certificate, reason)
            .sign_if(is_ending, Sign::CertificateEnding);
    }
    let date = certificate.not_after.strftime("%Y-%m-%d");
    let left = plural(usize::try_from(days).unwrap_or_default(), "day");
    let fact = format!("{handshake}; certificate ends in {left} ({date})");
    if is_ending {
        return Judgement::new(Mark::Warn, fact)
            .sign(Sign::CertificateEnding)
            .next_step("renew the certificate");
    }
    Judgement::new(Mark::Pass, fact)
}

fn untrusted(
    known: &Known,
    tls: &TlsFacts,
    certificate: &CertificateFacts,
    reason: &str,
) -> Judgement {
    let is_timely = certificate.not_before <= known.now && known.now < certificate.not_after;
    let sent = plural(tls.certificates, "certificate");
    let is_short = tls.certificates == 1 && !certificate.self_signed;
    let mark = if known.insecure {
        Mark::Warn
    } else {
        Mark::Fail
    };
    Judgement::new(mark, format!("{}; {reason}; {sent} sent", tls.version))
        .sign_if(is_timely, Sign::ChainUntrusted)
        .sign_if(is_timely && is_short, Sign::ChainShort)
        .sign_if(certificate.self_signed, Sign::ChainSelfSigned)
        .next_step("compare the chain with the authorities of the clients; --cacert FILE trusts a private one")
}

fn days_left(certificate: &CertificateFacts, now: Timestamp) -> i64 {
    (certificate.not_after.as_second() - now.as_second()) / SECONDS_PER_DAY
}
