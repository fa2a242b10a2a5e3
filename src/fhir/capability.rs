//! The CapabilityStatement as a view: what a server claims. <http://hl7.org/fhir/R4/capabilitystatement.html>

use serde_json::Value;

/// Extension by which a type declares which parameters go together.
const SEARCH_COMBINATION: &str =
    "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination";

/// Characters of the name and version of a product that are kept.
const MAX_SOFTWARE: usize = 120;

fn extensions(element: &Value) -> impl Iterator<Item = &Value> {
    element
        .get("extension")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// A view over a CapabilityStatement; reads only `rest` with mode `server`.
#[derive(Debug, Clone, PartialEq)]
pub struct Capability {
    value: Value,
}

impl Capability {
    /// Wraps a CapabilityStatement.
    pub fn new(value: Value) -> Self {
        Capability { value }
    }

    /// The JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// `fhirVersion`.
    pub fn fhir_version(&self) -> Option<&str> {
        self.value.get("fhirVersion")?.as_str()
    }

    /// `software.name` and `software.version`, without control characters and cut off at a length that names need.
    pub fn software(&self) -> Option<String> {
        let software = self.value.get("software")?;
        let name = software.get("name")?.as_str()?;
        let text = match software.get("version").and_then(Value::as_str) {
            Some(version) => format!("{name} {version}"),
            None => name.to_owned(),
        };
        let printable = text.chars().filter(|character| !character.is_control());
        Some(printable.take(MAX_SOFTWARE).collect())
    }

    /// The statement with claims added and removed: `Patient.create` (an interaction) or `Patient.search.family`
    /// (a search parameter). For servers whose `/metadata` is closed or wrong.
    #[must_use]
    pub fn amended(&self, add: &[String], remove: &[String]) -> Capability {
        let mut value = self.value.clone();
        for claim in remove {
            amend(&mut value, claim, false);
        }
        for claim in add {
            amend(&mut value, claim, true);
        }
        Capability { value }
    }

    fn rest(&self) -> Option<&Value> {
        self.value
            .get("rest")?
            .as_array()?
            .iter()
            .find(|rest| rest.get("mode").and_then(Value::as_str) == Some("server"))
    }

    fn resource(&self, resource_type: &str) -> Option<&Value> {
        self.resources()
            .find(|resource| resource.get("type").and_then(Value::as_str) == Some(resource_type))
    }

    fn resources(&self) -> impl Iterator<Item = &Value> {
        self.rest()
            .and_then(|rest| rest.get("resource"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    /// Declared resource types in order.
    pub fn resource_types(&self) -> Vec<&str> {
        self.resources()
            .filter_map(|resource| resource.get("type")?.as_str())
            .collect()
    }

    /// True if a type declares an interaction (`read`, `vread`, `update`, `patch`, `delete`, `history-instance`,
    /// `history-type`, `create`, `search-type`).
    pub fn supports(&self, resource_type: &str, interaction: &str) -> bool {
        self.resource(resource_type)
            .is_some_and(|resource| has_code(resource.get("interaction"), interaction))
    }

    /// True if the system declares an interaction (`transaction`, `batch`, `search-system`, `history-system`).
    pub fn supports_system(&self, interaction: &str) -> bool {
        self.rest()
            .is_some_and(|rest| has_code(rest.get("interaction"), interaction))
    }

    /// True if the system declares that the compartments of a type can be searched; the claim is the URL of their
    /// definition.
    pub fn supports_compartment(&self, resource_type: &str) -> bool {
        let suffix = format!("/{}", resource_type.to_lowercase());
        self.rest()
            .and_then(|rest| rest.get("compartment")?.as_array())
            .is_some_and(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .any(|url| url.to_lowercase().ends_with(&suffix))
            })
    }

    /// True if a search parameter is declared for a type or for all types.
    pub fn supports_parameter(&self, resource_type: &str, code: &str) -> bool {
        let declared = |holder: Option<&Value>| {
            holder
                .and_then(|holder| holder.get("searchParam"))
                .and_then(Value::as_array)
                .is_some_and(|list| {
                    list.iter()
                        .any(|entry| entry.get("name").and_then(Value::as_str) == Some(code))
                })
        };
        declared(self.resource(resource_type)) || declared(self.rest())
    }

    /// Codes of the search parameters that a type declares, then of those that are declared for all types.
    pub fn search_parameters(&self, resource_type: &str) -> Vec<&str> {
        let holders = [self.resource(resource_type), self.rest()];
        let declared = holders
            .into_iter()
            .flatten()
            .filter_map(|holder| holder.get("searchParam")?.as_array())
            .flatten()
            .filter_map(|entry| entry.get("name")?.as_str());
        let mut codes: Vec<&str> = Vec::new();
        declared.for_each(|code| {
            if !codes.contains(&code) {
                codes.push(code);
            }
        });
        codes
    }

    /// Combinations of search parameters that a type declares, each as required and optional codes.
    /// <http://hl7.org/fhir/R4/extension-capabilitystatement-search-parameter-combination.html>
    pub fn search_combinations(&self, resource_type: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
        fn parts<'a>(combination: &'a Value, name: &str) -> Vec<&'a str> {
            extensions(combination)
                .filter(|part| part.get("url").and_then(Value::as_str) == Some(name))
                .filter_map(|part| part.get("valueString")?.as_str())
                .collect()
        }
        self.resource(resource_type)
            .into_iter()
            .flat_map(extensions)
            .filter(|extension| {
                extension.get("url").and_then(Value::as_str) == Some(SEARCH_COMBINATION)
            })
            .map(|combination| {
                (
                    parts(combination, "required"),
                    parts(combination, "optional"),
                )
            })
            .collect()
    }

    /// The values of `searchInclude` or `searchRevInclude`, in order.
    pub fn includes(&self, resource_type: &str, reverse: bool) -> Vec<&str> {
        let name = if reverse {
            "searchRevInclude"
        } else {
            "searchInclude"
        };
        self.member(resource_type, name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// A boolean or code member of a type's declaration (`conditionalCreate`, `updateCreate`, `versioning`, …).
    pub fn member(&self, resource_type: &str, name: &str) -> Option<&Value> {
        self.resource(resource_type)?.get(name)
    }

    /// True if a boolean member of a type's declaration is true.
    pub fn flag(&self, resource_type: &str, name: &str) -> bool {
        self.member(resource_type, name).and_then(Value::as_bool) == Some(true)
    }

    /// True if `_include` (or `_revinclude`) lists the value or `*`.
    pub fn supports_include(&self, resource_type: &str, reverse: bool, include: &str) -> bool {
        let name = if reverse {
            "searchRevInclude"
        } else {
            "searchInclude"
        };
        self.member(resource_type, name)
            .and_then(Value::as_array)
            .is_some_and(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .any(|entry| entry == "*" || entry == include)
            })
    }

    /// A stable hash of what is claimed, without `date`, `id` and narrative.
    pub fn hash(&self) -> String {
        let mut copy = self.value.clone();
        if let Some(members) = copy.as_object_mut() {
            for name in ["date", "id", "text", "meta"] {
                members.remove(name);
            }
        }
        let text = serde_json::to_string(&copy).expect("a JSON value is written without error");
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        digest.as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Adds or removes one claim of the form `Type.interaction` or `Type.search.parameter`.
fn amend(statement: &mut Value, claim: &str, add: bool) {
    let Some((resource_type, claim)) = claim.split_once('.') else {
        return;
    };
    let (list, key, name) = match claim.strip_prefix("search.") {
        Some(parameter) => ("searchParam", "name", parameter),
        None => ("interaction", "code", claim),
    };
    let servers = statement
        .get_mut("rest")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    let resources = servers
        .filter_map(|rest| rest.get_mut("resource")?.as_array_mut())
        .flatten()
        .filter(|resource| resource.get("type").and_then(Value::as_str) == Some(resource_type));
    for resource in resources {
        let Some(members) = resource.as_object_mut() else {
            continue;
        };
        let claims = members
            .entry(list)
            .or_insert_with(|| Value::Array(Vec::new()));
        let Some(claims) = claims.as_array_mut() else {
            continue;
        };
        claims.retain(|known| known.get(key).and_then(Value::as_str) != Some(name));
        if add {
            claims.push(serde_json::json!({ key: name }));
        }
    }
}

fn has_code(list: Option<&Value>, code: &str) -> bool {
    list.and_then(Value::as_array).is_some_and(|list| {
        list.iter()
            .any(|entry| entry.get("code").and_then(Value::as_str) == Some(code))
    })
}
