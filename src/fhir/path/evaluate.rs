//! Evaluates the parsed expression: scopes, paths, chains of operators, and the step budget. What an operator or a
//! function does stands in `operators` and `functions`.

use serde_json::Value;

use super::ast::{Expr, ExprKind, Link, Literal, Operation, Operator, Start, Step, StepKind};
use super::environment::World;
use super::types::{Types, UNKNOWN};
use super::value::{Collection, Node, Number, Outcome, Text, Val};
use super::{PathError, Reason};

/// Emptied collections that are kept for reuse, and the size up to which one is kept.
const MAX_SPARE: usize = 8;
const MAX_SPARE_ITEMS: usize = 256;

/// The state of one evaluation.
pub(super) struct Evaluator<'a> {
    /// `%resource`
    pub resource: &'a Value,
    /// `%rootResource`
    pub root: &'a Value,
    pub world: World<'a>,
    pub types: Types<'a>,
    pub scope: Scope<'a>,
    /// `%context`
    focus: Val<'a>,
    steps: usize,
    step_limit: usize,
    /// Emptied collections: an argument that is evaluated for each item needs the same few again.
    spare: Vec<Collection<'a>>,
}

/// What `$this`, `$index` and `$total` mean.
pub(super) struct Scope<'a> {
    pub this: Val<'a>,
    pub index: Option<usize>,
    pub total: Collection<'a>,
}

/// An error at a place.
pub(super) fn error<T>(position: usize, message: impl Into<String>) -> Result<T, PathError> {
    Err(PathError {
        position,
        message: message.into(),
        reason: Reason::Evaluation,
    })
}

/// A question that the environment does not answer.
pub(super) fn not_evaluated<T>(position: usize, question: &str) -> Result<T, PathError> {
    Err(PathError {
        position,
        message: format!("not evaluated: {question}"),
        reason: Reason::NotEvaluated,
    })
}

/// The truth of a collection, `None` if it is empty, <http://hl7.org/fhirpath/#singleton-evaluation-of-collections>.
pub(super) fn truth(collection: &[Val<'_>], position: usize) -> Result<Option<bool>, PathError> {
    match collection {
        [] => Ok(None),
        [only] => Ok(Some(only.as_boolean().unwrap_or(true))),
        _ => error(
            position,
            format!("{} items where one truth value is needed", collection.len()),
        ),
    }
}

/// The only item, `None` if there is none.
pub(super) fn single<'a>(
    mut collection: Collection<'a>,
    position: usize,
) -> Result<Option<Val<'a>>, PathError> {
    if collection.len() > 1 {
        return error(
            position,
            format!("{} items where one is needed", collection.len()),
        );
    }
    Ok(collection.pop())
}

impl<'a> Evaluator<'a> {
    pub fn new(resource: &'a Value, root: &'a Value, world: World<'a>) -> Self {
        Evaluator {
            resource,
            root,
            world,
            types: Types::new(),
            scope: Scope {
                this: Val::Boolean(false),
                index: None,
                total: Vec::new(),
            },
            focus: Val::Boolean(false),
            steps: 0,
            step_limit: world.environment().step_limit(),
            spare: Vec::new(),
        }
    }

    /// The resource as a node.
    pub fn resource(&mut self) -> Val<'a> {
        self.node(self.resource)
    }

    /// A resource, or a value of unknown type, as a node.
    pub fn node(&mut self, value: &'a Value) -> Val<'a> {
        Val::Node(Node {
            value: Some(value),
            sibling: None,
            type_id: self.types.of_value(value),
        })
    }

    /// Evaluates with a focus.
    pub fn run(&mut self, expression: &Expr, focus: Val<'a>) -> Outcome<'a> {
        self.focus = focus.clone();
        self.scope.this = focus;
        self.expression(expression)
    }

    /// An empty collection.
    pub fn fresh(&mut self) -> Collection<'a> {
        self.spare.pop().unwrap_or_default()
    }

    /// A collection of one item.
    pub fn one(&mut self, val: Val<'a>) -> Collection<'a> {
        let mut collection = self.fresh();
        collection.push(val);
        collection
    }

    /// A truth value as a collection.
    pub fn boolean(&mut self, value: Option<bool>) -> Collection<'a> {
        let mut collection = self.fresh();
        collection.extend(value.map(Val::Boolean));
        collection
    }

    /// Takes back a collection that nobody reads again.
    pub fn recycle(&mut self, mut collection: Collection<'a>) {
        if self.spare.len() < MAX_SPARE && (1..=MAX_SPARE_ITEMS).contains(&collection.capacity()) {
            collection.clear();
            self.spare.push(collection);
        }
    }

    /// Counts work; an error beyond the limit.
    pub fn spend(&mut self, steps: usize, position: usize) -> Result<(), PathError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps <= self.step_limit {
            return Ok(());
        }
        Err(PathError {
            position,
            message: format!("stopped after {} steps", self.step_limit),
            reason: Reason::Limit,
        })
    }

    /// Evaluates in the current scope.
    pub fn expression(&mut self, expression: &Expr) -> Outcome<'a> {
        self.spend(1, expression.position)?;
        match &expression.kind {
            ExprKind::Path { start, steps } => self.path(expression.position, start, steps),
            ExprKind::Chain { first, rest } => self.chain(first, rest),
            ExprKind::Polarity { negative, operand } => {
                let operand = self.expression(operand)?;
                self.polarity(*negative, operand, expression.position)
            }
        }
    }

    /// Evaluates an argument with one item as `$this`, at a place in its collection.
    pub fn with_item(&mut self, item: Val<'a>, index: usize, expression: &Expr) -> Outcome<'a> {
        let outer = self.scope.index.replace(index);
        let outcome = self.with_this(item, expression);
        self.scope.index = outer;
        outcome
    }

    /// Evaluates an argument with one item as `$this`.
    pub fn with_this(&mut self, item: Val<'a>, expression: &Expr) -> Outcome<'a> {
        let this = std::mem::replace(&mut self.scope.this, item);
        let outcome = self.expression(expression);
        self.scope.this = this;
        outcome
    }

    fn path(&mut self, position: usize, start: &Start, steps: &[Step]) -> Outcome<'a> {
        let mut collection = self.start(position, start)?;
        for step in steps {
            self.spend(1 + collection.len(), step.position)?;
            collection = match &step.kind {
                StepKind::Member(name) => {
                    let members = self.members(&collection, name, step.position)?;
                    self.recycle(collection);
                    members
                }
                StepKind::Root(type_name) => {
                    collection.retain(|val| self.is_root(val, type_name));
                    collection
                }
                StepKind::Item(index) => {
                    let index = self.expression(index)?;
                    self.item(collection, index, step.position)?
                }
                StepKind::Call(call) => (call.signature.apply)(self, collection, call)?,
            };
        }
        Ok(collection)
    }

    fn start(&mut self, position: usize, start: &Start) -> Outcome<'a> {
        Ok(match start {
            Start::Focus => self.one(self.scope.this.clone()),
            Start::Literal(literal) => self.one(literal_value(literal)),
            Start::Empty => Vec::new(),
            Start::Index => match self.scope.index.map(i64::try_from) {
                Some(Ok(index)) => vec![Val::Integer(index)],
                _ => {
                    return error(
                        position,
                        "$index has a meaning only within `where`, `select` and their like",
                    );
                }
            },
            Start::Total => self.scope.total.clone(),
            Start::Variable(name) => self.variable(name, position)?,
            Start::Group(inner) => self.expression(inner)?,
        })
    }

    fn item(
        &mut self,
        collection: Collection<'a>,
        index: Collection<'a>,
        position: usize,
    ) -> Outcome<'a> {
        let index = match single(index, position)? {
            None => return Ok(Vec::new()),
            Some(index) => self.integer(&index, position)?,
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        Ok(collection.into_iter().nth(index).into_iter().collect())
    }

    fn variable(&mut self, name: &str, position: usize) -> Outcome<'a> {
        if let Some(value) = self.world.variable(name) {
            return self.variable_value(value, position);
        }
        let constant = match name {
            "resource" => return Ok(vec![self.resource()]),
            "rootResource" => return Ok(vec![self.node(self.root)]),
            "context" => return Ok(vec![self.focus.clone()]),
            "ucum" => "http://unitsofmeasure.org".to_owned(),
            "sct" => "http://snomed.info/sct".to_owned(),
            "loinc" => "http://loinc.org".to_owned(),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(value_set), _) => format!("http://hl7.org/fhir/ValueSet/{value_set}"),
                (_, Some(extension)) => {
                    format!("http://hl7.org/fhir/StructureDefinition/{extension}")
                }
                _ => return error(position, format!("unknown variable `%{name}`")),
            },
        };
        Ok(vec![Val::text(constant)])
    }

    /// JSON primitives become values of FHIRPath, an array its items, an object a node.
    fn variable_value(&mut self, value: &'a Value, position: usize) -> Outcome<'a> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        self.spend(items.len(), position)?;
        let mut collection = Vec::with_capacity(items.len());
        for item in items {
            collection.push(match item {
                Value::Null => continue,
                Value::Bool(boolean) => Val::Boolean(*boolean),
                Value::String(text) => Val::String(Text::Borrowed(text)),
                Value::Number(number) => match Number::of(number) {
                    Some(number) => number.into(),
                    None => return error(position, "a number of more than 28 digits"),
                },
                Value::Object(_) => self.node(item),
                Value::Array(_) => Val::Node(Node {
                    value: Some(item),
                    sibling: None,
                    type_id: UNKNOWN,
                }),
            });
        }
        Ok(collection)
    }

    fn chain(&mut self, first: &Expr, rest: &[Link]) -> Outcome<'a> {
        let mut left = self.expression(first)?;
        for link in rest {
            self.spend(1 + left.len(), link.position)?;
            if let Some(same) = same_text(&left, &link.operation) {
                self.spend(2, link.position)?;
                self.recycle(left);
                left = self.one(Val::Boolean(same));
                continue;
            }
            left = match &link.operation {
                Operation::Is(type_name) => match single(left, link.position)? {
                    Some(val) => vec![Val::Boolean(self.types.is(&val, type_name))],
                    None => Vec::new(),
                },
                Operation::As(type_name) => {
                    left.retain(|val| self.types.is_as(val, type_name));
                    left
                }
                Operation::Binary(operator, right)
                    if is_decided(*operator, &left, link.position)? =>
                {
                    // The right side cannot change the answer.
                    let _ = right;
                    self.recycle(left);
                    self.one(Val::Boolean(*operator != Operator::And))
                }
                Operation::Binary(operator, right) => {
                    let right = self.expression(right)?;
                    self.binary(*operator, left, right, link.position)?
                }
            };
        }
        Ok(left)
    }
}

/// Whether one element has the text of a literal: `code = 'x'`, of which most filters are made, needs no collection for
/// its right side. `None` for everything else.
fn same_text(left: &[Val<'_>], operation: &Operation) -> Option<bool> {
    let Operation::Binary(Operator::Equal, right) = operation else {
        return None;
    };
    match (left, &right.kind) {
        (
            [Val::Node(node)],
            ExprKind::Path {
                start: Start::Literal(Literal::String(literal)),
                steps,
            },
        ) if steps.is_empty() => Some(node.value?.as_str()? == &**literal),
        _ => None,
    }
}

/// `false and`, `true or`, `false implies`.
fn is_decided(operator: Operator, left: &[Val<'_>], position: usize) -> Result<bool, PathError> {
    Ok(match operator {
        Operator::And | Operator::Implies => truth(left, position)? == Some(false),
        Operator::Or => truth(left, position)? == Some(true),
        _ => false,
    })
}

fn literal_value<'a>(literal: &Literal) -> Val<'a> {
    match literal {
        Literal::Boolean(boolean) => Val::Boolean(*boolean),
        Literal::Integer(integer) => Val::Integer(*integer),
        Literal::Decimal(decimal) => Val::Decimal(*decimal),
        Literal::String(text) => Val::String(Text::Shared(text.clone())),
        Literal::Temporal(temporal) => Val::from(*temporal),
        Literal::Quantity(value, unit) => Val::quantity(*value, Text::Shared(unit.clone())),
    }
}
