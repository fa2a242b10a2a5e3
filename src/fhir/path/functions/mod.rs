//! The table of functions. A function that is not in it is an error when an expression is parsed.

mod boundary;
mod convert;
mod environment;
mod filter;
mod math;
mod set;
mod string;
mod tree;

use std::ops::RangeInclusive;

use super::PathError;
use super::ast::Call;
use super::evaluate::{Evaluator, error, single};
use super::value::{Collection, Number, Outcome, Text, Val};

pub(super) use string::compile;

/// Applies a function to its input; the call has the arguments.
type Apply = for<'a> fn(&mut Evaluator<'a>, Collection<'a>, &Call) -> Outcome<'a>;

/// How the parser reads the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    Expressions,
    /// One type name.
    Type,
    /// Expressions, the first a regular expression.
    Pattern,
}

/// A function: its name, its arguments, what it does.
#[derive(Debug)]
pub(super) struct Signature {
    pub name: &'static str,
    pub arity: RangeInclusive<usize>,
    pub argument: Argument,
    pub apply: Apply,
}

const fn row(name: &'static str, arity: RangeInclusive<usize>, apply: Apply) -> Signature {
    Signature {
        name,
        arity,
        argument: Argument::Expressions,
        apply,
    }
}

const fn typed(name: &'static str, apply: Apply) -> Signature {
    Signature {
        name,
        arity: 1..=1,
        argument: Argument::Type,
        apply,
    }
}

const fn patterned(name: &'static str, arity: RangeInclusive<usize>, apply: Apply) -> Signature {
    Signature {
        name,
        arity,
        argument: Argument::Pattern,
        apply,
    }
}

/// In alphabetical order.
static FUNCTIONS: &[Signature] = &[
    row("abs", 0..=0, math::abs),
    row("aggregate", 1..=2, filter::aggregate),
    row("all", 1..=1, filter::all),
    row("allFalse", 0..=0, filter::all_false),
    row("allTrue", 0..=0, filter::all_true),
    row("anyFalse", 0..=0, filter::any_false),
    row("anyTrue", 0..=0, filter::any_true),
    typed("as", convert::as_type),
    row("ceiling", 0..=0, math::ceiling),
    row("children", 0..=0, tree::children),
    row("combine", 1..=1, set::combine),
    row("comparable", 1..=1, convert::comparable),
    row("conformsTo", 1..=1, environment::conforms_to),
    row("contains", 1..=1, string::contains),
    row("convertsToBoolean", 0..=0, convert::converts_to_boolean),
    row("convertsToDate", 0..=0, convert::converts_to_date),
    row("convertsToDateTime", 0..=0, convert::converts_to_date_time),
    row("convertsToDecimal", 0..=0, convert::converts_to_decimal),
    row("convertsToInteger", 0..=0, convert::converts_to_integer),
    row("convertsToQuantity", 0..=1, convert::converts_to_quantity),
    row("convertsToString", 0..=0, convert::converts_to_string),
    row("convertsToTime", 0..=0, convert::converts_to_time),
    row("count", 0..=0, set::count),
    row("decode", 1..=1, string::decode),
    row("descendants", 0..=0, tree::descendants),
    row("distinct", 0..=0, set::distinct),
    row("empty", 0..=0, set::empty),
    row("encode", 1..=1, string::encode),
    row("endsWith", 1..=1, string::ends_with),
    row("escape", 1..=1, string::escape),
    row("exclude", 1..=1, set::exclude),
    row("exists", 0..=1, filter::exists),
    row("exp", 0..=0, math::exp),
    row("extension", 1..=1, tree::extension),
    row("first", 0..=0, set::first),
    row("floor", 0..=0, math::floor),
    row("getValue", 0..=0, tree::get_value),
    row("hasValue", 0..=0, tree::has_value),
    row("highBoundary", 0..=1, boundary::high),
    row("htmlChecks", 0..=0, environment::html_checks),
    row("iif", 2..=3, filter::iif),
    row("indexOf", 1..=1, string::index_of),
    row("intersect", 1..=1, set::intersect),
    typed("is", convert::is_type),
    row("isDistinct", 0..=0, set::is_distinct),
    row("join", 0..=1, string::join),
    row("last", 0..=0, set::last),
    row("lastIndexOf", 1..=1, string::last_index_of),
    row("length", 0..=0, string::length),
    row("ln", 0..=0, math::ln),
    row("log", 1..=1, math::log),
    row("lowBoundary", 0..=1, boundary::low),
    row("lower", 0..=0, string::lower),
    patterned("matches", 1..=1, string::matches),
    patterned("matchesFull", 1..=1, string::matches_full),
    row("memberOf", 1..=1, environment::member_of),
    row("not", 0..=0, filter::not),
    row("now", 0..=0, convert::now),
    typed("ofType", convert::of_type),
    row("power", 1..=1, math::power),
    row("precision", 0..=0, boundary::precision),
    row("repeat", 1..=1, filter::repeat),
    row("replace", 2..=2, string::replace),
    patterned("replaceMatches", 2..=2, string::replace_matches),
    row("resolve", 0..=0, tree::resolve),
    row("round", 0..=1, math::round),
    row("select", 1..=1, filter::select),
    row("single", 0..=0, set::single_item),
    row("skip", 1..=1, set::skip),
    row("sort", 0..=9, filter::sort),
    row("split", 1..=1, string::split),
    row("sqrt", 0..=0, math::sqrt),
    row("startsWith", 1..=1, string::starts_with),
    row("subsetOf", 1..=1, set::subset_of),
    row("substring", 1..=2, string::substring),
    row("supersetOf", 1..=1, set::superset_of),
    row("tail", 0..=0, set::tail),
    row("take", 1..=1, set::take),
    row("timeOfDay", 0..=0, convert::time_of_day),
    row("toBoolean", 0..=0, convert::to_boolean),
    row("toChars", 0..=0, string::to_chars),
    row("toDate", 0..=0, convert::to_date),
    row("toDateTime", 0..=0, convert::to_date_time),
    row("toDecimal", 0..=0, convert::to_decimal),
    row("toInteger", 0..=0, convert::to_integer),
    row("toQuantity", 0..=1, convert::to_quantity),
    row("toString", 0..=0, convert::to_string),
    row("toTime", 0..=0, convert::to_time),
    row("today", 0..=0, convert::today),
    row("trace", 1..=2, tree::trace),
    row("trim", 0..=0, string::trim),
    row("truncate", 0..=0, math::truncate),
    row("type", 0..=0, convert::type_of),
    row("unescape", 1..=1, string::unescape),
    row("union", 1..=1, set::union),
    row("upper", 0..=0, string::upper),
    row("where", 1..=1, filter::filter),
];

/// The function of that name.
pub(super) fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|signature| signature.name == name)
}

impl<'a> Evaluator<'a> {
    /// An argument in the current scope; empty if it was left out.
    fn argument(&mut self, call: &Call, index: usize) -> Outcome<'a> {
        match call.arguments.get(index) {
            Some(expression) => self.expression(expression),
            None => Ok(Vec::new()),
        }
    }

    /// A single argument, `None` if it is empty.
    fn single_argument(&mut self, call: &Call, index: usize) -> Result<Option<Val<'a>>, PathError> {
        single(self.argument(call, index)?, call.position)
    }

    /// A single string argument, `None` if it is empty.
    fn text_argument(&mut self, call: &Call, index: usize) -> Result<Option<Text<'a>>, PathError> {
        let argument = self.argument(call, index)?;
        self.text(argument, call.position)
    }

    /// A single integer argument, `None` if it is empty.
    fn integer_argument(&mut self, call: &Call, index: usize) -> Result<Option<i64>, PathError> {
        match self.single_argument(call, index)? {
            Some(val) => self.integer(&val, call.position).map(Some),
            None => Ok(None),
        }
    }

    /// The only item as a string; `None` if there is no item or no value.
    pub(super) fn text(
        &mut self,
        collection: Collection<'a>,
        position: usize,
    ) -> Result<Option<Text<'a>>, PathError> {
        match single(collection, position)? {
            None => Ok(None),
            Some(val) if val.is_without_value() => Ok(None),
            Some(val) => match val.as_text() {
                Some(text) => Ok(Some(text)),
                None => error(
                    position,
                    format!("a string is needed, not {}", val.description()),
                ),
            },
        }
    }

    /// An item as integer.
    pub(super) fn integer(&mut self, val: &Val<'a>, position: usize) -> Result<i64, PathError> {
        match self.number(val) {
            Some(Number::Integer(integer)) => Ok(integer),
            _ => error(
                position,
                format!("an integer is needed, not {}", val.description()),
            ),
        }
    }

    /// An item as number, `None` if it is none.
    fn number(&mut self, val: &Val<'a>) -> Option<Number> {
        match self.scalar(val) {
            super::compare::Scalar::Number(number) => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_in_order_and_named_once() {
        assert!(FUNCTIONS.is_sorted_by(|left, right| left.name < right.name));
    }
}
