//! Which parts of a URL are of this run's own making: what the author of a suite wrote, and what was made of data that
//! this run generated. They are shown in findings. What an answer gave, or a record of others, is not among them.

use percent_encoding::percent_decode_str;

use crate::record::cohort::Provenance;
use crate::secret::Disclosure;
use crate::suite::ir::{BodyTemplate, RequestTemplate};
use crate::suite::template::{Bindings, Template};

use super::super::context::Context;

/// Tells the disclosure which parts of a request may be shown.
pub(super) fn learn(
    context: &Context,
    picks: &[&str],
    request: &RequestTemplate,
    bindings: &Bindings,
) {
    let disclosure = context.session.disclosure();
    if disclosure.is_everything() {
        return;
    }
    let is_generated = context.cohort.provenance == Provenance::Generated;
    let is_ours = |name: &str| {
        let object = name.split('.').next().unwrap_or(name);
        let is_known = || {
            bindings
                .text(name)
                .is_ok_and(|value| disclosure.knows(&value))
        };
        (is_generated && picks.contains(&object)) || is_known()
    };
    for part in parts(request) {
        let Some(template) = part.filter(|template| template.names().all(is_ours)) else {
            continue;
        };
        if let Ok(value) = template.fill_search(bindings) {
            learn_one(disclosure, &value);
        }
    }
}

/// Templates are written as they go out: a bar may stand there encoded.
fn learn_one(disclosure: &Disclosure, value: &str) {
    disclosure.learn_asked(percent_decode_str(value).decode_utf8_lossy());
}

/// Segments of the path and values of parameters, in the URL and in a form.
fn parts(request: &RequestTemplate) -> impl Iterator<Item = Option<Template>> {
    let text = request.url.text();
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let values = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(_, value)| value);
    let fields = match &request.body {
        Some(BodyTemplate::Form(fields)) => fields.as_slice(),
        _ => &[],
    };
    let in_url = path
        .split('/')
        .chain(values)
        .map(|part| Template::parse(part).ok());
    in_url.chain(fields.iter().map(|(_, value)| Some(value.clone())))
}
