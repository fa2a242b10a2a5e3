//! The table of causes: what each would explain, what speaks against it, how to tell. Ranking is pure counting; it
//! asserts nothing that was not seen.

use super::{Judgement, Sign};
use crate::record::consultation::{CauseLine, Mark};

/// Causes shown at most.
const MAX_CAUSES: usize = 4;

/// One cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Stable id.
    pub id: &'static str,
    /// One lower-case sentence.
    pub title: &'static str,
    /// What it explains; one of these must have been seen.
    pub explains: &'static [Sign],
    /// What speaks against it, in words.
    pub against: &'static [(Sign, &'static str)],
    /// Where to look.
    pub look_at: &'static str,
    /// How to confirm it.
    pub confirm: &'static str,
    /// What would refute it.
    pub refuted_by: &'static str,
    /// Observations from which it is called likely.
    pub likely_from: u32,
}

/// All causes; those listed first win ties, because they are the commoner ones.
pub static CAUSES: &[Cause] = &[
    Cause {
        id: "gateway-drops-query",
        title: "a proxy or gateway drops the query string",
        explains: &[
            Sign::SelfLinkLacksParameter,
            Sign::FilterIgnored,
            Sign::PagingLoop,
        ],
        against: &[
            (Sign::PageStateKept, "paging keeps its state"),
            (Sign::FilterKept, "another filter works"),
            (Sign::SelfLinkComplete, "another self link is complete"),
        ],
        look_at: "path rewriting between the gateway and the server",
        confirm: "rounds diagnose --probe search-echo -t <server behind the gateway>",
        refuted_by: "the same search answered in the same way behind the gateway",
        likely_from: 2,
    },
    Cause {
        id: "filter-ignored-by-server",
        title: "the server ignores parameters it does not implement",
        explains: &[Sign::FilterIgnored, Sign::SelfLinkLacksParameter],
        against: &[(Sign::ParameterDeclared, "metadata declares the parameter")],
        look_at: "the search parameters of the server against its CapabilityStatement",
        confirm: "send Prefer: handling=strict and expect 400",
        refuted_by: "a 200 with 0 matches for the same filter on another type",
        likely_from: 1,
    },
    Cause {
        id: "forwarded-headers",
        title: "the server does not know its public base URL",
        explains: &[Sign::ForeignLink],
        against: &[],
        look_at: "X-Forwarded-Host, -Proto and -Prefix at the gateway; the base URL setting of the server",
        confirm: "compare the base of the self link with the URL that was asked",
        refuted_by: "links with the public base on a direct connection",
        likely_from: 1,
    },
    Cause {
        id: "gateway-answers-itself",
        title: "a gateway answers in place of the server",
        explains: &[Sign::HtmlAnswer, Sign::OutcomeMissing],
        against: &[(Sign::OutcomeGiven, "other errors carry an OperationOutcome")],
        look_at: "error pages and the route table of the gateway",
        confirm: "find the request in the access log of the server: it is not there",
        refuted_by: "the request in the access log of the server, with the same status",
        likely_from: 2,
    },
    Cause {
        id: "headers-stripped",
        title: "a proxy strips or rewrites response headers",
        explains: &[Sign::EtagMissing, Sign::EtagWrong],
        against: &[],
        look_at: "the list of headers that the gateway passes on; body rewriting and compression",
        confirm: "read the same resource behind the gateway and compare the headers",
        refuted_by: "the same headers behind the gateway",
        likely_from: 2,
    },
    Cause {
        id: "slow-replica",
        title: "one of several replicas is slow",
        explains: &[Sign::SlowSpread],
        against: &[(Sign::SlowAll, "all reads are slow")],
        look_at: "response times by replica; garbage collection and connection pools",
        confirm: "compare the X-Served-By header of slow and fast answers",
        refuted_by: "slow and fast answers of the same replica",
        likely_from: 20,
    },
    Cause {
        id: "server-overloaded",
        title: "the server or what it depends on is overloaded or down",
        explains: &[Sign::ServerError, Sign::SlowAll],
        against: &[(Sign::SlowSpread, "most reads are fast")],
        look_at: "the log of the server at the time of this diagnosis; its database and terminology server",
        confirm: "repeat when traffic is low: rounds diagnose --probe latency",
        refuted_by: "the same errors without any traffic",
        likely_from: 4,
    },
    Cause {
        id: "token-insufficient",
        title: "the token is missing, expired or has too narrow a scope",
        explains: &[Sign::Unauthorized],
        against: &[(Sign::Authorized, "other types can be read")],
        look_at: "expiry, audience and scopes of the token",
        confirm: "repeat with a token that was issued now, for this base URL",
        refuted_by: "the same refusal with a fresh token that has the scope",
        likely_from: 1,
    },
    Cause {
        id: "clock-skew",
        title: "one of the two clocks is off",
        explains: &[Sign::ClockSkew, Sign::Unauthorized],
        against: &[(Sign::ClockRight, "Date agrees with the clock here")],
        look_at: "NTP on the server and here; tokens are refused before iat and after exp",
        confirm: "compare both clocks with a time server",
        refuted_by: "both clocks right, and Date still off: a cache",
        likely_from: 2,
    },
    Cause {
        id: "chain-incomplete",
        title: "the server does not send its intermediate certificate",
        explains: &[Sign::ChainShort],
        against: &[],
        look_at: "the certificate file of what ends TLS: it must hold the chain, not only the leaf",
        confirm: "openssl s_client -showcerts shows one certificate",
        refuted_by: "an authority that signs leaves directly, as private ones do",
        likely_from: 1,
    },
    Cause {
        id: "private-authority",
        title: "the certificate is from a private authority",
        explains: &[Sign::ChainUntrusted, Sign::ChainSelfSigned],
        against: &[],
        look_at: "the issuer of the certificate",
        confirm: "give the authority with --cacert FILE and repeat",
        refuted_by: "the same failure with that authority",
        likely_from: 1,
    },
    Cause {
        id: "certificate-not-renewed",
        title: "the renewal of the certificate does not run",
        explains: &[Sign::CertificateEnding],
        against: &[],
        look_at: "the renewal job; whether the new certificate was deployed",
        confirm: "look for a newer certificate of the same name that is not in use",
        refuted_by: "a renewal that is due later by design",
        likely_from: 1,
    },
    Cause {
        id: "wrong-base-url",
        title: "the URL is not the base of a FHIR R4 server",
        explains: &[Sign::NotFhir],
        against: &[(Sign::Authorized, "FHIR data was read below it")],
        look_at: "the base URL as the vendor documents it, often with /fhir, /r4 or a tenant",
        confirm: "GET <base>/metadata in a browser",
        refuted_by: "a CapabilityStatement of FHIR 4.0 at <base>/metadata",
        likely_from: 1,
    },
    Cause {
        id: "capability-not-own",
        title: "the CapabilityStatement is not that of the running server",
        explains: &[Sign::InteractionMissing, Sign::CapabilityFaulty],
        against: &[],
        look_at: "whether /metadata is generated or a file; the routes of the gateway",
        confirm: "compare software.version with the release that is deployed",
        refuted_by: "the interaction answers behind the gateway",
        likely_from: 1,
    },
    Cause {
        id: "unstable-order",
        title: "pages are cut from an unstable order",
        explains: &[Sign::PagingDuplicates],
        against: &[],
        look_at: "the sort key of the search without _sort; replicas that order differently",
        confirm: "walk again with _sort=_id",
        refuted_by: "the same duplicates with _sort=_id",
        likely_from: 3,
    },
];

/// The causes that explain something, the one that explains most first. Takes the probes in order with their
/// judgements.
pub fn rank(judged: &[(&str, &Judgement)]) -> Vec<CauseLine> {
    let mut lines: Vec<CauseLine> = CAUSES
        .iter()
        .filter_map(|cause| weigh(cause, judged))
        .collect();
    // A stable sort: ties keep the order of the table.
    lines.sort_by_key(|line| {
        (
            std::cmp::Reverse(line.problems.len()),
            std::cmp::Reverse(line.warnings.len()),
            line.against.len(),
        )
    });
    lines.truncate(MAX_CAUSES);
    lines
}

fn weigh(cause: &Cause, judged: &[(&str, &Judgement)]) -> Option<CauseLine> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut n = 0;
    for (probe, judgement) in judged {
        let explains = judgement
            .signs
            .iter()
            .any(|sign| cause.explains.contains(sign));
        if !explains {
            continue;
        }
        match judgement.mark {
            Mark::Fail => problems.push((*probe).to_owned()),
            Mark::Warn => warnings.push((*probe).to_owned()),
            Mark::Pass | Mark::Info | Mark::Skip => continue,
        }
        n += judgement.n;
    }
    if problems.is_empty() && warnings.is_empty() {
        return None;
    }
    let seen = |sign: Sign| {
        judged
            .iter()
            .any(|(_, judgement)| judgement.signs.contains(&sign))
    };
    let against = cause
        .against
        .iter()
        .filter(|(sign, _)| seen(*sign))
        .map(|(_, words)| (*words).to_owned())
        .collect();
    Some(CauseLine {
        cause: cause.id.to_owned(),
        title: cause.title.to_owned(),
        problems,
        warnings,
        against,
        look_at: cause.look_at.to_owned(),
        confirm: cause.confirm.to_owned(),
        refuted_by: cause.refuted_by.to_owned(),
        n,
        likely_from: cause.likely_from,
    })
}
