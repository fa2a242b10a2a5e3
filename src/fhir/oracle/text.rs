//! Foldings of text: what a search must treat as equal and what it may.
//! Not collation: sorting has its own keys in `sort`, made from these.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Composed and in lower case: what differs in letter case only is equal.
pub(super) fn fold_case(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase()
}

/// In lower case and without the marks on Latin and Greek letters. On other scripts marks may make another letter (й,
/// が), so they stay.
pub(super) fn fold_marks(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut after_letter_with_accents = false;
    for character in text.nfd() {
        if is_combining_mark(character) {
            if !after_letter_with_accents {
                folded.push(character);
            }
            continue;
        }
        after_letter_with_accents = has_accents(character);
        folded.push(character);
    }
    folded.to_lowercase().nfc().collect()
}

/// Letters of the Latin and Greek blocks.
fn has_accents(character: char) -> bool {
    matches!(character, 'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{370}'..='\u{3FF}')
}

/// Words in the widest folding that a server may apply: compatibility forms, every mark gone, letters that look like
/// others replaced, punctuation gone.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut folded = String::with_capacity(text.len());
    for character in text
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
    {
        for lower in character.to_lowercase() {
            match lower {
                'ß' => folded.push_str("ss"),
                'æ' => folded.push_str("ae"),
                'œ' => folded.push_str("oe"),
                'þ' => folded.push_str("th"),
                'ø' => folded.push('o'),
                'ł' => folded.push('l'),
                'đ' | 'ð' => folded.push('d'),
                'ħ' => folded.push('h'),
                'ı' => folded.push('i'),
                'ς' => folded.push('σ'),
                mark if is_combining_mark(mark) => {}
                letter if letter.is_alphanumeric() => folded.push(letter),
                _ => folded.push(' '),
            }
        }
    }
    folded.split_whitespace().map(str::to_owned).collect()
}

/// The words without what stood between them.
pub(super) fn squeezed(text: &str) -> String {
    words(text).concat()
}
