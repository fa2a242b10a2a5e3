//! Structures as flat tables: a node for each type and each backbone element, its JSON members sorted by name.
//! Not the walk over a resource: `validate` and `child_types` read these tables.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

pub(crate) use super::pack::Kind;
use super::pack::{ElementRow, Part, StructureRow, TypeRow, r4, rows};

/// Index of a node in its table.
pub(crate) type NodeId = u32;

/// All structures of R4.
pub(crate) struct Table {
    pub nodes: Vec<Node>,
    by_name: HashMap<&'static str, NodeId>,
    /// Concrete resource types, sorted.
    pub resource_types: Vec<&'static str>,
    /// `Element`: what stands beside a primitive value.
    pub element: NodeId,
    /// `Coding`, for bindings.
    pub coding: NodeId,
    /// `CodeableConcept`, for bindings.
    pub codeable_concept: NodeId,
    /// `Reference`, for the shape of references.
    pub reference: NodeId,
    /// `Extension`, for its definition.
    pub extension: NodeId,
    /// `ElementDefinition`, whose ids are paths.
    pub element_definition: NodeId,
}

/// A type or a backbone element.
pub(crate) struct Node {
    /// `Patient` or `Patient.contact`.
    pub name: &'static str,
    pub kind: Kind,
    pub base: Option<&'static str>,
    /// In the order of the definition; at most 128 (the validator keeps a bit for each).
    pub elements: Vec<Element>,
    /// What may stand in JSON, sorted by key; a choice element has one member for each type.
    pub members: Vec<Member>,
    /// Bit set of the elements that must be there.
    pub required: u128,
}

/// An element of a node.
pub(crate) struct Element {
    /// Without `[x]`.
    pub name: &'static str,
    /// `None` is `*`.
    pub max: Option<u32>,
    /// An array in JSON.
    pub repeats: bool,
    pub choice: bool,
    /// Has neither id nor extensions of its own.
    pub attribute: bool,
    /// Types as FHIRPath sees them: type names or a backbone path.
    pub types: Vec<&'static str>,
    /// Index of the required value set.
    pub binding: Option<u32>,
}

/// A JSON member of a node.
pub(crate) struct Member {
    /// `name`, `valueQuantity`.
    pub key: Cow<'static, str>,
    /// Index in `Node::elements`.
    pub element: u8,
    pub target: Target,
}

/// What a member's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Primitive(Primitive),
    Node(NodeId),
    /// Any resource, by its `resourceType`.
    Resource,
}

/// Primitive types, <http://hl7.org/fhir/R4/datatypes.html#primitive>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// Primitive types with their names.
const PRIMITIVES: [(&str, Primitive); 20] = [
    ("base64Binary", Primitive::Base64Binary),
    ("boolean", Primitive::Boolean),
    ("canonical", Primitive::Canonical),
    ("code", Primitive::Code),
    ("date", Primitive::Date),
    ("dateTime", Primitive::DateTime),
    ("decimal", Primitive::Decimal),
    ("id", Primitive::Id),
    ("instant", Primitive::Instant),
    ("integer", Primitive::Integer),
    ("markdown", Primitive::Markdown),
    ("oid", Primitive::Oid),
    ("positiveInt", Primitive::PositiveInt),
    ("string", Primitive::String),
    ("time", Primitive::Time),
    ("unsignedInt", Primitive::UnsignedInt),
    ("uri", Primitive::Uri),
    ("url", Primitive::Url),
    ("uuid", Primitive::Uuid),
    ("xhtml", Primitive::Xhtml),
];

impl Primitive {
    /// The primitive type of that name.
    pub fn of(name: &str) -> Option<Self> {
        let mut all = PRIMITIVES.iter();
        all.find(|(own, _)| *own == name)
            .map(|(_, primitive)| *primitive)
    }

    /// The name of the type.
    pub fn name(self) -> &'static str {
        let mut all = PRIMITIVES.iter();
        all.find(|(_, primitive)| *primitive == self)
            .map_or("string", |(name, _)| name)
    }
}

impl Table {
    /// The node of a type name or a backbone path.
    pub fn id_of(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// The node of a type name or a backbone path.
    pub fn node_of(&self, name: &str) -> Option<&Node> {
        self.id_of(name).map(|id| self.node(id))
    }

    /// A node by its index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// True if some type or backbone has a member of that JSON name.
    pub fn has_member(&self, key: &str) -> bool {
        let name = key.strip_prefix('_').unwrap_or(key);
        self.nodes.iter().any(|node| node.member(name).is_some())
    }
}

impl Node {
    /// The member with a JSON name.
    pub fn member(&self, key: &str) -> Option<&Member> {
        let index = self
            .members
            .binary_search_by(|member| member.key.as_ref().cmp(key))
            .ok()?;
        Some(&self.members[index])
    }
}

/// The compiled structures of R4.
pub(crate) fn table() -> &'static Table {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let bytes: &'static [u8] = BYTES.get_or_init(|| r4(Part::Structures));
        compile(&rows::<Vec<StructureRow<'static>>>(bytes))
    })
}

/// Two passes: name all nodes, so that references forward resolve; then fill in elements and members.
fn compile(structures: &[StructureRow<'static>]) -> Table {
    let (nodes, by_name) = name_nodes(structures);
    let mut resource_types: Vec<&'static str> = structures
        .iter()
        .filter(|row| row.kind == Kind::Resource && !row.is_abstract)
        .map(|row| row.name)
        .collect();
    resource_types.sort_unstable();
    let id = |name: &str| {
        *by_name
            .get(name)
            .expect("the embedded pack has the types that every resource is made of")
    };
    let mut table = Table {
        element: id("Element"),
        coding: id("Coding"),
        codeable_concept: id("CodeableConcept"),
        reference: id("Reference"),
        extension: id("Extension"),
        element_definition: id("ElementDefinition"),
        nodes,
        by_name,
        resource_types,
    };
    for structure in structures {
        for row in &structure.elements {
            add_element(&mut table, structure.name, row);
        }
    }
    for node in &mut table.nodes {
        node.members.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    }
    table
}

fn name_nodes(structures: &[StructureRow<'static>]) -> (Vec<Node>, HashMap<&'static str, NodeId>) {
    let mut nodes = Vec::new();
    let mut by_name = HashMap::new();
    let mut add = |name, kind, base| {
        by_name.insert(name, nodes.len() as NodeId);
        nodes.push(Node {
            name,
            kind,
            base,
            elements: Vec::new(),
            members: Vec::new(),
            required: 0,
        });
    };
    for structure in structures {
        add(structure.name, structure.kind, structure.base);
        for row in structure.elements.iter().filter(|row| is_backbone(row)) {
            add(row.path, Kind::Backbone, Some(row.types[0].code));
        }
    }
    (nodes, by_name)
}

/// True for an element whose own elements follow in the same structure.
fn is_backbone(row: &ElementRow<'_>) -> bool {
    matches!(row.types.as_slice(), [only] if matches!(only.code, "BackboneElement" | "Element"))
}

fn add_element(table: &mut Table, structure: &str, row: &ElementRow<'static>) {
    let Some((parent, name)) = row.path.rsplit_once('.') else {
        return;
    };
    // The paths of `SimpleQuantity` start with `Quantity`.
    let parent = if parent.contains('.') {
        parent
    } else {
        structure
    };
    let Some(parent) = table.id_of(parent) else {
        return;
    };
    let (name, choice) = match name.strip_suffix("[x]") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let (types, targets) = types_of(table, row);
    let node = &mut table.nodes[parent as usize];
    let element = u8::try_from(node.elements.len())
        .ok()
        .filter(|&index| index < 128)
        .expect("no node of R4 has more than 128 elements: a test compiles them all");
    if row.min > 0 {
        node.required |= 1 << element;
    }
    for (code, target) in types.iter().zip(targets) {
        let key = if choice {
            Cow::Owned(choice_key(name, code))
        } else {
            Cow::Borrowed(name)
        };
        node.members.push(Member {
            key,
            element,
            target,
        });
    }
    node.elements.push(Element {
        name,
        max: row.max,
        repeats: row.repeats,
        choice,
        attribute: row.attribute,
        types,
        binding: row.binding,
    });
}

fn types_of(table: &Table, row: &ElementRow<'static>) -> (Vec<&'static str>, Vec<Target>) {
    let own_path = [TypeRow {
        code: row.content.unwrap_or(row.path),
        profile: None,
    }];
    let rows: &[TypeRow<'static>] = if row.content.is_some() || is_backbone(row) {
        &own_path
    } else {
        &row.types
    };
    rows.iter()
        .filter_map(|row| Some((row.code, target(table, row)?)))
        .unzip()
}

fn target(table: &Table, row: &TypeRow<'_>) -> Option<Target> {
    if row.code == "Resource" {
        return Some(Target::Resource);
    }
    if let Some(primitive) = Primitive::of(row.code) {
        return Some(Target::Primitive(primitive));
    }
    row.profile
        .and_then(|profile| table.id_of(profile))
        .or_else(|| table.id_of(row.code))
        .map(Target::Node)
}

/// `value` and `dateTime` give `valueDateTime`.
fn choice_key(stem: &str, code: &str) -> String {
    let mut key = String::with_capacity(stem.len() + code.len());
    key.push_str(stem);
    let mut rest = code.chars();
    key.extend(rest.next().map(|first| first.to_ascii_uppercase()));
    key.push_str(rest.as_str());
    key
}
