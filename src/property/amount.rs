//! What a resource holds for a quantity parameter: an exact number with its unit, or something else. It compares
//! nothing.

use serde_json::Value;

use super::parameter::{Kind, Parameter};
use crate::fhir::decimal::Decimal;

/// An exact quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// The number.
    pub number: Decimal,
    /// `code` of the unit, empty for none.
    pub code: String,
    /// `unit`, the human form, empty for none.
    pub unit: String,
}

/// True for the parameters of this kind.
pub fn suits(parameter: &Parameter) -> bool {
    parameter.kind == Kind::Quantity
}

/// The quantity of a resource; `None` if there is none or if it has a comparator, which makes a range of it.
pub fn held(parameter: &Parameter, resource: &Value) -> Option<Amount> {
    let [member] = parameter.path else {
        return None;
    };
    let quantity = resource.get(*member)?;
    if quantity.get("comparator").is_some() {
        return None;
    }
    let text = |name: &str| {
        let value = quantity.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let number = quantity.get("value").filter(|number| number.is_number())?;
    Some(Amount {
        number: Decimal::parse(&number.to_string())?,
        code: text("code"),
        unit: text("unit"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::parameter;
    use serde_json::json;

    #[test]
    fn only_exact_quantities_count() {
        let parameter = parameter::find("Observation", "value-quantity").unwrap();
        let of = |quantity: Value| held(parameter, &json!({"valueQuantity": quantity}));
        assert_eq!(of(json!({"value": 5, "unit": "mg"})).unwrap().unit, "mg");
        assert_eq!(of(json!({"value": 5, "comparator": "<"})), None);
        assert_eq!(of(json!({"unit": "mg"})), None);
    }
}
