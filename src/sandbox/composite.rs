//! The index of a composite parameter: for each part an index of its own, whose rows are elements in place of
//! resources, so that all parts have to hold on one and the same element.
//! <http://hl7.org/fhir/R4/search.html#composite>

use std::collections::BTreeMap;

use super::index::{Postings, Rows};
use super::term::Term;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::path::{Context, Expression};
use crate::fhir::query::component_parameter;

/// One part of a composite: how to find its values below an element, and the parameter that says how they compare.
pub struct Part {
    /// Definition of the part.
    pub parameter: &'static SearchParameter,
    /// Relative to the element of the composite.
    pub expression: Expression,
}

/// The parts of a composite; `None` if one of them is beyond the server.
pub fn parts(resource_type: &str, composite: &SearchParameter) -> Option<Vec<Part>> {
    let part = |(canonical, expression): &(String, String)| {
        Some(Part {
            parameter: component_parameter(resource_type, canonical)?,
            expression: Expression::parse(expression).ok()?,
        })
    };
    composite.components.iter().map(part).collect()
}

/// The terms of each part for each element.
pub type Elements = Vec<Vec<Vec<Term>>>;

/// The elements of a resource that a composite looks at.
pub fn extract(
    elements: &Expression,
    parts: &[Part],
    context: &Context<'_>,
    base: &str,
) -> Elements {
    let terms_of = |part: &Part, element: &crate::fhir::path::Item<'_>| {
        let items = part.expression.evaluate_from(context, element);
        items
            .unwrap_or_default()
            .iter()
            .flat_map(|item| super::term::terms(part.parameter.kind, item, base))
            .collect()
    };
    elements
        .evaluate(context)
        .unwrap_or_default()
        .iter()
        .map(|element| parts.iter().map(|part| terms_of(part, element)).collect())
        .collect()
}

/// The index of one composite parameter of one type.
#[derive(Default)]
pub struct CompositeIndex {
    parts: Vec<Postings>,
    owners: BTreeMap<u32, u32>,
    elements: BTreeMap<u32, Vec<u32>>,
    next: u32,
}

impl CompositeIndex {
    /// Adds the elements of a row.
    pub fn insert(&mut self, row: u32, elements: Elements) {
        for terms in elements {
            let element = self.next;
            self.next += 1;
            self.owners.insert(element, row);
            self.elements.entry(row).or_default().push(element);
            self.parts
                .resize_with(self.parts.len().max(terms.len()), Postings::default);
            for (postings, terms) in self.parts.iter_mut().zip(terms) {
                postings.insert(element, terms);
            }
        }
    }

    /// Removes the elements of a row.
    pub fn remove(&mut self, row: u32) {
        for element in self.elements.remove(&row).unwrap_or_default() {
            self.owners.remove(&element);
            for postings in &mut self.parts {
                postings.remove(element);
            }
        }
    }

    /// The index of a part, whose rows are elements.
    pub fn part(&self, position: usize) -> Option<&Postings> {
        self.parts.get(position)
    }

    /// The rows that have one of the elements.
    pub fn rows_of(&self, elements: &Rows) -> Rows {
        elements
            .iter()
            .filter_map(|element| self.owners.get(element).copied())
            .collect()
    }
}
