//! Paths of element names over the tables of R4: where they can lead, and whether they surely lead nowhere.
//! Not FHIRPath: names, `[x]`, and the functions that discriminators may use.
//! <http://hl7.org/fhir/R4/profiling.html#discriminator>

use crate::fhir::definitions::{Kind, NodeId, Table, Target};

/// Steps of one path that are followed; a longer one is taken as good.
const MAX_STEPS: usize = 64;

/// The nodes that a path can have reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    nodes: Vec<NodeId>,
    /// It may be on something that the tables do not tell: a resource of any type, or what a function gives.
    any: bool,
}

impl Places {
    /// At the root of a resource or of a complex type; `None` for other names.
    pub fn of_type(table: &Table, name: &str) -> Option<Self> {
        let id = table.id_of(name)?;
        let is_structure = matches!(table.node(id).kind, Kind::Resource | Kind::Complex);
        is_structure.then(|| Places {
            nodes: vec![id],
            any: false,
        })
    }

    /// Name of the first node.
    pub fn name(&self, table: &Table) -> &'static str {
        self.nodes.first().map_or("", |&id| table.node(id).name)
    }

    /// Where a path leads from here; `None` if no type at any of its steps has the element.
    pub fn follow(&self, table: &Table, path: &str) -> Option<Self> {
        let mut places = self.clone();
        let mut rest = path.trim();
        for _ in 0..MAX_STEPS {
            if rest.is_empty() || places.any && places.nodes.is_empty() {
                return Some(places);
            }
            let (step, behind) = first_step(rest);
            places = places.step(table, step.trim())?;
            rest = behind;
        }
        Some(Places::anything())
    }

    fn anything() -> Self {
        Places {
            nodes: Vec::new(),
            any: true,
        }
    }

    fn step(mut self, table: &Table, step: &str) -> Option<Self> {
        if matches!(step, "" | "$this") {
            return Some(self);
        }
        let Some((function, argument)) = step.split_once('(') else {
            return self.child(table, step);
        };
        match function {
            "ofType" | "as" => {
                let name = argument.trim_end_matches(')').trim();
                self.nodes.retain(|&id| table.node(id).name == name);
                // The types of primitives are not told apart here.
                self.any |= self.nodes.is_empty();
                Some(self)
            }
            "extension" => Some(Places {
                nodes: vec![table.extension],
                any: false,
            }),
            _ => Some(Places::anything()),
        }
    }

    fn child(&self, table: &Table, name: &str) -> Option<Self> {
        let mut found = Places {
            nodes: Vec::new(),
            any: self.any,
        };
        let stem = name.strip_suffix("[x]").unwrap_or(name);
        for &id in &self.nodes {
            let node = table.node(id);
            let position = node.elements.iter().position(|own| own.name == stem);
            let members = node.members.iter().filter(|member| match position {
                Some(position) => usize::from(member.element) == position,
                None => member.key == name,
            });
            members.for_each(|member| found.add(table, member.target));
            // The value of a primitive, which snapshots of primitives name.
            found.any |= id == table.element && name == "value";
        }
        (found.any || !found.nodes.is_empty()).then_some(found)
    }

    fn add(&mut self, table: &Table, target: Target) {
        let id = match target {
            Target::Node(id) => id,
            Target::Primitive(_) => table.element,
            Target::Resource => return self.any = true,
        };
        if !self.nodes.contains(&id) {
            self.nodes.push(id);
        }
    }
}

/// Up to the first dot that is not within parentheses, and what is behind it.
fn first_step(path: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'.' if depth == 0 => return (&path[..at], &path[at + 1..]),
            _ => {}
        }
    }
    (path, "")
}
