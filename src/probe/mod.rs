//! Probes: read-only questions to a live endpoint, one file each, and the table of causes. Pure: a probe says what to
//! ask next and judges the answers; `engine::diagnose` does the asking.

pub mod answer;
pub mod capability;
pub mod cause;
pub mod clock;
pub mod error_shape;
pub mod etag;
pub mod interactions;
pub mod known;
pub mod latency;
pub mod media_type;
pub mod metadata;
pub mod paging;
pub mod reachability;
pub mod search_echo;
pub mod search_filter;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;

pub use cause::{CAUSES, Cause};
pub use known::Known;

use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// What a probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Stable id, as in `--probe ID`.
    pub id: &'static str,
    /// One sentence: the question.
    pub title: &'static str,
    /// URL of the specification.
    pub spec: &'static str,
    /// Who can usually do something about a bad answer.
    pub owner: Owner,
}

/// What a probe wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this, a safe request, and ask again.
    Send(Request),
    /// Enough seen.
    Done,
    /// It cannot be asked, for this reason.
    Skip(String),
}

/// A read-only question.
pub trait Probe: Sync {
    /// What it is.
    fn spec(&self) -> Spec;

    /// The next request, given what is known and what this probe has seen so far.
    fn next(&self, known: &Known, seen: &[Exchange]) -> Step;

    /// The judgement on what was seen. Text in it holds no value of a body or URL.
    fn judge(&self, known: &Known, seen: &[Exchange]) -> Judgement;
}

/// What a probe makes of what it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How it ended.
    pub mark: Mark,
    /// One short line with one number.
    pub fact: String,
    /// What to do next.
    pub next_step: Option<String>,
    /// Observations for and against causes.
    pub signs: Vec<Sign>,
    /// Observations behind the mark.
    pub n: u32,
}

impl Judgement {
    /// A judgement without signs on one observation.
    pub fn new(mark: Mark, fact: impl Into<String>) -> Self {
        Judgement {
            mark,
            fact: fact.into(),
            next_step: None,
            signs: Vec::new(),
            n: 1,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next_step(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }

    /// Adds a sign.
    #[must_use]
    pub fn sign(mut self, sign: Sign) -> Self {
        self.signs.push(sign);
        self
    }

    /// Adds a sign if it was seen.
    #[must_use]
    pub fn sign_if(self, seen: bool, sign: Sign) -> Self {
        if seen { self.sign(sign) } else { self }
    }

    /// Sets the number of observations.
    #[must_use]
    pub fn of(mut self, n: usize) -> Self {
        self.n = u32::try_from(n).unwrap_or(u32::MAX);
        self
    }
}

/// An observation that speaks for or against a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sign {
    /// The chain ends at nobody who is trusted.
    ChainUntrusted,
    /// The server sent its own certificate and nothing else.
    ChainShort,
    /// The server's certificate was issued by itself.
    ChainSelfSigned,
    /// The certificate ends soon or has ended.
    CertificateEnding,
    /// Something answers, but not FHIR.
    NotFhir,
    /// The CapabilityStatement contradicts itself.
    CapabilityFaulty,
    /// 401 or 403.
    Unauthorized,
    /// Data was read.
    Authorized,
    /// A declared interaction does not exist.
    InteractionMissing,
    /// 5xx.
    ServerError,
    /// An answer is HTML.
    HtmlAnswer,
    /// An error without OperationOutcome.
    OutcomeMissing,
    /// An error with OperationOutcome.
    OutcomeGiven,
    /// The self link lacks a parameter that was sent.
    SelfLinkLacksParameter,
    /// The self link names the parameters that were sent.
    SelfLinkComplete,
    /// A link of a bundle leads to another base than the one that was asked.
    ForeignLink,
    /// A filter that nothing can match matched something.
    FilterIgnored,
    /// A filter that nothing can match matched nothing.
    FilterKept,
    /// The parameter in question is declared in the CapabilityStatement.
    ParameterDeclared,
    /// The next page is another page.
    PageStateKept,
    /// The next page is the same page again.
    PagingLoop,
    /// A resource came twice.
    PagingDuplicates,
    /// No ETag on a versioned resource.
    EtagMissing,
    /// ETag and version disagree.
    EtagWrong,
    /// ETag and version agree.
    EtagRight,
    /// Some reads take much longer than the others.
    SlowSpread,
    /// All reads are slow.
    SlowAll,
    /// The server's clock is off.
    ClockSkew,
    /// The server's clock is right.
    ClockRight,
}

/// All probes, in causal order: the way there, what answers, what it claims, how it answers, how fast.
pub static PROBES: &[&dyn Probe] = &[
    &reachability::Reachability,
    &tls::Tls,
    &metadata::Metadata,
    &capability::CapabilitySanity,
    &interactions::Interactions,
    &error_shape::ErrorShape,
    &media_type::MediaType,
    &search_echo::SearchEcho,
    &search_filter::SearchFilter,
    &paging::Paging,
    &etag::Etag,
    &latency::Latency,
    &clock::ServerClock,
];

/// The probe with an id.
pub fn find(id: &str) -> Option<&'static dyn Probe> {
    PROBES.iter().copied().find(|probe| probe.spec().id == id)
}

#[cfg(test)]
mod tests;
