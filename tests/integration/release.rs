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

/// A static program for Linux on `x86_64` that only exits, with this type of its one program header.
fn tiny_program(header: u8) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const CODE: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    let size: u64 = 64 + 56 + CODE.len() as u64;
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    for number in [BASE + 120, 64, 0] {
        program.extend(number.to_le_bytes());
    }
    program.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    program.extend([header, 0, 0, 0, 5, 0, 0, 0]);
    for number in [0, BASE, BASE, size, size, 0x1000] {
        program.extend(number.to_le_bytes());
    }
    program.extend(CODE);
    program
}

/// Packs a program into an image. Returns whether it succeeded, and what was printed.
fn image(name: &str, output: &Path, program: &Path) -> (bool, String) {
    let run = Command::new(".ci/image").arg(name).arg(output).arg(program).output().expect("bash");
    let printed = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(printed).expect("text"))
}

/// A file of an archive.
fn unpacked(archive: &Path, file: &str) -> Vec<u8> {
    let run = Command::new("tar").arg("-xOf").arg(archive).arg(file).output().expect("tar");
    assert!(run.status.success(), "{file}");
    run.stdout
}

#[test]
fn image_contains_only_the_static_binary_and_its_user() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = |name: &str| folder.path().join(name);
    // PT_LOAD.
    fs::write(file("program"), tiny_program(1)).expect("written");
    let (packed, printed) = image("registry.example:5000/meshdoctor:1.0", &file("image.tar"), &file("program"));
    assert!(packed, "{printed}");
    assert!(printed.contains("0.1 MiB"), "{printed}");

    let json = |name: &str| -> Value {
        serde_json::from_slice(&unpacked(&file("image.tar"), name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    };
    let manifest = json("manifest.json");
    assert_eq!(manifest[0]["RepoTags"], serde_json::json!(["registry.example:5000/meshdoctor:1.0"]));
    assert_eq!(manifest[0]["Layers"], serde_json::json!(["layer.tar"]));
    let config = json(manifest[0]["Config"].as_str().expect("a configuration"));
    assert_eq!(config["architecture"], "amd64");
    let layer = unpacked(&file("image.tar"), "layer.tar");
    fs::write(file("layer.tar"), layer).expect("written");
    let (_, digest) = script(Command::new("sha256sum").arg(file("layer.tar")));
    let digest = digest.split(' ').next().unwrap_or_default();
    assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([format!("sha256:{digest}")]));

    let (_, list) = script(Command::new("tar").arg("--numeric-owner").arg("-tvf").arg(file("layer.tar")));
    let entries: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    let entries: Vec<[&str; 3]> = entries.iter().map(|entry| [entry[0], entry[1], entry[5]]).collect();
    let expected =
        [["drwxr-xr-x", "0/0", "etc/"], ["-rw-r--r--", "0/0", "etc/passwd"], ["-rwxr-xr-x", "0/0", "meshdoctor"]];
    assert_eq!(entries, expected);
    assert_eq!(unpacked(&file("layer.tar"), "meshdoctor"), tiny_program(1));

    // The Dockerfile says the same.
    let dockerfile = fs::read_to_string("Dockerfile").expect("a Dockerfile");
    let user = config["config"]["User"].as_str().expect("a user");
    assert!(dockerfile.contains(&format!("\nUSER {user}\n")), "{dockerfile}");
    assert!(dockerfile.contains(&format!("\nENTRYPOINT {}\n", config["config"]["Entrypoint"])), "{dockerfile}");
    let (id, _) = user.split_once(':').expect("a group");
    let passwd = String::from_utf8(unpacked(&file("layer.tar"), "etc/passwd")).expect("text");
    assert_eq!(passwd.split(':').nth(2), Some(id), "{passwd}");

    let (packed, _) = image("registry.example:5000/meshdoctor:1.0", &file("again.tar"), &file("program"));
    assert!(packed);
    assert_eq!(fs::read(file("image.tar")).expect("read"), fs::read(file("again.tar")).expect("read"));
}

#[test]
fn image_is_refused_for_dynamic_or_large_binaries() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = |name: &str| folder.path().join(name);
    let refused = |name: &str, program: &Path, reason: &str| {
        let (packed, printed) = image(name, &file("image.tar"), program);
        assert!(!packed && printed.contains(reason), "{printed}");
        assert!(!file("image.tar").exists(), "{reason}");
    };
    let tag = "meshdoctor:1.0";
    refused(tag, Path::new(env!("CARGO_BIN_EXE_meshdoctor")), "dynamically linked");
    // PT_INTERP.
    fs::write(file("interpreted"), tiny_program(3)).expect("written");
    refused(tag, &file("interpreted"), "dynamically linked");
    refused(tag, Path::new(".ci/image"), "not a 64-bit ELF file");
    let mut large = tiny_program(1);
    large.resize(15 << 20, 0);
    fs::write(file("large"), large).expect("written");
    refused(tag, &file("large"), "the image has 15.1 MiB, more than 15");
    fs::write(file("program"), tiny_program(1)).expect("written");
    for name in ["meshdoctor", "a\"b:1", "Meshdoctor:1", ":1", "meshdoctor:"] {
        refused(name, &file("program"), "not an image name with a tag");
    }
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
        for program in [".ci/run", ".ci/package", ".ci/image", ".ci/release-notes", ".ci/cargo-deny"] {
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
