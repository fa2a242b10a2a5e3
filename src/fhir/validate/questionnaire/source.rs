//! Where the Questionnaire of a response is: contained, in the Bundle around, or in the library.
//! Nothing is fetched: a Questionnaire that is elsewhere is noted as not checked.

use serde_json::Value;

use super::form::{Form, is_subset};
use super::{list, text};
use crate::fhir::validate::contained::contained;
use crate::fhir::validate::rule;
use crate::fhir::validate::walk::Walk;

impl<'v> Walk<'v> {
    /// The form that a response was made for. A response that names none answers no form in particular.
    pub(super) fn form(&mut self, response: &'v Value) -> Option<Form<'v>> {
        let canonical = text(response, "questionnaire")?;
        let root = self.full.as_ref()?.resources.last()?.root;
        let found = match canonical.strip_prefix('#') {
            Some(id) => Some((self.contained_form(root, id)?, root)),
            None => self.known_form(root, canonical),
        };
        let found = found.filter(|_| !is_subset(response));
        let form = found.and_then(|(questionnaire, root)| Form::new(questionnaire, root));
        if form.is_none()
            && let Some(full) = &mut self.full
        {
            full.open(rule::QUESTIONNAIRE, canonical.to_owned());
        }
        form
    }

    /// A contained Questionnaire; that there is none of this id is an issue.
    fn contained_form(&mut self, root: &'v Value, id: &str) -> Option<&'v Value> {
        let found = contained(root, id);
        let is_form = found.is_some_and(is_questionnaire);
        if !is_form {
            self.location.enter("questionnaire");
            match found {
                Some(_) => self.report(
                    rule::TARGET,
                    "refers to a resource that is no Questionnaire",
                ),
                None => self.report(
                    rule::UNRESOLVED,
                    "is local, and the resource contains no resource with this id",
                ),
            }
            self.location.leave();
        }
        found.filter(|_| is_form)
    }

    /// A Questionnaire by its canonical, the nearest first. Several that differ leave open which one was answered.
    fn known_form(&self, root: &'v Value, canonical: &str) -> Option<(&'v Value, &'v Value)> {
        let (url, version) = match canonical.split_once('|') {
            Some((url, version)) => (url, Some(version)),
            None => (canonical, None),
        };
        let is_it = |form: &&'v Value| {
            is_questionnaire(form)
                && text(form, "url") == Some(url)
                && version.is_none_or(|version| text(form, "version") == Some(version))
        };
        let full = self.full.as_ref()?;
        let in_root = list(root, "contained").iter().filter(is_it);
        if let Some(found) = one(in_root) {
            return found.map(|form| (form, root));
        }
        let entries = full
            .bundle()
            .map_or(&[][..], |bundle| list(bundle, "entry"));
        let in_bundle = entries.iter().filter_map(|entry| entry.get("resource"));
        if let Some(found) = one(in_bundle.filter(is_it)) {
            return found.map(|form| (form, form));
        }
        let in_library = full.library().questionnaires(url).filter(is_it);
        one(in_library)?.map(|form| (form, form))
    }
}

fn is_questionnaire(resource: &Value) -> bool {
    text(resource, "resourceType") == Some("Questionnaire")
}

/// The one that all candidates are; `Some(None)` if they differ, `None` if there is none.
fn one<'v>(mut candidates: impl Iterator<Item = &'v Value>) -> Option<Option<&'v Value>> {
    let first = candidates.next()?;
    Some(candidates.all(|other| other == first).then_some(first))
}
