//! An exchange as a curl line that can be pasted into a POSIX shell: secrets as environment variables, foreign values
//! masked. Nothing is executed here.

use serde_json::Value;

use super::exchange::Exchange;
use super::message::{Headers, Method, Request};
use crate::secret::{Disclosure, header_is_open};

/// Media type of forms, RFC 9110 and <http://hl7.org/fhir/R4/http.html#search>.
const FORM: &str = "application/x-www-form-urlencoded";

/// Fields that curl writes itself or that change nothing about the answer.
const OMITTED: &[&str] = &["accept-encoding", "content-length", "host", "user-agent"];

/// The curl line of an exchange. URL and body pass through the disclosure; a body that may not be shown is read from
/// a file that the user provides.
pub fn line(exchange: &Exchange, disclosure: &Disclosure) -> String {
    let request = &exchange.request;
    let shown = shown_form(request, disclosure).or_else(|| shown_body(&request.body, disclosure));
    let body = match (request.body.is_empty(), shown) {
        (true, _) => Body::None,
        (false, Some(text)) => Body::Text(text),
        (false, None) => Body::Elsewhere,
    };
    command(
        request.method,
        &disclosure.url(&request.url),
        &shown_headers(&request.headers, disclosure),
        &body,
    )
}

/// Open fields as the disclosure shows them; [`command`] hides the others.
fn shown_headers(headers: &Headers, disclosure: &Disclosure) -> Headers {
    headers
        .iter()
        .map(|(name, value)| {
            let value = if header_is_open(name) {
                disclosure.request_field(name, value)
            } else {
                value.to_owned()
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// The body of a curl line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    None,
    /// This text.
    Text(String),
    /// Not to be shown: the line reads it from `body.json`.
    Elsewhere,
}

/// A curl line from parts that may be shown. Header values are shown only if they are open (see
/// [`header_is_open`]); others become environment variables.
pub fn command(method: Method, url: &str, headers: &Headers, body: &Body) -> String {
    let mut line = "curl -sS".to_owned();
    match method {
        Method::Get => {}
        Method::Head => line.push_str(" --head"),
        other => {
            line.push_str(" -X ");
            line.push_str(other.as_str());
        }
    }
    for (name, value) in headers.iter() {
        let is_omitted = OMITTED
            .iter()
            .any(|omitted| omitted.eq_ignore_ascii_case(name));
        if !is_omitted {
            line.push_str(" -H ");
            line.push_str(&header(name, value));
        }
    }
    match body {
        Body::None => {}
        Body::Text(text) => {
            line.push_str(" --data-binary ");
            line.push_str(&quote(text));
        }
        Body::Elsewhere => line.push_str(" --data-binary @body.json"),
    }
    line.push(' ');
    line.push_str(&quote(url));
    line
}

fn header(name: &str, value: &str) -> String {
    if name.eq_ignore_ascii_case("authorization") {
        let (scheme, variable) = match value.split(' ').next() {
            Some("Bearer") => ("Bearer ", "ROUNDS_TOKEN"),
            Some("Basic") => ("Basic ", "ROUNDS_BASIC"),
            _ => ("", "ROUNDS_AUTHORIZATION"),
        };
        return format!("\"Authorization: {scheme}${variable}\"");
    }
    if header_is_open(name) {
        return quote(&format!("{name}: {value}"));
    }
    format!("{}\"${}\"", quote(&format!("{name}: ")), variable(name))
}

/// `ROUNDS_X_API_KEY` for `X-Api-Key`.
fn variable(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    format!("ROUNDS_{}", letters.collect::<String>())
}

/// One word for a POSIX shell: within single quotes everything is literal but the single quote itself.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The form of a search by POST, if every value in it may be shown: what would stand in a URL is weighed like one.
pub fn shown_form(request: &Request, disclosure: &Disclosure) -> Option<String> {
    let media_type = request.headers.get("content-type")?;
    let text = std::str::from_utf8(&request.body).ok()?;
    let is_shown = media_type == FORM && disclosure.form(text) == text;
    (is_shown && !text.is_empty()).then(|| text.to_owned())
}

/// The body as text if every value in it may be shown.
fn shown_body(body: &[u8], disclosure: &Disclosure) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    if disclosure.is_everything() {
        return Some(text.to_owned());
    }
    let value: Value = serde_json::from_str(text).ok()?;
    is_known(&value, disclosure).then(|| text.to_owned())
}

/// Recursion is bounded by serde_json, which reads no more than 128 levels.
fn is_known(value: &Value, disclosure: &Disclosure) -> bool {
    match value {
        Value::String(text) => disclosure.knows(text),
        Value::Number(number) => disclosure.knows(&number.to_string()),
        Value::Array(items) => items.iter().all(|item| is_known(item, disclosure)),
        Value::Object(members) => members.values().all(|member| is_known(member, disclosure)),
        Value::Bool(_) | Value::Null => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Request, Timings};

    fn exchange(request: Request) -> Exchange {
        Exchange {
            number: 1,
            request,
            outcome: Err(crate::http::Failure {
                kind: crate::http::FailureKind::Timeout,
                message: String::new(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    #[test]
    fn secrets_become_variables_and_clutter_is_left_out() {
        let request = Request::get("https://h.example/r4/Patient?family=O'Brien")
            .with_header("Accept", "application/fhir+json")
            .with_header("Authorization", "Bearer s3cret")
            .with_header("X-Api-Key", "s3cret")
            .with_header("User-Agent", "rounds");
        assert_eq!(
            line(&exchange(request), &Disclosure::everything()),
            "curl -sS -H 'Accept: application/fhir+json' -H \"Authorization: Bearer $ROUNDS_TOKEN\" \
             -H 'X-Api-Key: '\"$ROUNDS_X_API_KEY\" \
             'https://h.example/r4/Patient?family=O'\\''Brien'"
        );
    }

    #[test]
    fn a_body_is_shown_only_if_all_of_it_is_ours() {
        let ours = serde_json::json!({ "resourceType": "Patient", "active": true });
        let theirs = serde_json::json!({ "resourceType": "Patient", "id": "x1" });
        let disclosure = Disclosure::nothing();
        disclosure.learn_resource(&ours);
        let post = |body| exchange(Request::new(Method::Post, "Patient").with_json(body));
        assert!(line(&post(&ours), &disclosure).contains(r#"'{"resourceType":"Patient","#));
        let masked = line(&post(&theirs), &disclosure);
        assert!(masked.contains("@body.json") && !masked.contains("x1"));
    }

    #[test]
    fn a_shell_reads_the_quoted_text_back() {
        let text = "it's $HOME `id` \"x\" \\ \n!";
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!("printf %s {}", quote(text)))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
    }
}
