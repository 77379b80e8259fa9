//! The JSON Schemas in the repository.

use std::sync::LazyLock;

use serde_json::Value;

// Compiled once: hundreds of documents are compared with them.
static REPORT: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| compiled(include_str!("../../src/report/report.schema.json")));
static CHANGE: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| compiled(include_str!("../../src/report/change.schema.json")));

/// The compiled schema of reports.
pub(crate) fn validator() -> &'static jsonschema::Validator {
    &REPORT
}

/// The compiled schema of changes.
pub(crate) fn change_validator() -> &'static jsonschema::Validator {
    &CHANGE
}

fn compiled(text: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is valid")
}

/// Fails with every place where the document does not match the schema.
#[track_caller]
pub(crate) fn assert_fits(schema: &jsonschema::Validator, document: &Value, what: &str) {
    let misfits: Vec<String> =
        schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(misfits.is_empty(), "{what}:\n{}", misfits.join("\n"));
}
