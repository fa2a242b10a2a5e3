//! A Questionnaire as the tree of its items, found by linkId. Not its own rules: the invariants que-1 to que-13 are
//! judged where the Questionnaire itself is validated.

use std::collections::HashMap;

use serde_json::Value;

use super::{extensions, list, text};

/// Items nested deeper than this are not followed; published forms have less than ten levels.
pub(super) const MAX_DEPTH: usize = 64;

/// Items of one Questionnaire; the largest published ones have a few thousand.
const MAX_ITEMS: usize = 50_000;

/// SDC: the items come one by one from a service; those that came are in a contained Questionnaire.
const ADAPTIVE: &str =
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive";

/// SDC: an item that stands for those of another Questionnaire.
const MODULE: &str =
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-subQuestionnaire";

/// A Questionnaire with an index over its items.
pub(super) struct Form<'v> {
    /// The resource that contains its value sets: itself, or what contains it.
    pub root: &'v Value,
    pub questionnaire: &'v Value,
    questions: Vec<Question<'v>>,
    by_link: HashMap<&'v str, Vec<usize>>,
    top: Vec<usize>,
}

/// An item of a Questionnaire: a group, a question or a text to display.
pub(super) struct Question<'v> {
    pub item: &'v Value,
    pub link: &'v str,
    /// Code of its type; empty if it has none.
    pub kind: &'v str,
    /// The item around it.
    pub parent: Option<usize>,
    children: Vec<usize>,
    /// Place in the list that it stands in.
    position: usize,
}

impl<'v> Form<'v> {
    /// `None` if the Questionnaire is larger or deeper than what is followed, or does not have all of the items that may
    /// be answered.
    pub fn new(questionnaire: &'v Value, root: &'v Value) -> Option<Self> {
        let is_published = std::ptr::eq(questionnaire, root);
        let is_adaptive = extensions(questionnaire, ADAPTIVE).next().is_some();
        if is_subset(questionnaire) || is_published && is_adaptive {
            return None;
        }
        let mut form = Form {
            root,
            questionnaire,
            questions: Vec::new(),
            by_link: HashMap::new(),
            top: Vec::new(),
        };
        form.top = form.add(questionnaire, None, 0)?;
        Some(form)
    }

    fn add(
        &mut self,
        holder: &'v Value,
        parent: Option<usize>,
        depth: usize,
    ) -> Option<Vec<usize>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut added = Vec::new();
        for (position, item) in list(holder, "item").iter().enumerate() {
            let Some(link) = text(item, "linkId") else {
                continue;
            };
            let index = self.questions.len();
            if index == MAX_ITEMS || extensions(item, MODULE).next().is_some() {
                return None;
            }
            self.questions.push(Question {
                item,
                link,
                kind: text(item, "type").unwrap_or_default(),
                parent,
                children: Vec::new(),
                position,
            });
            self.by_link.entry(link).or_default().push(index);
            added.push(index);
            let children = self.add(item, Some(index), depth + 1)?;
            self.questions[index].children = children;
        }
        Some(added)
    }

    /// An item by its index; indexes come from this form.
    pub fn question(&self, index: usize) -> &Question<'v> {
        &self.questions[index]
    }

    /// The items below an item, or at the top, in order.
    pub fn children(&self, parent: Option<usize>) -> &[usize] {
        match parent {
            Some(index) => &self.questions[index].children,
            None => &self.top,
        }
    }

    /// The item with a linkId below another one, or at the top.
    pub fn child(&self, parent: Option<usize>, link: &str) -> Option<usize> {
        let same = self.by_link.get(link)?.iter();
        same.copied()
            .find(|&index| self.questions[index].parent == parent)
    }

    /// The item with a linkId, wherever it stands; `None` also if the linkId is not unique, which que-2 forbids.
    pub fn unique(&self, link: &str) -> Option<usize> {
        match self.by_link.get(link)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// True if some item has the linkId.
    pub fn has(&self, link: &str) -> bool {
        self.by_link.contains_key(link)
    }

    /// The way from the top to an item, the item included.
    pub fn path(&self, index: usize) -> Vec<usize> {
        let mut path = vec![index];
        let mut current = index;
        // Parents come before their children: the indexes fall, and the way ends.
        while let Some(parent) = self.questions[current].parent {
            path.push(parent);
            current = parent;
        }
        path.reverse();
        path
    }

    /// `Questionnaire.item[0].item[2]`.
    pub fn place(&self, index: usize) -> String {
        let steps = self.path(index).into_iter();
        steps.fold("Questionnaire".to_owned(), |place, step| {
            format!("{place}.item[{}]", self.questions[step].position)
        })
    }
}

/// True for a resource whose server left elements out (`_summary`, `_elements`),
/// <http://hl7.org/fhir/R4/search.html#summary>.
pub(super) fn is_subset(resource: &Value) -> bool {
    let tags = resource
        .get("meta")
        .map_or(&[][..], |meta| list(meta, "tag"));
    tags.iter()
        .any(|tag| text(tag, "code") == Some("SUBSETTED"))
}
