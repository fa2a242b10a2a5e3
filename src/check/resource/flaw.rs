//! What the validator finds, as flaws of what a server returned: under which check each stands, how strong its rule is,
//! and which published rules are not held against anybody. Not the walk over bodies: see `examine`.

use crate::fhir::definitions;
use crate::fhir::validate::rule::{self, CHOICE, UNKNOWN_ELEMENT};
use crate::fhir::validate::{Issue, Severity};
use crate::record::{Level, Violation};
use crate::secret::Phrase;

use super::super::{CheckSpec, without_indexes};
use super::{claimed_profiles, invariants, reference_targets, structure};

/// Published invariants that are not held against servers: the start of the key, and the reason.
///
/// All others of severity error are. Those of severity warning are silent (R4 knows exceptions to them), and those that
/// ask what is out of reach (`resolve()`, value sets that cannot be listed) come out as not checked.
pub(super) const NOT_HELD: &[(&str, &str)] = &[
    (
        "sdf-",
        "several conditions on StructureDefinition were published wrong and corrected later; sound definitions of R4 break them",
    ),
    (
        "eld-",
        "as for sdf-: conditions on names and paths in ElementDefinition were corrected later",
    ),
    ("dom-6", "best practice: a warning"),
];

/// What makes two flaws one cause: the check, the rule with the profile that it comes from, the place without indexes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity {
    /// Id of the check.
    pub check: &'static str,
    /// Rule of the validator, or key of the invariant; behind the canonical of a profile where one demands it.
    pub rule: String,
    /// Element path without indexes.
    pub place: String,
}

/// One thing wrong with a resource.
#[derive(Debug, Clone)]
pub(super) struct Flaw {
    pub identity: Identity,
    /// From the root of the resource, with indexes.
    pub path: String,
    pub message: String,
    /// How strongly the rule binds a server.
    pub level: Level,
}

impl Flaw {
    /// An issue as a flaw; `None` where R4 leaves room. `claim` says how much a broken profile weighs.
    pub fn of(issue: Issue, claim: impl Fn(&str) -> Option<Level>) -> Option<Flaw> {
        if issue.severity != Severity::Error {
            return None;
        }
        let (spec, rule, level) = match &issue.profile {
            Some(profile) => {
                let level = claim(profile)?;
                let rule = match &issue.key {
                    Some(key) if issue.rule == rule::INVARIANT => format!("{profile} {key}"),
                    // Several elements may be missing at one place.
                    Some(key) => format!("{profile} {} {key}", issue.rule),
                    None => format!("{profile} {}", issue.rule),
                };
                (&claimed_profiles::SPEC, rule, level)
            }
            None => {
                let (spec, rule) = of_r4(&issue)?;
                (spec, rule.to_owned(), spec.level)
            }
        };
        let path = without_foreign_name(&issue);
        Some(Flaw {
            identity: Identity {
                check: spec.id,
                rule,
                place: without_indexes(&path),
            },
            path,
            message: issue.message,
            level,
        })
    }

    /// As a violation, seen in the exchange of a number, in the part of its body that the prefix leads to.
    pub fn violation(&self, spec: &CheckSpec, prefix: &str, number: u32) -> Violation {
        let Identity { rule, place, .. } = &self.identity;
        let expected = match rule.split_once(' ') {
            Some((profile, rule)) => format!("{place} as {profile} defines it ({rule})"),
            None => format!("{place} as R4 defines it ({rule})"),
        };
        Violation::new(
            spec.id,
            broken(spec.id),
            Phrase::say(expected),
            Phrase::say(self.message.clone()),
        )
        .at(format!("{prefix}{}", self.path))
        .seen_in([number])
        .signed(rule.clone())
        .signed(place.clone())
    }
}

/// The title of a violation.
fn broken(check: &str) -> &'static str {
    if check == invariants::SPEC.id {
        "A resource breaks an invariant of R4"
    } else if check == reference_targets::SPEC.id {
        "A reference leads to a type that is not allowed there"
    } else if check == claimed_profiles::SPEC.id {
        "A resource does not meet a profile that it claims"
    } else {
        "A resource breaks the structure of R4"
    }
}

/// The check and the name of a rule of R4 itself; `None` for rules that are judged elsewhere or nowhere.
fn of_r4(issue: &Issue) -> Option<(&'static CheckSpec, &str)> {
    let key = match issue.rule {
        // Claims of base types need no profile.
        rule::PROFILE => return Some((&claimed_profiles::SPEC, issue.rule)),
        rule::TARGET => return Some((&reference_targets::SPEC, issue.rule)),
        // Checks of Bundles and of searches judge these with the exchange before them.
        rule::FULL_URL | rule::SEARCH_ENTRY => return None,
        // Meaning of what clients stored, which a server need not look into: `rounds validate` does.
        rule::CODE_SYSTEM
        | rule::DEFINITION_PATH
        | rule::DEFINITION_BASE
        | rule::DISCRIMINATOR
        | rule::ATTACHMENT_SIZE => return None,
        of_form if of_form.starts_with("questionnaire/") => return None,
        // Where an extension may stand changes with the version of its definition, which its url does not tell.
        rule::EXTENSION_CONTEXT | rule::EXTENSION_UNKNOWN | rule::TARGET_PROFILE => return None,
        rule::INVARIANT | rule::EXTENSION => issue.key.as_deref()?,
        rule::NESTED => "dom-2",
        rule::UNREFERENCED => "dom-3",
        rule::CONTAINED_META => "dom-4",
        rule::UNRESOLVED => "ref-1",
        rule::XHTML => "txt-1",
        rule::NARRATIVE_EMPTY => "txt-2",
        _ => return Some((&structure::SPEC, issue.rule)),
    };
    let is_held = !NOT_HELD.iter().any(|(start, _)| key.starts_with(start));
    is_held.then_some((&invariants::SPEC, key))
}

/// The path of an issue. A member that R4 has nowhere may be named after a person: its name is data, not structure.
fn without_foreign_name(issue: &Issue) -> String {
    match issue.path.rsplit_once('.') {
        Some((owner, name))
            if matches!(issue.rule, UNKNOWN_ELEMENT | CHOICE)
                && !definitions::is_element_name(name) =>
        {
            format!("{owner}.?")
        }
        _ => issue.path.clone(),
    }
}
