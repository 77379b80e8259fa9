//! The JSON Schemas that are checked in.

use serde_json::Value;

/// The schema of what is seen, ready to use.
pub(crate) fn validator() -> jsonschema::Validator {
    compiled(include_str!("../../src/report/report.schema.json"))
}

/// The schema of what is changed.
pub(crate) fn of_changes() -> jsonschema::Validator {
    compiled(include_str!("../../src/report/change.schema.json"))
}

fn compiled(text: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// Fails with every place where the document does not fit.
#[track_caller]
pub(crate) fn assert_fits(schema: &jsonschema::Validator, document: &Value, what: &str) {
    let misfits: Vec<String> =
        schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(misfits.is_empty(), "{what}:\n{}", misfits.join("\n"));
}
