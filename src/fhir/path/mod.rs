//! FHIRPath over borrowed JSON with exact decimals, <http://hl7.org/fhirpath/> with the additions of
//! <http://hl7.org/fhir/R4/fhirpath.html>. Parse once, evaluate many times: [`Expression`] on whole resources,
//! [`Plan`] on any element. Not a validator and not a terminology server: `conformsTo`, `memberOf` and `htmlChecks`
//! are questions to the [`Environment`], and an error if nobody answers.
//!
//! Where this engine stands apart from the specification or chooses among readings of it:
//! - Integers have 64 bits. `exp`, `ln`, `log` and `power` with a fractional exponent go through floats and
//!   are exact to about 15 digits; `sqrt` and everything else is exact to 28 digits. Overflow is empty.
//! - Quantities compare if their units are equal or in the table of `unit`; other units give empty.
//! - The operator `as` keeps those of several items that are of the type, as search parameters of R4 need it; the
//!   function `as()` takes one item.
//! - An element that is a date equals a string with the same text, and has an order with one that is a date.
//! - `now()` is in UTC with milliseconds; `trace` gives its input and prints nothing.
//! - `resolve()` asks the environment, then finds contained resources and entries of the Bundle that is `%resource` or
//!   `%rootResource`; of all others the type alone is known.
//! - Regular expressions are those of the crate `regex`: no look-around, no back references.

mod ast;
mod compare;
mod environment;
mod evaluate;
mod functions;
mod infer;
mod lexer;
mod navigate;
mod operators;
mod parser;
mod plan;
mod quantity;
mod temporal;
mod types;
mod unit;
mod value;

#[cfg(test)]
mod official;
#[cfg(test)]
mod tests;

use serde_json::Value;

use environment::World;
use evaluate::Evaluator;
use value::{Collection, Node, Val};

pub use environment::{Alone, Environment, STEP_LIMIT};
pub use plan::{Focus, Plan};

/// An expression that cannot be parsed or evaluated; `position` is a byte offset into the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError {
    /// Byte offset.
    pub position: usize,
    /// Lower-case fragment.
    pub message: String,
    /// What kind of failure it is.
    pub reason: Reason,
}

/// Kinds of failure: whether the expression, the data or the environment is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The text is no expression, or one that this engine does not know. Only when parsing.
    Syntax,
    /// What the specification calls an error on this data: several items where one is needed, unlike operands.
    Evaluation,
    /// The environment does not answer: a value set, a profile, the time.
    NotEvaluated,
    /// More steps than the environment allows.
    Limit,
}

impl std::fmt::Display for PathError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at {}: {}", self.position + 1, self.message)
    }
}
impl std::error::Error for PathError {}

/// The order of two FHIR Quantities: of equal units, or of units of UCUM that convert exactly. `None` for others.
pub(in crate::fhir) fn compare_quantities(
    left: &Value,
    right: &Value,
) -> Option<std::cmp::Ordering> {
    quantity::Quantity::of(left)?.compare(&quantity::Quantity::of(right)?)
}

/// A parsed expression for whole resources; cheap to evaluate many times, `Send + Sync`.
#[derive(Debug, Clone)]
pub struct Expression {
    plan: Plan,
}

/// One item of a result collection.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// An element of the resource: its JSON, the `_x` sibling for primitives, and its FHIR type (a type name or backbone path).
    Node {
        /// JSON value; `None` for a primitive that has only extensions.
        value: Option<&'a Value>,
        /// `_x` sibling.
        sibling: Option<&'a Value>,
        /// FHIR type, empty if unknown.
        type_name: &'static str,
    },
    /// Computed value: boolean, integer, decimal (text kept), string, date, dateTime, time or quantity.
    Computed(Computed),
}

/// A computed value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Computed {
    Boolean(bool),
    Integer(i64),
    Decimal(crate::fhir::decimal::Decimal),
    String(String),
    Date(String),
    DateTime(String),
    Time(String),
    Quantity {
        value: crate::fhir::decimal::Decimal,
        unit: String,
    },
}

/// What an evaluation may see besides its input.
#[derive(Clone)]
pub struct Context<'a> {
    /// `%resource` and the start of the path.
    pub resource: &'a Value,
    /// `%name` variables as JSON values.
    pub variables: &'a [(&'a str, &'a Value)],
    /// `now()`, `today()`.
    pub now: jiff::Timestamp,
}

impl Expression {
    /// Parses as [`Plan::compile`] does.
    ///
    /// # Errors
    /// As [`Plan::compile`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Plan::compile(text).map(|plan| Expression { plan })
    }

    /// Parses for resources of one type: elements are checked although the path does not start with the type's name.
    ///
    /// # Errors
    /// As [`Plan::compile`].
    pub fn parse_for(resource_type: &str, text: &str) -> Result<Self, PathError> {
        Plan::compile_for(resource_type, text).map(|plan| Expression { plan })
    }

    /// Evaluates with the resource as input (a leading type name `Patient.name` is accepted).
    ///
    /// # Errors
    /// As [`Plan::evaluate`].
    pub fn evaluate<'a>(&self, context: &Context<'a>) -> Result<Vec<Item<'a>>, PathError> {
        let mut evaluator = context.evaluator();
        let focus = evaluator.resource();
        let collection = self.plan.run(&mut evaluator, focus)?;
        Ok(items(&mut evaluator, collection))
    }

    /// Evaluates with an item of an earlier result as input: the components of a composite search parameter.
    /// `%resource` remains that of the context.
    ///
    /// # Errors
    /// As [`Plan::evaluate`].
    pub fn evaluate_from<'a>(
        &self,
        context: &Context<'a>,
        focus: &Item<'a>,
    ) -> Result<Vec<Item<'a>>, PathError> {
        let mut evaluator = context.evaluator();
        let focus = match focus {
            Item::Node {
                value,
                sibling,
                type_name,
            } => Val::Node(Node {
                value: *value,
                sibling: *sibling,
                type_id: evaluator.types.named(type_name),
            }),
            Item::Computed(computed) => Val::from_computed(computed).ok_or_else(|| PathError {
                position: 0,
                message: "the focus is not a value of its own type".into(),
                reason: Reason::Evaluation,
            })?,
        };
        let collection = self.plan.run(&mut evaluator, focus)?;
        Ok(items(&mut evaluator, collection))
    }

    /// Evaluates to a truth value: empty is false, a single boolean is itself, any other single item is true,
    /// several items are an error (<http://hl7.org/fhirpath/#singleton-evaluation-of-collections>).
    ///
    /// # Errors
    /// As [`Plan::evaluate`].
    pub fn test(&self, context: &Context<'_>) -> Result<bool, PathError> {
        let mut evaluator = context.evaluator();
        let focus = evaluator.resource();
        let collection = self.plan.run(&mut evaluator, focus)?;
        Ok(evaluate::truth(&collection, self.plan.position())?.unwrap_or(false))
    }

    /// The plan behind it, for any element and with an environment.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        self.plan.text()
    }
}

impl<'a> Context<'a> {
    fn evaluator(&self) -> Evaluator<'a> {
        let world = World::Given(self.variables, self.now);
        Evaluator::new(self.resource, self.resource, world)
    }
}

/// The public form of a collection.
fn items<'a>(evaluator: &mut Evaluator<'a>, collection: Collection<'a>) -> Vec<Item<'a>> {
    let item = |val: Val<'a>| match (val.computed(), val) {
        (Some(computed), _) => Item::Computed(computed),
        (None, Val::Node(node)) => Item::Node {
            value: node.value,
            sibling: node.sibling,
            type_name: evaluator.types.of(&node),
        },
        (None, _) => unreachable!("only nodes have no computed form"),
    };
    collection.into_iter().map(item).collect()
}

impl Item<'_> {
    /// The item as JSON (nodes as they are, computed values as their JSON counterparts; decimals keep their text).
    ///
    /// A quantity becomes `{"value": …, "unit": …}`, a node without value `null`.
    pub fn to_json(&self) -> Value {
        match self {
            Item::Node { value, .. } => value.cloned().unwrap_or(Value::Null),
            Item::Computed(computed) => computed.to_json(),
        }
    }
}

impl Computed {
    fn to_json(&self) -> Value {
        match self {
            Computed::Boolean(boolean) => Value::Bool(*boolean),
            Computed::Integer(integer) => Value::from(*integer),
            Computed::Decimal(decimal) => number(decimal),
            Computed::String(text)
            | Computed::Date(text)
            | Computed::DateTime(text)
            | Computed::Time(text) => Value::String(text.clone()),
            Computed::Quantity { value, unit } => {
                serde_json::json!({"value": number(value), "unit": unit})
            }
        }
    }
}

/// A JSON number with the decimal's own text.
fn number(decimal: &crate::fhir::decimal::Decimal) -> Value {
    serde_json::from_str(decimal.text()).expect("a decimal's text is a JSON number")
}
