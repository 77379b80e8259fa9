//! Credential plugins that are missing, fail, hang, prompt or print nonsense.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Folder, assert_says, check, kubeconfig, obstacle, obstacle_of, title};
use crate::{
    bed::{self, Line, Stack, users},
    tool::{Tool, states},
};

/// A kubeconfig whose user logs in with this program.
fn with_plugin(folder: &Folder, program: &str, more: &str) -> PathBuf {
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{program}', interactiveMode: IfAvailable{more}}}"
    );
    let text = kubeconfig("server: 'https://127.0.0.1:1'", &exec);
    folder.file("config", text)
}

fn with_script(folder: &Folder, lines: &str) -> PathBuf {
    let script = folder.script("plugin", lines);
    with_plugin(folder, &script.to_string_lossy(), "")
}

#[test]
fn missing_plugin_is_reported_with_its_install_hint() {
    let folder = Folder::new();
    let hint = ", installHint: 'get it from your administrator'";
    let path = with_plugin(&folder, "no-such-login-program", hint);
    let finding = obstacle(check(&path), "exec-plugin-failed");
    assert_says(&title(&finding), &["no-such-login-program", "not installed"]);
    assert_says(&finding["remedy"].to_string(), &["get it from your administrator"]);
}

#[test]
fn failing_plugin_is_quoted_without_secrets() {
    let folder = Folder::new();
    let path = with_script(&folder, "echo 'cannot log in at https://me:hunter2@login.example.invalid/x' >&2; exit 7");
    let finding = obstacle(check(&path), "exec-plugin-failed");
    assert_says(&title(&finding), &["plugin", "failed", "7"]);
    assert_says(&finding["evidence"].to_string(), &["cannot log in at", "login.example.invalid"]);
    for arguments in [&["-ojson"][..], &["-oyaml"], &["-v"], &[]] {
        let tool = arguments.iter().fold(check(&path), Tool::arg);
        let ran = tool.run().exits(3);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"));
    }
}

/// Waits until the processes whose ids are in a file have ended. A process whose parent died counts as ended once it is
/// a zombie.
fn wait_until_gone(file: &Path) {
    let text = std::fs::read_to_string(file).expect("the plugin ran");
    for pid in text.split_whitespace() {
        let alive = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        for _ in 0..200 {
            if !alive() {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        assert!(!alive(), "process {pid} of the plugin is still running");
    }
}

#[test]
fn hanging_plugin_and_its_children_are_killed_at_the_deadline() {
    let folder = Folder::new();
    let pids = folder.path("pids");
    let shown = pids.display();
    let path =
        with_script(&folder, &format!("sleep 600 &\necho $$ $! > '{shown}.new'\nmv '{shown}.new' '{shown}'\nwait"));
    let tool = check(&path).arg("--timeout=2s");
    let finding = obstacle(tool, "exec-plugin-failed");
    assert_says(&title(&finding), &["did not respond within", "killed"]);
    wait_until_gone(&pids);
}

#[test]
fn plugin_child_with_open_output_does_not_block_the_run() {
    let folder = Folder::new();
    let path = with_script(
        &folder,
        "sleep 600 &\necho $! > \"${0%plugin}pid\"\nprintf '%s' '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}'",
    );
    // The background process ends long after the run's own timeout, which a finding of its own would report.
    let finding = obstacle(check(&path), "cluster-unreachable");
    assert_says(&title(&finding), &["refused"]);
    let pid = std::fs::read_to_string(folder.path("pid")).expect("its id");
    let ended = std::process::Command::new("kill").arg(pid.trim()).status().expect("kill");
    assert!(ended.success(), "meshdoctor must not end the plugin's background process");
}

#[test]
fn endless_plugin_output_is_cut_off() {
    let folder = Folder::new();
    let path = with_script(&folder, "head -c 3000000 /dev/zero | tr '\\0' x");
    let finding = obstacle(check(&path), "exec-plugin-failed");
    assert_says(&title(&finding), &["printed more than 1 MiB"]);
    let path = with_script(&folder, "yes S3CRET >&2");
    let finding = obstacle(check(&path).arg("--timeout=2s"), "exec-plugin-failed");
    assert_says(&title(&finding), &["did not respond within"]);
}

#[test]
fn plugin_that_must_prompt_is_not_run_without_a_terminal() {
    let folder = Folder::new();
    let script = folder.script("plugin", "touch \"$0.ran\"");
    let text = kubeconfig(
        "server: 'https://127.0.0.1:1'",
        &format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Always}}",
            script.display()
        ),
    );
    let finding = obstacle(check(&folder.file("config", text)), "exec-plugin-failed");
    assert_says(&title(&finding), &["ask", "no terminal"]);
    assert!(!folder.path("plugin.ran").exists(), "it was run");
}

/// The plugin finds no terminal and says so, or reads the end of its input.
#[test]
fn prompting_plugin_gets_no_input() {
    let folder = Folder::new();
    let path = with_script(&folder, "printf 'Password: ' >&2; read -r answer || exit 9");
    let finding = obstacle(check(&path), "exec-plugin-failed");
    assert_says(&finding["evidence"].to_string(), &["Password:"]);
}

#[test]
fn invalid_plugin_output_is_reported() {
    let folder = Folder::new();
    for (printed, words) in [
        ("Welcome back!", "ExecCredential"),
        ("", "ExecCredential"),
        (r#"{"kind":"Pod"}"#, "no token"),
        (r#"{"kind":"ExecCredential","status":{}}"#, "no token"),
        (
            r#"{"kind":"ExecCredential","status":{"clientCertificateData":"x","clientKeyData":"y"}}"#,
            "credentials cannot be used",
        ),
    ] {
        let path = with_script(&folder, &format!("printf '%s' '{printed}'"));
        let finding = obstacle(check(&path), "exec-plugin-failed");
        assert_says(&title(&finding), &["plugin", words]);
    }
}

#[test]
fn plugin_without_execute_permission_is_reported() {
    let folder = Folder::new();
    let program = folder.file("plugin", "no program");
    let path = with_plugin(&folder, &program.to_string_lossy(), "");
    let finding = obstacle(check(&path), "exec-plugin-failed");
    assert_says(&title(&finding), &["could not be started", "permission denied"]);
}

#[tokio::test]
async fn working_plugin_authenticates() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let _server = stack.server(0)?;
    let folder = Folder::new();
    let credential = format!(
        r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{}"}}}}"#,
        users::token(users::ADMIN)
    );
    let script = folder.script("plugin", &format!("printf '%s' '{credential}'"));
    let cluster = format!("server: '{}', certificate-authority-data: {}", bed.server(), users::base64(bed.authority()));
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Never}}",
        script.display()
    );
    let path = folder.file("config", kubeconfig(&cluster, &exec));
    let ran = super::check_bed(&path, bed.namespace()).arg("-ojson").run_beside().await.exits(0);
    let report = ran.json();
    assert_eq!(report["exitCode"], 0);
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/CONNECTED");

    // A plugin's token that the API server does not know is rejected.
    folder.script("plugin", r#"printf '%s' '{"kind":"ExecCredential","status":{"token":"stale"}}'"#);
    let tool = super::check_bed(&path, bed.namespace()).arg("-ojson");
    obstacle_of(tool.run_beside().await, "credentials-rejected");
    Ok(())
}
