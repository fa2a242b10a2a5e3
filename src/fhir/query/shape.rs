//! Result parameters, <http://hl7.org/fhir/R4/search.html#return>: `_count`, `_sort`, `_include`, … and `_type`.
//! Not criteria: nothing here decides what matches, `_type` aside.

use crate::fhir::definitions::is_resource_type;

use super::{Include, Shape};

impl Shape {
    /// Takes a parameter if it is a result parameter; false if it is none.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let list = || {
            value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
        };
        match name {
            "_count" => {
                let count = value.parse().map_err(|_| "is not a whole number")?;
                self.count = Some(count);
            }
            "_sort" => self
                .sort
                .extend(list().map(|key| match key.strip_prefix('-') {
                    Some(code) => (code.to_owned(), true),
                    None => (key.to_owned(), false),
                })),
            "_elements" => self.elements.extend(list().map(str::to_owned)),
            "_type" => {
                for resource_type in list() {
                    if !is_resource_type(resource_type) {
                        return Err(format!("{resource_type} is not a resource type of R4"));
                    }
                    self.types.push(resource_type.to_owned());
                }
            }
            "_total" => self.total = one_of(value, &["none", "estimate", "accurate"])?,
            "_summary" => {
                self.summary = one_of(value, &["true", "text", "data", "count", "false"])?;
            }
            "_contained" => self.contained = one_of(value, &["true", "false", "both"])?,
            "_containedType" => {
                self.contained_type = one_of(value, &["container", "contained"])?;
            }
            "_pretty" => {
                self.pretty = one_of(value, &["true", "false"])?.map(|text| text == "true");
            }
            "_format" => self.format = Some(value.to_owned()),
            _ => return self.take_include(name, value),
        }
        Ok(true)
    }

    fn take_include(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let (base, modifier) = match name.split_once(':') {
            Some((base, modifier)) => (base, Some(modifier)),
            None => (name, None),
        };
        let includes = match base {
            "_include" => &mut self.include,
            "_revinclude" => &mut self.revinclude,
            _ => return Ok(false),
        };
        let iterate = match modifier {
            None => false,
            // `recurse` is how STU3 spelled it; many servers still read both.
            Some("iterate" | "recurse") => true,
            Some(other) => return Err(format!("{other} is not a modifier of {base}")),
        };
        includes.push(include(value, iterate)?);
        Ok(true)
    }
}

fn include(value: &str, iterate: bool) -> Result<Include, String> {
    let parts: Vec<&str> = value.split(':').collect();
    let (source, parameter, target) = match parts.as_slice() {
        ["*"] => ("*", "*", None),
        [source, parameter] => (*source, *parameter, None),
        [source, parameter, target] => (*source, *parameter, Some(*target)),
        _ => return Err("is not Type:parameter or Type:parameter:Target".to_owned()),
    };
    let mut types = target.into_iter().chain((source != "*").then_some(source));
    if let Some(wrong) = types.find(|name| !is_resource_type(name)) {
        return Err(format!("{wrong} is not a resource type of R4"));
    }
    if parameter.is_empty() {
        return Err("names no parameter".to_owned());
    }
    Ok(Include {
        source: source.to_owned(),
        parameter: parameter.to_owned(),
        target: target.map(str::to_owned),
        iterate,
    })
}

fn one_of(value: &str, allowed: &[&str]) -> Result<Option<String>, String> {
    if allowed.contains(&value) {
        return Ok(Some(value.to_owned()));
    }
    Err(format!("is none of {}", allowed.join(", ")))
}
