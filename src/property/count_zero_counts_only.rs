//! `property/count-zero-counts-only`: `_count=0` gives the total and no matches, and a page size that is none is an error.
//! Row PG-03 of the catalogue.

use super::case::{Case, Command, Script, Search};
use super::contrast::{self, Judged, matches, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CountZeroCountsOnly;

/// Page sizes that are none.
const BROKEN: &[&str] = &["-1", "abc", "1.5", "99999999999999999999", "0x10"];
/// Kinds of violation that rest on a SHOULD.
const ACCEPTED: &str = "accepted";
/// Kinds of violation of what R4 takes for granted.
const CRASHED: &str = "server-error";

static SPEC: PropertySpec = PropertySpec {
    id: "property/count-zero-counts-only",
    title: "_count=0 gives the total and no matches",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#count",
    sentence: "if _count has the value 0, this shall be treated the same as _summary=count: the server returns a bundle that reports the total number of resources that match in Bundle.total, but with no entries, and no prev/next/last links.",
    family: Family::Paging,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a search that had matches was answered with _count=0",
    usual_causes: &[
        "0 is taken for no page size and replaced by the default",
        "a page of no entries leads to a next page for ever",
        "the page size is read as a number without a look at what it is",
    ],
};

impl Property for CountZeroCountsOnly {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched(1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched(1).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let plain = Search::of("all", population.resource_type, Vec::new());
        script.search(plain.clone());
        script.search(Search {
            label: "zero".to_owned(),
            count: Some(0),
            ..plain.clone()
        });
        let broken = Search {
            label: "broken".to_owned(),
            ..plain.clone()
        };
        script.search(broken.with("_count", *values.pick(BROKEN)));
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather([zero(trace), broken(trace)])
    }

    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first().map(String::as_str) {
            Some(ACCEPTED) => Level::Should,
            Some(CRASHED) => Level::Robust,
            _ => SPEC.level,
        }
    }
}

fn zero(trace: &Trace) -> Judged {
    if contrast::search(trace, "zero").and_then(|search| search.count) != Some(0)
        || !answer::steady(trace, "all", "again")?
    {
        return Ok(None);
    }
    // Without the parameter in the self link it was not used.
    if !answer::shows(trace, "zero", "_count") && !answer::shows(trace, "zero", "_summary") {
        return Err(Open::Unsupported("_count=0 is ignored".to_owned()));
    }
    let (Some(all), Some(zero)) = (
        contrast::answered(trace, "all")?,
        answer::pages(trace, "zero")?,
    ) else {
        return Ok(None);
    };
    let pages = bodies::pages_of(trace, "zero");
    let Some(page) = pages.first() else {
        return Ok(None);
    };
    let number = all.set().len();
    let entries = bundle::match_keys(page).len();
    let total = bundle::total(page);
    let leads = ["next", "previous", "prev", "last"]
        .into_iter()
        .find(|relation| bundle::link(page, relation).is_some());
    let wrong = |title: &str, expected: String, actual: String, place: &str, sign: &str| {
        let violation = Violation::new(SPEC.id, title, Phrase::say(expected), Phrase::say(actual));
        shown_by(violation.at(place).signed(sign), trace, &[&all, &zero])
    };
    let found = if entries > 0 {
        let title = "_count=0 gives matches";
        Some(wrong(
            title,
            "no matches".to_owned(),
            matches(entries),
            "Bundle.entry",
            "entries",
        ))
    } else if total.is_some_and(|total| usize::try_from(total) != Ok(number)) {
        let title = "The total of _count=0 is not the number of matches";
        let actual = format!("a total of {}", total.unwrap_or_default());
        let expected = format!("a total of {number}");
        Some(wrong(title, expected, actual, "Bundle.total", "total"))
    } else {
        leads.map(|relation| {
            let title = "_count=0 leads to other pages";
            let actual = format!("a link {relation}");
            wrong(
                title,
                "no such links".to_owned(),
                actual,
                "Bundle.link",
                "link",
            )
        })
    };
    Ok((number > 0 || found.is_some()).then(|| found.into_iter().collect()))
}

/// "Where the content of the parameter is syntactically incorrect, servers SHOULD return an error."
fn broken(trace: &Trace) -> Judged {
    let Some(event) = trace.search("broken") else {
        return Ok(None);
    };
    let is_broken = match &event.step.command {
        Command::Search(search) => search
            .options
            .iter()
            .any(|(name, value)| name == "_count" && BROKEN.contains(&value.as_str())),
        _ => false,
    };
    let Some(status) = event.last().and_then(|exchange| exchange.status()) else {
        return Ok(None);
    };
    if !is_broken {
        return Ok(None);
    }
    let (title, sign) = match status {
        500 | 501 => ("A page size that is none makes the server fail", CRASHED),
        200 if answer::shows(trace, "broken", "_count") && has_self(trace) => {
            ("A page size that is none is accepted", ACCEPTED)
        }
        400..=499 if status != 429 => return Ok(Some(Vec::new())),
        _ => return Ok(None),
    };
    let actual = Phrase::say(format!("status {status}"));
    let violation = Violation::new(SPEC.id, title, "an error of the client", actual)
        .at("_count")
        .seen_in(event.numbers())
        .signed(sign);
    Ok(Some(vec![violation]))
}

/// True if the answer says by itself what was used.
fn has_self(trace: &Trace) -> bool {
    let page = bodies::pages_of(trace, "broken").into_iter().next();
    page.is_some_and(|page| {
        bundle::link(&page, "self").is_some_and(|url| {
            let shown = url.split_once('?').map(|(_, query)| query);
            let pairs = shown.map(crate::fhir::query::decode_pairs);
            pairs.is_some_and(|pairs| {
                pairs
                    .iter()
                    .any(|(name, value)| name == "_count" && BROKEN.contains(&value.as_str()))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::{Value, json};

    fn judge(zero: Value, broken: u16) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let all = searchset(&["Patient/1", "Patient/2"], "Patient?_tag=x");
        let plain = |label: &str| Search::of(label, "Patient", Vec::new());
        stage.push(
            Command::Search(plain("all")),
            None,
            vec![(200, all.clone())],
        );
        let search = Search {
            count: Some(0),
            ..plain("zero")
        };
        stage.push(Command::Search(search), None, vec![(200, zero)]);
        let search = plain("broken").with("_count", "-1");
        let page = searchset(&["Patient/1"], "Patient?_tag=x&_count=-1");
        stage.push(Command::Search(search), None, vec![(broken, page)]);
        stage.push(Command::Search(plain("again")), None, vec![(200, all)]);
        CountZeroCountsOnly.check(&stage.trace(), &capability(json!({})))
    }

    fn counted(keys: &[&str], total: u64) -> Value {
        let mut page = searchset(keys, "Patient?_tag=x&_count=0");
        page["total"] = json!(total);
        page
    }

    #[test]
    fn a_count_and_a_refusal_are_silent() {
        let judgement = judge(counted(&[], 2), 400);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 2));
    }

    #[test]
    fn matches_wrong_totals_and_links_are_found() {
        let sign = |page| judge(page, 400).violations[0].signature[0].clone();
        assert_eq!(sign(counted(&["Patient/1"], 2)), "entries");
        assert_eq!(sign(counted(&[], 1)), "total");
        let mut leading = counted(&[], 2);
        let next = json!({"relation": "next", "url": "http://h/next"});
        leading["link"].as_array_mut().unwrap().push(next);
        assert_eq!(sign(leading), "link");
    }

    #[test]
    fn a_broken_page_size_should_be_refused_and_must_not_crash() {
        let level = |status| {
            let violation = judge(counted(&[], 2), status).violations.remove(0);
            CountZeroCountsOnly.level_of(&violation)
        };
        assert_eq!(level(200), Level::Should);
        assert_eq!(level(500), Level::Robust);
    }
}
