//! Extensions: what they hold (ext-1), where they may stand, and what their definition says.
//! Not an extension without a known definition: it is noted as not checked, never as wrong.
//! <http://hl7.org/fhir/R4/extensibility.html>

use serde_json::{Map, Value};

use super::occurrence::Occurrence;
use super::scope::Frame;
use super::walk::Walk;
use super::{reference, rule};
use crate::fhir::definitions::profile::{Context, Profile};
use crate::fhir::definitions::{Target, is_subtype};

/// Its definition allows it on the code of a type; HL7's own StructureDefinitions have it on the type.
const MISPLACED_BY_HL7: &str =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/// Longer context paths are not judged.
const MAX_PATH: usize = 512;

impl<'v> Walk<'v> {
    /// An extension on its own, by definition, and in its place.
    pub(super) fn extension(&mut self, value: &'v Value, object: &'v Map<String, Value>) {
        let has_value = object.keys().any(|key| {
            let key = key.strip_prefix('_').unwrap_or(key);
            key.starts_with("value")
        });
        if has_value == object.contains_key("extension") {
            self.report_as(
                rule::EXTENSION,
                super::Severity::Error,
                Some("ext-1"),
                "has both or neither of a value and extensions",
            );
        }
        let Some(Value::String(url)) = object.get("url") else {
            return;
        };
        if !reference::has_scheme(url) {
            // Inside of another extension names are enough.
            if !self.is_in_extension() {
                self.report(rule::EXTENSION, "has a url that is no absolute URI");
            }
            return;
        }
        let Some(full) = &mut self.full else { return };
        let library = full.library();
        let Some(profile) = library
            .profile(url)
            .filter(|profile| profile.type_name == "Extension")
        else {
            return full.open(rule::EXTENSION_UNKNOWN, url.clone());
        };
        if url.contains('|') {
            self.report(rule::EXTENSION, "has a url with a version");
        }
        if self.is_misplaced(profile) {
            self.report(
                rule::EXTENSION_CONTEXT,
                "stands where its definition does not allow it",
            );
        }
        let occurrence = Occurrence {
            value: Some(value),
            sibling: None,
            target: Target::Node(self.table.extension),
            code: "Extension",
            chosen: false,
        };
        self.conform(profile, &occurrence);
    }

    fn is_in_extension(&self) -> bool {
        self.owner().is_some_and(|owner| owner.code == "Extension")
    }

    /// The element that has the extension.
    fn owner(&self) -> Option<&Frame<'v>> {
        let frames = &self.full.as_ref()?.frames;
        frames.len().checked_sub(2).map(|at| &frames[at])
    }

    /// True if no context of the definition fits, and all of them can be judged.
    fn is_misplaced(&self, profile: &Profile) -> bool {
        let Some(owner) = self.owner() else {
            return false;
        };
        !profile.contexts.is_empty()
            && profile.url != MISPLACED_BY_HL7
            && profile.contexts.iter().all(|context| match context {
                Context::Element(path) => !self.is_at(owner, path),
                Context::Extension(url) => {
                    let own = owner.value.and_then(|value| value.get("url"));
                    own.and_then(Value::as_str) != Some(url.as_str())
                }
                Context::Expression(_) => false,
            })
    }

    /// True if the owner is an element or of a type that the path names.
    fn is_at(&self, owner: &Frame<'v>, path: &str) -> bool {
        // Slices and profiles in a path are beyond this check.
        if path.contains([':', '#', '(']) || path.len() > MAX_PATH || path == "Element" {
            return true;
        }
        let path = path.trim_end_matches("[x]");
        if is_subtype(owner.code, path)
            || path == "Resource" && !owner.code.contains('.') && self.is_resource(owner.code)
        {
            return true;
        }
        let Some(full) = &self.full else {
            return true;
        };
        let parent = full.frames.len().checked_sub(3).map(|at| full.frames[at]);
        if let Some(parent) = parent {
            let mut base = Some(parent.code);
            while let Some(name) = base {
                let fits = path
                    .strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(|rest| rest == owner.element);
                if fits {
                    return true;
                }
                base = self.table.node_of(name).and_then(|node| node.base);
            }
        }
        let Some(scope) = full.resources.last() else {
            return true;
        };
        let mut names: Vec<&str> = vec![scope.type_name];
        names.extend(self.location.names_from(scope.depth));
        // The last is the extension itself.
        names.pop();
        names.join(".") == path
    }

    fn is_resource(&self, code: &str) -> bool {
        is_subtype(code, "Resource")
    }
}
