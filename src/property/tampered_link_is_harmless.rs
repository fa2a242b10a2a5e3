//! `property/tampered-link-is-harmless`: a page link that was changed is refused or gives pages of the same search; it
//! neither makes the server fail nor shows other data. Row PG-06 of the catalogue.

use std::collections::BTreeSet;

use super::case::{Case, Command, Raw, RawBody, Script, Search};
use super::contrast::{self, Judged};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::capability::Capability;
use crate::fhir::query::decode_pairs;
use crate::fhir::{Key, bundle};
use crate::http::Method;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct TamperedLinkIsHarmless;

/// What was done to the link: shorter, another end, something behind it.
const CHANGES: &[&str] = &[
    "next-cut",
    "next-turned",
    "next}x",
    "next}%00",
    "next}&_count=-1",
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/tampered-link-is-harmless",
    title: "A page link that was changed neither makes the server fail nor shows other data",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#paging",
    sentence: "The links are opaque to the client, have no dictated structure, and only the server understands them.",
    family: Family::Paging,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Fresh, Guard::Quiet],
    precondition: "a search had a next link, and the changed link was answered",
    usual_causes: &[
        "a cursor is a number that names the pages of others as well",
        "a cursor is read without a look at its form",
        "the criteria of the search are not kept with the cursor",
    ],
};

impl Property for TamperedLinkIsHarmless {
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
        let plain = Search {
            count: Some(2),
            ..Search::of("pages", population.resource_type, Vec::new())
        };
        let of = script.search(plain.clone());
        for change in CHANGES {
            let (place, behind) = change.split_once('}').unwrap_or((change, ""));
            script.push(Command::Raw(Raw {
                method: Method::Get,
                url: format!("${{{place}:{of}}}{behind}"),
                headers: vec![("Cache-Control".to_owned(), "no-cache".to_owned())],
                body: RawBody::None,
                name: None,
            }));
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather(trace.events.iter().map(|event| judge(trace, event)))
    }
}

fn judge(trace: &Trace, event: &Event) -> Judged {
    let (Command::Raw(_), Some(exchange)) = (&event.step.command, event.last()) else {
        return Ok(None);
    };
    if !answer::steady(trace, "pages", "again")? {
        return Ok(None);
    }
    let (Some(pages), Some(next)) = (contrast::answered(trace, "pages")?, next(trace)) else {
        return Ok(None);
    };
    let tampered = exchange.request.url.as_str();
    if tampered == next {
        return Ok(None);
    }
    let wrong = |title: &str, expected: &str, actual: String, sign: &str| {
        Violation::new(SPEC.id, title, expected, Phrase::say(actual))
            .at("Bundle.link")
            .seen_in(pages.exchanges.iter().copied().chain(event.numbers()))
            .signed(sign)
    };
    let status = exchange.status();
    let found = match status {
        // Overload and maintenance say nothing of the link.
        Some(status @ (500 | 501)) => Some(wrong(
            "A page link that was changed makes the server fail",
            "a refusal, or a page of the search",
            format!("status {status}"),
            "server-error",
        )),
        Some(200) if is_still_confined(trace, &next, tampered) => {
            let whole = pages.set();
            let found: BTreeSet<Key> = exchange
                .json()
                .map(|page| bundle::match_keys(&page).into_iter().collect())
                .unwrap_or_default();
            let foreign = found.difference(&whole).count();
            (foreign > 0).then(|| {
                wrong(
                    "A page link that was changed shows other data",
                    "a refusal, or matches of the search",
                    format!("{foreign} matches of something else"),
                    "other-data",
                )
            })
        }
        Some(200..=499) => None,
        _ => return Ok(None),
    };
    Ok(Some(found.into_iter().collect()))
}

/// The next link of the first page, resolved.
fn next(trace: &Trace) -> Option<String> {
    let exchange = trace.search("pages")?.exchanges.first()?;
    let page = exchange.json()?;
    let base = url::Url::parse(&exchange.request.url).ok()?;
    Some(base.join(bundle::link(&page, "next")?).ok()?.to_string())
}

/// False if the change may have made another search of the link: where a server pages by the criteria in the URL, a
/// changed criterion is the client's own doing.
fn is_still_confined(trace: &Trace, next: &str, tampered: &str) -> bool {
    let pairs = |url: &str| {
        url.split_once('?')
            .map(|(_, query)| decode_pairs(query))
            .unwrap_or_default()
    };
    let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    let asked = bodies::sent(trace, "pages");
    let is_criterion = |(name, _): &&(String, String)| {
        !matches!(name.as_str(), "_count" | "_sort") && asked.iter().any(|(known, _)| known == name)
    };
    let (before, after) = (pairs(next), pairs(tampered));
    let kept: Vec<&(String, String)> = before.iter().filter(is_criterion).collect();
    let now: Vec<&(String, String)> = after.iter().filter(is_criterion).collect();
    // A link that shows a part of the criteria would leave open what the rest hangs on.
    kept == now && path(next) == path(tampered) && !carries_values(&asked, &before)
}

/// True if a value of a criterion stands in the link under another name: then a change may have hit it.
fn carries_values(asked: &[(String, String)], link: &[(String, String)]) -> bool {
    let named = |name: &str| asked.iter().any(|(known, _)| known == name);
    link.iter()
        .filter(|(name, _)| !named(name))
        .any(|(_, shown)| {
            asked
                .iter()
                .any(|(_, value)| value.len() > 2 && shown.contains(value.as_str()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::{Value, json};

    fn judge(link: &str, tampered: &str, status: u16, body: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let search = |label: &str| Command::Search(Search::of(label, "Patient", Vec::new()));
        let mut first = searchset(&["Patient/1"], "Patient?_tag=x");
        let next = json!({"relation": "next", "url": link});
        first["link"].as_array_mut().unwrap().push(next);
        let second = searchset(&["Patient/2"], "Patient?_tag=x");
        let pages = vec![(200, first), (200, second)];
        stage.push(search("pages"), None, pages.clone());
        stage.asking("http://h/fhir/Patient?_tag=x");
        let raw = Raw {
            method: Method::Get,
            url: String::new(),
            headers: Vec::new(),
            body: RawBody::None,
            name: None,
        };
        stage.push(Command::Raw(raw), None, vec![(status, body)]);
        stage.asking(tampered);
        stage.push(search("again"), None, pages);
        TamperedLinkIsHarmless.check(&stage.trace(), &capability(json!({})))
    }

    const OPAQUE: [&str; 2] = ["http://h/fhir?c=aa12", "http://h/fhir?c=aa17"];

    #[test]
    fn a_refusal_and_pages_of_the_search_are_silent() {
        let [link, tampered] = OPAQUE;
        for (status, keys) in [(410, &[][..]), (400, &[]), (200, &["Patient/2"])] {
            let judgement = judge(link, tampered, status, searchset(keys, "x"));
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn a_crash_and_other_data_are_found() {
        let [link, tampered] = OPAQUE;
        let sign = |status| {
            let page = searchset(&["Patient/9"], "x");
            judge(link, tampered, status, page).violations[0].signature[0].clone()
        };
        assert_eq!(sign(500), "server-error");
        assert_eq!(sign(200), "other-data");
    }

    #[test]
    fn a_changed_criterion_is_another_search() {
        let page = searchset(&["Patient/9"], "x");
        let link = "http://h/fhir/Patient?page=2&_tag=x";
        let tampered = "http://h/fhir/Patient?page=2&_tag=y";
        assert_eq!(judge(link, tampered, 200, page).violations, []);
    }
}
