//! A credential plugin that logs in a user at a terminal.

use std::{os::unix::fs::PermissionsExt as _, time::Instant};

use anyhow::Result;

use super::pty_session::PtySession;
use crate::tool::meshdoctor;

#[tokio::test]
async fn terminal_login_is_shown_at_once_and_not_timed_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plugin = folder.path().join("login");
    std::fs::write(
        &plugin,
        "#!/bin/sh
echo 'enter the code WXYZ-1234 at the login page' >&2
sleep 4
printf '%s' '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}'
",
    )?;
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755))?;
    let config = folder.path().join("config");
    std::fs::write(
        &config,
        "{kind: Config, current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}],
  clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}],
  users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: IfAvailable}}}]}",
    )?;
    let begun = Instant::now();
    let tool = meshdoctor("system check --timeout 2s --request-timeout 1s").kubeconfig(&config);
    let session = PtySession::start(tool)?;
    session.until_shown("WXYZ-1234").await?;
    assert!(begun.elapsed().as_secs() < 4, "the login is shown only at the end");
    let (code, screen) = session.end().await?;
    assert_eq!(code, 3, "{screen}");
    assert!(screen.contains("cluster-unreachable"), "{screen}");
    assert!(!screen.contains("exec-plugin-failed"), "{screen}");
    Ok(())
}
