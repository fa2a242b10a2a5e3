//! The scopes of a token, as a run may record them: a bounded list of words of SMART, OAuth and OpenID Connect.
//! Not a judgement on what they permit, and no place for anything else that a server writes there.

/// Scopes that are kept at most.
const MAX_SCOPES: usize = 100;
/// Bytes of one scope that is kept; SMART's longest with a search part are shorter.
const MAX_LENGTH: usize = 120;

/// Scopes that are no access to resources, <http://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>.
const WORDS: &[&str] = &[
    "fhirUser",
    "launch",
    "launch/encounter",
    "launch/patient",
    "offline_access",
    "online_access",
    "openid",
    "profile",
];
/// What stands in place of a scope that is none of SMART's: it may say anything about anybody.
const OTHER: &str = "…";

/// The scopes of a response in order, without repetition. The `?…` of a granular scope is cut to `?…`: it may name data.
pub(super) fn known(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split_ascii_whitespace() {
        let scope = shown(scope);
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
        if scopes.len() == MAX_SCOPES {
            break;
        }
    }
    scopes
}

fn shown(scope: &str) -> String {
    if scope.len() > MAX_LENGTH {
        return OTHER.to_owned();
    }
    if WORDS.contains(&scope) {
        return scope.to_owned();
    }
    let (access, search) = match scope.split_once('?') {
        Some((access, _)) => (access, "?…"),
        None => (scope, ""),
    };
    match is_access(access) {
        true => format!("{access}{search}"),
        false => OTHER.to_owned(),
    }
}

/// `patient/Observation.rs`, `system/*.read`: context, type, permissions.
fn is_access(scope: &str) -> bool {
    let Some((context, rest)) = scope.split_once('/') else {
        return false;
    };
    let Some((name, permissions)) = rest.split_once('.') else {
        return false;
    };
    let is_name = name == "*"
        || (name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_permission = matches!(permissions, "*" | "read" | "write")
        || (!permissions.is_empty() && permissions.bytes().all(|byte| b"cruds".contains(&byte)));
    matches!(context, "patient" | "user" | "system") && is_name && is_permission
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_smart_are_kept_in_order_and_once() {
        let text = "launch/patient system/*.rs patient/Observation.read  system/*.rs openid";
        let expected = [
            "launch/patient",
            "system/*.rs",
            "patient/Observation.read",
            "openid",
        ];
        assert_eq!(known(text), expected);
    }

    #[test]
    fn what_may_name_data_is_masked() {
        let text = "patient/Observation.rs?code=8480-6 tenant:ada-lovelace patient/1234.rs";
        assert_eq!(known(text), ["patient/Observation.rs?…", OTHER]);
    }

    #[test]
    fn a_long_list_ends() {
        let text: String = (0..500)
            .map(|number: u32| {
                let letters = [number / 26 % 26, number % 26].map(|n| char::from(b'a' + n as u8));
                format!("system/X{}{}.r ", letters[0], letters[1])
            })
            .collect();
        assert_eq!(known(&text).len(), MAX_SCOPES);
    }
}
