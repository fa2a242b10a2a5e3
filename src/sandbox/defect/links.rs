//! Faults that can be planted: the URLs that the server shows of itself.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "bar-moves-links",
        title: "A | in a search moves the links to another host",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/1907",
        class: "headers",
        effect: "the links of a search with a | in a value start with the address of the server behind the gateway",
        strengths: ALWAYS,
        fault: Fault::BarMovesLinks,
    },
    Defect {
        id: "links-of-internal-host",
        title: "Links and fullUrl name the host behind the proxy",
        provenance: "https://github.com/microsoft/fhir-server/issues/1317",
        class: "headers",
        effect: "links and fullUrl of searches and histories start with an internal address",
        strengths: ALWAYS,
        fault: Fault::LinksOfInternalHost,
    },
    Defect {
        id: "links-without-path",
        title: "Links lose a part of the base",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/2885",
        class: "headers",
        effect: "the links of searches and histories lack the last segment of the base URL",
        strengths: ALWAYS,
        fault: Fault::LinksWithoutPath,
    },
    Defect {
        id: "location-of-localhost",
        title: "Location names localhost",
        provenance: "https://github.com/HeliosSoftware/hfs/issues/629",
        class: "headers",
        effect: "Location starts with http://localhost/fhir, whatever base the client used",
        strengths: ALWAYS,
        fault: Fault::LocationOfLocalhost,
    },
];
