//! Wrong flags and closed streams.

use std::process::Stdio;

use super::{Folder, assert_says, check, kubeconfig};
use crate::tool::{Tool, meshdoctor};

/// clap adds a hint to `--help`. The first line of its message is the sentence.
#[track_caller]
fn clap_error(tool: Tool) -> String {
    let ran = tool.run().exits(2);
    assert_eq!(ran.stdout, "");
    let first = ran.stderr.lines().next().unwrap_or_default();
    super::assert_sentence(first);
    ran.stderr
}

#[test]
fn wrong_flags_are_usage_errors() {
    assert_says(&clap_error(meshdoctor("system check -o xml")), &["xml", "json", "yaml"]);
    assert_says(&clap_error(meshdoctor("system check --timeout 30")), &["--timeout", "did you mean 30s?"]);
    assert_says(&clap_error(meshdoctor("system check --timeout soon")), &["not a duration", "30s"]);
    assert_says(&clap_error(meshdoctor("system chek")), &["chek", "check"]);
    assert_says(&clap_error(meshdoctor("explain no-such-code")), &["no-such-code"]);
    assert_says(&clap_error(meshdoctor("system check --expect operator,embedded")), &["operator", "embedded"]);
}

#[test]
fn as_group_without_as_is_refused() {
    let folder = Folder::new();
    let path = folder.file("config", kubeconfig("server: 'https://127.0.0.1:1'", "token: t"));
    for tool in [check(&path), meshdoctor("system check -o json")] {
        let sentence = super::usage(tool.arg("--as-group=admins"));
        assert_says(&sentence, &["--as-group needs --as"]);
    }
}

#[test]
fn closed_stdout_does_not_change_the_exit_code() {
    for arguments in [
        "system check",
        "system check -o json",
        "system check -o yaml",
        "system check -q",
        "record",
        "checks",
        "explain states",
        "explain broker-unreachable -o json",
        "completion bash",
        "--help",
        "system check --help",
        "--version",
    ] {
        let open = meshdoctor(arguments).run();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut tool = meshdoctor(arguments);
        let output = tool
            .command()
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("it runs");
        assert_eq!(output.status.code(), Some(open.code), "{arguments}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let place = |text: &str| text.split("/.tmp").next().unwrap_or_default().to_owned();
        assert_eq!(place(&stderr), place(&open.stderr), "{arguments}");
    }
}
