//! Parses an expression: precedence climbing over tokens. Whatever the engine does not know is an error here, with
//! its place, so that no expression is beyond the engine at evaluation time.

use super::ast::{
    Call, Expr, ExprKind, Link, Literal, Namespace, Operation, Operator, Start, Step, StepKind,
    TypeName,
};
use super::functions::{self, Argument};
use super::lexer::{Token, TokenKind, tokens};
use super::quantity::is_calendar_word;
use super::temporal::Temporal;
use super::{PathError, Reason};
use crate::fhir::decimal::Decimal;

/// Parentheses, arguments and signs within one another; invariants of R4 have fewer than ten.
const NESTING_LIMIT: usize = 64;

/// Parses the whole of a text.
pub(super) fn parse(text: &str) -> Result<Expr, PathError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let expression = parser.expression(0)?;
    match parser.peek() {
        TokenKind::End => Ok(expression),
        _ => parser.fail("an operator or the end was expected"),
    }
}

struct Parser {
    /// Ends with `End`.
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn position(&self) -> usize {
        self.tokens[self.next].position
    }

    /// The next token, taken; the end stays.
    fn take(&mut self) -> TokenKind {
        let kind = self.peek().clone();
        if kind != TokenKind::End {
            self.next += 1;
        }
        kind
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.next += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), PathError> {
        if self.accept(symbol) {
            return Ok(());
        }
        self.fail(format!("`{symbol}` was expected"))
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, PathError> {
        error(self.position(), message)
    }

    /// Operators that bind at least as strongly as `lowest`.
    fn expression(&mut self, lowest: u8) -> Result<Expr, PathError> {
        self.depth += 1;
        if self.depth > NESTING_LIMIT {
            return self.fail(format!("more than {NESTING_LIMIT} levels of nesting"));
        }
        let mut left = self.signed()?;
        while let Some((precedence, _)) = infix(self.peek()).filter(|(found, _)| *found >= lowest) {
            let mut rest = Vec::new();
            while let Some((_, infix)) =
                infix(self.peek()).filter(|(found, _)| *found == precedence)
            {
                rest.push(self.link(precedence, infix)?);
            }
            left = Expr {
                position: left.position,
                kind: ExprKind::Chain {
                    first: Box::new(left),
                    rest,
                },
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn link(&mut self, precedence: u8, infix: Infix) -> Result<Link, PathError> {
        let position = self.position();
        self.take();
        let operation = match infix {
            Infix::Is => Operation::Is(self.type_name()?),
            Infix::As => Operation::As(self.type_name()?),
            Infix::Binary(operator) => {
                Operation::Binary(operator, self.expression(precedence + 1)?)
            }
        };
        Ok(Link {
            position,
            operation,
        })
    }

    fn signed(&mut self) -> Result<Expr, PathError> {
        let position = self.position();
        let negative = self.is("-");
        if !negative && !self.is("+") {
            return self.path();
        }
        self.take();
        let operand = Box::new(self.expression(SIGN)?);
        Ok(Expr {
            position,
            kind: ExprKind::Polarity { negative, operand },
        })
    }

    fn path(&mut self) -> Result<Expr, PathError> {
        let start_position = self.position();
        let mut steps = Vec::new();
        let start = self.start(&mut steps)?;
        loop {
            let position = self.position();
            if self.accept(".") {
                let position = self.position();
                let name = self.name()?;
                steps.push(self.step(position, name)?);
            } else if self.accept("[") {
                let index = self.expression(0)?;
                self.expect("]")?;
                steps.push(Step {
                    position,
                    kind: StepKind::Item(index),
                });
            } else {
                return Ok(Expr {
                    position: start_position,
                    kind: ExprKind::Path { start, steps },
                });
            }
        }
    }

    fn start(&mut self, steps: &mut Vec<Step>) -> Result<Start, PathError> {
        let position = self.position();
        Ok(match self.take() {
            TokenKind::Word(word) if word == "true" || word == "false" => {
                Start::Literal(Literal::Boolean(word == "true"))
            }
            TokenKind::Word(word)
                if infix_word(&word).is_some() && !NAMES_TOO.contains(&word.as_str()) =>
            {
                return error(position, format!("`{word}` needs something to its left"));
            }
            TokenKind::Word(name) | TokenKind::Delimited(name) => {
                steps.push(self.first_step(position, name)?);
                Start::Focus
            }
            TokenKind::String(text) => Start::Literal(Literal::String(text.into())),
            TokenKind::Number(text) => Start::Literal(self.number(position, &text)?),
            TokenKind::Temporal(text) => Start::Literal(temporal(position, &text)?),
            TokenKind::Special("this") => Start::Focus,
            TokenKind::Special("index") => Start::Index,
            TokenKind::Special(_) => Start::Total,
            TokenKind::Symbol("%") => Start::Variable(self.variable()?),
            TokenKind::Symbol("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                Start::Group(Box::new(inner))
            }
            TokenKind::Symbol("{") => {
                self.expect("}")?;
                Start::Empty
            }
            TokenKind::Symbol(symbol) => {
                return error(position, format!("`{symbol}` cannot stand here"));
            }
            TokenKind::End => return error(position, "the expression ends too early"),
        })
    }

    fn variable(&mut self) -> Result<String, PathError> {
        let position = self.position();
        match self.take() {
            TokenKind::Word(name) | TokenKind::Delimited(name) | TokenKind::String(name) => {
                Ok(name)
            }
            _ => error(position, "a variable's name was expected"),
        }
    }

    fn name(&mut self) -> Result<String, PathError> {
        let position = self.position();
        match self.take() {
            TokenKind::Word(name) | TokenKind::Delimited(name) => Ok(name),
            _ => error(position, "an element or a function was expected"),
        }
    }

    /// The first name of a path: no element of FHIR starts with a capital, so a capital means a type.
    fn first_step(&mut self, position: usize, name: String) -> Result<Step, PathError> {
        let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
        if !is_type || self.is("(") {
            return self.step(position, name);
        }
        let namespace = self.namespace(&name);
        let name = if namespace.is_some() && self.accept(".") {
            self.name()?
        } else {
            name
        };
        let type_name = known(position, namespace, name)?;
        Ok(Step {
            position,
            kind: StepKind::Root(type_name),
        })
    }

    fn step(&mut self, position: usize, name: String) -> Result<Step, PathError> {
        let kind = if self.accept("(") {
            StepKind::Call(self.call(position, &name)?)
        } else {
            StepKind::Member(format!("_{name}").into())
        };
        Ok(Step { position, kind })
    }

    fn call(&mut self, position: usize, name: &str) -> Result<Call, PathError> {
        let Some(signature) = functions::find(name) else {
            return error(position, format!("unknown function `{name}`"));
        };
        let mut call = Call {
            position,
            signature,
            arguments: Vec::new(),
            type_name: None,
            pattern: None,
        };
        if signature.argument == Argument::Type {
            call.type_name = Some(self.type_name()?);
            self.expect(")")?;
            return Ok(call);
        }
        call.arguments = self.arguments()?;
        if !signature.arity.contains(&call.arguments.len()) {
            return error(
                position,
                format!("`{name}` takes {} arguments", arity(&signature.arity)),
            );
        }
        if signature.argument == Argument::Pattern {
            call.pattern = literal_pattern(&call.arguments)?;
        }
        Ok(call)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, PathError> {
        let mut arguments = Vec::new();
        if self.accept(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if !self.accept(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    fn type_name(&mut self) -> Result<TypeName, PathError> {
        let position = self.position();
        let first = self.name()?;
        let namespace = self.namespace(&first);
        let name = match namespace {
            Some(_) => {
                self.expect(".")?;
                self.name()?
            }
            None => first,
        };
        known(position, namespace, name)
    }

    /// `System` and `FHIR` are namespaces if a point follows.
    fn namespace(&self, name: &str) -> Option<Namespace> {
        match name {
            "System" if self.is(".") => Some(Namespace::System),
            "FHIR" if self.is(".") => Some(Namespace::Fhir),
            _ => None,
        }
    }

    /// A number, or a quantity if a unit follows.
    fn number(&mut self, position: usize, text: &str) -> Result<Literal, PathError> {
        let digits = text.trim_start_matches('0');
        let plain = match digits.starts_with('.') || digits.is_empty() {
            true => format!("0{digits}"),
            false => digits.to_owned(),
        };
        let Some(decimal) = Decimal::parse(&plain) else {
            return error(position, "a number of more than 28 digits");
        };
        let unit = match self.peek() {
            TokenKind::String(unit) => Some(unit.clone()),
            TokenKind::Word(word) if is_calendar_word(word) => Some(word.clone()),
            _ => None,
        };
        if let Some(unit) = unit {
            self.take();
            return Ok(Literal::Quantity(decimal.value(), unit.into()));
        }
        Ok(match text.parse() {
            Ok(integer) => Literal::Integer(integer),
            Err(_) => Literal::Decimal(decimal.value()),
        })
    }
}

fn error<T>(position: usize, message: impl Into<String>) -> Result<T, PathError> {
    Err(PathError {
        position,
        message: message.into(),
        reason: Reason::Syntax,
    })
}

fn known(
    position: usize,
    namespace: Option<Namespace>,
    name: String,
) -> Result<TypeName, PathError> {
    let type_name = TypeName {
        namespace,
        name: name.into(),
    };
    if super::types::is_known(&type_name) {
        return Ok(type_name);
    }
    error(position, format!("unknown type `{}`", type_name.name))
}

fn temporal(position: usize, text: &str) -> Result<Literal, PathError> {
    match Temporal::literal(text) {
        Some(temporal) => Ok(Literal::Temporal(temporal)),
        None => error(position, "not a date, dateTime or time"),
    }
}

/// Compiles the pattern now if it is written out, so that a wrong one is found before anything is evaluated.
fn literal_pattern(arguments: &[Expr]) -> Result<Option<regex::Regex>, PathError> {
    let Some(Expr {
        position,
        kind: ExprKind::Path { start, steps },
    }) = arguments.first()
    else {
        return Ok(None);
    };
    match start {
        Start::Literal(Literal::String(text)) if steps.is_empty() => {
            functions::compile(text, *position).map(Some)
        }
        _ => Ok(None),
    }
}

fn arity(range: &std::ops::RangeInclusive<usize>) -> String {
    if range.start() == range.end() {
        return range.start().to_string();
    }
    format!("{} to {}", range.start(), range.end())
}

/// Precedence of a sign: above all binary operators.
const SIGN: u8 = 10;

/// Word operators that are also names at the start of a path (`repeat(contains)`).
const NAMES_TOO: &[&str] = &["as", "contains", "in", "is"];

/// An operator between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Binary(Operator),
    Is,
    As,
}

/// Precedence, loosest 0, and operator, <http://hl7.org/fhirpath/#operator-precedence>.
fn infix(token: &TokenKind) -> Option<(u8, Infix)> {
    let (precedence, operator) = match token {
        TokenKind::Word(word) => return infix_word(word),
        TokenKind::Symbol(symbol) => match *symbol {
            "=" => (4, Operator::Equal),
            "!=" => (4, Operator::NotEqual),
            "~" => (4, Operator::Equivalent),
            "!~" => (4, Operator::NotEquivalent),
            "<" => (5, Operator::Less),
            "<=" => (5, Operator::LessOrEqual),
            ">" => (5, Operator::Greater),
            ">=" => (5, Operator::GreaterOrEqual),
            "|" => (6, Operator::Union),
            "+" => (8, Operator::Add),
            "-" => (8, Operator::Subtract),
            "&" => (8, Operator::Concatenate),
            "*" => (9, Operator::Multiply),
            "/" => (9, Operator::Divide),
            _ => return None,
        },
        _ => return None,
    };
    Some((precedence, Infix::Binary(operator)))
}

fn infix_word(word: &str) -> Option<(u8, Infix)> {
    let (precedence, operator) = match word {
        "implies" => (0, Operator::Implies),
        "or" => (1, Operator::Or),
        "xor" => (1, Operator::Xor),
        "and" => (2, Operator::And),
        "in" => (3, Operator::In),
        "contains" => (3, Operator::Contains),
        "is" => return Some((7, Infix::Is)),
        "as" => return Some((7, Infix::As)),
        "div" => (9, Operator::Div),
        "mod" => (9, Operator::Mod),
        _ => return None,
    };
    Some((precedence, Infix::Binary(operator)))
}
