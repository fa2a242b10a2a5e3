//! The variant `no-versions`: what goes with versions, left out and claimed so. Versions are kept inside all the same,
//! for paging and the index rest on them; nobody is shown one.

use serde_json::{Value, json};

use super::outcome::Refusal;
use super::router::Route;
use crate::http::message::Method;

/// Interactions that there are not.
const LEFT_OUT: &[&str] = &[
    "vread",
    "history-instance",
    "history-type",
    "history-system",
];

/// True for the places of versions.
pub fn is_left_out(route: &Route) -> bool {
    matches!(
        route,
        Route::SystemHistory
            | Route::TypeHistory(_)
            | Route::InstanceHistory(_)
            | Route::Version(..)
    )
}

/// Methods of a place of versions.
pub fn methods() -> &'static [Method] {
    &[Method::Options]
}

/// Refuses to show versions, in a Bundle too.
pub fn permit(route: &Route) -> Result<(), Refusal> {
    match is_left_out(route) {
        true => Err(Refusal::new(
            405,
            "not-supported",
            "no versions are kept here",
        )),
        false => Ok(()),
    }
}

/// Changes what is claimed of a type.
pub fn claim(resource: &mut Value) {
    leave_out(&mut resource["interaction"]);
    resource["versioning"] = "no-version".into();
    resource["readHistory"] = false.into();
    resource["conditionalRead"] = "modified-since".into();
}

/// Takes the interactions with versions out of a list of claims.
pub fn leave_out(interactions: &mut Value) {
    if let Some(list) = interactions.as_array_mut() {
        list.retain(|claim| {
            LEFT_OUT
                .iter()
                .all(|code| *claim != json!({ "code": code }))
        });
    }
}
