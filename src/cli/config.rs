//! `rounds.yaml`: targets, profiles and waivers, read strictly with all errors at once. What follows from it
//! together with flags and environment is `settings`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::baseline::Waiver;
use crate::engine::populate::retract::OnClean;
use crate::suite::yaml::{self, Node, Problem};

use super::failure::Failure;
use super::process::Program;

/// Name of the configuration file that is read if it is there.
pub const DEFAULT_FILE: &str = "rounds.yaml";

/// Bytes of a configuration file that are read at most.
const MAX_BYTES: u64 = 1 << 20;

/// The configuration file, checked; texts still hold `${env:X}`.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it was read from; `None` if there is no file.
    pub path: Option<PathBuf>,
    /// Endpoints by name.
    pub targets: BTreeMap<String, TargetConfig>,
    /// Settings by profile name; the top level is the profile without a name.
    pub profiles: BTreeMap<String, Profile>,
    /// What we live with.
    pub waivers: Vec<Waiver>,
}

/// Settings of a run that a profile may give.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "each field is the flag of the same name")]
pub struct Profile {
    pub target: Option<String>,
    pub suites: Vec<String>,
    pub filter: Option<String>,
    pub jobs: Option<u64>,
    pub seed: Option<String>,
    pub baseline: Option<String>,
    pub reports: Vec<String>,
    pub fail_on: Option<String>,
    pub max_undecided: Option<f64>,
    pub retries: Option<u64>,
    pub budget: Option<String>,
    pub population: Option<u64>,
    pub cohort: Option<String>,
    pub vars: BTreeMap<String, String>,
}

/// One endpoint of `targets`.
#[derive(Debug, Clone, Default)]
#[allow(
    missing_docs,
    reason = "each field is the key of the same name, described in the README"
)]
pub struct TargetConfig {
    pub url: String,
    pub auth: Option<AuthConfig>,
    pub identities: BTreeMap<String, AuthConfig>,
    pub headers: Vec<(String, String)>,
    pub cacert: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    pub insecure: bool,
    pub capability: Option<String>,
    pub claims_add: Vec<String>,
    pub claims_remove: Vec<String>,
    pub patients: Vec<String>,
    pub ig: Vec<String>,
    pub search_required: BTreeMap<String, Vec<String>>,
    pub overlay: BTreeMap<String, String>,
    pub rate: Option<f64>,
    pub max_requests: Option<u64>,
    pub timeout: Option<f64>,
    pub writes: bool,
    pub validate_is_safe: bool,
    pub on_clean: OnClean,
    pub load: bool,
    pub start: Option<Program>,
    pub durable: bool,
    pub ready: Option<String>,
    pub vars: BTreeMap<String, String>,
}

/// `auth` of a target.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each variant is the key of the same name")]
pub enum AuthConfig {
    Bearer(String),
    Basic {
        user: String,
        password: String,
    },
    TokenCommand(String),
    ClientCredentials {
        token_url: String,
        client_id: String,
        client_secret: String,
        scope: String,
    },
    BackendServices {
        token_url: Option<String>,
        client_id: String,
        key: String,
        kid: Option<String>,
        scopes: Vec<String>,
    },
}

const TOP_KEYS: &[&str] = &[
    "targets",
    "profiles",
    "waivers",
    "target",
    "suites",
    "filter",
    "jobs",
    "seed",
    "baseline",
    "reports",
    "fail-on",
    "max-undecided",
    "retries",
    "budget",
    "population",
    "cohort",
    "vars",
];
const PROFILE_KEYS: &[&str] = &[
    "target",
    "suites",
    "filter",
    "jobs",
    "seed",
    "baseline",
    "reports",
    "fail-on",
    "max-undecided",
    "retries",
    "budget",
    "population",
    "cohort",
    "vars",
];
const TARGET_KEYS: &[&str] = &[
    "url",
    "auth",
    "identities",
    "headers",
    "cacert",
    "cert",
    "key",
    "insecure",
    "capability",
    "claims",
    "patients",
    "ig",
    "search",
    "overlay",
    "rate",
    "max-requests",
    "timeout",
    "writes",
    "validate-is-safe",
    "on-clean",
    "load",
    "start",
    "durable",
    "ready",
    "vars",
];
const AUTH_KEYS: &[&str] = &[
    "bearer",
    "basic",
    "token-command",
    "client-credentials",
    "backend-services",
];
const WAIVER_KEYS: &[&str] = &["finding", "reason", "owner", "issue", "expires"];

impl Config {
    /// Reads the file that was named, or `rounds.yaml` if it is there.
    ///
    /// # Errors
    /// The file cannot be read, or has mistakes: all of them with file, line and column.
    pub fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None if Path::new(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
            None => return Ok(Config::default()),
        };
        let refuse = |why: String| Failure::usage(format!("read {}", path.display()), why, "");
        let size = std::fs::metadata(&path)
            .map_err(|error| refuse(error.to_string()))?
            .len();
        if size > MAX_BYTES {
            return Err(refuse(format!(
                "it has {size} bytes; a configuration has {MAX_BYTES} at most"
            )));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
        let mut config = Config::parse(&path.display().to_string(), &text).map_err(|problems| {
            let lines: Vec<String> = problems
                .iter()
                .map(|problem| format!("  {problem}"))
                .collect();
            Failure::usage(format!("use {}", path.display()), lines.join("\n"), "")
        })?;
        config.path = Some(path);
        Ok(config)
    }

    /// Checks a configuration text.
    ///
    /// # Errors
    /// Every mistake with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let root = yaml::parse(file, text)?;
        let mut reader = Reader {
            problems: Vec::new(),
        };
        let config = reader.config(&root);
        if reader.problems.is_empty() {
            Ok(config)
        } else {
            Err(reader.problems)
        }
    }
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn config(&mut self, root: &Node) -> Config {
        root.check_keys("the configuration", TOP_KEYS, &mut self.problems);
        let mut config = Config::default();
        config.profiles.insert(String::new(), self.profile(root));
        for (name, node) in root.get("profiles").map(Node::entries).unwrap_or_default() {
            node.check_keys("a profile", PROFILE_KEYS, &mut self.problems);
            let profile = self.profile(node);
            config.profiles.insert(name.text.clone(), profile);
        }
        for (name, node) in root.get("targets").map(Node::entries).unwrap_or_default() {
            let target = self.target(node);
            config.targets.insert(name.text.clone(), target);
        }
        for node in root.get("waivers").map(Node::items).unwrap_or_default() {
            config.waivers.extend(self.waiver(node));
        }
        config
    }

    fn profile(&mut self, node: &Node) -> Profile {
        Profile {
            target: self.text(node, "target"),
            suites: self.texts(node, "suites"),
            filter: self.text(node, "filter"),
            jobs: self.number(node, "jobs").map(|number| number as u64),
            seed: self.text(node, "seed"),
            baseline: self.text(node, "baseline"),
            reports: self.texts(node, "reports"),
            fail_on: self.text(node, "fail-on"),
            max_undecided: self.number(node, "max-undecided"),
            retries: self.number(node, "retries").map(|number| number as u64),
            budget: self.text(node, "budget"),
            population: self.number(node, "population").map(|number| number as u64),
            cohort: self.text(node, "cohort"),
            vars: self.map(node, "vars").into_iter().collect(),
        }
    }

    fn target(&mut self, node: &Node) -> TargetConfig {
        node.check_keys("a target", TARGET_KEYS, &mut self.problems);
        let url = self.text(node, "url").unwrap_or_else(|| {
            self.problems.push(node.problem("a target needs a `url`"));
            String::new()
        });
        let claims = node.get("claims");
        if let Some(claims) = claims {
            claims.check_keys("`claims`", &["add", "remove"], &mut self.problems);
        }
        let search = node.get("search");
        if let Some(search) = search {
            search.check_keys("`search`", &["required"], &mut self.problems);
        }
        let required = search
            .and_then(|search| search.get("required"))
            .map(Node::entries)
            .unwrap_or_default();
        TargetConfig {
            url,
            auth: node.get("auth").and_then(|auth| self.auth(auth)),
            identities: self.identities(node),
            headers: self.map(node, "headers"),
            cacert: self.text(node, "cacert"),
            cert: self.text(node, "cert"),
            key: self.text(node, "key"),
            insecure: self.truth(node, "insecure"),
            capability: self.text(node, "capability"),
            claims_add: claims
                .map(|claims| self.texts(claims, "add"))
                .unwrap_or_default(),
            claims_remove: claims
                .map(|claims| self.texts(claims, "remove"))
                .unwrap_or_default(),
            patients: self.texts(node, "patients"),
            ig: self.texts(node, "ig"),
            search_required: required
                .iter()
                .map(|(name, list)| {
                    (
                        name.text.clone(),
                        list.items().iter().filter_map(Node::scalar).collect(),
                    )
                })
                .collect(),
            overlay: self.map(node, "overlay").into_iter().collect(),
            rate: self.number(node, "rate"),
            max_requests: self
                .number(node, "max-requests")
                .map(|number| number as u64),
            timeout: self.number(node, "timeout"),
            writes: self.truth(node, "writes"),
            validate_is_safe: self.truth(node, "validate-is-safe"),
            on_clean: self.on_clean(node),
            load: self.truth(node, "load"),
            start: self.program(node),
            durable: self.truth(node, "durable"),
            ready: self.text(node, "ready"),
            vars: self.map(node, "vars").into_iter().collect(),
        }
    }

    /// What to start: a line for the shell, or a program with its arguments.
    fn program(&mut self, node: &Node) -> Option<Program> {
        let value = node.get("start")?;
        if let Some(line) = value.scalar() {
            return Some(Program::Shell(line));
        }
        let arguments: Vec<String> = value.items().iter().filter_map(Node::scalar).collect();
        if arguments.is_empty() || arguments.len() != value.items().len() {
            let mistake =
                "`start` is a line for sh, or a list of texts: a program and its arguments";
            self.problems.push(value.problem(mistake));
            return None;
        }
        Some(Program::Arguments(arguments))
    }

    /// Who else may ask, for cases that need two.
    fn identities(&mut self, node: &Node) -> BTreeMap<String, AuthConfig> {
        let entries = node.get("identities").map(Node::entries);
        entries
            .unwrap_or_default()
            .iter()
            .filter_map(|(name, auth)| Some((name.text.clone(), self.auth(auth)?)))
            .collect()
    }

    fn auth(&mut self, node: &Node) -> Option<AuthConfig> {
        node.check_keys("`auth`", AUTH_KEYS, &mut self.problems);
        let [(kind, value)] = node.entries() else {
            self.problems.push(node.problem(format!(
                "`auth` has exactly one of: {}",
                AUTH_KEYS.join(", ")
            )));
            return None;
        };
        match kind.text.as_str() {
            "bearer" => value.scalar().map(AuthConfig::Bearer),
            "token-command" => value.scalar().map(AuthConfig::TokenCommand),
            "basic" => {
                value.check_keys("`basic`", &["user", "password"], &mut self.problems);
                Some(AuthConfig::Basic {
                    user: self.needed(value, "user")?,
                    password: self.needed(value, "password")?,
                })
            }
            "client-credentials" => {
                let keys = ["token-url", "client-id", "client-secret", "scope"];
                value.check_keys("`client-credentials`", &keys, &mut self.problems);
                Some(AuthConfig::ClientCredentials {
                    token_url: self.needed(value, "token-url")?,
                    client_id: self.needed(value, "client-id")?,
                    client_secret: self.needed(value, "client-secret")?,
                    scope: self.text(value, "scope").unwrap_or_default(),
                })
            }
            "backend-services" => {
                let keys = ["token-url", "client-id", "key", "kid", "scopes"];
                value.check_keys("`backend-services`", &keys, &mut self.problems);
                Some(AuthConfig::BackendServices {
                    token_url: self.text(value, "token-url"),
                    client_id: self.needed(value, "client-id")?,
                    key: self.needed(value, "key")?,
                    kid: self.text(value, "kid"),
                    scopes: self.texts(value, "scopes"),
                })
            }
            _ => None,
        }
    }

    fn waiver(&mut self, node: &Node) -> Option<Waiver> {
        node.check_keys("a waiver", WAIVER_KEYS, &mut self.problems);
        let finding = self.needed(node, "finding")?;
        let reason = self.needed(node, "reason")?;
        let expires = match self.text(node, "expires") {
            None => None,
            Some(text) => match text.parse::<jiff::civil::Date>() {
                Ok(date) => Some(date),
                Err(_) => {
                    let at = node.get("expires").unwrap_or(node);
                    self.problems
                        .push(at.problem(format!("`{text}` is not a date: write 2026-12-31")));
                    None
                }
            },
        };
        Some(Waiver {
            finding,
            reason,
            owner: self.text(node, "owner"),
            issue: self.text(node, "issue"),
            expires,
        })
    }

    fn needed(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = self.text(node, key);
        if text.is_none() {
            self.problems
                .push(node.problem(format!("`{key}` is missing")));
        }
        text
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let value = node.get(key)?;
        let text = value.scalar();
        if text.is_none() {
            self.problems
                .push(value.problem(format!("`{key}` is a text, not {}", value.kind())));
        }
        text
    }

    fn texts(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Some(value) = node.get(key) else {
            return Vec::new();
        };
        if let Some(single) = value.scalar() {
            return vec![single];
        }
        value.items().iter().filter_map(Node::scalar).collect()
    }

    fn map(&mut self, node: &Node, key: &str) -> Vec<(String, String)> {
        let entries = node.get(key).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .filter_map(|(name, value)| Some((name.text.clone(), value.scalar()?)))
            .collect()
    }

    fn on_clean(&mut self, node: &Node) -> OnClean {
        match self.text(node, "on-clean").as_deref() {
            None | Some("delete") => OnClean::Delete,
            Some("entered-in-error") => OnClean::EnteredInError,
            Some(_) => {
                let at = node.get("on-clean").unwrap_or(node);
                self.problems
                    .push(at.problem("`on-clean` is delete or entered-in-error"));
                OnClean::Delete
            }
        }
    }

    fn truth(&mut self, node: &Node, key: &str) -> bool {
        let Some(value) = node.get(key) else {
            return false;
        };
        value.as_bool().unwrap_or_else(|| {
            self.problems
                .push(value.problem(format!("`{key}` is true or false")));
            false
        })
    }

    fn number(&mut self, node: &Node, key: &str) -> Option<f64> {
        let value = node.get(key)?;
        let number = value.as_f64().filter(|number| *number >= 0.0);
        if number.is_none() {
            self.problems
                .push(value.problem(format!("`{key}` is a number, not less than 0")));
        }
        number
    }
}

/// Fills `${env:X}` in a text of the configuration.
///
/// # Errors
/// The variable is not set, or the expression is not of that form.
pub fn interpolate(text: &str) -> Result<String, Failure> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let inside = &rest[start + 2..start + length];
        let Some(name) = inside.strip_prefix("env:") else {
            return Err(Failure::usage(
                "use the configuration",
                format!("`${{{inside}}}` is not `${{env:NAME}}`"),
                "",
            ));
        };
        let value = std::env::var(name).map_err(|_| {
            Failure::usage(
                "use the configuration",
                format!("the environment variable {name} is not set"),
                format!("set it: export {name}=…"),
            )
        })?;
        filled.push_str(&rest[..start]);
        filled.push_str(&value);
        rest = &rest[start + length + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_configuration_is_read() {
        let text = "\
target: staging
suites: [core, property/core]
targets:
  staging:
    url: https://fhir.example.org/r4
    auth:
      client-credentials: { token-url: https://auth.example.org/token, client-id: rounds, client-secret: '${env:SECRET}' }
    patients: [a1]
    search: { required: { Observation: [patient, category] } }
    writes: true
    rate: 2.5
waivers:
  - { finding: 'search/total#search/total', reason: totals are estimates, owner: qa, expires: 2027-01-31 }
";
        let config = Config::parse("rounds.yaml", text).unwrap();
        let target = &config.targets["staging"];
        assert_eq!(target.rate, Some(2.5));
        assert_eq!(
            target.search_required["Observation"],
            ["patient", "category"]
        );
        assert!(
            matches!(&target.auth, Some(AuthConfig::ClientCredentials { client_id, .. }) if client_id == "rounds")
        );
        assert_eq!(config.waivers.len(), 1);
        assert_eq!(config.profiles[""].suites, ["core", "property/core"]);
    }

    #[test]
    fn a_program_is_a_line_or_a_list() {
        let read = |start: &str| {
            let text =
                format!("targets:\n  a:\n    url: http://127.0.0.1/fhir\n    start: {start}\n");
            Config::parse("rounds.yaml", &text).map(|mut config| config.targets.remove("a"))
        };
        let program = |start: &str| read(start).unwrap().unwrap().start.unwrap();
        assert_eq!(
            program("serve -c x"),
            Program::Shell("serve -c x".to_owned())
        );
        let arguments = ["serve", "-p", "80"].map(str::to_owned).to_vec();
        assert_eq!(program("[serve, -p, 80]"), Program::Arguments(arguments));
        for mistake in ["[]", "{a: b}", "[a, [b]]"] {
            let problems = read(mistake).unwrap_err();
            assert!(
                problems[0].to_string().starts_with("rounds.yaml:4:12"),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_place() {
        let problems = Config::parse(
            "rounds.yaml",
            "targets:\n  a:\n    ulr: x\n    rate: fast\n",
        )
        .unwrap_err();
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            text.iter()
                .any(|line| line.starts_with("rounds.yaml:3:5") && line.contains("url")),
            "{text:?}"
        );
        assert!(
            text.iter().any(|line| line.starts_with("rounds.yaml:4:11")),
            "{text:?}"
        );
    }
}
