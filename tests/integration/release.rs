//! The contents of a release, and the permissions of the hosted workflows.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

/// Runs a script of `.ci/`. Returns whether it succeeded, and its standard output.
fn script(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("bash");
    (output.status.success(), String::from_utf8(output.stdout).expect("text"))
}

fn files(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| format!("{folder}/{}", name.to_string_lossy()))
        .collect()
}

#[test]
fn archive_contains_binary_completions_man_pages_and_documents() {
    let output = tempfile::tempdir().expect("a scratch folder");
    let binary = Path::new(env!("CARGO_BIN_EXE_meshdoctor"));
    let target = "x86_64-unknown-linux-gnu";
    let (packed, _) =
        script(Command::new(".ci/package").arg(target).arg(binary.parent().expect("a folder")).arg(output.path()));
    assert!(packed);
    let name = format!("meshdoctor-{}-{target}", env!("CARGO_PKG_VERSION"));
    let archive = output.path().join(format!("{name}.tar.gz"));
    let (listed, list) = script(Command::new("tar").arg("-tzf").arg(archive));
    assert!(listed);
    let contained: BTreeSet<String> = list
        .lines()
        .filter(|line| !line.ends_with('/'))
        .map(|line| line.replacen(&format!("{name}/"), "", 1))
        .collect();
    let mut expected: BTreeSet<String> =
        ["meshdoctor", "LICENSE", "README.md", "CHANGELOG.md"].map(str::to_owned).into();
    expected.extend(files("man"));
    expected.extend(files("completions"));
    assert_eq!(contained, expected);
}

#[test]
fn release_notes_are_the_changelog_section_of_the_version() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let changelog = folder.path().join("CHANGELOG.md");
    let version = env!("CARGO_PKG_VERSION");
    let notes = |text: &str, version: &str| {
        fs::write(&changelog, text).expect("written");
        script(Command::new(".ci/release-notes").arg(version).env("CHANGELOG", &changelog))
    };
    let text = format!("# C\n\n## Unreleased\n\n- a\n\n## {version} - 2026-01-01\n\n- b\n\n## 0.0.1\n\n- c\n");
    assert_eq!(notes(&text, version), (true, "\n- b\n".to_owned()));
    assert!(!notes("# C\n\n## Unreleased\n\n- a\n", version).0, "none");
    assert!(!notes("## 99.0.0\n\n- a\n", "99.0.0").0, "another version");
}

fn workflows() -> Vec<(String, Value)> {
    let all = files(".github/workflows").into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a workflow");
        let workflow = serde_yaml::from_str(&text).unwrap_or_else(|why| panic!("{path}: {why}"));
        (path, workflow)
    });
    all.collect()
}

/// Every value of a key, at any depth.
fn values<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|value| values(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| values(value, key, found)),
        _ => {}
    }
}

#[test]
fn workflows_use_only_official_actions_and_no_secrets() {
    let workflows = workflows();
    assert_eq!(workflows.len(), 3);
    for (path, workflow) in &workflows {
        assert_eq!(workflow["permissions"]["contents"], "read", "{path}");
        let mut used = Vec::new();
        values(workflow, "uses", &mut used);
        assert!(!used.is_empty(), "{path}");
        for action in used {
            let action = action.as_str().expect("an action");
            let official = action
                .strip_prefix("actions/")
                .and_then(|rest| rest.split_once("@v"))
                .is_some_and(|(_, major)| major.parse::<u8>().is_ok());
            assert!(official || action.starts_with("./.github/workflows/"), "{path}: {action}");
        }
        let text = fs::read_to_string(path).expect("a workflow");
        assert!(!text.contains("secrets."), "{path}");
        for program in [".ci/run", ".ci/package", ".ci/release-notes", ".ci/cargo-deny"] {
            assert!(Path::new(program).exists(), "{program}");
        }
    }
}

#[test]
fn release_targets_are_covered_by_dependency_checks() {
    let all = workflows();
    let (_, release) = all.iter().find(|(path, _)| path.ends_with("release.yml")).expect("a release workflow");
    let matrix = release["jobs"]["build"]["strategy"]["matrix"]["include"].as_array();
    let targets = matrix.into_iter().flatten();
    let targets: Vec<&str> = targets.filter_map(|entry| entry["target"].as_str()).collect();
    assert_eq!(targets.len(), 5);
    let deny = fs::read_to_string("deny.toml").expect("deny.toml");
    for target in targets {
        assert!(deny.contains(&format!("  \"{target}\",")), "{target}");
    }
}
