//! Attachments: whether the size that they state is that of their data.
//! Not the data itself, and not what is behind a url.
//! <http://hl7.org/fhir/R4/datatypes-definitions.html#Attachment.size>

use serde_json::{Map, Value};

use super::rule;
use super::walk::Walk;

impl Walk<'_> {
    /// R4: the size is the number of bytes before the data are encoded.
    pub(super) fn attachment(&mut self, object: &Map<String, Value>) {
        let data = object.get("data").and_then(Value::as_str);
        let stated = object.get("size").and_then(Value::as_u64);
        let Some((actual, stated)) = data.and_then(data_size).zip(stated) else {
            return;
        };
        if actual != stated {
            self.location.enter("size");
            self.report(
                rule::ATTACHMENT_SIZE,
                "is not the number of bytes of the data",
            );
            self.location.leave();
        }
    }
}

/// Bytes that a base64 text stands for; `None` if it has no whole groups of four characters.
pub(super) fn data_size(data: &str) -> Option<u64> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let count = data.bytes().filter(|byte| !is_space(byte)).count();
    let rest = data.trim_end();
    let padding = rest.len() - rest.trim_end_matches('=').len();
    if count % 4 != 0 || padding > 2 {
        return None;
    }
    Some((count / 4 * 3).saturating_sub(padding) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::Validator;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_size_of_base64_counts_bytes_without_padding_and_white_space() {
        assert_eq!(data_size(""), Some(0));
        assert_eq!(data_size("YQ=="), Some(1));
        assert_eq!(data_size("YWI="), Some(2));
        assert_eq!(data_size("YWJj"), Some(3));
        assert_eq!(data_size("YWJj\r\n YQ==\n"), Some(4));
        assert_eq!(data_size("YWJ"), None);
    }

    #[test]
    fn an_attachment_states_the_size_of_its_data() {
        let broken = |size: u32| {
            let photo = json!({"contentType": "image/png", "data": "YWJj", "size": size});
            let patient = json!({"resourceType": "Patient", "photo": [photo]});
            let outcome = Validator::built_in().validate(&patient, &[]);
            outcome
                .errors()
                .map(|issue| (issue.rule, issue.path.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(broken(3), []);
        assert_eq!(
            broken(4),
            [("attachment/size", "Patient.photo[0].size".to_owned())]
        );
    }
}
