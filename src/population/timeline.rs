//! The course of a life: birth, diseases, visits, death, all in order. Plain data, no FHIR.
//!
//! Invariants that everything else builds on: nothing before birth, nothing after death or [`TODAY`], visits
//! sorted and apart, each problem noted at a visit on or after its onset.

use jiff::civil::Date;

use super::calendar::{Moment, TODAY, Zone, add_days, age, days_between, workday};
use super::disease::{
    Act, CHRONIC, COLONOSCOPY, Chronic, DELIVERY, DIABETES, Disease, EPISODES, Episode,
    HYPERTENSION, KIDNEY, OBESITY, Setting,
};
use super::draw::Draw;
use super::growth::Body;
use super::people::Sex;
use crate::seed::Seed;

/// Days of history that are recorded; children below six have theirs from birth.
const WINDOW: i32 = 730;
/// Visits at most; the latest are kept.
const VISITS: usize = 24;
/// Days after birth of the visits of small children.
const WELL_CHILD: &[i32] = &[
    3, 31, 61, 122, 183, 274, 366, 457, 549, 731, 1096, 1461, 1827,
];

/// A life up to death or [`TODAY`].
pub(super) struct Life {
    pub(super) sex: Sex,
    pub(super) birth: Date,
    pub(super) death: Option<Moment>,
    pub(super) body: Body,
    pub(super) problems: Vec<Problem>,
    pub(super) visits: Vec<Visit>,
}

/// A disease of one person.
pub(super) struct Problem {
    pub(super) disease: &'static Disease,
    pub(super) chronic: bool,
    pub(super) onset: Date,
    pub(super) abated: Option<Date>,
    /// Index of the visit at which it was written down.
    pub(super) noted: usize,
}

impl Problem {
    /// True at the visit at which a disease of less than two years is first seen, and so not yet treated.
    pub(super) fn is_new(&self, code: &str, position: usize, at: Date) -> bool {
        self.disease.code.code == code
            && self.noted == position
            && days_between(self.onset, at) < 730
    }
}

/// What a visit is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Wellness,
    ChronicCare,
    Episode(&'static Episode),
    Screening(&'static Act),
    /// The stay in which the patient dies.
    LastStay,
}

/// A visit.
pub(super) struct Visit {
    pub(super) purpose: Purpose,
    pub(super) start: Moment,
    pub(super) end: Moment,
    /// Indexes of the problems it is about.
    pub(super) about: Vec<usize>,
}

impl Visit {
    /// True for a planned visit to the clinic.
    pub(super) fn is_planned(&self) -> bool {
        matches!(self.purpose, Purpose::Wellness | Purpose::ChronicCare)
    }

    /// True for a stay in hospital.
    pub(super) fn is_stay(&self) -> bool {
        match self.purpose {
            Purpose::LastStay => true,
            Purpose::Episode(episode) => matches!(episode.setting, Setting::Hospital(_)),
            _ => false,
        }
    }

    /// True for a stay in which a child is born.
    pub(super) fn is_delivery(&self) -> bool {
        matches!(self.purpose, Purpose::Episode(episode) if episode.disease.code.code == DELIVERY)
    }

    /// True for a visit to the emergency department.
    pub(super) fn is_emergency(&self) -> bool {
        matches!(self.purpose, Purpose::Episode(episode) if episode.setting == Setting::Emergency)
    }

    /// What is done at it, beyond talking and measuring.
    pub(super) fn act(&self) -> Option<&'static Act> {
        match self.purpose {
            Purpose::Episode(episode) => episode.act.as_ref(),
            Purpose::Screening(act) => Some(act),
            _ => None,
        }
    }
}

/// What is asked of a life beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Casting {
    /// Anyone.
    Anyone,
    /// Someone of 40 to 60 years who is alive, so that what is added fits into the life.
    LivingAdult,
}

/// The life of the person with this seed.
pub(super) fn live(seed: Seed, zone: Zone, casting: Casting) -> Life {
    let mut draw = Draw::new(seed.derive("life"));
    let sex = *draw.pick(&[Sex::Female, Sex::Male]);
    let years = match casting {
        Casting::LivingAdult => draw.between(40, 60),
        Casting::Anyone => {
            let (low, high) = draw.weighted(&[
                ((0, 5), 8),
                ((6, 17), 14),
                ((18, 39), 28),
                ((40, 64), 31),
                ((65, 84), 16),
                ((85, 101), 3),
            ]);
            draw.between(low, high)
        }
    };
    let mortality = match years {
        0..18 => 2,
        18..50 => 8,
        50..75 => 50,
        _ => 220,
    };
    let dies = casting == Casting::Anyone && draw.chance(mortality);
    let end = if dies {
        add_days(TODAY, -draw.between(40, 1000))
    } else {
        TODAY
    };
    let birth = add_days(end, -(years * 365 + years / 4 + draw.between(5, 360)));
    let body = Body::draw(&mut draw, sex);
    let chronic = draw_chronic(&mut draw, sex, birth, end, &body);
    let mut proposals = propose(&mut draw, sex, birth, end, &chronic);
    let last = dies.then(|| LastDays::draw(&mut draw, birth, end));
    if let Some(last) = &last {
        proposals.retain(|proposal| proposal.day < last.from);
        if last.in_hospital {
            proposals.push(Proposal::new(last.from, Purpose::LastStay));
        }
    }
    let death = last
        .as_ref()
        .map(|last| Moment::new(end, last.minute, zone));
    let visits = settle(&mut draw, proposals, zone, end, death);
    let mut life = Life {
        sex,
        birth,
        death,
        body,
        problems: Vec::new(),
        visits,
    };
    life.note(&mut draw, &chronic, end);
    life
}

struct LastDays {
    from: Date,
    minute: i32,
    in_hospital: bool,
}

impl LastDays {
    fn draw(draw: &mut Draw, birth: Date, end: Date) -> Self {
        let from = add_days(end, -draw.between(2, 9));
        LastDays {
            from: from.max(add_days(birth, 1)),
            minute: draw.between(30, 1400),
            in_hospital: draw.chance(600),
        }
    }
}

struct Onset {
    disease: &'static Disease,
    day: Date,
}

fn band(years: f64) -> usize {
    match years {
        ..18.0 => 0,
        ..40.0 => 1,
        ..60.0 => 2,
        _ => 3,
    }
}

fn draw_chronic(draw: &mut Draw, sex: Sex, birth: Date, end: Date, body: &Body) -> Vec<Onset> {
    let years = age(birth, end);
    let mut found: Vec<Onset> = Vec::new();
    for Chronic {
        disease,
        women,
        men,
    } in CHRONIC
    {
        let mut per_mille = match sex {
            Sex::Female => women[band(years)],
            Sex::Male => men[band(years)],
        };
        let has = |code: &str| found.iter().any(|onset| onset.disease.code.code == code);
        match disease.code.code {
            OBESITY if years >= 20.0 && body.mass_index(years) >= 30.5 => per_mille = 650,
            KIDNEY if has(HYPERTENSION) || has(DIABETES) => per_mille *= 2,
            KIDNEY => per_mille = 0,
            _ => {}
        }
        let has_it = draw.chance(per_mille);
        let from = add_days(birth, disease.ages.0 * 365 + disease.ages.0 / 4);
        let to = add_days(end, -250).min(add_days(birth, disease.ages.1 * 365));
        let span = days_between(from, to);
        if has_it && span > 0 {
            found.push(Onset {
                disease,
                // The later of two days: disease gathers with age.
                day: add_days(from, draw.between(0, span).max(draw.between(0, span))),
            });
        }
    }
    found
}

struct Proposal {
    day: Date,
    purpose: Purpose,
}

impl Proposal {
    fn new(day: Date, purpose: Purpose) -> Self {
        Proposal { day, purpose }
    }
}

fn propose(draw: &mut Draw, sex: Sex, birth: Date, end: Date, chronic: &[Onset]) -> Vec<Proposal> {
    let child = age(birth, end) < 6.0;
    let from = if child {
        birth
    } else {
        birth.max(add_days(end, -WINDOW))
    };
    let mut proposals = Vec::new();
    if child {
        for days in WELL_CHILD {
            let late = draw.between(0, if *days < 30 { 0 } else { 9 });
            let day = add_days(birth, *days + late);
            if day < end {
                proposals.push(Proposal::new(workday(day), Purpose::Wellness));
            }
        }
    } else {
        propose_checks(draw, from, end, chronic, &mut proposals);
    }
    propose_episodes(draw, sex, birth, from, end, &mut proposals);
    if (47.0..74.0).contains(&age(birth, end)) && draw.chance(180) {
        let day = add_days(from, draw.between(20, WINDOW - 30));
        proposals.push(Proposal::new(
            workday(day),
            Purpose::Screening(&COLONOSCOPY),
        ));
    }
    proposals
}

/// Yearly checks, and every half year someone with a chronic disease, the checks in turn with the rest.
fn propose_checks(
    draw: &mut Draw,
    from: Date,
    end: Date,
    chronic: &[Onset],
    proposals: &mut Vec<Proposal>,
) {
    let ill = !chronic.is_empty();
    let mut day = add_days(from, draw.between(5, if ill { 120 } else { 300 }));
    let mut wellness = draw.chance(500);
    while day < end {
        if ill {
            let purpose = if wellness {
                Purpose::Wellness
            } else {
                Purpose::ChronicCare
            };
            proposals.push(Proposal::new(workday(day), purpose));
            wellness = !wellness;
            day = add_days(day, draw.between(165, 205));
        } else {
            if draw.chance(800) {
                proposals.push(Proposal::new(workday(day), Purpose::Wellness));
            }
            day = add_days(day, draw.between(340, 400));
        }
    }
}

fn propose_episodes(
    draw: &mut Draw,
    sex: Sex,
    birth: Date,
    from: Date,
    end: Date,
    proposals: &mut Vec<Proposal>,
) {
    let number = draw.weighted(&[(0, 25), (1, 40), (2, 25), (3, 10)]);
    let mut once: Vec<&str> = Vec::new();
    for _ in 0..number {
        let day = add_days(from, draw.between(4, days_between(from, end) - 1));
        let years = age(birth, day);
        let possible: Vec<(&'static Episode, u32)> = EPISODES
            .iter()
            .filter(|episode| {
                let (low, high) = episode.disease.ages;
                (f64::from(low)..f64::from(high + 1)).contains(&years)
                    && episode.sex.is_none_or(|only| only == sex)
                    && !once.contains(&episode.disease.code.code)
            })
            .map(|episode| (episode, episode.weight))
            .collect();
        if possible.is_empty() || day >= end {
            continue;
        }
        let episode = draw.weighted(&possible);
        once.push(episode.disease.code.code);
        let day = if episode.setting == Setting::Clinic {
            workday(day)
        } else {
            day
        };
        proposals.push(Proposal::new(day, Purpose::Episode(episode)));
    }
}

/// Gives proposals their hours, and drops what would overlap or come too late.
fn settle(
    draw: &mut Draw,
    mut proposals: Vec<Proposal>,
    zone: Zone,
    end: Date,
    death: Option<Moment>,
) -> Vec<Visit> {
    proposals.sort_by_key(|proposal| proposal.day);
    let mut visits: Vec<Visit> = Vec::new();
    for Proposal { day, purpose } in proposals {
        let (start, finish) = hours(draw, day, purpose, zone, death);
        let free = visits.last().is_none_or(|last| last.end.day() < day);
        let in_time = matches!(purpose, Purpose::LastStay) || finish.day() < end;
        if free && in_time && start.civil < finish.civil {
            visits.push(Visit {
                purpose,
                start,
                end: finish,
                about: Vec::new(),
            });
        }
    }
    let surplus = visits.len().saturating_sub(VISITS);
    visits.drain(..surplus);
    visits
}

fn hours(
    draw: &mut Draw,
    day: Date,
    purpose: Purpose,
    zone: Zone,
    death: Option<Moment>,
) -> (Moment, Moment) {
    let setting = match purpose {
        Purpose::Episode(episode) => episode.setting,
        Purpose::LastStay => Setting::Hospital(0),
        _ => Setting::Clinic,
    };
    match (setting, purpose, death) {
        (_, Purpose::LastStay, Some(death)) => {
            (Moment::new(day, draw.between(300, 1300), zone), death)
        }
        (Setting::Hospital(days), ..) => {
            let start = Moment::new(day, draw.between(300, 1300), zone);
            let leave = add_days(day, days + draw.between(0, 1));
            (start, Moment::new(leave, draw.between(600, 960), zone))
        }
        (Setting::Emergency, ..) => {
            let start = Moment::new(day, draw.between(420, 1200), zone);
            (start, start.plus(draw.between(75, 235)))
        }
        (Setting::Clinic, ..) => {
            // Surgery and screening fit into the longest appointments.
            let start = Moment::new(day, 480 + 15 * draw.between(0, 30), zone);
            let length = match purpose {
                Purpose::Screening(_) => 120,
                Purpose::Episode(episode) if episode.act.is_some() => 150,
                Purpose::Episode(_) => 15,
                _ => 30,
            };
            (start, start.plus(length))
        }
    }
}

impl Life {
    /// Writes problems down at visits.
    fn note(&mut self, draw: &mut Draw, chronic: &[Onset], end: Date) {
        for onset in chronic {
            let noted = self
                .visits
                .iter()
                .position(|visit| visit.is_planned() && visit.start.day() >= onset.day);
            if let Some(noted) = noted {
                self.problems.push(Problem {
                    disease: onset.disease,
                    chronic: true,
                    onset: onset.day,
                    abated: None,
                    noted,
                });
            }
        }
        let known = self.problems.len();
        for (position, visit) in self.visits.iter_mut().enumerate() {
            match visit.purpose {
                Purpose::ChronicCare => {
                    visit.about = (0..known)
                        .filter(|problem| self.problems[*problem].noted <= position)
                        .collect();
                }
                Purpose::Episode(episode) => {
                    visit.about = vec![self.problems.len()];
                    self.problems
                        .push(acute(draw, episode, visit, position, self.birth, end));
                }
                _ => {}
            }
        }
    }
}

fn acute(
    draw: &mut Draw,
    episode: &'static Episode,
    visit: &Visit,
    noted: usize,
    birth: Date,
    end: Date,
) -> Problem {
    let before = match episode.setting {
        Setting::Clinic => draw.between(1, 4),
        Setting::Emergency => 0,
        Setting::Hospital(_) => draw.between(0, 1),
    };
    let onset = add_days(visit.start.day(), -before).max(birth);
    let over = add_days(
        visit.end.day(),
        draw.between(episode.days.0, episode.days.1),
    );
    Problem {
        disease: &episode.disease,
        chronic: false,
        onset,
        abated: (over < end).then_some(over),
        noted,
    }
}
