//! Operations: which there are and where, and the way from a call to the room that answers. What an operation does is
//! in the file of its name. <http://hl7.org/fhir/R4/operations.html>

pub mod everything;
mod input;
mod terminology;
mod validate;

use serde_json::{Value, json};

use super::outcome::Refusal;
use super::router::Place;
use super::turn::{Call, Reply, Turn};

/// An operation of R4 that the sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `$everything`
    Everything,
    /// `$expand`
    Expand,
    /// `$lookup`
    Lookup,
    /// `$subsumes`
    Subsumes,
    /// `$validate`
    Validate,
    /// `$validate-code`
    ValidateCode,
}

/// Where an operation can be invoked.
struct Offer {
    name: &'static str,
    code: Operation,
    /// The one type that has it; `None` for all.
    on: Option<&'static str>,
    /// Invoked on one resource too, not only on the type.
    on_instance: bool,
    definition: &'static str,
}

/// All operations; none is invoked on the system.
static OFFERS: &[Offer] = &[
    Offer {
        name: "everything",
        code: Operation::Everything,
        on: Some("Patient"),
        on_instance: true,
        definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    },
    Offer {
        name: "expand",
        code: Operation::Expand,
        on: Some("ValueSet"),
        on_instance: true,
        definition: "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
    },
    Offer {
        name: "lookup",
        code: Operation::Lookup,
        on: Some("CodeSystem"),
        on_instance: false,
        definition: "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
    },
    Offer {
        name: "subsumes",
        code: Operation::Subsumes,
        on: Some("CodeSystem"),
        on_instance: true,
        definition: "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
    },
    Offer {
        name: "validate",
        code: Operation::Validate,
        on: None,
        on_instance: true,
        definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    },
    Offer {
        name: "validate-code",
        code: Operation::ValidateCode,
        on: Some("CodeSystem"),
        on_instance: true,
        definition: "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
    },
    Offer {
        name: "validate-code",
        code: Operation::ValidateCode,
        on: Some("ValueSet"),
        on_instance: true,
        definition: "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
    },
];

/// The operation of a name (without `$`) at a place, if it can be invoked there.
pub fn at(place: &Place, name: &str) -> Option<Operation> {
    let (resource_type, is_instance) = match place {
        Place::System => return None,
        Place::Type(resource_type) => (resource_type.as_str(), false),
        Place::Instance(key) => (key.resource_type.as_str(), true),
    };
    OFFERS
        .iter()
        .find(|offer| {
            offer.name == name
                && offer.on.is_none_or(|on| on == resource_type)
                && (offer.on_instance || !is_instance)
        })
        .map(|offer| offer.code)
}

/// `CapabilityStatement.rest.resource.operation` of a type.
pub fn claims(resource_type: &str) -> Value {
    OFFERS
        .iter()
        .filter(|offer| offer.on.is_none_or(|on| on == resource_type))
        .map(|offer| json!({ "name": offer.name, "definition": offer.definition }))
        .collect()
}

impl Operation {
    /// The name in a URL, without `$`.
    pub fn name(self) -> &'static str {
        let named = OFFERS.iter().find(|offer| offer.code == self);
        named.map_or("", |offer| offer.name)
    }
}

/// Carries out an operation.
pub fn perform(
    turn: &mut Turn<'_>,
    call: &Call,
    place: &Place,
    code: Operation,
) -> Result<Reply, Refusal> {
    match code {
        Operation::Everything => everything::everything(turn, call, place),
        Operation::Validate => validate::validate(turn, call, place),
        Operation::Expand => terminology::expand(turn, call, place),
        Operation::Lookup => terminology::lookup(turn, call),
        Operation::Subsumes => terminology::subsumes(turn, call, place),
        Operation::ValidateCode => terminology::validate_code(turn, call, place),
    }
}
