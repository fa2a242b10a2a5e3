//! Where the token endpoint is: from `.well-known/smart-configuration`, else from the CapabilityStatement as servers
//! said it before (<https://hl7.org/fhir/smart-app-launch/conformance.html>). Judges neither document.

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::grant::{date, refusal};
use crate::http::exchange::Failure;
use crate::http::message::Request;
use crate::http::transport::Transport;

/// Bytes of a discovery document that are read at most.
const MAX_CONFIGURATION: usize = 1 << 20;
/// Bytes of a CapabilityStatement that are read at most; large ones have five million.
const MAX_CAPABILITY: usize = 32 << 20;
/// Extension of `rest.security` that names the OAuth endpoints.
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// A token endpoint, and the server's time when it was found.
#[derive(Debug)]
pub struct Discovered {
    /// The token endpoint.
    pub url: Url,
    /// `Date` of the answer.
    pub server_time: Option<Timestamp>,
}

/// Asks the target, without credentials.
///
/// # Errors
/// The target does not answer, or names no token endpoint that may be used.
pub async fn discover(target: &dyn Transport) -> Result<Discovered, Failure> {
    let request =
        Request::get(".well-known/smart-configuration").with_header("Accept", "application/json");
    let exchange = target.send(request).await;
    let response = exchange.outcome?;
    if response.status == 200
        && let Some(found) = of_configuration(&response.body)
    {
        return checked(target.base(), &found, date(&response));
    }
    let first = match response.status {
        200 => "names no token_endpoint".to_owned(),
        status => format!("answers {status}"),
    };
    let exchange = target.send(Request::get("metadata")).await;
    let response = exchange.outcome?;
    match of_capability(&response.body).filter(|_| response.status == 200) {
        Some(found) => checked(target.base(), &found, date(&response)),
        None => Err(refusal(format!(
            "no token endpoint is known: .well-known/smart-configuration {first}, and the CapabilityStatement has no \
             oauth-uris; name it as `token-url` in rounds.yaml"
        ))),
    }
}

fn checked(base: &Url, found: &str, server_time: Option<Timestamp>) -> Result<Discovered, Failure> {
    let url = Url::parse(found)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| {
            refusal("the server names a token endpoint that is no absolute URL; name it as `token-url` in rounds.yaml")
        })?;
    if base.scheme() == "https" && url.scheme() != "https" {
        return Err(refusal(
            "the server names a token endpoint without TLS, which is not trusted; name one as `token-url` in rounds.yaml",
        ));
    }
    Ok(Discovered { url, server_time })
}

fn of_configuration(body: &[u8]) -> Option<String> {
    if body.len() > MAX_CONFIGURATION {
        return None;
    }
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("token_endpoint")?.as_str().map(str::to_owned)
}

fn of_capability(body: &[u8]) -> Option<String> {
    if body.len() > MAX_CAPABILITY {
        return None;
    }
    let value: Value = serde_json::from_slice(body).ok()?;
    let list = |value: &Value, name: &str| -> Vec<Value> {
        let items = value.get(name).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    list(&value, "rest")
        .iter()
        .filter_map(|rest| rest.get("security"))
        .flat_map(|security| list(security, "extension"))
        .filter(|extension| extension["url"] == OAUTH_URIS)
        .flat_map(|extension| list(&extension, "extension"))
        .find(|extension| extension["url"] == "token")?
        .get("valueUri")?
        .as_str()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_name_the_endpoint() {
        let configuration = br#"{"token_endpoint":"https://a/t"}"#;
        assert_eq!(
            of_configuration(configuration).as_deref(),
            Some("https://a/t")
        );
        let capability = format!(
            r#"{{"rest":[{{"security":{{"extension":[{{"url":"{OAUTH_URIS}","extension":[
                {{"url":"authorize","valueUri":"https://a/a"}},{{"url":"token","valueUri":"https://a/t"}}]}}]}}}}]}}"#
        );
        assert_eq!(
            of_capability(capability.as_bytes()).as_deref(),
            Some("https://a/t")
        );
        assert_eq!(of_capability(b"{}"), None);
    }

    #[test]
    fn an_endpoint_without_tls_is_not_taken_from_a_server_with_it() {
        let base = |text| Url::parse(text).unwrap();
        assert!(checked(&base("https://h/r4"), "http://h/t", None).is_err());
        assert!(checked(&base("http://h/r4"), "http://h/t", None).is_ok());
        assert!(checked(&base("http://h/r4"), "/token", None).is_err());
    }
}
