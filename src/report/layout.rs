//! How numbers and lines look: durations, counts, plurals, right-aligned ends. One place, so that all formats agree.

use crate::record::run::Counts;

/// Columns of a line.
pub const WIDTH: usize = 80;

/// `41ms`, `0.4s`, `17.4s`, `2m 05s` of milliseconds.
pub fn milliseconds(ms: u64) -> String {
    match ms {
        0..=99 => format!("{ms}ms"),
        100..=59_949 => format!("{}.{}s", (ms + 50) / 1000, (ms + 50) % 1000 / 100),
        _ => {
            let seconds = (ms + 500) / 1000;
            format!("{}m {:02}s", seconds / 60, seconds % 60)
        }
    }
}

/// `412µs`, `41ms`, `1.31s` of microseconds.
pub fn microseconds(us: u64) -> String {
    match us {
        0..=999 => format!("{us}µs"),
        1_000..=9_949 => format!("{}.{}ms", (us + 50) / 1000, (us + 50) % 1000 / 100),
        9_950..=999_499 => format!("{}ms", (us + 500) / 1000),
        _ => format!(
            "{}.{:02}s",
            (us + 5_000) / 1_000_000,
            (us + 5_000) % 1_000_000 / 10_000
        ),
    }
}

/// `12,000`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 finding`, `2 findings`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{} {noun}s", number(count as u64))
    }
}

/// `23 passed, 1 failed`: verdicts that occur, in fixed order, with what is said of the failed in brackets.
pub fn verdicts(counts: &Counts, of_failed: &str) -> String {
    let named = [
        (counts.pass, "passed"),
        (counts.fail, "failed"),
        (counts.warn, "warned"),
        (counts.info, "noted"),
        (counts.skip, "skipped"),
        (counts.blocked, "blocked"),
        (counts.error, "in error"),
        (counts.flaky, "flaky"),
        (counts.vacuous, "vacuous"),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| {
            let aside = if *name == "failed" { of_failed } else { "" };
            format!("{} {name}{aside}", number(*count as u64))
        })
        .collect();
    if parts.is_empty() {
        "nothing ran".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Left and right ends of one line of [`WIDTH`] columns, or of more where they would touch.
pub fn ends(left: &str, right: &str) -> String {
    let used = columns(left) + columns(right);
    let gap = WIDTH.saturating_sub(used).max(2);
    format!("{left}{}{right}", " ".repeat(gap))
}

/// Columns of a text: characters, as far as a terminal without East Asian text is concerned.
pub fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The first `limit` characters, with an ellipsis where some are left out.
pub fn clip(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(limit.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

/// Breaks a text into lines of at most `width` columns at spaces; a word that is longer stands alone.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_by_size() {
        assert_eq!(milliseconds(41), "41ms");
        assert_eq!(milliseconds(400), "0.4s");
        assert_eq!(milliseconds(17_449), "17.4s");
        assert_eq!(milliseconds(125_000), "2m 05s");
        assert_eq!(microseconds(412), "412µs");
        assert_eq!(microseconds(41_000), "41ms");
        assert_eq!(microseconds(1_310_000), "1.31s");
    }

    #[test]
    fn counts_have_separators_and_plurals() {
        assert_eq!(number(12_000), "12,000");
        assert_eq!(number(999), "999");
        assert_eq!(counted(1, "finding"), "1 finding");
        assert_eq!(counted(2, "finding"), "2 findings");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
