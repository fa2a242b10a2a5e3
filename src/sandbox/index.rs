//! The search index: for each type and parameter, which rows have which terms. Updated with every write (or later, if
//! the index lags); knows nothing of queries.

mod flaw;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::composite::{self, CompositeIndex, Part};
use super::defect::{Fault, Faults};
use super::store::Version;
use super::term::Term;
use crate::fhir::Key;
use crate::fhir::definitions::{
    ParameterKind, SearchParameter, resource_types, search_parameter, search_parameters,
};
use crate::fhir::path::{Context, Expression};

/// Numbers of rows within a type.
pub type Rows = BTreeSet<u32>;

/// A parameter that the sandbox can index.
pub struct Indexed {
    /// Definition.
    pub parameter: &'static SearchParameter,
    expression: Expression,
    /// The parts of a composite, empty for other kinds.
    pub parts: Vec<Part>,
}

/// Parameters that need more than an expression: phonetic algorithms, full text, and what is not in the resource.
const NOT_INDEXED: [&str; 7] = [
    "phonetic", "_text", "_content", "_query", "_list", "_filter", "near",
];

/// The parameters of a type that the sandbox supports, by code.
pub fn supported(resource_type: &str) -> &'static [Indexed] {
    type Table = BTreeMap<&'static str, OnceLock<Vec<Indexed>>>;
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        resource_types()
            .iter()
            .map(|name| (*name, OnceLock::new()))
            .collect()
    });
    table
        .get(resource_type)
        .map_or(&[], |cell| cell.get_or_init(|| compile(resource_type)))
}

fn compile(resource_type: &str) -> Vec<Indexed> {
    search_parameters(resource_type)
        .iter()
        .filter(|parameter| {
            parameter.kind != ParameterKind::Special
                && !NOT_INDEXED.contains(&parameter.code.as_str())
                && !parameter.expression.is_empty()
        })
        .filter_map(|listed| {
            // Queries hold the definition that a look-up gives; the index holds the same one.
            let parameter = search_parameter(resource_type, &listed.code)?;
            let expression = Expression::parse(&parameter.expression).ok()?;
            let parts = match parameter.kind {
                ParameterKind::Composite => composite::parts(resource_type, parameter)?,
                _ => Vec::new(),
            };
            Some(Indexed {
                parameter,
                expression,
                parts,
            })
        })
        .collect()
}

/// True if a type's parameter can be searched by.
pub fn is_supported(resource_type: &str, code: &str) -> bool {
    supported(resource_type)
        .iter()
        .any(|indexed| indexed.parameter.code == code)
}

/// True if a parameter's expression goes deeper than to a member of the resource.
pub fn is_nested(parameter: &SearchParameter) -> bool {
    parameter.expression.split('|').any(|alternative| {
        let alternative = alternative.trim().trim_start_matches('(');
        let path = alternative
            .split([' ', '(', ')'])
            .next()
            .unwrap_or_default();
        let steps = path
            .split('.')
            .filter(|step| !matches!(*step, "where" | "as" | "resolve" | "first"));
        steps.count() > 2
    })
}

/// The index of one parameter of one type.
#[derive(Default)]
pub struct Postings {
    rows: BTreeMap<Term, Rows>,
    terms: BTreeMap<u32, Vec<Term>>,
    present: Rows,
}

impl Postings {
    /// Rows of the terms from `low` on, as long as `within` holds, that pass the test.
    pub fn scan(
        &self,
        low: &Term,
        within: impl Fn(&Term) -> bool,
        test: impl Fn(&Term) -> bool,
    ) -> Rows {
        self.rows
            .range(low.clone()..)
            .take_while(|(term, _)| within(term))
            .filter(|(term, _)| test(term))
            .flat_map(|(_, rows)| rows.iter().copied())
            .collect()
    }

    /// Rows of the terms that pass the test.
    pub fn select(&self, test: impl Fn(&Term) -> bool) -> Rows {
        self.rows
            .iter()
            .filter(|(term, _)| test(term))
            .flat_map(|(_, rows)| rows.iter().copied())
            .collect()
    }

    /// Rows of one term.
    pub fn exactly(&self, term: &Term) -> Rows {
        self.rows.get(term).cloned().unwrap_or_default()
    }

    /// Distinct terms.
    pub fn all_terms(&self) -> impl Iterator<Item = &Term> {
        self.rows.keys()
    }

    /// Rows that have a value, indexable or not.
    pub fn present(&self) -> &Rows {
        &self.present
    }

    /// Terms of a row.
    pub fn terms_of(&self, row: u32) -> &[Term] {
        self.terms.get(&row).map_or(&[], Vec::as_slice)
    }

    /// Adds a row with its terms.
    pub fn insert(&mut self, row: u32, found: Vec<Term>) {
        for term in &found {
            self.rows.entry(term.clone()).or_default().insert(row);
        }
        self.terms.insert(row, found);
    }

    /// Removes a row.
    pub fn remove(&mut self, row: u32) {
        self.present.remove(&row);
        for term in self.terms.remove(&row).unwrap_or_default() {
            if let Some(rows) = self.rows.get_mut(&term) {
                rows.remove(&row);
                if rows.is_empty() {
                    self.rows.remove(&term);
                }
            }
        }
    }
}

/// The index of one type.
#[derive(Default)]
struct TypeIndex {
    numbers: BTreeMap<String, u32>,
    versions: Vec<Option<Arc<Version>>>,
    living: Rows,
    postings: BTreeMap<&'static str, Postings>,
    composites: BTreeMap<&'static str, CompositeIndex>,
}

impl TypeIndex {
    fn number(&mut self, id: &str) -> u32 {
        if let Some(row) = self.numbers.get(id) {
            return *row;
        }
        let row = u32::try_from(self.versions.len())
            .expect("memory ends before four thousand million rows");
        self.numbers.insert(id.to_owned(), row);
        self.versions.push(None);
        row
    }

    fn clear(&mut self, row: u32) {
        self.living.remove(&row);
        for postings in self.postings.values_mut() {
            postings.remove(row);
        }
        for composite in self.composites.values_mut() {
            composite.remove(row);
        }
    }
}

/// The index of everything.
pub struct Index {
    types: BTreeMap<String, TypeIndex>,
    pending: VecDeque<(Duration, Arc<Version>)>,
    base: String,
    faults: Faults,
}

impl Index {
    /// An empty index of a server with faults.
    pub fn new(base: &str, faults: Faults) -> Self {
        Index {
            types: BTreeMap::new(),
            pending: VecDeque::new(),
            base: base.to_owned(),
            faults,
        }
    }

    /// Notes a version that searches are to see from `due` on, on the monotonic clock.
    pub fn note(&mut self, version: Arc<Version>, due: Duration) {
        self.pending.push_back((due, version));
    }

    /// Takes up what is due.
    pub fn catch_up(&mut self, now: Duration) {
        while self.pending.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, version)) = self.pending.pop_front() {
                self.take(&version);
            }
        }
    }

    /// Takes up everything.
    pub fn flush(&mut self) {
        while let Some((_, version)) = self.pending.pop_front() {
            self.take(&version);
        }
    }

    /// Goes back to an earlier version (`None`: there never was one) and forgets what was noted since the store's
    /// log had `length` entries.
    pub fn restore(&mut self, key: &Key, newest: Option<Arc<Version>>, length: usize) {
        self.pending
            .retain(|(_, version)| version.position < length);
        match newest {
            Some(version) if !self.pending.iter().any(|(_, waiting)| waiting.key == *key) => {
                self.take(&version);
            }
            Some(_) => {}
            None => {
                if let Some(index) = self.types.get_mut(&key.resource_type) {
                    let row = index.number(&key.id);
                    index.clear(row);
                    index.versions[row as usize] = None;
                }
            }
        }
    }

    fn take(&mut self, version: &Arc<Version>) {
        if version.is_deletion() && self.faults.has(Fault::DeletedInSearch) {
            return;
        }
        let faults = self.faults.clone();
        let name = version.key.resource_type.as_str();
        let index = self.types.entry(name.to_owned()).or_default();
        let row = index.number(&version.key.id);
        let superseded = flaw::superseded(&faults, index, row, &version.key.id);
        let stays = version.is_deletion() && faults.has(Fault::NotFindsDeleted);
        if stays {
            index.living.remove(&row);
        } else {
            index.clear(row);
        }
        index.versions[row as usize] = Some(Arc::clone(version));
        let Some(resource) = &version.resource else {
            return;
        };
        index.living.insert(row);
        let context = Context {
            resource,
            variables: &[],
            now: version.instant,
        };
        for indexed in supported(name) {
            if indexed.parameter.kind == ParameterKind::Composite {
                let (elements, parts) = (&indexed.expression, &indexed.parts);
                let found = composite::extract(elements, parts, &context, &self.base);
                let code = indexed.parameter.code.as_str();
                index.composites.entry(code).or_default().insert(row, found);
                continue;
            }
            let (mut found, is_present) = extract(indexed, &context, &self.base, &faults);
            found.extend(flaw::of_parameter(&superseded, &indexed.parameter.code));
            if !is_present && found.is_empty() {
                continue;
            }
            let code = indexed.parameter.code.as_str();
            let postings = index.postings.entry(code).or_default();
            if is_present {
                postings.present.insert(row);
            }
            postings.insert(row, found);
        }
    }

    /// Rows of a type that are there.
    pub fn living(&self, resource_type: &str) -> Rows {
        self.types
            .get(resource_type)
            .map(|index| index.living.clone())
            .unwrap_or_default()
    }

    /// Rows of a type that were deleted.
    pub fn deleted(&self, resource_type: &str) -> Rows {
        let versions = self.types.get(resource_type).map(|index| &index.versions);
        let rows = (0_u32..).zip(versions.into_iter().flatten());
        rows.filter(|(_, version)| version.as_ref().is_some_and(|found| found.is_deletion()))
            .map(|(row, _)| row)
            .collect()
    }

    /// The index of a parameter; `None` if no resource has a value.
    pub fn postings(&self, resource_type: &str, code: &str) -> Option<&Postings> {
        self.types.get(resource_type)?.postings.get(code)
    }

    /// The index of a composite parameter; `None` if the type has no resource.
    pub fn composite(&self, resource_type: &str, code: &str) -> Option<&CompositeIndex> {
        self.types.get(resource_type)?.composites.get(code)
    }

    /// The row of a resource that is there.
    pub fn row(&self, key: &Key) -> Option<u32> {
        let index = self.types.get(&key.resource_type)?;
        let row = *index.numbers.get(&key.id)?;
        index.living.contains(&row).then_some(row)
    }

    /// The indexed version of a row.
    pub fn version(&self, resource_type: &str, row: u32) -> Option<&Arc<Version>> {
        self.types
            .get(resource_type)?
            .versions
            .get(row as usize)?
            .as_ref()
    }

    /// Types that have resources, in alphabetical order.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}

/// Terms of a resource for a parameter, and whether the resource has a value for it at all.
fn extract(
    indexed: &Indexed,
    context: &Context<'_>,
    base: &str,
    faults: &Faults,
) -> (Vec<Term>, bool) {
    if let Some(found) = flaw::of_other_element(faults, indexed.parameter, context.resource) {
        let is_present = !found.is_empty();
        return (found, is_present);
    }
    // An expression that fails on a resource that is valid gives no value: the resource is then found by other
    // parameters, not by this one.
    let items = indexed.expression.evaluate(context).unwrap_or_default();
    let is_present = items.iter().any(|item| match item {
        crate::fhir::path::Item::Node { value, .. } => value.is_some(),
        crate::fhir::path::Item::Computed(_) => true,
    });
    let mut found: Vec<Term> = items
        .iter()
        .flat_map(|item| flaw::terms(faults, indexed.parameter, item, base))
        .collect();
    flaw::lose_systems(faults, indexed.parameter, &mut found);
    found.sort();
    found.dedup();
    (found, is_present)
}
