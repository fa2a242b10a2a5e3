//! What an implementation guide asks of a server's searches and records: combinations of search parameters with their
//! strength, and the must-support elements of its profiles. Not its profiles themselves, which `fhir::definitions` has.

use std::sync::OnceLock;

use crate::fhir::definitions::profile::Overlay;
use crate::fhir::definitions::{self, Expectation, Library};

/// A guide, as far as searches and must-support go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    /// Package name and version (`hl7.fhir.us.core#6.1.0`).
    pub package: String,
    /// Types with profiles, in the order of the guide's CapabilityStatement.
    pub resources: Vec<GuideResource>,
}

/// One type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideResource {
    /// Resource type.
    pub resource_type: String,
    /// Its searches that servers SHALL or SHOULD support.
    pub searches: Vec<GuideSearch>,
    /// Its profiles.
    pub profiles: Vec<GuideProfile>,
}

/// A search: one parameter, or several together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideSearch {
    /// Parameter codes.
    pub codes: Vec<String>,
    /// `SHALL` or `SHOULD`.
    pub expectation: String,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideProfile {
    /// Canonical URL.
    pub url: String,
    /// Must-support elements as FHIRPath on the resource (`name.family`), those of slices left out.
    pub must_support: Vec<String>,
}

impl Guide {
    /// US Core 6.1.0.
    pub fn us_core() -> &'static Guide {
        static GUIDE: OnceLock<Guide> = OnceLock::new();
        GUIDE.get_or_init(|| Guide::of(definitions::us_core(), Library::built_in()))
    }

    fn of(guide: &definitions::Guide, library: &Library) -> Guide {
        let about = &guide.about;
        let expectations = about.expectations.iter();
        Guide {
            package: format!("{}#{}", about.name, about.version),
            resources: expectations
                .filter(|expectation| !expectation.profiles.is_empty())
                .map(|expectation| of_type(expectation, library))
                .collect(),
        }
    }
}

fn of_type(expectation: &Expectation, library: &Library) -> GuideResource {
    let singles = expectation.parameters.iter();
    let singles = singles.map(|(code, strength)| (vec![code.clone()], strength));
    let combinations = expectation.combinations.iter();
    let combinations = combinations.map(|(strength, codes)| (codes.clone(), strength));
    let searches = singles
        .chain(combinations)
        .filter(|(_, strength)| matches!(strength.as_str(), "SHALL" | "SHOULD"))
        .map(|(codes, strength)| GuideSearch {
            codes,
            expectation: strength.clone(),
        });
    let profiles = expectation.profiles.iter().map(|(url, _)| {
        let mut must_support = Vec::new();
        if let Some(profile) = library.profile(url) {
            marked(&profile.root, "", &mut must_support);
        }
        GuideProfile {
            url: url.clone(),
            must_support,
        }
    });
    GuideResource {
        resource_type: expectation.resource_type.clone(),
        searches: searches.collect(),
        profiles: profiles.collect(),
    }
}

/// Paths of the elements below that are marked; slices are passed over.
fn marked(overlay: &Overlay, path: &str, found: &mut Vec<String>) {
    for child in &overlay.children {
        let path = match path {
            "" => child.name.clone(),
            path => format!("{path}.{}", child.name),
        };
        if child.must_support {
            found.push(path.clone());
        }
        marked(child, &path, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_guide_has_the_searches_of_us_core() {
        let guide = Guide::us_core();
        assert_eq!(guide.package, "hl7.fhir.us.core#6.1.0");
        let patient = guide
            .resources
            .iter()
            .find(|resource| resource.resource_type == "Patient")
            .unwrap();
        let searches: Vec<String> = patient
            .searches
            .iter()
            .map(|search| format!("{} {}", search.codes.join("+"), search.expectation))
            .collect();
        assert_eq!(
            searches,
            [
                "_id SHALL",
                "identifier SHALL",
                "name SHALL",
                "birthdate+family SHOULD",
                "family+gender SHOULD",
                "birthdate+name SHALL",
                "gender+name SHALL",
                "death-date+family SHOULD",
            ]
        );
        let marked = &patient.profiles[0].must_support;
        assert!(marked.contains(&"name.family".to_owned()), "{marked:?}");
    }

    /// Inferno counts 222: it has no group for `us-core-vital-signs`, the profile from which the others derive.
    #[test]
    fn the_searches_are_those_of_inferno_and_of_the_vital_signs() {
        let count = |wanted: &str| -> (usize, usize) {
            let resources = Guide::us_core().resources.iter();
            let searches = resources.flat_map(|resource| {
                let profiles = resource.profiles.iter();
                let profiles = profiles.filter(|profile| profile.url.ends_with(wanted));
                profiles.flat_map(|_| &resource.searches)
            });
            let is_shall = |search: &&GuideSearch| search.expectation == "SHALL";
            let (shall, should): (Vec<_>, Vec<_>) = searches.partition(is_shall);
            (shall.len(), should.len())
        };
        assert_eq!(count(""), (117 + 3, 105 + 2));
        assert_eq!(count("/us-core-vital-signs"), (3, 2));
    }
}
