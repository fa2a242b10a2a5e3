//! Smoking status, asked at checks from thirteen years on, and the same as long as the habit lasts.

use super::super::calendar::age;
use super::super::code::{Code, loinc};
use super::super::draw::Draw;
use super::super::timeline::{Life, Purpose};
use super::{Measurement, Result};

/// The question.
pub(super) const STATUS: Code = loinc("72166-2", "Tobacco smoking status");

// Answers of LOINC list LL2201-3.
const NEVER: Code = loinc("LA18978-9", "Never smoker");
const FORMER: Code = loinc("LA15920-4", "Former smoker");
const DAILY: Code = loinc("LA18976-3", "Current every day smoker");
const SOME_DAYS: Code = loinc("LA18977-1", "Current some day smoker");

/// What someone smokes.
pub(super) struct Habit(Code);

impl Habit {
    /// The habit of a life: children and youths do not smoke, nobody under 26 has stopped already.
    pub(super) fn draw(draw: &mut Draw, life: &Life) -> Self {
        let years = life
            .visits
            .first()
            .map_or(0.0, |visit| age(life.birth, visit.start.day()));
        let answer = draw.below(100);
        Habit(match answer {
            0..9 if years >= 18.0 => DAILY,
            9..13 if years >= 18.0 => SOME_DAYS,
            13..36 if years >= 26.0 => FORMER,
            _ => NEVER,
        })
    }

    /// Asks at checks.
    pub(super) fn ask(
        &self,
        draw: &mut Draw,
        life: &Life,
        position: usize,
        into: &mut Vec<Measurement>,
    ) {
        let visit = &life.visits[position];
        let old_enough = age(life.birth, visit.start.day()) >= 13.0;
        if matches!(visit.purpose, Purpose::Wellness) && old_enough && draw.chance(900) {
            into.push(Measurement {
                visit: position,
                at: visit.start.plus(8),
                result: Result::Smoking(self.0),
            });
        }
    }
}
