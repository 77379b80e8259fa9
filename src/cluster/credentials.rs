//! Credential plugins: programs that a kubeconfig names to obtain credentials.
//!
//! The client library would run them on our terminal and without a timeout. Here, without a terminal, they cannot ask
//! questions, their stderr is captured, and they are killed at our deadline. At a terminal a person logs in: the
//! plugin's messages are shown immediately, and its time is not limited.

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

use super::kubeconfig::token;
use crate::{
    facts::{Obstacle, redact},
    stack::base::{
        limits,
        os::{self, ProcessGroup},
        words,
    },
};

/// How long to keep reading output after the plugin has ended. A child process may keep the pipe open forever.
const GRACE: Duration = Duration::from_millis(200);

/// The output of a plugin and its exit status.
struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// The fields of an `ExecCredential` that are used.
#[derive(Deserialize)]
struct ExecCredential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin that the credentials name, if any, and replaces it by the returned credentials.
///
/// # Errors
///
/// The obstacle `exec-plugin-failed`, with the plugin's last lines of stderr.
pub(crate) async fn resolve(auth: &mut AuthInfo, limit: Duration, terminal: bool) -> Result<(), Obstacle> {
    // A token takes precedence over a plugin, as in kubectl.
    if auth.token.is_some() || auth.token_file.is_some() {
        auth.exec = None;
    }
    let Some(exec) = auth.exec.take() else {
        return Ok(());
    };
    let status = run(&exec, limit, terminal).await?;
    if let Some(token) = status.token {
        auth.token = Some(token.into());
    }
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        // Kubeconfigs contain these in base64, plugins return PEM.
        auth.client_certificate_data = Some(BASE64.encode(certificate));
        auth.client_key_data = Some(BASE64.encode(key).into());
    }
    Ok(())
}

async fn run(exec: &ExecConfig, limit: Duration, terminal: bool) -> Result<Status, Obstacle> {
    let failed = |what: String, evidence: Vec<String>, remedy: Option<String>| failed(exec, &what, evidence, remedy);
    let wants_terminal = exec.interactive_mode == Some(ExecInteractiveMode::Always);
    if wants_terminal && !terminal {
        return Err(failed(
            "cannot ask questions because there is no terminal".into(),
            vec!["interactiveMode: Always".into()],
            Some("log in with it at a terminal first, or use credentials that need no interaction".into()),
        ));
    }
    let interactive = terminal && exec.interactive_mode != Some(ExecInteractiveMode::Never);

    let command = command(exec, interactive);
    let output = if interactive {
        Ok(output_of(command, interactive).await)
    } else {
        tokio::time::timeout(limit, output_of(command, interactive)).await
    };
    let output = match output {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = exec.install_hint.as_ref().map(|hint| hint.trim().to_owned());
            return Err(failed("is not installed, or not on the PATH".into(), vec![], hint));
        }
        Ok(Err(error)) => {
            return Err(failed(format!("could not be started: {}", words::io(&error)), vec![], None));
        }
        Err(_) => {
            return Err(failed(
                format!("did not respond within {} and was killed", words::span(limit)),
                vec![],
                Some("run the command by hand to see what it waits for".into()),
            ));
        }
    };
    let words = last_lines(&output.stderr);
    if output.stdout.len() > limits::PLUGIN_OUTPUT {
        return Err(failed(format!("printed more than {} MiB", limits::PLUGIN_OUTPUT / limits::MIB), words, None));
    }
    if !output.status.success() {
        return Err(failed(format!("failed ({})", output.status), words, None));
    }
    credentials(exec, &output.stdout, &words)
}

/// The output of a plugin.
fn credentials(exec: &ExecConfig, stdout: &[u8], words: &[String]) -> Result<Status, Obstacle> {
    let failed = |what: &str| failed(exec, what, words.to_vec(), None);
    let credential: ExecCredential =
        serde_json::from_slice(stdout).map_err(|_| failed("did not print an ExecCredential"))?;
    let status = credential
        .status
        .filter(|status| status.token.is_some() || status.client_certificate_data.is_some())
        .ok_or_else(|| failed("printed no token and no certificate"))?;
    if status.token.as_deref().is_some_and(|token| token::check(token).is_err()) {
        return Err(failed(&format!("printed a token that {}", token::Unsendable)));
    }
    Ok(status)
}

/// Why a plugin returned no credentials.
fn failed(exec: &ExecConfig, what: &str, mut evidence: Vec<String>, remedy: Option<String>) -> Obstacle {
    evidence.insert(0, format!("command: {}", command_line(exec)));
    let program = exec.command.as_deref().unwrap_or_default();
    Obstacle {
        code: "exec-plugin-failed".into(),
        message: format!("the credential plugin {program} {what}"),
        evidence,
        remedy,
    }
}

/// The command that starts a plugin.
fn command(exec: &ExecConfig, interactive: bool) -> Command {
    let mut command = Command::new(exec.command.clone().unwrap_or_default());
    command
        .args(exec.args.iter().flatten())
        .env("KUBERNETES_EXEC_INFO", exec_info(exec, interactive))
        .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(if interactive { Stdio::inherit() } else { Stdio::piped() })
        .kill_on_drop(true);
    // Without a terminal it leads its own process group, so that its child processes can be killed with it.
    if !interactive {
        os::lead_group(&mut command);
    }
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command
}

/// Runs a plugin to its end. If the caller stops waiting, at the deadline or on Ctrl-C, it is killed with its child
/// processes. Otherwise they would keep running, because many plugins are shell scripts around the actual program.
async fn output_of(mut command: Command, interactive: bool) -> std::io::Result<Output> {
    let mut child = command.spawn()?;
    let mut group = (!interactive).then(|| ProcessGroup::of(&child));
    let mut stdout = Kept::default();
    let mut stderr = Kept::default();
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let status = {
        let read = async { tokio::join!(stdout.read(&mut out, Part::Start), stderr.read(&mut err, Part::End)) };
        tokio::pin!(read);
        let mut all = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                _ = &mut read, if !all => all = true,
            }
        };
        if !all {
            let _ = tokio::time::timeout(GRACE, read).await;
        }
        status
    };
    if let Some(group) = &mut group {
        group.release();
    }
    Ok(Output { status, stdout: stdout.0, stderr: stderr.0 })
}

/// Which part is kept if the output exceeds the limit.
#[derive(Clone, Copy)]
enum Part {
    /// The start, and one byte beyond the limit to show that there was more.
    Start,
    /// The end.
    End,
}

/// What was read from a pipe.
#[derive(Default)]
struct Kept(Vec<u8>);

impl Kept {
    async fn read(&mut self, pipe: &mut Option<impl AsyncRead + Unpin>, part: Part) {
        let Some(pipe) = pipe else {
            return;
        };
        let mut buffer = [0; 4096];
        // A broken pipe counts as its end.
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            self.add(&buffer[..count], part);
        }
    }

    fn add(&mut self, bytes: &[u8], part: Part) {
        self.0.extend_from_slice(bytes);
        match part {
            Part::Start => self.0.truncate(limits::PLUGIN_OUTPUT + 1),
            Part::End => {
                let over = self.0.len().saturating_sub(limits::PLUGIN_ERRORS);
                self.0.drain(..over);
            }
        }
    }
}

fn command_line(exec: &ExecConfig) -> String {
    let program = exec.command.as_deref().unwrap_or_default();
    redact::command_line(program, exec.args.iter().flatten())
}

/// Registers every secret that the client will use, so that none appears in any output.
pub(crate) fn remember(config: &kube::Config) {
    // The library's secret type reveals its value only when it is serialized.
    let auth = serde_json::to_value(&config.auth_info).unwrap_or_default();
    for name in ["token", "client-key-data", "password"] {
        if let Some(secret) = auth[name].as_str() {
            redact::remember(secret);
        }
    }
    if let (Some(user), Some(password)) = (auth["username"].as_str(), auth["password"].as_str()) {
        redact::remember(&format!("{user}:{password}"));
    }
    for url in [Some(&config.cluster_url), config.proxy_url.as_ref()].into_iter().flatten() {
        let user = url.authority().and_then(|authority| authority.as_str().rsplit_once('@')).map(|(user, _)| user);
        if let Some(user) = user {
            redact::remember(user);
            redact::remember(user.split_once(':').map_or(user, |(_, password)| password));
        }
    }
}

/// What the exec protocol tells the plugin about us.
fn exec_info(exec: &ExecConfig, interactive: bool) -> String {
    let mut spec = serde_json::json!({ "interactive": interactive });
    if let Some(cluster) = &exec.cluster {
        spec["cluster"] = serde_json::to_value(cluster).unwrap_or_default();
    }
    serde_json::json!({
        "apiVersion": exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": spec,
    })
    .to_string()
}

/// The last lines that the plugin wrote to stderr.
fn last_lines(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].iter().map(|line| format!("stderr: {}", redact::text(line))).collect()
}
