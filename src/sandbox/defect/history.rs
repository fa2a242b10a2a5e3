//! Faults that can be planted: histories and versions.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "entry-without-request",
        title: "History entries lack the request",
        provenance: "http://hl7.org/fhir/R4/bundle.html#invs",
        class: "history",
        effect: "entries of a history have no request",
        strengths: ALWAYS,
        fault: Fault::EntryWithoutRequest,
    },
    Defect {
        id: "etag-differs",
        title: "The ETag is not the version id",
        provenance: "http://hl7.org/fhir/R4/http.html#versioning",
        class: "versioning",
        effect: "the ETag is a number of the whole store in place of meta.versionId",
        strengths: ALWAYS,
        fault: Fault::EtagDiffers,
    },
    Defect {
        id: "full-url-with-version",
        title: "fullUrl names a version",
        provenance: "https://github.com/microsoft/fhir-server/pull/2863",
        class: "history",
        effect: "fullUrl of a history entry is the URL of the version",
        strengths: ALWAYS,
        fault: Fault::FullUrlWithVersion,
    },
    Defect {
        id: "history-oldest-first",
        title: "History starts with the oldest version",
        provenance: "https://github.com/microsoft/fhir-server/issues/2689",
        class: "history",
        effect: "history is sorted with the oldest version first",
        strengths: ALWAYS,
        fault: Fault::HistoryOldestFirst,
    },
    Defect {
        id: "history-total-of-page",
        title: "The total of a history is that of the page",
        provenance: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total",
        class: "history",
        effect: "Bundle.total of a history is the number of entries on the page",
        strengths: ALWAYS,
        fault: Fault::HistoryTotalOfPage,
    },
    Defect {
        id: "if-match-ignored",
        title: "If-Match is ignored",
        provenance: "https://github.com/medplum/medplum/issues/3313",
        class: "versioning",
        effect: "an update, patch or delete with a stale If-Match succeeds",
        strengths: ALWAYS,
        fault: Fault::IfMatchIgnored,
    },
    Defect {
        id: "since-exclusive",
        title: "_since leaves out the instant itself",
        provenance: "http://hl7.org/fhir/R4/http.html#history",
        class: "history",
        effect: "a history with _since does not hold a version of exactly that instant",
        strengths: ALWAYS,
        fault: Fault::SinceExclusive,
    },
    Defect {
        id: "vread-returns-current",
        title: "vread returns the current version",
        provenance: "http://hl7.org/fhir/R4/http.html#vread",
        class: "versioning",
        effect: "a read of an older version answers with the newest one",
        strengths: ALWAYS,
        fault: Fault::VreadReturnsCurrent,
    },
];
