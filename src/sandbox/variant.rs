//! Legal ways of being different: what R4 leaves open, one switch each. A finding on a variant is a fault of ours.
//! Which of them go together: `combine`.

mod combine;

pub use self::combine::{Clash, combinable};

/// A legal way of being different.
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    /// Kebab-case words.
    pub id: &'static str,
    /// A short name.
    pub title: &'static str,
    /// What the server does differently.
    pub effect: &'static str,
    /// Where R4 allows it.
    pub provenance: &'static str,
    /// The sentence that does, or what it comes to in brackets where it takes several.
    pub sentence: &'static str,
    pub(super) difference: Difference,
}

/// The switch behind a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    ConflictAs409,
    DeleteMany,
    DeleteWithOutcome,
    Facade,
    GoneAsNotFound,
    IfMatchRequired,
    IndexLag,
    LongIndexLag,
    Modest,
    NoTotals,
    NoVersions,
    OpaqueVersions,
    QuietUpdate,
    RelativeLinks,
    ServerNarrative,
    Smart,
    SmallPages,
    UnknownIgnored,
    UtcInstants,
}

/// The variant of an id.
pub fn variant(id: &str) -> Option<&'static Variant> {
    VARIANTS.iter().find(|variant| variant.id == id)
}

/// All variants in alphabetical order.
pub static VARIANTS: &[Variant] = &[
    Variant {
        id: "conflict-as-409",
        title: "A stale version is a conflict",
        effect: "an update, patch or delete whose If-Match names another version than the current one is answered with 409 in place of 412",
        provenance: "http://hl7.org/fhir/R4/http.html#rejecting-updates",
        sentence: "409/412 - version conflict management",
        difference: Difference::ConflictAs409,
    },
    Variant {
        id: "delete-many",
        title: "A conditional delete deletes all matches",
        effect: "claims conditionalDelete=multiple and deletes every match in place of refusing several",
        provenance: "http://hl7.org/fhir/R4/http.html#3.1.0.7.1",
        sentence: "Multiple matches: A server may choose to delete all the matching resources",
        difference: Difference::DeleteMany,
    },
    Variant {
        id: "delete-with-outcome",
        title: "A delete is answered with an outcome",
        effect: "answers 200 with an OperationOutcome in place of 204 to a delete, unless the client prefers a minimal answer",
        provenance: "http://hl7.org/fhir/R4/http.html#delete",
        sentence: "Upon successful deletion, or if the resource does not exist at all, the server should return either a 200 OK if the response contains a payload, or a 204 No Content with no response payload",
        difference: Difference::DeleteWithOutcome,
    },
    Variant {
        id: "facade",
        title: "A read-only endpoint before an EHR",
        effect: "GET, HEAD and OPTIONS only; searches need patient and category (Patient: an identifying set); no \
                 unfiltered search, no _tag, no totals; pages of 10; bearer tokens of 30 s; a private CA; 5 requests/s",
        provenance: "http://hl7.org/fhir/R4/http.html#summary",
        sentence: "(paraphrase) servers choose which interactions and types they offer, and say so in the CapabilityStatement",
        difference: Difference::Facade,
    },
    Variant {
        id: "gone-as-404",
        title: "A deleted resource is unknown",
        effect: "answers 404 in place of 410 for a deleted resource: the server does not tell that it was there",
        provenance: "http://hl7.org/fhir/R4/http.html#read",
        sentence: "Systems that do not track deleted records will treat deleted records as an unknown resource",
        difference: Difference::GoneAsNotFound,
    },
    Variant {
        id: "if-match-required",
        title: "Every update names the version it is made of",
        effect: "a PUT or PATCH of a resource that is there, on its own URL and without If-Match, is answered with 412",
        provenance: "http://hl7.org/fhir/R4/http.html#concurrency",
        sentence: "Servers can require that clients provide an If-Match header by returning 400 Client Error status codes when no If-Match header is found",
        difference: Difference::IfMatchRequired,
    },
    Variant {
        id: "index-lag",
        title: "The search index lags",
        effect: "a search sees a write 500 ms later; reads see it at once",
        provenance: "http://hl7.org/fhir/R4/http.html#transactional-integrity",
        sentence: "(paraphrase) nothing says how soon a search shows a write; results are current at most at the instant of the search",
        difference: Difference::IndexLag,
    },
    Variant {
        id: "index-lag-2s",
        title: "The search index lags by seconds",
        effect: "a search sees a write 2 s later; reads see it at once",
        provenance: "http://hl7.org/fhir/R4/http.html#transactional-integrity",
        sentence: "(paraphrase) nothing says how soon a search shows a write; results are current at most at the instant of the search",
        difference: Difference::LongIndexLag,
    },
    Variant {
        id: "modest",
        title: "A server that does what R4 asks for and little more",
        effect: "no delete, no batch, no transaction, no patch, nothing conditional, no id from a client, no operation; \
                 a reference to nothing is refused",
        provenance: "http://hl7.org/fhir/R4/http.html#rejecting-updates",
        sentence: "Servers are permitted to reject update interactions because of integrity concerns or other business rules",
        difference: Difference::Modest,
    },
    Variant {
        id: "no-totals",
        title: "Bundles do not say how many there are",
        effect: "no Bundle.total in a searchset or history, whatever _total asks for; a count of nothing but the total has it",
        provenance: "http://hl7.org/fhir/R4/search.html#total",
        sentence: "The Bundle.total element is still optional, and the servers can ignore the _total parameter",
        difference: Difference::NoTotals,
    },
    Variant {
        id: "no-versions",
        title: "A server without versions",
        effect: "claims versioning no-version: no meta.versionId, no ETag, no vread and no history; a Location names no \
                 version, and an If-Match that names one is answered with 412",
        provenance: "http://hl7.org/fhir/R4/valueset-versioning-policy.html",
        sentence: "servers are allowed to not provide versioning support and this API does not enforce that versioning is supported",
        difference: Difference::NoVersions,
    },
    Variant {
        id: "opaque-versions",
        title: "Version ids are opaque",
        effect: "version ids are strings without order in place of 1, 2, 3",
        provenance: "http://hl7.org/fhir/R4/resource-definitions.html#Meta.versionId",
        sentence: "Servers are allowed to generate the version id in whatever fashion that they wish, so long as they are valid according to the id data type, and are unique within the address space of all versions of the same resource",
        difference: Difference::OpaqueVersions,
    },
    Variant {
        id: "page-cap-20",
        title: "Pages are small",
        effect: "a page has at most 20 matches or versions, whatever _count asks for; the self link says 20",
        provenance: "http://hl7.org/fhir/R4/search.html#count",
        sentence: "Servers SHALL NOT return more resources than requested, even if they don't support paging, but may return less than the client requested",
        difference: Difference::SmallPages,
    },
    Variant {
        id: "quiet-update",
        title: "An update without a change makes no version",
        effect: "a PUT or PATCH that changes nothing is answered with the current version",
        provenance: "http://hl7.org/fhir/R4/http.html#update",
        sentence: "(paraphrase) a server SHOULD accept the resource as submitted; an update that changes nothing needs no version of its own",
        difference: Difference::QuietUpdate,
    },
    Variant {
        id: "relative-links",
        title: "Links are relative",
        effect: "the links of a searchset or history are paths in place of whole URLs: /fhir/Patient?_count=2",
        provenance: "http://hl7.org/fhir/R4/datatypes.html#uri",
        sentence: "URIs can be absolute or relative, and may have an optional fragment identifier",
        difference: Difference::RelativeLinks,
    },
    Variant {
        id: "server-narrative",
        title: "The server writes narratives",
        effect: "a resource that comes without a narrative is kept with a generated one",
        provenance: "http://hl7.org/fhir/R4/domainresource.html#invs",
        sentence: "A resource should have narrative for robust management",
        difference: Difference::ServerNarrative,
    },
    Variant {
        id: "smart",
        title: "SMART Backend Services",
        effect: "is its own authorization server: discovery, tokens of 30 s for an assertion signed with RS384 or \
                 ES384, 401 without a token, 403 beyond its scopes (system/*.rs, system/Patient.cruds, system/*.read)",
        provenance: "http://hl7.org/fhir/R4/security.html#http",
        sentence: "(paraphrase) servers choose how they authorize, and SMART on FHIR is what is recommended",
        difference: Difference::Smart,
    },
    Variant {
        id: "unknown-ignored",
        title: "Unknown parameters are always ignored",
        effect: "a search or history ignores parameters that it does not know though the client prefers handling=strict; the self link does not name them",
        provenance: "http://hl7.org/fhir/R4/search.html#errors",
        sentence: "Servers SHOULD honor the client's request, but are not required to do so",
        difference: Difference::UnknownIgnored,
    },
    Variant {
        id: "utc-instants",
        title: "Instants are kept in UTC",
        effect: "an instant or dateTime with a zone is kept as the same instant with the zone Z",
        provenance: "http://hl7.org/fhir/R4/updates.html",
        sentence: "(paraphrase) a server SHOULD return what it was given, but systems might not be able to: instants of the same meaning may be kept in another zone",
        difference: Difference::UtcInstants,
    },
];
