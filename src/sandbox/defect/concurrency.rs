//! Faults that can be planted: races between requests.

use super::{Defect, Fault, RACE};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "bundle-answers-mixed",
        title: "Answers of parallel bundles are mixed up",
        provenance: "https://github.com/microsoft/fhir-server/pull/5706",
        class: "concurrency",
        effect: "a batch or transaction that is answered while another one is may get the entries of the other",
        strengths: RACE,
        fault: Fault::BundleAnswersMixed,
    },
    Defect {
        id: "bundle-deadlock",
        title: "Parallel transactions deadlock",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/1819",
        class: "concurrency",
        effect: "a transaction that writes by id what another one is just writing is answered with 500",
        strengths: RACE,
        fault: Fault::BundleDeadlock,
    },
    Defect {
        id: "transaction-not-isolated",
        title: "A transaction is seen half done",
        provenance: "https://github.com/wso2/open-healthcare-prebuilt-services/issues/155",
        class: "transaction",
        effect: "others see the entries of a transaction one by one; a failed one is undone only if nobody wrote meanwhile",
        strengths: RACE,
        fault: Fault::TransactionNotIsolated,
    },
    Defect {
        id: "update-deadlock",
        title: "Parallel updates deadlock",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/2420",
        class: "concurrency",
        effect: "an update of a resource that another request is just updating is answered with 500",
        strengths: RACE,
        fault: Fault::UpdateDeadlock,
    },
    Defect {
        id: "update-sticks",
        title: "A lost race leaves a resource that cannot be updated",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/4843",
        class: "concurrency",
        effect: "an update that meets another one is refused with 409, and so is every later update of the resource",
        strengths: RACE,
        fault: Fault::UpdateSticks,
    },
];
