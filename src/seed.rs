//! Seeds: the only place where a random number generator is made. Not for statistics over what was drawn.
//!
//! Streams are counter-based: `Seed::derive(label)` and `Seed::index(i)` give independent seeds that depend
//! only on the root, the label and the index, so patient *i* is the same for any thread count and any N.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
pub use rand_chacha::rand_core::Rng;
use rand_chacha::rand_core::SeedableRng;

/// The random stream handed to generators. Portable: the same seed gives the same bytes on every platform.
pub type Stream = ChaCha8Rng;

/// A 64-bit seed, printed and read as hexadecimal (`5f1c09`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of a plain run when neither a flag nor a baseline names one.
    pub const FIXED: Seed = Seed(0x5f_1c09);

    /// A seed from the operating system, 24 bits so that people can read it out.
    pub fn random() -> Self {
        let token = RunToken::random();
        let bytes = token.0;
        Seed(u64::from_be_bytes([
            0, 0, 0, 0, 0, bytes[0], bytes[1], bytes[2],
        ]))
    }

    /// An independent seed for a named purpose, such as `case/search/total` or `population/patient`.
    pub fn derive(self, label: &str) -> Self {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(&self.0.to_be_bytes());
        context.update(label.as_bytes());
        let digest = context.finish();
        let mut head = [0u8; 8];
        head.copy_from_slice(&digest.as_ref()[..8]);
        Seed(u64::from_be_bytes(head))
    }

    /// The seed of element `index` of a family: cheap, one multiplication-xorshift round per call (SplitMix64,
    /// Steele, Lea and Flood 2014, <https://doi.org/10.1145/2660193.2660195>).
    pub fn index(self, index: u64) -> Self {
        let mut z = self.0 ^ index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Seed(z ^ (z >> 31))
    }

    /// The random stream of this seed.
    pub fn stream(self) -> Stream {
        Stream::seed_from_u64(self.0)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        u64::from_str_radix(digits, 16).map(Seed).map_err(|_| {
            format!("`{text}` is not a seed: use up to 16 hexadecimal digits, such as 5f1c09")
        })
    }
}

/// 80 random bits that make tags and identifiers of one run unlike those of any other run.
///
/// It never enters a fingerprint: two runs with one seed and two tokens find the same things.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunToken([u8; 10]);

impl RunToken {
    /// A token from the operating system.
    pub fn random() -> Self {
        use ring::rand::SecureRandom;
        let mut bytes = [0u8; 10];
        ring::rand::SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system gives random bytes");
        RunToken(bytes)
    }

    /// A token that depends on the seed alone, for golden tests and byte-identical files.
    pub fn fixed(seed: Seed) -> Self {
        let mut bytes = [0u8; 10];
        bytes[..8].copy_from_slice(&seed.derive("run-token").0.to_be_bytes());
        bytes[8..].copy_from_slice(&seed.derive("run-token/tail").0.to_be_bytes()[..2]);
        RunToken(bytes)
    }
}

impl fmt::Display for RunToken {
    /// Sixteen characters of lower-case base32 (RFC 4648 alphabet): legal in FHIR ids, tags and identifiers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut bits: u128 = 0;
        for byte in self.0 {
            bits = (bits << 8) | u128::from(byte);
        }
        for position in (0..16).rev() {
            let digit = ((bits >> (position * 5)) & 31) as usize;
            write!(f, "{}", ALPHABET[digit] as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RunToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunToken({self})")
    }
}

impl FromStr for RunToken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || format!("`{text}` is not a run token: 16 characters of a to z and 2 to 7");
        if text.len() != 16 {
            return Err(refuse());
        }
        let mut bits: u128 = 0;
        for character in text.bytes() {
            let digit = match character {
                b'a'..=b'z' => character - b'a',
                b'2'..=b'7' => character - b'2' + 26,
                _ => return Err(refuse()),
            };
            bits = (bits << 5) | u128::from(digit);
        }
        let mut bytes = [0u8; 10];
        bytes.copy_from_slice(&bits.to_be_bytes()[6..]);
        Ok(RunToken(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_as_they_are_printed() {
        for value in [0, 0x5f1c09, u64::MAX] {
            assert_eq!(
                Seed(value).to_string().parse::<Seed>().unwrap(),
                Seed(value)
            );
        }
        assert!("seed".parse::<Seed>().is_err());
    }

    #[test]
    fn run_tokens_are_read_as_they_are_printed() {
        let token = RunToken::random();
        assert_eq!(token.to_string().parse::<RunToken>().unwrap(), token);
        assert_eq!(token.to_string().len(), 16);
    }

    #[test]
    fn derived_seeds_depend_on_label_and_index_only() {
        let root = Seed(7);
        assert_eq!(root.derive("a"), root.derive("a"));
        assert_ne!(root.derive("a"), root.derive("b"));
        assert_ne!(root.index(0), root.index(1));
    }
}
