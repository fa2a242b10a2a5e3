//! The parsed expression. Chains of equal precedence and paths are lists, so that evaluation recurses only into
//! parentheses and arguments. Holds no data of a resource.

use std::sync::Arc;

use super::functions::Signature;
use super::temporal::Temporal;

/// An expression and the byte offset where it starts.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub position: usize,
    pub kind: ExprKind,
}

/// Shapes of expressions.
#[derive(Debug, Clone)]
pub(super) enum ExprKind {
    /// `start.step.step`.
    Path { start: Start, steps: Vec<Step> },
    /// `first op right op right …`, all of one precedence, from left to right.
    Chain { first: Box<Expr>, rest: Vec<Link> },
    /// A sign.
    Polarity { negative: bool, operand: Box<Expr> },
}

/// Where a path starts.
#[derive(Debug, Clone)]
pub(super) enum Start {
    /// The focus: `name` is `$this.name`.
    Focus,
    Literal(Literal),
    /// `{}`
    Empty,
    Index,
    Total,
    /// `%name`
    Variable(String),
    /// `( … )`
    Group(Box<Expr>),
}

/// A literal value.
#[derive(Debug, Clone)]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i64),
    Decimal(rust_decimal::Decimal),
    String(Arc<str>),
    Temporal(Temporal),
    Quantity(rust_decimal::Decimal, Arc<str>),
}

/// One step of a path.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub position: usize,
    pub kind: StepKind,
}

/// Kinds of steps.
#[derive(Debug, Clone)]
pub(super) enum StepKind {
    /// `.name`, kept as `_name`: the key of a primitive's sibling, with the name in it.
    Member(Box<str>),
    /// A type name at the start of a path: `Patient` in `Patient.name` keeps the focus if it is a Patient.
    Root(TypeName),
    /// `[index]`
    Item(Expr),
    /// `.function(…)`
    Call(Call),
}

/// A function with its arguments.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub position: usize,
    pub signature: &'static Signature,
    pub arguments: Vec<Expr>,
    /// The argument of `is`, `as` and `ofType`.
    pub type_name: Option<TypeName>,
    /// The compiled first argument of `matches` and its like, if that is a literal.
    pub pattern: Option<regex::Regex>,
}

/// A type, with its namespace if that was written.
#[derive(Debug, Clone)]
pub(super) struct TypeName {
    pub namespace: Option<Namespace>,
    pub name: Box<str>,
}

/// The two namespaces of FHIRPath on FHIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    System,
    Fhir,
}

/// An operator and its right side.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub position: usize,
    pub operation: Operation,
}

/// What stands to the right of a chain's element.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Binary(Operator, Expr),
    Is(TypeName),
    As(TypeName),
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Union,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Div,
    Mod,
}
