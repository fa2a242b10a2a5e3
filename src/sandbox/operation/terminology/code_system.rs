//! A CodeSystem as a view: its concepts with their displays and their hierarchy. Not where it comes from.

use serde_json::Value;

use super::expansion::Coding;

/// Levels of a hierarchy that are followed.
const MAX_DEPTH: usize = 32;

/// A view over a CodeSystem.
pub struct CodeSystem<'a>(&'a Value);

impl<'a> CodeSystem<'a> {
    /// Wraps a CodeSystem.
    pub fn new(resource: &'a Value) -> Self {
        CodeSystem(resource)
    }

    /// The canonical URL.
    pub fn url(&self) -> Option<&'a str> {
        self.0.get("url")?.as_str()
    }

    /// What it is called, `$lookup` must say so: name, title, or the URL.
    pub fn name(&self) -> &'a str {
        let text = |member: &str| self.0.get(member).and_then(Value::as_str);
        text("name").or(text("title")).or(self.url()).unwrap_or("?")
    }

    /// The display of a code (the code itself if it has none); `None` for a code that is not there.
    pub fn display(&self, code: &str) -> Option<&'a str> {
        let concept = self
            .concepts()
            .into_iter()
            .find(|(found, _)| *found == code);
        concept.map(|(code, concept)| {
            let display = concept.get("display").and_then(Value::as_str);
            display.unwrap_or(code)
        })
    }

    /// True if a code lies below another one, at any depth.
    pub fn is_below(&self, code: &str, ancestor: &str) -> bool {
        let concept = self
            .concepts()
            .into_iter()
            .find(|(found, _)| *found == ancestor);
        concept.is_some_and(|(_, concept)| {
            let mut below = Vec::new();
            collect(concept, MAX_DEPTH, &mut below);
            below.iter().any(|(found, _)| *found == code)
        })
    }

    /// True if a code has a designation that does not say its language.
    pub fn has_designation_without_language(&self, code: &str) -> bool {
        let concepts = self.concepts().into_iter();
        let designations = concepts
            .filter(|(found, _)| *found == code)
            .filter_map(|(_, concept)| concept.get("designation")?.as_array());
        designations
            .flatten()
            .any(|designation| designation.get("language").is_none())
    }

    /// All concepts as codings, in order.
    pub fn members(&self) -> Vec<Coding> {
        self.codings(self.concepts())
    }

    /// The concepts of the top level as codings, in order.
    pub fn top(&self) -> Vec<Coding> {
        let list = self.0.get("concept").and_then(Value::as_array);
        let concepts = list.into_iter().flatten();
        self.codings(
            concepts
                .filter_map(|concept| Some((concept.get("code")?.as_str()?, concept)))
                .collect(),
        )
    }

    fn codings(&self, concepts: Vec<(&'a str, &'a Value)>) -> Vec<Coding> {
        concepts
            .into_iter()
            .map(|(code, concept)| {
                let mut coding = Coding::new(self.url().map(str::to_owned), Some(code.to_owned()));
                let display = concept.get("display").and_then(Value::as_str);
                coding.display = display.map(str::to_owned);
                coding
            })
            .collect()
    }

    fn concepts(&self) -> Vec<(&'a str, &'a Value)> {
        let mut found = Vec::new();
        collect(self.0, MAX_DEPTH, &mut found);
        found
    }
}

/// The concepts below a concept or a CodeSystem.
fn collect<'a>(parent: &'a Value, depth: usize, found: &mut Vec<(&'a str, &'a Value)>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let list = parent.get("concept").and_then(Value::as_array);
    for concept in list.into_iter().flatten() {
        if let Some(code) = concept.get("code").and_then(Value::as_str) {
            found.push((code, concept));
        }
        collect(concept, depth, found);
    }
}
