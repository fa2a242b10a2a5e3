//! What attachments and references hold: kind and size, the type and profile of the target.
//! Not whether the size of an attachment is true, which is a rule for every Attachment.

use serde_json::Value;

use super::compare::Typed;
use super::{Completion, extensions, text};
use crate::fhir::decimal::Decimal;
use crate::fhir::validate::attachment::data_size;
use crate::fhir::validate::occurrence::Occurrence;
use crate::fhir::validate::rule;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
const MIME_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/mimeType";
const MAX_SIZE: &str = "http://hl7.org/fhir/StructureDefinition/maxSize";
const REFERENCE_TYPE: &str =
    "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource";
const REFERENCE_PROFILE: &str =
    "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceProfile";

impl<'v> Completion<'_, 'v> {
    pub(super) fn content(&mut self, question: usize, value: Typed<'v>) {
        match value.type_name {
            "Attachment" => {
                self.mime_type(question, value.value);
                self.size(question, value.value);
            }
            "Reference" => self.target(question, value.value),
            _ => {}
        }
    }

    fn mime_type(&mut self, question: usize, attachment: &Value) {
        let item = self.form.question(question).item;
        let allowed: Vec<&str> = extensions(item, MIME_TYPE)
            .filter_map(|extension| text(extension, "valueCode"))
            .collect();
        if allowed.is_empty() {
            return;
        }
        match text(attachment, "contentType") {
            None => self.open(rule::ANSWER_CONTENT, question, ""),
            Some(own) if allowed.iter().any(|allowed| is_mime_type(own, allowed)) => {}
            Some(_) => self.report(
                rule::ANSWER_CONTENT,
                "is of a kind that the question does not allow",
            ),
        }
    }

    /// In bytes, as R4 measures attachments.
    fn size(&mut self, question: usize, attachment: &Value) {
        let item = self.form.question(question).item;
        let limit = extensions(item, MAX_SIZE).next();
        let Some(Value::Number(limit)) = limit.and_then(|limit| limit.get("valueDecimal")) else {
            return;
        };
        let data = text(attachment, "data").and_then(data_size);
        let size = data.or_else(|| attachment.get("size")?.as_u64());
        let limit = Decimal::parse(limit.as_str());
        match size.zip(limit) {
            None => self.open(rule::ANSWER_CONTENT, question, ""),
            Some((size, limit)) if rust_decimal::Decimal::from(size) > limit.value() => {
                self.report(rule::ANSWER_CONTENT, "is larger than maxSize allows");
            }
            Some(_) => {}
        }
    }

    fn target(&mut self, question: usize, reference: &'v Value) {
        let item = self.form.question(question).item;
        let Some(occurrence) =
            Occurrence::named(self.walk.table, "Reference", Some(reference), None)
        else {
            return;
        };
        let types = extensions(item, REFERENCE_TYPE).filter_map(|found| text(found, "valueCode"));
        let types: Vec<String> = types.map(|name| format!("{CORE}{name}")).collect();
        let profiles = extensions(item, REFERENCE_PROFILE);
        let profiles: Vec<String> = profiles
            .filter_map(|found| text(found, "valueCanonical"))
            .map(str::to_owned)
            .collect();
        self.walk.targets(&types, &occurrence);
        self.walk.targets(&profiles, &occurrence);
    }
}

/// True if a media type is the allowed one, parameters aside; `image/*` allows all images.
fn is_mime_type(own: &str, allowed: &str) -> bool {
    let essence = |text: &str| {
        let plain = text.split(';').next().unwrap_or(text);
        plain.trim().to_ascii_lowercase()
    };
    let (own, allowed) = (essence(own), essence(allowed));
    match allowed.strip_suffix('*') {
        Some(start) => own.starts_with(start),
        None => own == allowed,
    }
}
