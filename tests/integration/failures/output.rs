//! Files and streams that cannot be written, or must not be written.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
};

use super::{Folder, assert_says, assert_sentence, usage};
use crate::tool::{Tool, meshdoctor};

/// Runs with a standard output that is always full. Returns the exit code and standard error.
fn run_with_full_stdout(mut tool: Tool) -> (Option<i32>, String) {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = tool.command().stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().expect("it runs");
    let stderr = String::from_utf8(output.stderr).expect("text on standard error");
    (output.status.code(), stderr)
}

#[test]
fn full_stdout_is_never_a_success() {
    for arguments in [
        "--help",
        "--version",
        "system check --help",
        "checks",
        "checks -o json",
        "explain states",
        "completion bash",
        "manifests",
        "rbac check --to-user me",
        "system check",
        "system check -o json",
        "system status -o yaml",
        "test kubernetes -o json",
        "record",
        "watch-list --stock",
        "system redeploy --dry-run",
        "system redeploy --yes -o json",
        "system reset stack --yes -o yaml",
    ] {
        let (code, stderr) = run_with_full_stdout(meshdoctor(arguments));
        assert_eq!(code, Some(3), "{arguments}: {stderr}");
        let line = stderr
            .lines()
            .find(|line| line.contains("cannot write to standard output"))
            .unwrap_or_else(|| panic!("{arguments}: {stderr}"));
        assert_sentence(line);
        assert_says(line, &["No space left on device"]);
    }
}

/// The names of the entries in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string())
        .collect::<Result<_, _>>()
        .expect("text");
    names.sort();
    names
}

#[test]
fn record_replaces_only_regular_files() {
    let folder = Folder::new();
    let target = folder.file("target", "kept");
    symlink(&target, folder.path("link")).expect("a link");
    symlink(folder.path("nowhere"), folder.path("dangling")).expect("a link");
    fs::create_dir(folder.path("folder")).expect("a folder");
    let made = Command::new("mkfifo").arg(folder.path("pipe")).status().expect("mkfifo");
    assert!(made.success());
    let before = names(&folder.path(""));
    for (name, what) in [
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("folder", "a folder"),
        ("pipe", "a named pipe"),
        ("/dev/null", "a device"),
    ] {
        for command in ["record", "record --force"] {
            let sentence = usage(meshdoctor(command).arg(folder.path(name)));
            assert_says(&sentence, &[name, what]);
        }
    }
    assert_eq!(names(&folder.path("")), before);
    assert_eq!(fs::read_to_string(&target).expect("text"), "kept");
    let pipe = fs::symlink_metadata(folder.path("pipe")).expect("metadata");
    assert!(pipe.file_type().is_fifo());
}

#[test]
fn recording_is_readable_only_by_its_owner() {
    let folder = Folder::new();
    let path = folder.file("facts.json", "old");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
    meshdoctor("record --force").arg(&path).run().exits(3);
    let mode = fs::metadata(&path).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(names(&folder.path("")), ["facts.json"]);
}

/// A symbolic link named like a temporary file of an earlier version must not be followed.
#[test]
fn record_does_not_follow_a_planted_symlink() {
    let folder = Folder::new();
    let victim = folder.file("victim", "kept");
    let mut tool = meshdoctor("");
    let program = tool.command().get_program().to_owned();
    let script = "ln -s \"$2\" \"$3/.facts.json.$$\"; exec \"$1\" record --force \"$3/facts.json\"";
    let status = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(program)
        .arg(&victim)
        .arg(folder.path(""))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it runs");
    assert_eq!(status.code(), Some(3));
    assert_eq!(fs::read_to_string(&victim).expect("text"), "kept");
    let facts = fs::symlink_metadata(folder.path("facts.json")).expect("metadata");
    assert!(facts.is_file());
}

#[test]
fn full_disk_keeps_the_old_recording() {
    let folder = Folder::new();
    let path = folder.file("facts.json", "old");
    let mut tool = meshdoctor("");
    let program = tool.command().get_program().to_owned();
    // No file may grow. This acts like a full disk without needing one. The signal that comes with it is ignored.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$1\" record --force \"$2\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(program)
        .arg(&path)
        .env_clear()
        .env("HOME", folder.path(""))
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_says(&stderr, &["cannot write", "File too large"]);
    assert_eq!(fs::read_to_string(&path).expect("text"), "old");
    assert_eq!(names(&folder.path("")), ["facts.json"]);
}

#[test]
fn backup_to_standard_output_is_refused() {
    let ran = meshdoctor("system reset stack --backup -").run().exits(2);
    assert_eq!(ran.stdout, "");
    assert_says(&ran.stderr, &["--backup", "stdout"]);
}

/// A backup that cannot be restored is refused before the cluster is contacted.
#[test]
fn unrestorable_backup_is_a_usage_error() {
    let folder = Folder::new();
    let of = |spec: &str, namespace: &str| {
        format!(
            r#"{{"apiVersion":"meshery.io/v1alpha1","kind":"MeshSync","metadata":{{"name":"a","namespace":"{namespace}"}},"spec":{spec}}}"#
        )
    };
    let broker = of("{}", "meshery").replace("MeshSync", "Broker");
    let redacted = r#"{"broker":{"custom":{"url":"nats://REDACTED@broker"}}}"#;
    for (text, words) in [
        (of("[]", "meshery"), ["spec of MeshSync a", "type object"]),
        (of(r#"{"size":"tok-123"}"#, "meshery"), ["spec.size", "type integer"]),
        (of(redacted, "meshery"), ["spec.broker.custom.url", "was redacted"]),
        (of("{}", "one") + &of("{}", "two"), ["one, two", "--backup-namespace"]),
        (of("{}", "meshery") + &of("{}", "meshery").replace(r#""a""#, r#""b""#), ["more than one MeshSync", "a, b"]),
        (broker, ["no custom resource of the parts to deploy", "backup.json"]),
        ("{}".into(), ["neither a Broker nor a MeshSync", "backup.json"]),
    ] {
        let path = folder.file("backup.json", &text);
        let sentence = usage(meshdoctor("system redeploy meshsync --yes --from-backup").arg(&path));
        assert_says(&sentence, &words);
        assert!(!sentence.contains("tok-123"), "{sentence}");
    }
}
