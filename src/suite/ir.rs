//! The checked form of a suite: everything an engine needs, nothing left to parse. Not what came of running it.
//!
//! Rows of `each`, fragments of `use` and the suite's `setup` are already unfolded: one [`Case`] here is one
//! testcase of a report, and its steps run in order from the first to the last.

use std::time::Duration;

use serde_json::Value;

use crate::fhir::path::Expression;
use crate::http::Method;
use crate::record::finding::Span;
use crate::record::{Level, Severity};

use super::template::Template;

/// One suite file.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Path under `suites/` without the ending (`core/search`).
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What the cases need of the data.
    pub data: Data,
    /// `vars`: names that `--var` and the target may set, with what they are otherwise; `None` must be set.
    pub vars: Vec<(String, Option<String>)>,
    /// What the file holds.
    pub body: Body,
    /// Where the file begins.
    pub span: Span,
}

/// What a suite file holds.
#[derive(Debug, Clone)]
pub enum Body {
    /// `kind: conformance`: cases, one per row, in the order of the file. The suite's `requires` is part of each.
    Conformance(Vec<Case>),
    /// `kind: property`: ids of properties in order, each with its place.
    Property(Vec<(String, Span)>),
    /// `kind: load`: the tree of the whole file, read by the load engine.
    Load(super::yaml::Node),
}

impl Suite {
    /// The cases; empty for property and load suites.
    pub fn cases(&self) -> &[Case] {
        match &self.body {
            Body::Conformance(cases) => cases,
            Body::Property(_) | Body::Load(_) => &[],
        }
    }

    /// `conformance`, `property` or `load`.
    pub fn kind(&self) -> &'static str {
        match self.body {
            Body::Conformance(_) => "conformance",
            Body::Property(_) => "property",
            Body::Load(_) => "load",
        }
    }
}

/// What data a suite wants to find on the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Data {
    /// `data: target`, and where nothing is said: whatever cohort the run has.
    #[default]
    Target,
    /// A population made and loaded by the run where it may write; elsewhere the cohort that the run has.
    Generated {
        /// Patients.
        count: u32,
        /// Seed of the population; `None` takes the run's.
        seed: Option<u64>,
        /// Labels of edge cases that the population must hold.
        features: Vec<String>,
    },
}

/// One testcase.
#[derive(Debug, Clone)]
pub struct Case {
    /// `AREA/words`, the same for all rows.
    pub id: String,
    /// The row it was made of, if the case has `each`.
    pub row: Option<Row>,
    /// One sentence: what holds if the case passes.
    pub title: String,
    /// URL of the specification.
    pub spec: String,
    /// The sentence of R4 that it rests on, short, as published; empty for robustness cases that rest on none.
    pub sentence: String,
    /// Strength of the rule.
    pub level: Level,
    /// How much a violation hurts.
    pub severity: Severity,
    /// Row of the checklist (`SCH-06`), if it comes from one.
    pub checklist: Option<String>,
    /// Claims without which the case is skipped; all of them are needed.
    pub requires: Vec<Requirement>,
    /// Identities that steps use besides the target's own; all of them must be configured.
    pub identities: Vec<String>,
    /// Witnesses to choose from the cohort before the first step; one that is not found makes the case vacuous.
    pub picks: Vec<Pick>,
    /// Steps in order; `setup` of the suite and used fragments are already among them.
    pub steps: Vec<Step>,
    /// Steps after the last one, whatever happened; their expectations are not judged.
    pub teardown: Vec<Step>,
    /// Former ids.
    pub was: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

impl Case {
    /// The id with its row: `search/token[code]`, unique within all suites.
    pub fn full_id(&self) -> String {
        match &self.row {
            Some(row) => format!("{}[{}]", self.id, row.name),
            None => self.id.clone(),
        }
    }

    /// True if a step may change the target; such cases need permission to write.
    pub fn writes(&self) -> bool {
        self.steps
            .iter()
            .chain(&self.teardown)
            .any(|step| step.request.writes())
    }

    /// True if a step posts to `$validate`, which changes nothing by R4 and still sends what servers may keep.
    pub fn validates(&self) -> bool {
        self.steps
            .iter()
            .chain(&self.teardown)
            .any(|step| step.request.validates())
    }

    /// True if a step judges against the cohort.
    pub fn needs_oracle(&self) -> bool {
        self.steps
            .iter()
            .flat_map(|step| &step.expects)
            .any(|expectation| expectation.rule.needs_oracle())
    }
}

/// A row of `each`: its name (the `row` column, else the first) and its columns, already filled into the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Name, unique within the case.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<(String, String)>,
}

/// A claim in the CapabilityStatement.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// What is needed, for `skip(not claimed: …)` (`search parameter Patient.family`).
    pub text: String,
    /// True on a CapabilityStatement that makes the claim.
    pub expression: Expression,
}

impl Requirement {
    /// Why a case that needs it does not run. A condition that its author wrote in FHIRPath may as well ask that
    /// something be *not* claimed, so that it is no missing claim.
    pub fn unmet(&self) -> String {
        match self.text == self.expression.text() {
            true => format!("only where the CapabilityStatement says: {}", self.text),
            false => format!("not claimed: {}", self.text),
        }
    }
}

/// Chooses one resource of the cohort and binds values of it: `${name.id}`, `${name.KEY}`.
#[derive(Debug, Clone)]
pub struct Pick {
    /// Name in templates and FHIRPath (`%name`).
    pub name: String,
    /// Resource type.
    pub resource_type: String,
    /// Which resources will do; `None` for any.
    pub condition: Option<Expression>,
    /// Further values; each must give at least one item, the first is taken. `value:` in the file binds `${name}`
    /// itself and stands here under the empty key.
    pub values: Vec<(String, Expression)>,
    /// `search`: names with codes of search parameters; each is bound to a value by which the resource is found under
    /// the parameter, ready to stand in a query.
    pub searches: Vec<(String, String)>,
    /// Where it is written.
    pub span: Span,
}

/// One request with what is expected of its answer.
#[derive(Debug, Clone)]
pub struct Step {
    /// The request.
    pub request: RequestTemplate,
    /// Who asks, if not the target's own identity.
    pub identity: Option<String>,
    /// `as`: the answer's body is `%name` in later FHIRPath, its ids are named by `ids: {same-as: name}`.
    pub name: Option<String>,
    /// All of them must hold.
    pub expects: Vec<Expectation>,
    /// Values for later steps, taken after the expectations held.
    pub captures: Vec<Capture>,
    /// Repeat until the expectations hold.
    pub poll: Option<Poll>,
    /// Follow links of the answer; expectations then see all pages.
    pub follow: Option<Follow>,
    /// For searches: restrict to the cohort and to what the target demands.
    pub confine: bool,
    /// What it means if the target refuses the request.
    pub refusal: Refusal,
    /// Where it is written.
    pub span: Span,
}

/// What it means that a target refuses a request: answers it with a 4xx, or with 501.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Refusal {
    /// What the expectations say of its status. A step that others follow and that expects a success alone prepares:
    /// its refusal keeps the case from being decided.
    #[default]
    Expected,
    /// `decides: true`: it breaks the rule even where other steps follow.
    Judged,
    /// The right of a target that does not claim this; the case is skipped.
    NotClaimed(String),
    /// All of it is claimed, one by one, and R4 does not say that everything goes together: worth knowing (MAY).
    Noted,
}

/// A request before its names are filled in.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    /// Method.
    pub method: Method,
    /// Relative to the base, or one name that holds an absolute URL.
    pub url: Template,
    /// Header fields in order.
    pub headers: Vec<(String, Template)>,
    /// Body, if any.
    pub body: Option<BodyTemplate>,
}

impl RequestTemplate {
    /// True for a POST of `$validate`.
    pub fn validates(&self) -> bool {
        let path = self.url.text().split('?').next().unwrap_or_default();
        self.method == Method::Post && path.rsplit('/').next() == Some("$validate")
    }

    /// True unless the method is safe or the request is a search by POST: what a transport without permission to
    /// write lets through; or a `$validate`, of which [`validates`](Self::validates) tells. Another operation by POST
    /// may change something, so it counts as a write.
    pub fn writes(&self) -> bool {
        let path = self.url.text().split('?').next().unwrap_or_default();
        let asks_by_post =
            self.method == Method::Post && (path.ends_with("/_search") || path == "_search");
        !self.method.is_safe() && !asks_by_post && !self.validates()
    }
}

/// A body before its names are filled in.
#[derive(Debug, Clone)]
pub enum BodyTemplate {
    /// `body: {…}`: JSON whose strings are templates; sent as `application/fhir+json` unless a header says otherwise.
    /// With `format: xml`, or `application/fhir+xml` in the header, it is written as FHIR XML.
    Json(Value),
    /// `body: "…"`: text as it stands; the step's headers give its media type, else `application/fhir+json`.
    Text(Template),
    /// `form: {…}`: `application/x-www-form-urlencoded`, pairs in order.
    Form(Vec<(String, Template)>),
    /// `body: {from: name, with: {…}}`: the body of an earlier answer with a JSON merge patch (RFC 7396).
    From {
        /// `as` name of the earlier step.
        name: String,
        /// The patch; its strings are templates.
        with: Value,
    },
}

/// What must hold of an answer.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The rule.
    pub rule: Rule,
    /// Where it is written.
    pub span: Span,
}

/// Kinds of expectation.
#[derive(Debug, Clone)]
pub enum Rule {
    /// The status is one of these.
    Status(Vec<StatusPattern>),
    /// A header field of the (first) answer.
    Header {
        /// Name of the field.
        name: String,
        /// What it must be.
        matcher: Matcher,
    },
    /// A FHIRPath expression that is true on the body of each page.
    Path(Expression),
    /// The resource meets a profile, by its canonical.
    Conforms(String),
    /// What kind of body there is.
    BodyIs(BodyKind),
    /// Which resources are matches, over all pages.
    Ids(Ids),
    /// `Bundle.total`, where it is given.
    Total(Total),
    /// The matches are in the order that `_sort` of the request asks for.
    Sorted,
    /// A check by id.
    Check(&'static str),
    /// At least one group holds completely.
    AnyOf(Vec<Vec<Expectation>>),
}

impl Rule {
    /// True if the rule, or one of its groups, judges against the cohort.
    fn needs_oracle(&self) -> bool {
        match self {
            Rule::Ids(Ids::Oracle) | Rule::Total(Total::Oracle) | Rule::Sorted => true,
            Rule::AnyOf(groups) => groups
                .iter()
                .flatten()
                .any(|expectation| expectation.rule.needs_oracle()),
            _ => false,
        }
    }
}

/// A status code or a class of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// `404`
    Code(u16),
    /// `4xx` is 4.
    Class(u16),
}

impl StatusPattern {
    /// True if the status is meant.
    pub fn covers(self, status: u16) -> bool {
        match self {
            StatusPattern::Code(code) => status == code,
            StatusPattern::Class(class) => status / 100 == class,
        }
    }
}

impl std::fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StatusPattern::Code(code) => write!(f, "{code}"),
            StatusPattern::Class(class) => write!(f, "{class}xx"),
        }
    }
}

/// What a header field must be.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// It is there and not empty.
    Present,
    /// It is not there.
    Absent,
    /// It is exactly this.
    Equals(Template),
    /// It contains this.
    Contains(Template),
    /// The expression matches somewhere in it.
    Matches(regex::Regex),
}

/// Kinds of body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// No bytes.
    Empty,
    /// A resource, in JSON or in FHIR XML.
    Resource,
    /// An OperationOutcome.
    Outcome,
    /// A Bundle.
    Bundle,
}

/// Which matches a search must return.
#[derive(Debug, Clone)]
pub enum Ids {
    /// Those of the oracle's answer to the query as really sent.
    Oracle,
    /// Exactly these logical ids.
    Exactly(Vec<Template>),
    /// These among them, and none of those.
    Holding {
        /// Ids that must be there.
        include: Vec<Template>,
        /// Ids that must not be there.
        exclude: Vec<Template>,
    },
    /// The same set as an earlier step's (`as` name).
    SameAs(String),
}

/// What `Bundle.total` must be where it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// The number of matches, as far as the cohort knows it.
    Oracle,
    /// This number.
    Exactly(u64),
}

/// A value for later steps: `${name}` in templates, `%name` in FHIRPath.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Name.
    pub name: String,
    /// Where it is.
    pub source: CaptureSource,
    /// Where it is written.
    pub span: Span,
}

/// Where a captured value is.
#[derive(Debug, Clone)]
pub enum CaptureSource {
    /// First item of a FHIRPath expression on the body of the last page.
    Path(Expression),
    /// `header NAME`: value of a header field.
    Header(String),
    /// `created-id`: the logical id in the Location, else that of the body.
    CreatedId,
    /// `created-version`: the version id in the ETag, else in the Location, else in the body.
    CreatedVersion,
}

/// Repeats a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// At most this long; `None` (`poll: true`) for the index lag that the run allows.
    pub within: Option<Duration>,
}

/// Follows links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    /// At most so many pages, the first included; a walk that stops there judges no completeness.
    pub pages: u32,
    /// The step says so itself: the case is about pages. Else the walk serves what is expected of the whole.
    pub is_asked: bool,
}

/// Pages of a walk unless the step says otherwise.
pub const DEFAULT_PAGES: u32 = 60;
