//! Where backups are written, and where they are not.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink},
    process::Command,
};

use anyhow::Result;

use super::{assert_ended, document, reset_tool};
use crate::{
    bed::{self, states, users},
    fault_proxy::{Action, Fault, FaultProxy},
};

#[tokio::test]
async fn backup_over_a_special_file_is_refused() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = states::apply("healthy", &bed, namespace).await?;
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("target"), "kept")?;
    symlink(at("target"), at("link"))?;
    symlink(at("nowhere"), at("dangling"))?;
    fs::create_dir(at("folder"))?;
    assert!(Command::new("mkfifo").arg(at("pipe")).status()?.success());
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
    for (name, what) in [
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("folder", "a folder"),
        ("pipe", "a named pipe"),
        ("/dev/null", "a device"),
    ] {
        let tool =
            reset_tool(&bed, namespace, "stack --yes").kubeconfig(&proxy.kubeconfig).arg("--backup").arg(at(name));
        let outcome = document(&tool.run_beside().await);
        assert_ended(&outcome, 4, "refused");
        let reason = outcome.1["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(what), "{reason}");
    }
    assert_eq!(proxy.writes(), 0);
    assert_eq!(fs::read_to_string(at("target"))?, "kept");
    assert!(fs::symlink_metadata(at("pipe"))?.file_type().is_fifo());
    assert_eq!(fs::read_dir(folder.path())?.count(), 5);
    Ok(())
}

#[tokio::test]
async fn full_disk_stops_a_reset_before_it_begins() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = states::apply("healthy", &bed, namespace).await?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy.json");
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
    let program = reset_tool(&bed, namespace, "stack").command().get_program().to_owned();
    // No file may grow beyond one block. The signal that comes with it is ignored.
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$1\" system reset stack --yes -o json --backup \"$2\" -n \"$3\"";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, "sh"])
        .arg(program)
        .arg(&copy)
        .arg(namespace)
        .env_clear()
        .env("HOME", folder.path())
        .env("KUBECONFIG", &proxy.kubeconfig);
    let output = tokio::task::spawn_blocking(move || shell.output()).await??;
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(output.status.code(), Some(4), "{outcome:#}");
    assert_eq!(outcome["outcome"], "refused");
    let reason = outcome["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("File too large"), "{reason}");
    assert_eq!(proxy.writes(), 0);
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

/// The backup exists before the first deletion, complete and private.
#[tokio::test]
async fn backup_is_complete_and_private_before_the_first_deletion() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy.json");
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::after_write(1, Action::Signal("KILL")))?;
    let tool = reset_tool(&bed, namespace, "stack --yes").arg("--backup").arg(&copy).kubeconfig(&proxy.kubeconfig);
    proxy.run(tool).await?;
    assert!(proxy.has_injected());
    assert_eq!(fs::metadata(&copy)?.permissions().mode() & 0o777, 0o600);
    let list: serde_json::Value = serde_json::from_slice(&fs::read(&copy)?)?;
    assert_eq!(list["kind"], "List");
    assert_eq!(fs::read_dir(folder.path())?.count(), 1);
    Ok(())
}
