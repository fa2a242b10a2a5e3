//! An expression compiled once and evaluated on any element of any resource: what invariants of definitions need.
//! Does not say what an answer means: an invariant that is empty is for the caller to judge.

use serde_json::Value;

use super::environment::{Environment, World};
use super::evaluate::{self, Evaluator};
use super::value::{Node, Val};
use super::{Item, PathError, Reason, ast, infer, items, parser};

/// A parsed expression, cheap to evaluate many times; `Send + Sync`.
///
/// ```
/// use rounds::fhir::path::{Alone, Focus, Plan};
/// # let patient = serde_json::json!({
/// #     "resourceType": "Patient",
/// #     "contact": [{"name": {"family": "Chalmers"}}, {"gender": "female"}],
/// # });
/// // pat-1, on each `Patient.contact` of `patient`, a `serde_json::Value`.
/// let plan = Plan::compile_for(
///     "Patient.contact",
///     "name.exists() or telecom.exists() or address.exists() or organization.exists()",
/// )?;
/// let truth = |contact| plan.truth(&Focus::on(contact, "Patient.contact", &patient), &Alone);
/// assert_eq!(truth(&patient["contact"][0])?, Some(true));
/// assert_eq!(truth(&patient["contact"][1])?, Some(false));
/// # Ok::<(), rounds::fhir::path::PathError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    text: String,
    root: ast::Expr,
}

/// The element that is the input of an expression and `%context`, and the resources that it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Focus<'a> {
    /// The JSON of the element, not an array; `None` for a primitive that has only extensions.
    pub value: Option<&'a Value>,
    /// The `_name` sibling of a primitive.
    pub sibling: Option<&'a Value>,
    /// A type of R4 (`HumanName`, `code`) or the path of a backbone element (`Patient.contact`); what R4 does not
    /// have is an unknown type.
    pub type_name: &'a str,
    /// `%resource`: the innermost resource around the element.
    pub resource: &'a Value,
    /// `%rootResource`: the resource that contains `resource`, or `resource` itself.
    pub root: &'a Value,
}

impl<'a> Focus<'a> {
    /// An element of a resource that is not contained in another.
    pub fn on(value: &'a Value, type_name: &'a str, resource: &'a Value) -> Self {
        Focus {
            value: Some(value),
            sibling: None,
            type_name,
            resource,
            root: resource,
        }
    }

    /// The resource itself, with the type that it names.
    pub fn resource(resource: &'a Value) -> Self {
        let type_name = resource.get("resourceType").and_then(Value::as_str);
        Focus::on(resource, type_name.unwrap_or_default(), resource)
    }
}

impl Plan {
    /// Parses; an expression beyond the engine is an error with its position, never an empty answer.
    ///
    /// # Errors
    /// Syntax, an unknown function or type, a wrong number of arguments, a pattern that is no regular expression,
    /// an element that a type does not have (`Patient.nmae`, `Observation.valueQuantity`).
    pub fn compile(text: &str) -> Result<Self, PathError> {
        Self::compile_on(None, text)
    }

    /// Parses for elements of one type (`Patient.contact`, `HumanName`): names are checked although the path does not
    /// start with the type's name.
    ///
    /// # Errors
    /// As [`Plan::compile`].
    pub fn compile_for(type_name: &str, text: &str) -> Result<Self, PathError> {
        Self::compile_on(Some(type_name), text)
    }

    fn compile_on(type_name: Option<&str>, text: &str) -> Result<Self, PathError> {
        // Patterns and types are checked by code that evaluation uses too; here all failures are the text's.
        let as_syntax = |error| PathError {
            reason: Reason::Syntax,
            ..error
        };
        let root = parser::parse(text).map_err(as_syntax)?;
        infer::check(&root, type_name).map_err(as_syntax)?;
        Ok(Plan {
            root,
            text: text.to_owned(),
        })
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All items that the expression gives, in order.
    ///
    /// # Errors
    /// What the specification calls an error (several items where one is needed, operands of unlike types), an
    /// unknown variable, a number beyond 28 digits, a question that the environment does not answer, more steps than
    /// it allows; see [`PathError::reason`].
    pub fn evaluate<'a>(
        &self,
        focus: &Focus<'a>,
        environment: &'a dyn Environment,
    ) -> Result<Vec<Item<'a>>, PathError> {
        let mut evaluator =
            Evaluator::new(focus.resource, focus.root, World::Environment(environment));
        let input = input(&mut evaluator, focus);
        let collection = evaluator.run(&self.root, input)?;
        Ok(items(&mut evaluator, collection))
    }

    /// The truth of the expression: a boolean is itself, any other single item is true, `None` is the empty
    /// collection, <http://hl7.org/fhirpath/#singleton-evaluation-of-collections>.
    ///
    /// # Errors
    /// As [`Plan::evaluate`]; several items are an error.
    pub fn truth<'a>(
        &self,
        focus: &Focus<'a>,
        environment: &'a dyn Environment,
    ) -> Result<Option<bool>, PathError> {
        let mut evaluator =
            Evaluator::new(focus.resource, focus.root, World::Environment(environment));
        let input = input(&mut evaluator, focus);
        let collection = evaluator.run(&self.root, input)?;
        evaluate::truth(&collection, self.root.position)
    }

    /// Evaluates on what an earlier evaluation gave.
    pub(super) fn run<'a>(
        &self,
        evaluator: &mut Evaluator<'a>,
        input: Val<'a>,
    ) -> super::value::Outcome<'a> {
        evaluator.run(&self.root, input)
    }

    /// Where the expression starts, for errors about its answer.
    pub(super) fn position(&self) -> usize {
        self.root.position
    }
}

fn input<'a>(evaluator: &mut Evaluator<'a>, focus: &Focus<'a>) -> Val<'a> {
    Val::Node(Node {
        value: focus.value,
        sibling: focus.sibling,
        type_id: evaluator.types.word(focus.type_name),
    })
}
