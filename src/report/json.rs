//! The report for programs: `run.json` as stored, with the comparison beside it.

use serde_json::{Value, json};

use super::{Format, Input};

/// `json`
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn title(&self) -> &'static str {
        "for programs: the run as stored, with comparison and exit code"
    }

    fn render(&self, input: &Input<'_>) -> String {
        let mut value = serde_json::to_value(input.run).expect("a run is plain data");
        if let Some(members) = value.as_object_mut() {
            let comparison = input
                .comparison
                .map_or(Value::Null, |comparison| json!(comparison));
            members.insert("comparison".to_owned(), comparison);
            members.insert("exit".to_owned(), json!(input.exit));
        }
        serde_json::to_string_pretty(&value).expect("a JSON value is written without error") + "\n"
    }
}
