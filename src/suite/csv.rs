//! Rows of `each` in a file: CSV (RFC 4180) with the column names in the first line. No other dialect, and nothing is
//! guessed: every field is text.

/// Rows of a file at most.
pub const MAX_ROWS: usize = 500;
/// Bytes of a file at most.
pub const MAX_BYTES: usize = 1 << 20;

/// A row: its line in the file from 1, and its columns in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line on which it begins.
    pub number: u32,
    /// Names and values.
    pub columns: Vec<(String, String)>,
}

/// Reads a file.
///
/// # Errors
/// The line from 1 and a sentence.
pub fn read(text: &str) -> Result<Vec<Line>, (u32, String)> {
    if text.len() > MAX_BYTES {
        return Err((1, format!("the file is larger than {MAX_BYTES} bytes")));
    }
    let mut records = records(text.trim_start_matches('\u{feff}'))?.into_iter();
    let Some((_, names)) = records.next() else {
        return Err((
            1,
            "the file is empty; its first line names the columns".to_owned(),
        ));
    };
    if names.iter().any(|name| name.trim().is_empty()) {
        return Err((1, "a column has no name".to_owned()));
    }
    let mut rows = Vec::new();
    for (number, fields) in records {
        if fields.len() != names.len() {
            let message = format!("{} fields, but {} columns", fields.len(), names.len());
            return Err((number, message));
        }
        if rows.len() == MAX_ROWS {
            return Err((number, format!("more than {MAX_ROWS} rows")));
        }
        let names = names.iter().map(|name| name.trim().to_owned());
        rows.push(Line {
            number,
            columns: names.zip(fields).collect(),
        });
    }
    Ok(rows)
}

type Record = (u32, Vec<String>);

/// Records with the lines on which they begin; empty lines are none.
fn records(text: &str) -> Result<Vec<Record>, (u32, String)> {
    let mut found = Vec::new();
    let (mut fields, mut field) = (Vec::new(), String::new());
    let (mut line, mut begun) = (1, 1);
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => {
                quoted = false;
                if !matches!(characters.peek(), None | Some(',' | '\n' | '\r')) {
                    return Err((line, "text after a closing quote".to_owned()));
                }
            }
            '"' if field.is_empty() => quoted = true,
            '"' => {
                return Err((
                    line,
                    "a quote inside a field; quote the whole field".to_owned(),
                ));
            }
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' => {
                line += 1;
                if quoted {
                    field.push('\n');
                } else {
                    fields.push(std::mem::take(&mut field));
                    push(&mut found, begun, std::mem::take(&mut fields));
                    begun = line;
                }
            }
            other => field.push(other),
        }
    }
    if quoted {
        return Err((begun, "a quote is never closed".to_owned()));
    }
    if !fields.is_empty() || !field.is_empty() {
        fields.push(field);
        push(&mut found, begun, fields);
    }
    Ok(found)
}

fn push(found: &mut Vec<Record>, line: u32, fields: Vec<String>) {
    if fields.len() > 1 || !fields[0].is_empty() {
        found.push((line, fields));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_ends_are_read() {
        let rows = read("row,value\r\na,\"x, \"\"y\"\"\"\r\n\nb,\"two\nlines\"\nc,").unwrap();
        let values: Vec<&str> = rows.iter().map(|row| row.columns[1].1.as_str()).collect();
        assert_eq!(values, ["x, \"y\"", "two\nlines", ""]);
        assert_eq!(rows[0].columns[0], ("row".to_owned(), "a".to_owned()));
        assert_eq!((rows[0].number, rows[1].number, rows[2].number), (2, 4, 6));
    }

    #[test]
    fn a_mistake_has_its_line() {
        for (text, line, words) in [
            ("", 1, "empty"),
            ("a,b\n1\n", 2, "1 fields, but 2 columns"),
            ("a\n\"x\n", 2, "never closed"),
            ("a\n\"x\"y\n", 2, "after a closing quote"),
            ("a\nx\"y\n", 2, "inside a field"),
            ("a,\n", 1, "no name"),
        ] {
            let (found, message) = read(text).unwrap_err();
            assert_eq!(found, line, "{text:?}");
            assert!(message.contains(words), "{text:?}: {message}");
        }
    }
}
