//! The variant `utc-instants`: instants and dateTimes with a zone are kept as the same instants in UTC. Dates, times
//! without a zone and the digits of a second stay as they are.

use jiff::ToSpan;
use jiff::civil::DateTime;
use serde_json::Value;

use super::references::member_type;

/// Depth of elements that is followed.
const MAX_DEPTH: usize = 64;

/// The resource with its instants and dateTimes in UTC.
pub fn normalised(mut resource: Value) -> Value {
    element(&mut resource, "", MAX_DEPTH);
    resource
}

fn element(value: &mut Value, type_name: &str, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::Array(items) => {
            for item in items {
                element(item, type_name, depth);
            }
        }
        Value::Object(members) => {
            let own = members.get("resourceType").and_then(Value::as_str);
            let parent = own.unwrap_or(type_name).to_owned();
            for (name, child) in members.iter_mut() {
                element(child, &member_type(&parent, name), depth);
            }
        }
        Value::String(text) if matches!(type_name, "instant" | "dateTime") => {
            if let Some(same) = in_utc(text) {
                *text = same;
            }
        }
        _ => {}
    }
}

/// The same instant with `Z`; `None` for what has no zone, is in UTC already or is beyond the calendar.
fn in_utc(text: &str) -> Option<String> {
    let (local, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let sign = match zone.as_bytes()[0] {
        b'+' if local.contains('T') => 1,
        b'-' if local.contains('T') => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let minutes: i64 = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    let (whole, digits) = local.split_once('.').unwrap_or((local, ""));
    // A leap second is in no calendar of ours.
    if whole.ends_with(":60") {
        return None;
    }
    let there: DateTime = whole.parse().ok()?;
    let here = there.checked_sub((sign * minutes).minutes()).ok()?;
    if !(1..=9_999).contains(&here.year()) {
        return None;
    }
    let point = if digits.is_empty() { "" } else { "." };
    Some(format!("{here}{point}{digits}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instants_and_date_times_with_a_zone_move_to_utc() {
        let observation = normalised(json!({
            "resourceType": "Observation",
            "issued": "2024-05-01T00:30:00.120+02:00",
            "effectivePeriod": {"start": "2024-05-01T10:00:00-05:30", "end": "2024-05"},
            "valueString": "2024-05-01T00:30:00+02:00",
            "contained": [{"resourceType": "Patient", "deceasedDateTime": "2024-05-01T00:30:00+02:00", "birthDate": "1980-01-01"}],
        }));
        assert_eq!(observation["issued"], "2024-04-30T22:30:00.120Z");
        let period = &observation["effectivePeriod"];
        assert_eq!(period["start"], "2024-05-01T15:30:00Z");
        assert_eq!(period["end"], "2024-05");
        assert_eq!(observation["valueString"], "2024-05-01T00:30:00+02:00");
        let patient = &observation["contained"][0];
        assert_eq!(patient["deceasedDateTime"], "2024-04-30T22:30:00Z");
    }

    #[test]
    fn what_cannot_move_stays() {
        for text in [
            "2024-05-01",
            "2024-05-01T10:00:00Z",
            "2016-12-31T23:59:60+00:00",
            "0001-01-01T00:00:00+14:00",
            "é+02:00",
        ] {
            assert_eq!(in_utc(text), None, "{text}");
        }
    }
}
