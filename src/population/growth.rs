//! Height, weight and pressure by age and sex. Not a growth standard: medians rounded from the CDC charts of
//! 2000 (<https://www.cdc.gov/growthcharts/>), with one deviation for all ages.

use super::draw::Draw;
use super::people::Sex;

/// Age in years, height in cm and weight in kg of girls, height and weight of boys.
const MEDIANS: &[(f64, [f64; 4])] = &[
    (0.0, [49.3, 3.4, 50.0, 3.5]),
    (0.25, [59.5, 5.6, 61.4, 6.2]),
    (0.5, [65.7, 7.3, 67.6, 7.9]),
    (1.0, [74.5, 9.5, 76.0, 10.3]),
    (1.5, [80.5, 10.9, 82.0, 11.6]),
    (2.0, [85.5, 12.1, 87.0, 12.7]),
    (3.0, [94.5, 13.9, 95.5, 14.3]),
    (4.0, [101.0, 15.9, 102.5, 16.3]),
    (5.0, [108.0, 18.0, 109.0, 18.4]),
    (6.0, [115.0, 20.3, 115.5, 20.7]),
    (8.0, [127.5, 25.8, 128.0, 25.6]),
    (10.0, [138.0, 33.0, 138.5, 31.9]),
    (12.0, [151.0, 41.8, 149.0, 40.5]),
    (14.0, [160.5, 49.4, 164.0, 51.0]),
    (16.0, [162.5, 53.9, 173.5, 60.9]),
    (18.0, [163.0, 56.2, 176.5, 67.3]),
];

/// What stays with a person for life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    sex: Sex,
    /// Deviations from the median.
    height: f64,
    weight: f64,
    pressure: f64,
    /// Beats per minute above or below what is usual at that age.
    pulse: f64,
}

impl Body {
    /// A body.
    pub(super) fn draw(draw: &mut Draw, sex: Sex) -> Self {
        let height = draw.normal().clamp(-2.4, 2.4);
        Body {
            sex,
            height,
            weight: (0.3 * height + 0.9 * draw.normal()).clamp(-2.0, 2.4),
            pressure: draw.normal().clamp(-2.0, 2.0),
            pulse: 5.0 * draw.normal().clamp(-2.0, 2.0),
        }
    }

    fn median(&self, years: f64) -> (f64, f64) {
        let column = match self.sex {
            Sex::Female => 0,
            Sex::Male => 2,
        };
        let after = MEDIANS.iter().position(|(at, _)| *at > years);
        let (low, high) = match after {
            Some(0) | None => {
                let edge = if after.is_none() {
                    MEDIANS.len() - 1
                } else {
                    0
                };
                let (_, row) = MEDIANS[edge];
                return (row[column], row[column + 1]);
            }
            Some(next) => (MEDIANS[next - 1], MEDIANS[next]),
        };
        let part = (years - low.0) / (high.0 - low.0);
        let between =
            |position: usize| low.1[position] + part * (high.1[position] - low.1[position]);
        (between(column), between(column + 1))
    }

    /// Height in cm; one centimetre is lost each decade after 60.
    pub(super) fn height(&self, years: f64) -> f64 {
        let (median, _) = self.median(years);
        median * (1.0 + 0.04 * self.height) - 0.1 * (years - 60.0).max(0.0)
    }

    /// Weight in kg.
    pub(super) fn weight(&self, years: f64) -> f64 {
        let grown = self.mass(years.min(18.0));
        if years <= 18.0 {
            return grown;
        }
        // From 18 to 35 the body mass index goes to the adult one and stays there, less a little in old age.
        let height = self.height(18.0) / 100.0;
        let young = grown / (height * height);
        let adult = 27.0 * spread(0.18 * self.weight);
        let part = ((years - 18.0) / 17.0).min(1.0);
        let late = 1.0 - 0.004 * (years - 70.0).max(0.0);
        (young + part * (adult - young)) * late * height * height
    }

    fn mass(&self, years: f64) -> f64 {
        let (_, median) = self.median(years);
        median * spread(0.13 * self.weight)
    }

    /// Body mass index in kg/m2.
    pub(super) fn mass_index(&self, years: f64) -> f64 {
        let height = self.height(years) / 100.0;
        self.weight(years) / (height * height)
    }

    /// Circumference of the head in cm, up to two years.
    pub(super) fn head(&self, years: f64) -> f64 {
        let sex = if self.sex == Sex::Male { 0.6 } else { 0.0 };
        let grown = if years < 0.5 {
            34.4 + 16.0 * years
        } else {
            42.4 + 2.9 * (years - 0.5)
        };
        grown + sex + 0.8 * self.height
    }

    /// Usual systolic and diastolic pressure in mm\[Hg\] without disease.
    pub(super) fn pressure(&self, years: f64) -> (f64, f64) {
        let adult = if self.sex == Sex::Male { 117.0 } else { 112.0 };
        let systolic = if years < 18.0 {
            90.0 + (adult - 91.0) * years / 18.0
        } else {
            adult + 0.25 * (years - 18.0)
        };
        let diastolic = if years < 18.0 {
            52.0 + 0.9 * years
        } else {
            72.0 + 5.0 * (1.0 - (years - 55.0).abs() / 40.0)
        };
        (
            systolic + 7.0 * self.pressure,
            diastolic + 3.5 * self.pressure,
        )
    }

    /// Usual heart rate and respiratory rate per minute.
    pub(super) fn rates(&self, years: f64) -> (f64, f64) {
        let (heart, breath) = match years {
            ..0.25 => (140.0, 42.0),
            ..1.0 => (128.0, 34.0),
            ..3.0 => (112.0, 27.0),
            ..6.0 => (100.0, 23.0),
            ..12.0 => (86.0, 20.0),
            ..18.0 => (76.0, 17.0),
            _ => (72.0, 15.0),
        };
        (heart + self.pulse, breath)
    }
}

/// e^x up to the third power, which every platform computes alike.
fn spread(x: f64) -> f64 {
    1.0 + x + x * x / 2.0 + x * x * x / 6.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn bodies_are_plausible_at_all_ages() {
        let mut draw = Draw::new(Seed(4));
        for round in 0..500 {
            let sex = if round % 2 == 0 {
                Sex::Female
            } else {
                Sex::Male
            };
            let body = Body::draw(&mut draw, sex);
            for years in 1..=100 {
                let years = f64::from(years);
                let index = body.mass_index(years);
                let least = if years < 18.0 { 10.0 } else { 15.0 };
                assert!((least..50.0).contains(&index), "{index} at {years}");
                let (systolic, diastolic) = body.pressure(years);
                assert!(systolic - diastolic > 20.0, "{systolic}/{diastolic}");
            }
            assert!(body.height(10.0) < body.height(18.0));
            assert!((2.0..5.0).contains(&body.weight(0.01)));
        }
    }
}
