//! The generator of diagnoses writes everything that the rule tests require, and nothing twice.

use std::{fs, path::Path, process::Command};

use crate::bed;

fn generate(root: &Path, arguments: &[&str]) -> (bool, String) {
    let program = bed::example("new-diagnosis").expect("the generator");
    let output = Command::new(program).current_dir(root).args(arguments).output().expect("the generator runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("text"))
}

#[test]
fn generator_writes_and_registers_rule_explanation_and_fixture() {
    let root = tempfile::tempdir().expect("a folder");
    let rules = root.path().join("src/diagnose/rules/broker");
    fs::create_dir_all(&rules).expect("a folder");
    fs::copy("src/diagnose/rules/broker/mod.rs", rules.join("mod.rs")).expect("the registry");
    let arguments = ["broker-too-old", "broker", "The broker is older than supported"];
    let (ok, text) = generate(root.path(), &arguments);
    assert!(ok, "{text}");
    let read = |path: &str| fs::read_to_string(root.path().join(path)).expect("a written file");
    let rule = read("src/diagnose/rules/broker/too_old.rs");
    assert!(rule.contains("code: \"broker-too-old\""), "{rule}");
    assert!(rule.contains("include_str!(\"too_old.md\")"), "{rule}");
    assert!(read("src/diagnose/rules/broker/too_old.md").starts_with("# broker-too-old\n"));
    assert!(read("fixtures/broker-too-old/patch.yaml").starts_with("base: "));
    let registry = read("src/diagnose/rules/broker/mod.rs");
    for line in [
        "pub(crate) mod token_missing;\npub(crate) mod too_old;\n",
        "    &too_old::DIAGNOSIS,\n];",
        "    &too_old::CHECK,\n];",
    ] {
        assert!(registry.contains(line), "{line} in {registry}");
    }
    let (ok, text) = generate(root.path(), &arguments);
    assert!(!ok && text.contains("already exists"), "{text}");
    assert_eq!(read("src/diagnose/rules/broker/mod.rs"), registry);
}

#[test]
fn generator_rejects_invalid_arguments() {
    let root = tempfile::tempdir().expect("a folder");
    for arguments in [
        vec!["Broker Old", "broker", "Title"],
        vec!["broker-old", "kitchen", "Title"],
        vec!["broker-old", "broker", "A \"title\""],
        vec!["broker-old"],
    ] {
        let (ok, text) = generate(root.path(), &arguments);
        assert!(!ok && text.starts_with("error: "), "{arguments:?}: {text}");
        assert_eq!(fs::read_dir(root.path()).expect("the folder").count(), 0);
    }
}
