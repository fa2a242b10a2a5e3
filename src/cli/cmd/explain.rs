//! `rounds explain ID`: what an id of a check, property, probe, cause, case, defect or variant stands for, with the
//! sentence of the specification. An id may name several things; all of them are told.

use crate::check::{self, CheckSpec};
use crate::probe::{self, Cause};
use crate::property::{self, PropertySpec};
use crate::report::layout::wrap;
use crate::sandbox::{self, Defect, Variant};
use crate::suite::ir::{Case, Suite};
use crate::suite::yaml::suggest;

use super::super::args::ExplainArgs;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::{output, suites};

/// Column where the values begin.
const COLUMN: usize = 14;
/// Width of the text.
const WIDTH: usize = 100;

/// Explains.
///
/// # Errors
/// Nothing has that id.
pub fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let suites = suites::all()?;
    let texts = texts(&args.id, &suites);
    if texts.is_empty() {
        return Err(unknown(&args.id, &suites));
    }
    output::print(&texts.join("\n\n"));
    Ok(Exit::Ok)
}

fn texts(id: &str, suites: &[Suite]) -> Vec<String> {
    let mut texts = Vec::new();
    let cases = suites
        .iter()
        .flat_map(|suite| suite.cases().iter().map(move |case| (suite, case)));
    let exact: Vec<_> = cases
        .clone()
        .filter(|(_, case)| case.full_id() == id)
        .collect();
    // A case of many rows is explained once, by its first row.
    let of_case = cases.filter(|(_, case)| case.id == id || case.was.iter().any(|was| was == id));
    texts.extend(
        exact
            .into_iter()
            .chain(of_case)
            .take(1)
            .map(|(suite, case)| of_suite(suite, case)),
    );
    texts.extend(check::by_id(id).map(|check| of_check(check.spec())));
    texts.extend(property::find(id).map(|property| of_property(property.spec())));
    texts.extend(probe::find(id).map(|probe| of_probe(&probe.spec())));
    texts.extend(
        probe::CAUSES
            .iter()
            .filter(|cause| cause.id == id)
            .map(of_cause),
    );
    texts.extend(sandbox::defect(id).map(|planted| of_defect(planted.defect)));
    texts.extend(sandbox::variant(id).map(of_variant));
    texts
}

fn of_suite(suite: &Suite, case: &Case) -> String {
    let rows = suite
        .cases()
        .iter()
        .filter(|other| other.id == case.id && other.row.is_some())
        .count();
    let requires: Vec<&str> = case
        .requires
        .iter()
        .map(|requirement| requirement.text.as_str())
        .collect();
    let mut sheet = Sheet::new("case", &case.full_id(), &case.title);
    sheet.line("level", case.level.as_str());
    sheet.line("severity", case.severity.as_str());
    sheet.line("specification", &case.spec);
    sheet.line("it says", &case.sentence);
    sheet.line("suite", &suite.id);
    sheet.line(
        "written in",
        &format!("{}:{}", case.span.file, case.span.line),
    );
    sheet.line("requires", &requires.join("; "));
    sheet.line("writes", if case.writes() { "yes" } else { "no" });
    if rows > 1 {
        sheet.line("rows", &rows.to_string());
    }
    sheet.line("run it", &format!("rounds replay '{}'", case.full_id()));
    sheet.text
}

fn of_check(spec: &CheckSpec) -> String {
    let mut sheet = Sheet::new("check", spec.id, spec.title);
    sheet.line("level", spec.level.as_str());
    sheet.line("severity", spec.severity.as_str());
    sheet.line("specification", spec.spec);
    sheet.line("it says", spec.sentence);
    let applied = if spec.passive {
        "to every response of a run"
    } else {
        "where a case asks for it"
    };
    sheet.line("applied", applied);
    let passed_over = check::resource::not_held(spec.id);
    let passed_over: Vec<&str> = passed_over.iter().map(String::as_str).collect();
    sheet.list("not held", &passed_over);
    sheet.list("usual causes", spec.usual_causes);
    sheet.text
}

fn of_property(spec: &PropertySpec) -> String {
    let guards: Vec<&str> = spec.guards.iter().map(|guard| guard.sentence()).collect();
    let mut sheet = Sheet::new("property", spec.id, spec.title);
    sheet.line("level", spec.level.as_str());
    sheet.line("severity", spec.severity.as_str());
    sheet.line("about", spec.family.name());
    sheet.line("specification", spec.spec);
    sheet.line("it says", spec.sentence);
    sheet.line("tested when", spec.precondition);
    sheet.list("usual causes", spec.usual_causes);
    sheet.list("ruled out", &guards);
    sheet.line("run it", &format!("rounds replay {}", spec.id));
    sheet.text
}

fn of_probe(spec: &probe::Spec) -> String {
    let mut sheet = Sheet::new("probe", spec.id, spec.title);
    sheet.line("specification", spec.spec);
    sheet.line("in the hands", &format!("of the {}", spec.owner.as_str()));
    sheet.line(
        "ask it",
        &format!("rounds diagnose URL --probe {}", spec.id),
    );
    sheet.text
}

fn of_cause(cause: &Cause) -> String {
    let against: Vec<&str> = cause.against.iter().map(|(_, words)| *words).collect();
    let mut sheet = Sheet::new("cause", cause.id, cause.title);
    sheet.line("look at", cause.look_at);
    sheet.line("confirm", cause.confirm);
    sheet.line("refuted by", cause.refuted_by);
    sheet.list("against it", &against);
    sheet.line(
        "likely from",
        &format!("{} observations; below, it is possible", cause.likely_from),
    );
    sheet.text
}

fn of_defect(defect: &Defect) -> String {
    let mut sheet = Sheet::new("defect", defect.id, defect.title);
    sheet.line("touches", defect.class);
    sheet.line("the server", defect.effect);
    sheet.line("seen at", defect.provenance);
    sheet.line("plant it", &format!("rounds run --defect {}", defect.id));
    for strength in defect.strengths.iter().skip(1) {
        let rarer = format!("rounds run --defect {}{}", defect.id, strength.suffix());
        sheet.line("or rarer", &rarer);
    }
    sheet.text
}

fn of_variant(variant: &Variant) -> String {
    let mut sheet = Sheet::new("variant", variant.id, variant.title);
    sheet.line("the server", variant.effect);
    sheet.line("allowed by", variant.provenance);
    sheet.line("it says", variant.sentence);
    sheet.line(
        "switch it on",
        &format!("rounds run --variant {}", variant.id),
    );
    sheet.text
}

/// A title and named values, wrapped.
struct Sheet {
    text: String,
}

impl Sheet {
    fn new(kind: &str, id: &str, title: &str) -> Self {
        Sheet {
            text: format!("{id}  ({kind})\n{title}\n"),
        }
    }

    fn line(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        for (number, part) in wrap(value, WIDTH - COLUMN - 2).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            self.text.push_str(&format!("\n  {name:COLUMN$}{part}"));
        }
    }

    fn list(&mut self, name: &str, values: &[&str]) {
        for (number, value) in values.iter().enumerate() {
            self.line(if number == 0 { name } else { "" }, value);
        }
    }
}

fn unknown(id: &str, suites: &[Suite]) -> Failure {
    let cases: Vec<String> = suites
        .iter()
        .flat_map(Suite::cases)
        .map(|case| case.id.clone())
        .collect();
    let mut known: Vec<&str> = cases.iter().map(String::as_str).collect();
    known.extend(check::all().map(|check| check.spec().id));
    known.extend(
        property::PROPERTIES
            .iter()
            .map(|property| property.spec().id),
    );
    known.extend(probe::PROBES.iter().map(|probe| probe.spec().id));
    known.extend(probe::CAUSES.iter().map(|cause| cause.id));
    known.extend(sandbox::DEFECTS.iter().map(|defect| defect.id));
    known.extend(sandbox::VARIANTS.iter().map(|variant| variant.id));
    let hint = match suggest(id, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`rounds list cases`, `list checks`, `list defects`, … show the ids".to_owned(),
    };
    Failure::usage(format!("explain `{id}`"), "nothing has that id", hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_listed_can_be_explained() {
        let suites = suites::all().unwrap();
        let mut ids: Vec<String> = suites
            .iter()
            .flat_map(Suite::cases)
            .map(Case::full_id)
            .collect();
        ids.extend(check::all().map(|check| check.spec().id.to_owned()));
        ids.extend(
            property::PROPERTIES
                .iter()
                .map(|property| property.spec().id.to_owned()),
        );
        ids.extend(probe::PROBES.iter().map(|probe| probe.spec().id.to_owned()));
        ids.extend(sandbox::DEFECTS.iter().map(|defect| defect.id.to_owned()));
        ids.extend(
            sandbox::VARIANTS
                .iter()
                .map(|variant| variant.id.to_owned()),
        );
        for id in ids {
            let texts = texts(&id, &suites);
            assert!(
                texts.first().is_some_and(|text| text.starts_with(&id)),
                "{id}"
            );
        }
    }
}
