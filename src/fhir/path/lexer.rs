//! Splits an expression into tokens, <http://hl7.org/fhirpath/#grammar>. Knows nothing of operators' meaning.

use super::{PathError, Reason};

/// A token and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    /// Byte offset of the first byte.
    pub position: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A bare word: element, function, word operator, `true`.
    Word(String),
    /// A word in backticks: always a name.
    Delimited(String),
    /// A string, unescaped.
    String(String),
    /// Digits with an optional fraction.
    Number(String),
    /// What stands behind `@`.
    Temporal(String),
    /// `$this`, `$index`, `$total`, without the dollar.
    Special(&'static str),
    /// Punctuation and symbol operators.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: &[&str] = &[
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "|", "&",
    "<", ">", "=", "~", "%",
];

const SPECIALS: &[&str] = &["this", "index", "total"];

/// The tokens of an expression, `End` included.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, PathError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank()?;
        let position = lexer.at;
        let kind = lexer.token()?;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { kind, position });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn error<T>(&self, position: usize, message: impl Into<String>) -> Result<T, PathError> {
        Err(PathError {
            position,
            message: message.into(),
            reason: Reason::Syntax,
        })
    }

    /// Moves on while the bytes are accepted, and gives what was passed.
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'t str {
        let length = self.rest().bytes().take_while(|byte| accept(*byte)).count();
        let taken = &self.rest()[..length];
        self.at += length;
        taken
    }

    fn skip_blank(&mut self) -> Result<(), PathError> {
        loop {
            self.take_while(|byte| byte.is_ascii_whitespace());
            if self.rest().starts_with("//") {
                self.take_while(|byte| byte != b'\n' && byte != b'\r');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(length) => self.at += length + 2,
                    None => return self.error(self.at, "the comment does not end"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind, PathError> {
        let Some(first) = self.rest().bytes().next() else {
            return Ok(TokenKind::End);
        };
        match first {
            b'\'' => Ok(TokenKind::String(self.quoted('\'')?)),
            b'`' => Ok(TokenKind::Delimited(self.quoted('`')?)),
            b'@' => self.temporal(),
            b'$' => self.special(),
            b'0'..=b'9' => Ok(TokenKind::Number(self.number())),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let word = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Ok(TokenKind::Word(word.to_owned()))
            }
            _ => self.symbol(),
        }
    }

    fn symbol(&mut self) -> Result<TokenKind, PathError> {
        match SYMBOLS
            .iter()
            .find(|symbol| self.rest().starts_with(**symbol))
        {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(TokenKind::Symbol(symbol))
            }
            None => self.error(self.at, "a character that no expression has here"),
        }
    }

    fn special(&mut self) -> Result<TokenKind, PathError> {
        let position = self.at;
        self.at += 1;
        let word = self.take_while(|byte| byte.is_ascii_alphabetic());
        match SPECIALS.iter().find(|special| **special == word) {
            Some(special) => Ok(TokenKind::Special(special)),
            None => self.error(position, "only $this, $index and $total exist"),
        }
    }

    /// Digits, and a fraction only if a digit follows the point: `1.toString()` is a call.
    fn number(&mut self) -> String {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_digit());
        self.fraction();
        self.text[start..self.at].to_owned()
    }

    fn fraction(&mut self) {
        let mut bytes = self.rest().bytes();
        if bytes.next() == Some(b'.') && bytes.next().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
        }
    }

    /// `@2015-02-04T14:34:28.123+10:00` or `@T14:34`; shapes here, ranges in `temporal`.
    fn temporal(&mut self) -> Result<TokenKind, PathError> {
        self.at += 1;
        let start = self.at;
        if !self.rest().starts_with('T') {
            self.take_while(|byte| byte.is_ascii_digit());
            while self.follows(b'-', 2) {
                self.at += 3;
            }
        }
        if self.rest().starts_with('T') {
            self.at += 1;
            self.clock();
            if start + 1 < self.at && !self.text[start..].starts_with('T') {
                self.zone();
            }
        }
        Ok(TokenKind::Temporal(self.text[start..self.at].to_owned()))
    }

    fn clock(&mut self) {
        self.take_while(|byte| byte.is_ascii_digit());
        while self.follows(b':', 2) {
            self.at += 3;
        }
        self.fraction();
    }

    fn zone(&mut self) {
        if self.rest().starts_with('Z') {
            self.at += 1;
        } else if self.follows(b'+', 2) || self.follows(b'-', 2) {
            let before = self.at;
            self.at += 3;
            if self.follows(b':', 2) {
                self.at += 3;
            } else {
                self.at = before;
            }
        }
    }

    /// True if the next bytes are this one and so many digits.
    fn follows(&self, byte: u8, digits: usize) -> bool {
        let bytes = self.rest().as_bytes();
        bytes.first() == Some(&byte)
            && bytes
                .get(1..=digits)
                .is_some_and(|found| found.iter().all(u8::is_ascii_digit))
    }

    /// A string or delimited name with its escapes resolved.
    fn quoted(&mut self, quote: char) -> Result<String, PathError> {
        let start = self.at;
        self.at += 1;
        let mut unescaped = String::new();
        while let Some(character) = self.rest().chars().next() {
            self.at += character.len_utf8();
            if character == quote {
                return Ok(unescaped);
            }
            unescaped.push(match character {
                '\\' => self.escape()?,
                other => other,
            });
        }
        self.error(start, "the quote does not end")
    }

    fn escape(&mut self) -> Result<char, PathError> {
        let position = self.at - 1;
        let Some(character) = self.rest().chars().next() else {
            return self.error(position, "the quote does not end");
        };
        self.at += character.len_utf8();
        Ok(match character {
            '\'' | '"' | '`' | '\\' | '/' => character,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            'u' => return self.unicode(position),
            _ => return self.error(position, "unknown escape; a backslash is written `\\\\`"),
        })
    }

    /// `\u0065`, or two of them for a character beyond the basic plane.
    fn unicode(&mut self, position: usize) -> Result<char, PathError> {
        let first = self.code_unit(position)?;
        let units = if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 2;
            vec![first, self.code_unit(position)?]
        } else {
            vec![first]
        };
        match char::decode_utf16(units).next() {
            Some(Ok(character)) => Ok(character),
            _ => self.error(position, "half of a surrogate pair"),
        }
    }

    fn code_unit(&mut self, position: usize) -> Result<u16, PathError> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.error(position, "`\\u` needs four hexadecimal digits"),
        }
    }
}
