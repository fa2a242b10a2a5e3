//! Legal ways of being different: what R4 leaves open, one switch each. A finding on a variant is a fault of ours.

/// A legal way of being different.
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    /// Kebab-case words.
    pub id: &'static str,
    /// A short name.
    pub title: &'static str,
    /// What the server does differently.
    pub effect: &'static str,
    /// Why R4 allows it.
    pub provenance: &'static str,
    pub(super) difference: Difference,
}

/// The switch behind a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    OpaqueVersions,
    GoneAsNotFound,
    QuietUpdate,
    IndexLag,
    Facade,
    DeleteMany,
    Modest,
    Smart,
    IfMatchRequired,
    NoVersions,
}

/// The variant of an id.
pub fn variant(id: &str) -> Option<&'static Variant> {
    VARIANTS.iter().find(|variant| variant.id == id)
}

/// All variants in alphabetical order.
pub static VARIANTS: &[Variant] = &[
    Variant {
        id: "delete-many",
        title: "A conditional delete deletes all matches",
        effect: "claims conditionalDelete=multiple and deletes every match in place of refusing several",
        provenance: "http://hl7.org/fhir/R4/http.html#3.1.0.7.1",
        difference: Difference::DeleteMany,
    },
    Variant {
        id: "facade",
        title: "A read-only endpoint before an EHR",
        effect: "GET, HEAD and OPTIONS only; searches need patient and category (Patient: an identifying set); no \
                 unfiltered search, no _tag, no totals; pages of 10; bearer tokens of 30 s; a private CA; 5 requests/s",
        provenance: "http://hl7.org/fhir/R4/http.html#summary",
        difference: Difference::Facade,
    },
    Variant {
        id: "gone-as-404",
        title: "A deleted resource is unknown",
        effect: "answers 404 in place of 410 for a deleted resource: the server does not tell that it was there",
        provenance: "http://hl7.org/fhir/R4/http.html#read",
        difference: Difference::GoneAsNotFound,
    },
    Variant {
        id: "if-match-required",
        title: "Every update names the version it is made of",
        effect: "a PUT or PATCH of a resource that is there, on its own URL and without If-Match, is answered with 412",
        provenance: "http://hl7.org/fhir/R4/http.html#concurrency",
        difference: Difference::IfMatchRequired,
    },
    Variant {
        id: "index-lag",
        title: "The search index lags",
        effect: "a search sees a write 500 ms later; reads see it at once",
        provenance: "http://hl7.org/fhir/R4/http.html#transactional-integrity",
        difference: Difference::IndexLag,
    },
    Variant {
        id: "modest",
        title: "A server that does what R4 asks for and little more",
        effect: "no delete, no batch, no transaction, no patch, nothing conditional, no id from a client, no operation; \
                 a reference to nothing is refused",
        provenance: "http://hl7.org/fhir/R4/http.html#rejecting-updates",
        difference: Difference::Modest,
    },
    Variant {
        id: "no-versions",
        title: "A server without versions",
        effect: "claims versioning no-version: no meta.versionId, no ETag, no vread and no history; a Location names no \
                 version, and an If-Match that names one is answered with 412",
        provenance: "http://hl7.org/fhir/R4/valueset-versioning-policy.html",
        difference: Difference::NoVersions,
    },
    Variant {
        id: "opaque-versions",
        title: "Version ids are opaque",
        effect: "version ids are strings without order in place of 1, 2, 3",
        provenance: "http://hl7.org/fhir/R4/resource-definitions.html#Meta.versionId",
        difference: Difference::OpaqueVersions,
    },
    Variant {
        id: "quiet-update",
        title: "An update without a change makes no version",
        effect: "a PUT or PATCH that changes nothing is answered with the current version",
        provenance: "http://hl7.org/fhir/R4/http.html#update",
        difference: Difference::QuietUpdate,
    },
    Variant {
        id: "smart",
        title: "SMART Backend Services",
        effect: "is its own authorization server: discovery, tokens of 30 s for an assertion signed with RS384 or \
                 ES384, 401 without a token, 403 beyond its scopes (system/*.rs, system/Patient.cruds, system/*.read)",
        provenance: "http://hl7.org/fhir/R4/security.html#http",
        difference: Difference::Smart,
    },
];
