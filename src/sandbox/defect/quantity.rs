//! Faults that can be planted: searches by quantity.

use super::{ALWAYS, BY_VALUE, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "comparator-ignored",
        title: "The comparator of a Quantity is ignored",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/493",
        class: "search-quantity",
        effect: "a Quantity with a comparator is found as if it were its number",
        strengths: BY_VALUE,
        fault: Fault::ComparatorIgnored,
    },
    Defect {
        id: "exponent-refused",
        title: "A number with an exponent is refused",
        provenance: "https://github.com/microsoft/fhir-server/issues/838",
        class: "search-quantity",
        effect: "a quantity parameter whose number has an exponent is answered with 400",
        strengths: ALWAYS,
        fault: Fault::ExponentRefused,
    },
    Defect {
        id: "quantity-eq-one-percent",
        title: "Quantities are equal within one percent",
        provenance: "https://github.com/icanbwell/fhir-server/pull/1686",
        class: "search-quantity",
        effect: "eq finds quantities within 1 % of the value, whatever its precision",
        strengths: BY_VALUE,
        fault: Fault::QuantityEqOnePercent,
    },
    Defect {
        id: "quantity-unit-ignored",
        title: "The unit of a Quantity is ignored",
        provenance: "https://github.com/medplum/medplum/issues/5785",
        class: "search-quantity",
        effect: "system and code of a quantity parameter filter nothing",
        strengths: BY_VALUE,
        fault: Fault::QuantityUnitIgnored,
    },
    Defect {
        id: "quantity-without-value-crashes",
        title: "A Quantity without a value crashes",
        provenance: "https://github.com/samply/blaze/issues/764",
        class: "search-quantity",
        effect: "a create or update of a resource with a Quantity that has no value is answered with 500",
        strengths: ALWAYS,
        fault: Fault::QuantityWithoutValueCrashes,
    },
];
