//! Text as a default string search compares it: without case, accents, punctuation and surplus blanks.
//! <http://hl7.org/fhir/R4/search.html#string>. Not locale-aware.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Folds case and accents, drops punctuation and makes every run of blanks one space.
pub fn fold(text: &str) -> String {
    fold_with(text, push_folded)
}

/// As `fold`, but only the case of ASCII letters: a planted fault compares so.
pub fn fold_ascii(text: &str) -> String {
    fold_with(text, |folded, character| {
        folded.push(character.to_ascii_lowercase())
    })
}

fn fold_with(text: &str, push: impl Fn(&mut String, char)) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut blank = false;
    for character in text
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
    {
        if character.is_whitespace() {
            blank = !folded.is_empty();
        } else if !is_punctuation(character) {
            if std::mem::take(&mut blank) {
                folded.push(' ');
            }
            push(&mut folded, character);
        }
    }
    folded
}

/// Folds case only, for tokens whose system does not say that case matters.
pub fn fold_case(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        push_folded(&mut folded, character);
    }
    folded
}

/// Upper, then lower case: `ß` meets `ss`, and both small sigmas meet.
fn push_folded(folded: &mut String, character: char) {
    for upper in character.to_uppercase() {
        folded.extend(upper.to_lowercase());
    }
}

fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || matches!(character, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}' | '·' | '«' | '»')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_punctuation_and_blanks_do_not_matter() {
        assert_eq!(fold("  Müller-\tLÜDENSCHEIDT "), "muller ludenscheidt");
        assert_eq!(fold("O’Brien"), fold("o'BRIEN"));
        assert_eq!(fold("Weiß"), fold("WEISS"));
        assert_eq!(fold("Οδυσσεύς"), fold("ΟΔΥΣΣΕΥΣ"));
    }

    #[test]
    fn tokens_keep_their_punctuation() {
        assert_eq!(fold_case("8867-4"), "8867-4");
        assert_eq!(fold_case("mm[Hg]"), "mm[hg]");
    }
}
