//! Ways to connect to the API server: impersonation, proxies, plain HTTP, merged kubeconfigs, plain dumps.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::atomic::Ordering,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{at, check, connect_proxy};
use crate::{
    bed::{self, Line, Stack},
    tool::{meshdoctor, states},
};

#[tokio::test]
async fn permissions_of_the_impersonated_user_apply() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = at(&bed, bed.namespace(), "system check -o json --as somebody --as-group some")
        .run_beside()
        .await
        .exits(3)
        .json();
    assert_eq!(states(&report), "UNKNOWN/UNKNOWN/UNKNOWN");
    assert_eq!(report["target"]["user"], "somebody");
    Ok(())
}

#[tokio::test]
async fn kubeconfig_proxy_is_used_for_requests_and_port_forwards() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let (address, tunnels) = connect_proxy::start().await?;
    let text = std::fs::read_to_string(bed.kubeconfig())?;
    let mut kubeconfig: Value = serde_yaml::from_str(&text)?;
    kubeconfig["clusters"][0]["cluster"]["proxy-url"] = address.into();
    let file = bed.file("kubeconfig-proxy");
    std::fs::write(&file, kubeconfig.to_string())?;
    let report = at(&bed, bed.namespace(), "system check -o json").kubeconfig(&file).run_beside().await.exits(0).json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert!(tunnels.load(Ordering::SeqCst) > 0, "nothing went through the proxy");
    Ok(())
}

#[tokio::test]
async fn environment_proxy_is_not_used_for_loopback() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = at(&bed, bed.namespace(), "system check -o json")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("NO_PROXY", "example.com,")
        .run_beside()
        .await
        .exits(0)
        .json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    Ok(())
}

/// A child process that is killed on drop.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn plain_http_of_kubectl_proxy_works_without_a_kubeconfig() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let mut child = Command::new(bed::program("kubectl")?)
        .arg("--kubeconfig")
        .arg(bed.kubeconfig())
        // By default the proxy rejects requests that could change something, including port-forwards.
        .args(["proxy", "--port=0", "--reject-paths=^$"])
        .env("HOME", bed.file("home-of-kubectl"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
    let _child = KillOnDrop(child);
    let address = line.trim().rsplit(' ').next().context("an address")?;
    let report = meshdoctor("system check -o json")
        .arg("--server")
        .arg(format!("http://{address}"))
        .arg("-n")
        .arg(bed.namespace())
        .run_beside()
        .await
        .json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    Ok(())
}

#[tokio::test]
async fn plain_dump_reports_only_what_it_contains() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace().to_owned();
    let stack = Stack::of(Line::Current).namespace(&namespace).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let kinds = "deploy,sts,pods,svc,events,brokers,meshsyncs";
    let dump = bed.kubectl(&["get", kinds, "-n", &namespace, "-o", "json"])?;
    let report = meshdoctor("system check -o json --from -").stdin(&dump).run().exits(3).json();
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/DEPLOYED+");
    assert_eq!(report["target"]["namespace"], namespace.as_str());
    assert_eq!(report["takenAtEstimated"], true);
    let live = check(&bed, &namespace).await;
    assert_eq!(states(&live), "DEPLOYED/CONNECTED/DEPLOYED");
    Ok(())
}
