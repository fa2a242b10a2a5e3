//! Faults that can be planted: batches and transactions.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "batch-out-of-order",
        title: "The answers of a batch are in another order",
        provenance: "http://hl7.org/fhir/R4/http.html#transaction-response",
        class: "batch",
        effect: "entries of a batch-response come in reverse order",
        strengths: ALWAYS,
        fault: Fault::BatchOutOfOrder,
    },
    Defect {
        id: "bundle-entry-without-etag",
        title: "Entries of a response Bundle have no etag",
        provenance: "http://hl7.org/fhir/R4/http.html#transaction-response",
        class: "batch",
        effect: "entry.response of a batch or transaction has no etag",
        strengths: ALWAYS,
        fault: Fault::BundleEntryWithoutEtag,
    },
    Defect {
        id: "conditional-reference-kept",
        title: "Conditional references are stored as they are",
        provenance: "https://github.com/microsoft/fhir-server/issues/1174",
        class: "transaction",
        effect: "a reference such as Patient?identifier=x in a transaction is not replaced",
        strengths: ALWAYS,
        fault: Fault::ConditionalReferenceKept,
    },
    Defect {
        id: "transaction-accepts-overlap",
        title: "A transaction may write a resource twice",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/8183",
        class: "transaction",
        effect: "a transaction with two entries for one resource succeeds",
        strengths: ALWAYS,
        fault: Fault::TransactionAcceptsOverlap,
    },
    Defect {
        id: "transaction-in-given-order",
        title: "A transaction is processed in the order of the Bundle",
        provenance: "http://hl7.org/fhir/R4/http.html#trules",
        class: "transaction",
        effect: "entries are carried out as they stand, a read before a write sees the old version",
        strengths: ALWAYS,
        fault: Fault::TransactionInGivenOrder,
    },
    Defect {
        id: "transaction-keeps-part",
        title: "A failed transaction is not rolled back",
        provenance: "https://github.com/wso2/open-healthcare-prebuilt-services/issues/155",
        class: "transaction",
        effect: "what a transaction wrote before the entry that failed stays",
        strengths: ALWAYS,
        fault: Fault::TransactionKeepsPart,
    },
];
