//! The canonical form of a suite file: keys in the order of `keys`, one blank line between cases and none elsewhere, no
//! space at the end of lines. Lines are moved and never rewritten, so comments stay with the key below them; a file
//! that would come to say something else is refused. Flow style (`{ … }`) is left as it is.

use super::keys::{Form, LOAD_SUITE, PROPERTY_SUITE, SUITE, Shape};
use super::yaml::{self, Node, Problem, Value};

/// Formats a file.
///
/// # Errors
/// It is not YAML, or formatting would change what it says.
pub fn format(file: &str, text: &str) -> Result<String, Vec<Problem>> {
    let before = yaml::parse(file, text)?;
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    remove_blank_lines(&mut lines, &before);
    let root = yaml::parse(file, &joined(&lines))?;
    let shape = match root.get("kind").and_then(Node::as_text) {
        Some("property") => &PROPERTY_SUITE,
        Some("load") => &LOAD_SUITE,
        _ => &SUITE,
    };
    let end = lines.len();
    arrange(&mut lines, &root, shape, end);
    let root = yaml::parse(file, &joined(&lines))?;
    part_cases(&mut lines, &root);
    let formatted = joined(&lines);
    let after = yaml::parse(file, &formatted)?;
    if after.to_json() != before.to_json() || words(&formatted) != words(text) {
        let message = "formatting would change what this file says; nothing was written";
        return Err(vec![before.problem(message)]);
    }
    Ok(formatted)
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Lines that say something, sorted, without the dash of a list: what may not be lost.
fn words(text: &str) -> Vec<&str> {
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- ").trim());
    let mut words: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    words.sort_unstable();
    words
}

/// Blank lines go, except within text that is written over several lines.
fn remove_blank_lines(lines: &mut Vec<String>, root: &Node) {
    let mut kept = vec![false; lines.len()];
    protect(lines, root, &mut kept);
    let mut kept = kept.into_iter();
    lines.retain(|line| kept.next() == Some(true) || !line.is_empty());
}

fn protect(lines: &[String], node: &Node, kept: &mut [bool]) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| protect(lines, item, kept)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|(_, member)| protect(lines, member, kept)),
        Value::Text(text) if text.contains('\n') => {
            let first = node.line as usize - 1;
            let margin = indent(&lines[first]);
            let rest = lines.iter().enumerate().skip(first + 1);
            for (number, _) in rest.take_while(|(_, line)| line.is_empty() || indent(line) > margin)
            {
                kept[number] = true;
            }
        }
        _ => {}
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The line, from 0, on which something begins, with the comments right above it.
fn with_comments(lines: &[String], line: u32, floor: usize) -> usize {
    let mut start = line as usize - 1;
    while start > floor && is_comment(&lines[start - 1]) {
        start -= 1;
    }
    start
}

/// Puts the keys of a map, and of the maps in it, into the order of their shapes. `end` is the line after its last.
fn arrange(lines: &mut [String], node: &Node, shape: &Shape, end: usize) {
    let entries = node.entries();
    let Some((first, _)) = entries.first() else {
        return;
    };
    let is_block = (first.line, first.column) == (node.line, node.column)
        && entries
            .windows(2)
            .all(|pair| pair[0].0.line < pair[1].0.line);
    if !is_block {
        return;
    }
    let begin = first.line as usize - 1;
    let mut starts = vec![begin];
    for (key, _) in &entries[1..] {
        starts.push(with_comments(lines, key.line, begin + 1));
    }
    starts.push(end);
    for (position, (key, value)) in entries.iter().enumerate() {
        let known = shape.keys.iter().find(|known| known.name == key.text);
        if let Some(known) = known {
            descend(lines, value, &known.form, starts[position + 1]);
        }
    }
    let rank = |position: &usize| {
        let name = &entries[*position].0.text;
        let known = shape.keys.iter().position(|known| known.name == *name);
        known.unwrap_or(usize::MAX)
    };
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(rank);
    let dash = dash(&lines[begin], first.column as usize - 1);
    if let Some(column) = dash {
        lines[begin].replace_range(column..=column, " ");
    }
    let arranged: Vec<String> = order
        .iter()
        .flat_map(|position| lines[starts[*position]..starts[position + 1]].to_vec())
        .collect();
    lines[begin..end].clone_from_slice(&arranged);
    if let Some(column) = dash
        && let Some(line) = lines[begin..end].iter_mut().find(|line| !is_comment(line))
    {
        line.replace_range(column..=column, "-");
    }
}

/// Column of the dash of a list whose item begins on this line.
fn dash(line: &str, key: usize) -> Option<usize> {
    let before = line.get(..key)?;
    before.rfind('-')
}

fn descend(lines: &mut [String], node: &Node, form: &Form, end: usize) {
    match form {
        Form::Map(shape) => arrange(lines, node, shape, end),
        Form::ListOf(inner) => each(lines, node, inner, end),
        Form::OneOrMore(inner) if node.items().is_empty() => descend(lines, node, inner, end),
        Form::OneOrMore(inner) => each(lines, node, inner, end),
        Form::Either(forms) => {
            let map = forms.iter().find(|form| matches!(form, Form::Map(_)));
            if let Some(map) = map {
                descend(lines, node, map, end);
            }
        }
        Form::MapOf(inner) => {
            let places: Vec<u32> = node.entries().iter().map(|(key, _)| key.line).collect();
            let values: Vec<&Node> = node.entries().iter().map(|(_, value)| value).collect();
            parts(lines, &values, &places, inner, end);
        }
        _ => {}
    }
}

fn each(lines: &mut [String], node: &Node, inner: &Form, end: usize) {
    let items: Vec<&Node> = node.items().iter().collect();
    let places: Vec<u32> = items.iter().map(|item| item.line).collect();
    parts(lines, &items, &places, inner, end);
}

/// Descends into nodes that begin on lines of their own; each ends where the next one begins.
fn parts(lines: &mut [String], nodes: &[&Node], places: &[u32], inner: &Form, end: usize) {
    if !places.windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    for (position, node) in nodes.iter().enumerate() {
        let end = match places.get(position + 1) {
            Some(next) => with_comments(lines, *next, places[position] as usize),
            None => end,
        };
        descend(lines, node, inner, end);
    }
}

/// One blank line before each case but the first.
fn part_cases(lines: &mut Vec<String>, root: &Node) {
    let cases = root.get("cases").map(Node::items).unwrap_or_default();
    for case in cases.iter().skip(1).rev() {
        let start = with_comments(lines, case.line, 0);
        lines.insert(start, String::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::builtin::SUITES;

    const MESSY: &str = "\
# What this file is for.

title: Reads   
kind: conformance
cases:

  # The first one.
  - level: SHALL
    id: read/a
    # Why so severe.
    severity: major
    steps:
      - expect:
          path: id = 'a'   # and nothing else
          status: 200

        get: Patient/a
    title: A
    spec: http://x
    sentence: >-
      one

      two
  - { id: read/b, title: B }
";

    const CLEAN: &str = "\
# What this file is for.
kind: conformance
title: Reads
cases:
  # The first one.
  - id: read/a
    title: A
    spec: http://x
    sentence: >-
      one

      two
    level: SHALL
    # Why so severe.
    severity: major
    steps:
      - get: Patient/a
        expect:
          status: 200
          path: id = 'a'   # and nothing else

  - { id: read/b, title: B }
";

    #[test]
    fn keys_are_ordered_and_comments_stay_with_them() {
        assert_eq!(format("f.yaml", MESSY).unwrap(), CLEAN);
        assert_eq!(format("f.yaml", CLEAN).unwrap(), CLEAN);
    }

    #[test]
    fn every_built_in_suite_can_be_formatted_and_formatting_twice_is_formatting_once() {
        for source in SUITES {
            let once = format(source.file, source.text).unwrap();
            assert_eq!(format(source.file, &once).unwrap(), once, "{}", source.file);
        }
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_place() {
        let problems = format("f.yaml", "a: [1\n").unwrap_err();
        assert!(problems[0].to_string().starts_with("f.yaml:"));
    }
}
