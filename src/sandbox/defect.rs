//! The catalogue of faults that can be planted: each is one switch, asked for at one place, with a public thread or an
//! R4 sentence where a real server did the same. No check knows an id of this list.

use serde_json::{Value, json};

use crate::fhir::resource::resource_type;

/// Profile that a fault claims for every patient.
const US_CORE_PATIENT: &str =
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0";

/// A fault that can be planted.
#[derive(Debug, PartialEq, Eq)]
pub struct Defect {
    /// Kebab-case words.
    pub id: &'static str,
    /// A short name.
    pub title: &'static str,
    /// A public thread about the same fault, or the R4 sentence that is broken.
    pub provenance: &'static str,
    /// What it touches: `search`, `versioning`, …
    pub class: &'static str,
    /// What the server then does.
    pub effect: &'static str,
    pub(super) fault: Fault,
}

/// The switch behind a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    AcceptWeightIgnored,
    BadJsonCrashes,
    BatchOutOfOrder,
    BundleEntryWithoutEtag,
    ConditionalCreateRace,
    ConditionalCreateUpdates,
    ConditionalReferenceKept,
    ConditionalUpdateTakesAnyId,
    CorsMissing,
    CountWithoutType,
    CreateWithoutLocation,
    DecimalThroughDouble,
    DeletedInSearch,
    EmptyString,
    EntryWithoutRequest,
    ErrorsAsHtml,
    EtagDiffers,
    EverythingLeaks,
    EverythingMisses,
    ExpandIgnoresFilter,
    FilterIgnored,
    FormatIgnored,
    FullUrlWithVersion,
    GeExcludesDay,
    GenericJsonType,
    HeadWithoutEtag,
    HistoryOldestFirst,
    HistoryTotalOfPage,
    IfMatchIgnored,
    IfMatchRace,
    IncludeMisses,
    IncludesAsMatch,
    LastModifiedAsInstant,
    LookupInvents,
    NextLinkAbsent,
    NotOmitsMissing,
    OrDuplicates,
    PageOverlap,
    PatchInsertAppends,
    PatchKeepsPart,
    PatchTestIgnored,
    PostSearchDropsParameter,
    PreferIgnored,
    PrimitiveExtensionDropped,
    ProfileStamped,
    ReferenceOfOldType,
    SinceExclusive,
    SortIgnored,
    TotalCountsIncluded,
    TransactionAcceptsOverlap,
    TransactionInGivenOrder,
    TransactionKeepsPart,
    UpdateKeepsRemoved,
    ValidateAlwaysFine,
    ValidateCodeAnything,
    ValueAndReason,
    VreadReturnsCurrent,
    XmlNarrativeLost,
}

/// The defect of an id.
pub fn defect(id: &str) -> Option<&'static Defect> {
    DEFECTS.iter().find(|defect| defect.id == id)
}

/// All defects in alphabetical order.
pub static DEFECTS: &[Defect] = &[
    Defect {
        id: "accept-weight-ignored",
        title: "The weights of Accept are ignored",
        provenance: "http://hl7.org/fhir/R4/http.html#mime-type",
        class: "negotiation",
        effect: "of several formats in Accept the first one is taken, whatever their q",
        fault: Fault::AcceptWeightIgnored,
    },
    Defect {
        id: "bad-json-crashes",
        title: "A body that is not JSON crashes the request",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/342",
        class: "errors",
        effect: "answers 500 in place of 400 to a create or update whose body is not JSON",
        fault: Fault::BadJsonCrashes,
    },
    Defect {
        id: "batch-out-of-order",
        title: "The answers of a batch are in another order",
        provenance: "http://hl7.org/fhir/R4/http.html#transaction-response",
        class: "batch",
        effect: "entries of a batch-response come in reverse order",
        fault: Fault::BatchOutOfOrder,
    },
    Defect {
        id: "bundle-entry-without-etag",
        title: "Entries of a response Bundle have no etag",
        provenance: "http://hl7.org/fhir/R4/http.html#transaction-response",
        class: "batch",
        effect: "entry.response of a batch or transaction has no etag",
        fault: Fault::BundleEntryWithoutEtag,
    },
    Defect {
        id: "conditional-create-race",
        title: "Concurrent conditional creates make duplicates",
        provenance: "https://github.com/microsoft/fhir-server/issues/1382",
        class: "conditional",
        effect: "10 ms pass between the search for If-None-Exist and the create; others may create in between",
        fault: Fault::ConditionalCreateRace,
    },
    Defect {
        id: "conditional-create-updates",
        title: "A conditional create updates the match",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/509",
        class: "conditional",
        effect: "a create with If-None-Exist that matches one resource writes a new version of it",
        fault: Fault::ConditionalCreateUpdates,
    },
    Defect {
        id: "conditional-reference-kept",
        title: "Conditional references are stored as they are",
        provenance: "https://github.com/microsoft/fhir-server/issues/1174",
        class: "transaction",
        effect: "a reference such as Patient?identifier=x in a transaction is not replaced",
        fault: Fault::ConditionalReferenceKept,
    },
    Defect {
        id: "conditional-update-takes-any-id",
        title: "A conditional update ignores the id in its body",
        provenance: "http://hl7.org/fhir/R4/http.html#cond-update",
        class: "conditional",
        effect: "a conditional update whose body has another id than the match updates the match",
        fault: Fault::ConditionalUpdateTakesAnyId,
    },
    Defect {
        id: "cors-missing",
        title: "Pages of other origins are not told that they may come",
        provenance: "http://hl7.org/fhir/R4/http.html#3.1.0.1.4",
        class: "headers",
        effect: "no Access-Control fields in any answer",
        fault: Fault::CorsMissing,
    },
    Defect {
        id: "count-without-type",
        title: "A count comes without Bundle.type",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/1763",
        class: "total",
        effect: "the Bundle of _summary=count or _count=0 has no type",
        fault: Fault::CountWithoutType,
    },
    Defect {
        id: "create-without-location",
        title: "A create does not say where the resource is",
        provenance: "https://github.com/medplum/medplum/issues/3057",
        class: "headers",
        effect: "a 201 has no Location",
        fault: Fault::CreateWithoutLocation,
    },
    Defect {
        id: "decimal-through-double",
        title: "Decimals pass through a binary double",
        provenance: "http://hl7.org/fhir/R4/json.html#decimal",
        class: "decimal",
        effect: "stores 0.10 as 0.1 and rounds decimals to 17 digits",
        fault: Fault::DecimalThroughDouble,
    },
    Defect {
        id: "deleted-in-search",
        title: "Deleted resources are still found",
        provenance: "https://github.com/FirelyTeam/spark/issues/54",
        class: "search",
        effect: "a search still returns the last version of a deleted resource",
        fault: Fault::DeletedInSearch,
    },
    Defect {
        id: "empty-string",
        title: "A missing text is returned as an empty string",
        provenance: "http://hl7.org/fhir/R4/json.html#primitive",
        class: "structure",
        effect: "a language of a patient without a text is stored with the text \"\"",
        fault: Fault::EmptyString,
    },
    Defect {
        id: "entry-without-request",
        title: "History entries lack the request",
        provenance: "http://hl7.org/fhir/R4/bundle.html#invs",
        class: "history",
        effect: "entries of a history have no request",
        fault: Fault::EntryWithoutRequest,
    },
    Defect {
        id: "errors-as-html",
        title: "Errors are answered with a web page",
        provenance: "https://github.com/HealthIntersections/FHIRsmith/issues/100",
        class: "errors",
        effect: "the body of a 4xx or 5xx is HTML in place of an OperationOutcome",
        fault: Fault::ErrorsAsHtml,
    },
    Defect {
        id: "etag-differs",
        title: "The ETag is not the version id",
        provenance: "http://hl7.org/fhir/R4/http.html#versioning",
        class: "versioning",
        effect: "the ETag is a number of the whole store in place of meta.versionId",
        fault: Fault::EtagDiffers,
    },
    Defect {
        id: "everything-leaks",
        title: "$everything shows another patient's record",
        provenance: "https://github.com/hapifhir/hapi-fhir/pull/2018",
        class: "operations",
        effect: "$everything of a patient holds the record of a second patient too",
        fault: Fault::EverythingLeaks,
    },
    Defect {
        id: "everything-misses",
        title: "$everything misses a resource",
        provenance: "http://hl7.org/fhir/R4/patient-operation-everything.html",
        class: "operations",
        effect: "the last resource that $everything should return is left out",
        fault: Fault::EverythingMisses,
    },
    Defect {
        id: "expand-ignores-filter",
        title: "$expand ignores its filter",
        provenance: "http://hl7.org/fhir/R4/valueset-operation-expand.html",
        class: "operations",
        effect: "an expansion holds codes that do not match the filter",
        fault: Fault::ExpandIgnoresFilter,
    },
    Defect {
        id: "filter-ignored",
        title: "A declared search parameter does not filter",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/176",
        class: "search",
        effect: "gender and status are declared and named in the self link, and filter nothing",
        fault: Fault::FilterIgnored,
    },
    Defect {
        id: "format-ignored",
        title: "_format is ignored",
        provenance: "http://hl7.org/fhir/R4/http.html#parameters",
        class: "negotiation",
        effect: "_format does not override Accept",
        fault: Fault::FormatIgnored,
    },
    Defect {
        id: "full-url-with-version",
        title: "fullUrl names a version",
        provenance: "https://github.com/microsoft/fhir-server/pull/2863",
        class: "history",
        effect: "fullUrl of a history entry is the URL of the version",
        fault: Fault::FullUrlWithVersion,
    },
    Defect {
        id: "ge-excludes-day",
        title: "A date search with ge leaves out the day itself",
        provenance: "https://github.com/HeliosSoftware/hfs/issues/456",
        class: "search",
        effect: "ge and le with a date behave like gt and lt",
        fault: Fault::GeExcludesDay,
    },
    Defect {
        id: "generic-json-type",
        title: "Resources are labelled as plain JSON",
        provenance: "https://github.com/HealthIntersections/FHIRsmith/issues/87",
        class: "headers",
        effect: "Content-Type is application/json where application/fhir+json was asked for",
        fault: Fault::GenericJsonType,
    },
    Defect {
        id: "head-without-etag",
        title: "HEAD lacks a field that GET has",
        provenance: "http://hl7.org/fhir/R4/http.html#head",
        class: "headers",
        effect: "the answer to HEAD has no ETag where that to GET has one",
        fault: Fault::HeadWithoutEtag,
    },
    Defect {
        id: "history-oldest-first",
        title: "History starts with the oldest version",
        provenance: "https://github.com/microsoft/fhir-server/issues/2689",
        class: "history",
        effect: "history is sorted with the oldest version first",
        fault: Fault::HistoryOldestFirst,
    },
    Defect {
        id: "history-total-of-page",
        title: "The total of a history is that of the page",
        provenance: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total",
        class: "history",
        effect: "Bundle.total of a history is the number of entries on the page",
        fault: Fault::HistoryTotalOfPage,
    },
    Defect {
        id: "if-match-ignored",
        title: "If-Match is ignored",
        provenance: "https://github.com/medplum/medplum/issues/3313",
        class: "versioning",
        effect: "an update, patch or delete with a stale If-Match succeeds",
        fault: Fault::IfMatchIgnored,
    },
    Defect {
        id: "if-match-race",
        title: "If-Match is checked before the write, not with it",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/2405",
        class: "concurrency",
        effect: "10 ms pass between the check of If-Match and the write; concurrent updates overwrite each other",
        fault: Fault::IfMatchRace,
    },
    Defect {
        id: "include-misses",
        title: "_include misses a resource",
        provenance: "https://github.com/microsoft/fhir-server/issues/1235",
        class: "include",
        effect: "the last resource that _include or _revinclude should add to a page is left out",
        fault: Fault::IncludeMisses,
    },
    Defect {
        id: "includes-as-match",
        title: "Included resources are marked as matches",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/209",
        class: "include",
        effect: "search.mode of resources that _include or _revinclude added is match",
        fault: Fault::IncludesAsMatch,
    },
    Defect {
        id: "last-modified-as-instant",
        title: "Last-Modified is not an HTTP date",
        provenance: "https://github.com/bluehalo/node-fhir-server-core/issues/145",
        class: "headers",
        effect: "Last-Modified is the text of meta.lastUpdated",
        fault: Fault::LastModifiedAsInstant,
    },
    Defect {
        id: "lookup-invents",
        title: "$lookup knows codes that are not there",
        provenance: "http://hl7.org/fhir/R4/codesystem-operation-lookup.html",
        class: "operations",
        effect: "$lookup of an unknown code answers 200 with the code as its display",
        fault: Fault::LookupInvents,
    },
    Defect {
        id: "next-link-absent",
        title: "Pages have no next link",
        provenance: "http://hl7.org/fhir/R4/http.html#paging",
        class: "paging",
        effect: "a page that does not hold all matches leads to no other, and the total counts them all",
        fault: Fault::NextLinkAbsent,
    },
    Defect {
        id: "not-omits-missing",
        title: ":not omits resources without the element",
        provenance: "https://github.com/medplum/medplum/issues/7170",
        class: "search",
        effect: "gender:not=male does not return patients without a gender",
        fault: Fault::NotOmitsMissing,
    },
    Defect {
        id: "or-duplicates",
        title: "A resource that matches two alternatives comes twice",
        provenance: "http://hl7.org/fhir/R4/search.html#combining",
        class: "search",
        effect: "a search with comma-separated values returns a resource once for each value that it matches",
        fault: Fault::OrDuplicates,
    },
    Defect {
        id: "page-overlap",
        title: "Pages overlap",
        provenance: "https://github.com/microsoft/fhir-server/issues/1792",
        class: "paging",
        effect: "the first match of a next page is the last one of the page before",
        fault: Fault::PageOverlap,
    },
    Defect {
        id: "patch-insert-appends",
        title: "An insert of a FHIRPath Patch appends",
        provenance: "http://hl7.org/fhir/R4/fhirpatch.html",
        class: "patch",
        effect: "the index of an insert is not used: the item stands at the end of the list",
        fault: Fault::PatchInsertAppends,
    },
    Defect {
        id: "patch-keeps-part",
        title: "A failed patch is not undone",
        provenance: "http://hl7.org/fhir/R4/http.html#patch",
        class: "patch",
        effect: "operations before the one that failed are stored",
        fault: Fault::PatchKeepsPart,
    },
    Defect {
        id: "patch-test-ignored",
        title: "The test of a JSON Patch is not made",
        provenance: "https://www.rfc-editor.org/rfc/rfc6902#section-4.6",
        class: "patch",
        effect: "a patch whose test fails is applied",
        fault: Fault::PatchTestIgnored,
    },
    Defect {
        id: "post-search-drops-parameter",
        title: "Search by POST loses a parameter",
        provenance: "http://hl7.org/fhir/R4/http.html#search",
        class: "search",
        effect: "of two or more parameters in the form of a _search the last one is not used",
        fault: Fault::PostSearchDropsParameter,
    },
    Defect {
        id: "prefer-ignored",
        title: "Prefer: return is ignored",
        provenance: "http://hl7.org/fhir/R4/http.html#ops",
        class: "headers",
        effect: "a write answers with the resource whatever Prefer asks for",
        fault: Fault::PreferIgnored,
    },
    Defect {
        id: "primitive-extension-dropped",
        title: "Extensions on primitives are lost",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/2801",
        class: "round-trip",
        effect: "members such as _birthDate are not stored",
        fault: Fault::PrimitiveExtensionDropped,
    },
    Defect {
        id: "profile-stamped",
        title: "Every patient is said to be of a profile",
        provenance: "http://hl7.org/fhir/R4/resource-definitions.html#Meta.profile",
        class: "profiles",
        effect: "a patient is stored with the claim to meet US Core 6.1.0, whatever is in it",
        fault: Fault::ProfileStamped,
    },
    Defect {
        id: "reference-of-old-type",
        title: "An encounter is referred to as an episode of care",
        provenance: "http://hl7.org/fhir/R4/observation-definitions.html#Observation.encounter",
        class: "structure",
        effect: "the encounter of an observation is stored as a reference to EpisodeOfCare, which earlier versions allowed",
        fault: Fault::ReferenceOfOldType,
    },
    Defect {
        id: "since-exclusive",
        title: "_since leaves out the instant itself",
        provenance: "http://hl7.org/fhir/R4/http.html#history",
        class: "history",
        effect: "a history with _since does not hold a version of exactly that instant",
        fault: Fault::SinceExclusive,
    },
    Defect {
        id: "sort-ignored",
        title: "_sort is ignored",
        provenance: "https://github.com/FHIR/fhir-candle/issues/47",
        class: "sort",
        effect: "matches come in the order in which they were stored, whatever _sort says",
        fault: Fault::SortIgnored,
    },
    Defect {
        id: "total-counts-included",
        title: "Bundle.total counts included resources",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/7153",
        class: "total",
        effect: "Bundle.total is the number of matches plus the number of resources that _include added",
        fault: Fault::TotalCountsIncluded,
    },
    Defect {
        id: "transaction-accepts-overlap",
        title: "A transaction may write a resource twice",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/8183",
        class: "transaction",
        effect: "a transaction with two entries for one resource succeeds",
        fault: Fault::TransactionAcceptsOverlap,
    },
    Defect {
        id: "transaction-in-given-order",
        title: "A transaction is processed in the order of the Bundle",
        provenance: "http://hl7.org/fhir/R4/http.html#trules",
        class: "transaction",
        effect: "entries are carried out as they stand, a read before a write sees the old version",
        fault: Fault::TransactionInGivenOrder,
    },
    Defect {
        id: "transaction-keeps-part",
        title: "A failed transaction is not rolled back",
        provenance: "https://github.com/wso2/open-healthcare-prebuilt-services/issues/155",
        class: "transaction",
        effect: "what a transaction wrote before the entry that failed stays",
        fault: Fault::TransactionKeepsPart,
    },
    Defect {
        id: "update-keeps-removed",
        title: "An update does not remove elements",
        provenance: "http://hl7.org/fhir/R4/http.html#update",
        class: "round-trip",
        effect: "elements that a PUT leaves out stay as they were",
        fault: Fault::UpdateKeepsRemoved,
    },
    Defect {
        id: "validate-always-fine",
        title: "$validate finds everything valid",
        provenance: "https://github.com/HeliosSoftware/hfs/issues/368",
        class: "operations",
        effect: "$validate answers without an error whatever it is given",
        fault: Fault::ValidateAlwaysFine,
    },
    Defect {
        id: "validate-code-anything",
        title: "$validate-code accepts any code",
        provenance: "http://hl7.org/fhir/R4/valueset-operation-validate-code.html",
        class: "operations",
        effect: "$validate-code says true to codes that are not in the value set",
        fault: Fault::ValidateCodeAnything,
    },
    Defect {
        id: "value-and-reason",
        title: "A reason why there is no value stands beside the value",
        provenance: "http://hl7.org/fhir/R4/observation.html#invs",
        class: "structure",
        effect: "an observation with a value is stored with a dataAbsentReason, against obs-6",
        fault: Fault::ValueAndReason,
    },
    Defect {
        id: "vread-returns-current",
        title: "vread returns the current version",
        provenance: "http://hl7.org/fhir/R4/http.html#vread",
        class: "versioning",
        effect: "a read of an older version answers with the newest one",
        fault: Fault::VreadReturnsCurrent,
    },
    Defect {
        id: "xml-narrative-lost",
        title: "XML has no narrative",
        provenance: "http://hl7.org/fhir/R4/narrative.html",
        class: "negotiation",
        effect: "a resource is written as XML without its text",
        fault: Fault::XmlNarrativeLost,
    },
];

/// Every number with a fraction or exponent as a double writes it.
pub(super) fn through_double(value: Value) -> Value {
    match value {
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => number
            .as_f64()
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Number(number), Value::Number),
        Value::Array(items) => Value::Array(items.into_iter().map(through_double).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, through_double(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The resource without members that start with `_`.
pub(super) fn without_primitive_extensions(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(without_primitive_extensions)
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| (name, without_primitive_extensions(value)))
                .collect(),
        ),
        other => other,
    }
}

/// A patient whose languages without a text have an empty one.
pub(super) fn with_empty_texts(mut value: Value) -> Value {
    let spoken = match resource_type(&value) {
        Some("Patient") => value.get_mut("communication"),
        _ => None,
    };
    for language in spoken.and_then(Value::as_array_mut).into_iter().flatten() {
        let concept = language.get_mut("language").and_then(Value::as_object_mut);
        if let Some(concept) = concept {
            concept.entry("text").or_insert_with(|| "".into());
        }
    }
    value
}

/// A patient that claims to be of US Core.
pub(super) fn with_profile(mut value: Value) -> Value {
    if resource_type(&value) == Some("Patient") {
        let claims = value
            .as_object_mut()
            .map(|members| members.entry("meta").or_insert_with(|| json!({})));
        if let Some(meta) = claims.and_then(Value::as_object_mut) {
            meta.insert("profile".to_owned(), json!([US_CORE_PATIENT]));
        }
    }
    value
}

/// An observation whose encounter is an episode of care.
pub(super) fn with_old_reference(mut value: Value) -> Value {
    if resource_type(&value) == Some("Observation")
        && let Some(reference) = value.pointer_mut("/encounter/reference")
        && let Some(id) = reference
            .as_str()
            .and_then(|text| text.strip_prefix("Encounter/"))
    {
        *reference = format!("EpisodeOfCare/{id}").into();
    }
    value
}

/// An observation that says why it has no value, and has one.
pub(super) fn with_reason(mut value: Value) -> Value {
    let is_it = resource_type(&value) == Some("Observation");
    if let Some(members) = value.as_object_mut().filter(|_| is_it)
        && members.keys().any(|name| name.starts_with("value"))
    {
        let reason = json!({ "text": "unknown" });
        members.entry("dataAbsentReason").or_insert(reason);
    }
    value
}

/// A resource with the members that it had before and that were to go.
pub(super) fn with_what_was_there(mut resource: Value, before: &Value) -> Value {
    if let (Some(members), Some(old)) = (resource.as_object_mut(), before.as_object()) {
        for (name, value) in old {
            members.entry(name).or_insert_with(|| value.clone());
        }
    }
    resource
}

/// The resource without its narrative.
pub(super) fn without_narrative(mut resource: Value) -> Value {
    if let Some(members) = resource.as_object_mut() {
        members.shift_remove("text");
    }
    resource
}

/// What a web framework answers when nobody asked it for FHIR.
pub(super) fn error_page(status: u16, reason: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1></body></html>"
    )
}
