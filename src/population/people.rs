//! Names, addresses and telephone numbers. Family names and street names come from `fake`, the rest from tables.
//!
//! Given names are a table because those of `fake` do not say whose they are; towns are a table because a
//! city, its state, its postal code and its time zone must agree. Numbers are from the range 555-0100 to
//! 555-0199 that is reserved for fiction, mail addresses from example.org (RFC 2606).

use fake::Fake;
use fake::faker::name::raw::LastName;
use fake::locales::{CY_GB, DE_DE, EN, FR_FR, IT_IT, NL_NL, PT_BR, TR_TR};
use serde_json::{Value, json};

use super::calendar::Zone;
use super::draw::Draw;
use super::json::Members;

/// Sex as physiology sees it; `Patient.gender` may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sex {
    Female,
    Male,
}

/// A town with its hospital and clinic.
pub(super) struct Town {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    /// Postal codes.
    zips: &'static [&'static str],
    area: &'static str,
    pub(super) zone: Zone,
    pub(super) hospital: &'static str,
    pub(super) clinic: &'static str,
    /// Latitude and longitude as decimal text.
    pub(super) position: (&'static str, &'static str),
}

/// The towns that patients live in.
pub(super) const TOWNS: &[Town] = &[
    Town {
        city: "Albany",
        state: "NY",
        zips: &["12203", "12205", "12206", "12208", "12209"],
        area: "518",
        zone: Zone(-5),
        hospital: "Hudson Valley General Hospital",
        clinic: "Pine Hills Family Medicine",
        position: ("42.6526", "-73.7562"),
    },
    Town {
        city: "Madison",
        state: "WI",
        zips: &["53703", "53704", "53705", "53711", "53713"],
        area: "608",
        zone: Zone(-6),
        hospital: "Four Lakes Medical Center",
        clinic: "Monona Bay Family Clinic",
        position: ("43.0731", "-89.4010"),
    },
    Town {
        city: "Eugene",
        state: "OR",
        zips: &["97401", "97402", "97403", "97404", "97405"],
        area: "541",
        zone: Zone(-8),
        hospital: "Willamette Community Hospital",
        clinic: "South Hills Primary Care",
        position: ("44.0521", "-123.0868"),
    },
];

/// Where a family name comes from, which decides the given names that go with it.
#[derive(Debug, Clone, Copy)]
enum Heritage {
    English,
    Welsh,
    German,
    French,
    Italian,
    Dutch,
    Portuguese,
    Turkish,
}

const HERITAGES: &[(Heritage, u32)] = &[
    (Heritage::English, 40),
    (Heritage::Welsh, 6),
    (Heritage::German, 15),
    (Heritage::French, 6),
    (Heritage::Italian, 6),
    (Heritage::Dutch, 4),
    (Heritage::Portuguese, 17),
    (Heritage::Turkish, 6),
];

/// A person's name.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) family: String,
    pub(super) given: Vec<&'static str>,
}

/// Draws of a family name before the first of the list is taken; one draw in thirty is unfit.
const NAME_DRAWS: usize = 8;

impl Name {
    /// A name for a person of this sex.
    pub(super) fn draw(draw: &mut Draw, sex: Sex) -> Self {
        let heritage = draw.weighted(HERITAGES);
        let mut given = vec![*draw.pick(given_names(heritage, sex))];
        if draw.chance(350) {
            let second = *draw.pick(given_names(heritage, sex));
            if second != given[0] {
                given.push(second);
            }
        }
        Name {
            family: family_name(draw, heritage),
            given,
        }
    }

    /// HumanName of use `official`.
    pub(super) fn official(&self, prefix: Option<&str>) -> Value {
        Members::object()
            .with("use", "official")
            .with("family", self.family.as_str())
            .with("given", self.given.clone())
            .maybe("prefix", prefix.map(|prefix| vec![prefix]))
            .done()
    }

    /// A mail address in ASCII.
    pub(super) fn mail(&self) -> String {
        let plain = |text: &str| -> String {
            text.chars()
                .filter_map(ascii)
                .collect::<String>()
                .to_lowercase()
        };
        format!(
            "{}.{}@example.org",
            plain(self.given[0]),
            plain(&self.family)
        )
    }
}

/// The letter without its mark; nothing for characters that mail addresses do without.
fn ascii(letter: char) -> Option<char> {
    use unicode_normalization::UnicodeNormalization;
    let base = match letter {
        'ı' => 'i',
        'ß' => 's',
        'ø' => 'o',
        'æ' => 'a',
        'ł' => 'l',
        other => std::iter::once(other).nfd().next()?,
    };
    base.is_ascii_alphanumeric().then_some(base)
}

fn family_name(draw: &mut Draw, heritage: Heritage) -> String {
    for _ in 0..NAME_DRAWS {
        let stream = draw.stream();
        let name: &str = match heritage {
            Heritage::English => LastName(EN).fake_with_rng(stream),
            Heritage::Welsh => LastName(CY_GB).fake_with_rng(stream),
            Heritage::German => LastName(DE_DE).fake_with_rng(stream),
            Heritage::French => LastName(FR_FR).fake_with_rng(stream),
            Heritage::Italian => LastName(IT_IT).fake_with_rng(stream),
            Heritage::Dutch => LastName(NL_NL).fake_with_rng(stream),
            Heritage::Portuguese => LastName(PT_BR).fake_with_rng(stream),
            Heritage::Turkish => LastName(TR_TR).fake_with_rng(stream),
        };
        if is_fit(name) {
            return name.trim().to_owned();
        }
    }
    "Baker".to_owned()
}

/// Placeholder names and misprints of the lists are left out.
fn is_fit(name: &str) -> bool {
    let letters = name
        .trim()
        .chars()
        .all(|letter| letter.is_alphabetic() || matches!(letter, ' ' | '-' | '\''));
    letters && !name.starts_with("Muster")
}

fn given_names(heritage: Heritage, sex: Sex) -> &'static [&'static str] {
    match (heritage, sex) {
        (Heritage::English | Heritage::Dutch, Sex::Female) => &[
            "Mary",
            "Patricia",
            "Jennifer",
            "Linda",
            "Elizabeth",
            "Susan",
            "Jessica",
            "Karen",
            "Emily",
            "Ashley",
            "Donna",
            "Michelle",
            "Amanda",
            "Melissa",
            "Laura",
            "Rebecca",
            "Sharon",
            "Cynthia",
            "Kathleen",
            "Amy",
            "Angela",
            "Emma",
            "Olivia",
            "Sophia",
            "Charlotte",
            "Grace",
            "Hannah",
            "Abigail",
            "Ruth",
            "Dorothy",
            "Zoë",
            "Chloé",
        ],
        (Heritage::English | Heritage::Dutch, Sex::Male) => &[
            "James",
            "Robert",
            "John",
            "Michael",
            "David",
            "William",
            "Richard",
            "Joseph",
            "Thomas",
            "Christopher",
            "Daniel",
            "Matthew",
            "Anthony",
            "Mark",
            "Steven",
            "Andrew",
            "Paul",
            "Joshua",
            "Kenneth",
            "Kevin",
            "Brian",
            "George",
            "Timothy",
            "Edward",
            "Jason",
            "Ryan",
            "Jacob",
            "Ethan",
            "Noah",
            "Liam",
            "Henry",
            "Walter",
        ],
        (Heritage::Welsh, Sex::Female) => &[
            "Siân", "Megan", "Carys", "Bronwen", "Rhiannon", "Gwen", "Ffion", "Eleri", "Catrin",
        ],
        (Heritage::Welsh, Sex::Male) => &[
            "Rhys", "Owen", "Gareth", "Dylan", "Evan", "Huw", "Tomos", "Siôn", "Aled", "Emyr",
        ],
        (Heritage::German, Sex::Female) => &[
            "Anna", "Käthe", "Ursula", "Monika", "Sabine", "Heike", "Ingrid", "Johanna", "Lena",
            "Bärbel", "Klara",
        ],
        (Heritage::German, Sex::Male) => &[
            "Jürgen", "Hans", "Klaus", "Wolfgang", "Günter", "Stefan", "Jörg", "Lukas", "Felix",
            "Björn", "Karl", "Matthias",
        ],
        (Heritage::French, Sex::Female) => &[
            "Hélène",
            "Amélie",
            "Françoise",
            "Chantal",
            "Geneviève",
            "Léa",
            "Camille",
            "Margaux",
            "Élodie",
            "Simone",
        ],
        (Heritage::French, Sex::Male) => &[
            "François",
            "Jérôme",
            "Luc",
            "André",
            "Étienne",
            "Michel",
            "Théo",
            "Rémi",
            "Antoine",
            "Gérard",
        ],
        (Heritage::Italian, Sex::Female) => &[
            "Giulia",
            "Francesca",
            "Lucia",
            "Rosa",
            "Chiara",
            "Paola",
            "Teresa",
            "Elena",
        ],
        (Heritage::Italian, Sex::Male) => &[
            "Giuseppe",
            "Marco",
            "Antonio",
            "Niccolò",
            "Luca",
            "Vincenzo",
            "Salvatore",
            "Paolo",
        ],
        (Heritage::Portuguese, Sex::Female) => &[
            "Conceição",
            "Ana",
            "Beatriz",
            "Luísa",
            "Fernanda",
            "Márcia",
            "Inês",
            "Juliana",
            "Verônica",
            "Gabriela",
        ],
        (Heritage::Portuguese, Sex::Male) => &[
            "João",
            "José",
            "Antônio",
            "Luís",
            "Sebastião",
            "Rafael",
            "Tomás",
            "Gustavo",
            "Mário",
            "Simão",
        ],
        (Heritage::Turkish, Sex::Female) => &[
            "Ayşe", "Fatma", "Elif", "Gülşen", "Zeynep", "Özlem", "Defne",
        ],
        (Heritage::Turkish, Sex::Male) => &[
            "Mehmet", "Çağlar", "İbrahim", "Ömer", "Emre", "Oğuz", "Hüseyin",
        ],
    }
}

/// A street address in a town.
pub(super) fn address(draw: &mut Draw, town: &Town, use_code: Option<&str>) -> Value {
    let number = draw.between(10, 2999);
    // The list of suffixes in `fake` holds words that no street has.
    let street: &str = LastName(EN).fake_with_rng(draw.stream());
    let suffix = draw.pick(&[
        "Street", "Street", "Avenue", "Road", "Drive", "Lane", "Court",
    ]);
    let mut line = vec![format!("{number} {street} {suffix}")];
    if use_code.is_some() && draw.chance(200) {
        line.push(format!("Apt {}", draw.between(1, 48)));
    }
    Members::object()
        .maybe("use", use_code)
        .with("line", line)
        .with("city", town.city)
        .with("state", town.state)
        .with("postalCode", *draw.pick(town.zips))
        .with("country", "US")
        .done()
}

/// A telephone ContactPoint.
pub(super) fn phone(draw: &mut Draw, town: &Town, use_code: &str) -> Value {
    let number = format!("+1-{}-555-01{:02}", town.area, draw.between(0, 99));
    json!({"system": "phone", "value": number, "use": use_code})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn names_are_fit_and_some_have_diacritics() {
        let mut draw = Draw::new(Seed(3));
        let names: Vec<Name> = (0..400).map(|_| Name::draw(&mut draw, Sex::Male)).collect();
        assert!(names.iter().all(|name| is_fit(&name.family)));
        assert!(names.iter().any(|name| !name.family.is_ascii()));
        assert!(names.iter().all(|name| name.mail().is_ascii()));
    }
}
