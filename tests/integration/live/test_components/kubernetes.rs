//! `test kubernetes`: how far the connection to the API server gets, step by step.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{assert_valid, found, hop, problem_codes};
use crate::{
    bed::{self, users},
    live::{at, connect_proxy},
    tool::Ran,
};

/// A run with this kubeconfig. Its document must match the schema.
async fn test(bed: &bed::Lease, kubeconfig: &Path, arguments: &str) -> Ran {
    let arguments = format!("test kubernetes -o json --count 5 {arguments}");
    let ran = at(bed, bed.namespace(), &arguments).kubeconfig(kubeconfig).run_beside().await;
    assert_valid(&ran.json());
    ran
}

/// The status of each step, in order.
fn steps(report: &Value) -> String {
    ["resolve", "connect", "tls", "authenticate", "request"]
        .map(|id| hop(report, id)["status"].as_str().unwrap_or("?"))
        .join(" ")
}

/// A copy of the bed's kubeconfig with one change.
fn changed(bed: &bed::Lease, name: &str, from: &str, to: &str) -> Result<std::path::PathBuf> {
    let text = std::fs::read_to_string(bed.kubeconfig())?;
    assert!(text.contains(from), "{from} in {text}");
    let path = bed.file(name);
    std::fs::write(&path, text.replace(from, to))?;
    Ok(path)
}

#[tokio::test]
async fn each_step_of_a_working_connection_is_timed() -> Result<()> {
    let bed = bed::lease().await?;
    // This test does not depend on a stack.
    let report = test(&bed, &bed.kubeconfig(), "").await.exits(0).json();
    assert_eq!(steps(&report), "pass pass pass pass pass", "{report:#}");
    assert_eq!(hop(&report, "request")["timing"]["count"], 5);
    assert_eq!(hop(&report, "authenticate")["detail"], "as admin");
    assert_eq!(problem_codes(&report), [""; 0]);
    assert_eq!(report["test"]["subject"], "kubernetes");
    Ok(())
}

#[tokio::test]
async fn certificate_of_another_authority_fails_at_tls() -> Result<()> {
    let bed = bed::lease().await?;
    let other = rcgen::generate_simple_self_signed(vec!["kubernetes".into()])?;
    let other = users::base64(&other.cert.pem());
    let path = changed(&bed, "config-other-ca", &users::base64(bed.authority()), &other)?;
    let report = test(&bed, &path, "").await.exits(3).json();
    assert_eq!(steps(&report), "pass pass fail skip skip", "{report:#}");
    let why = hop(&report, "tls")["detail"].to_string();
    assert!(why.contains("certificate"), "{why}");
    assert_eq!(problem_codes(&report), ["tls-untrusted"]);
    assert_eq!(report["verdict"], "unknown");
    Ok(())
}

#[tokio::test]
async fn refused_port_fails_at_the_connection() -> Result<()> {
    let bed = bed::lease().await?;
    let [port] = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        [listener.local_addr()?.port()]
    };
    let nowhere = format!("https://127.0.0.1:{port}");
    let path = changed(&bed, "config-nowhere", bed.server(), &nowhere)?;
    let report = test(&bed, &path, "").await.exits(3).json();
    assert_eq!(steps(&report), "pass fail skip skip skip", "{report:#}");
    let why = hop(&report, "connect")["detail"].to_string();
    assert!(why.contains("refused"), "{why}");
    assert_eq!(problem_codes(&report), ["cluster-unreachable"]);
    Ok(())
}

#[tokio::test]
async fn hanging_api_server_fails_at_tls_within_the_timeout() -> Result<()> {
    let bed = bed::private().await?;
    bed.pause_api_server()?;
    let report = test(&bed, &bed.kubeconfig(), "--timeout 4s").await;
    bed.resume_api_server()?;
    let report = report.exits(3).json();
    assert_eq!(steps(&report), "pass pass fail skip skip", "{report:#}");
    let why = hop(&report, "tls")["detail"].to_string();
    assert!(why.contains("no response within"), "{why}");
    assert_eq!(problem_codes(&report), ["cluster-unreachable"]);
    // The step and the observation of the cluster each had a share of the time.
    let title = found(&report, "cluster-unreachable")["title"].to_string();
    assert!(title.contains("no response within 2"), "{title}");
    Ok(())
}

#[tokio::test]
async fn rejected_credentials_fail_after_tls() -> Result<()> {
    let bed = bed::lease().await?;
    let token = users::token(users::ADMIN);
    let path = changed(&bed, "config-bad-token", &token, "never-issued-token")?;
    let report = test(&bed, &path, "").await.exits(3).json();
    assert_eq!(steps(&report), "pass pass pass fail skip", "{report:#}");
    let why = hop(&report, "authenticate")["detail"].to_string();
    assert!(why.contains("401"), "{why}");
    assert_eq!(problem_codes(&report), ["credentials-rejected"]);
    Ok(())
}

#[tokio::test]
async fn steps_behind_a_proxy_are_skipped_with_a_reason() -> Result<()> {
    let bed = bed::lease().await?;
    let (address, count) = connect_proxy::start().await?;
    let server = format!("server: {}", bed.server());
    let through = format!("{server}\n    proxy-url: {address}");
    let path = changed(&bed, "config-proxy", &server, &through)?;
    let report = test(&bed, &path, "").await.exits(0).json();
    assert_eq!(steps(&report), "skip skip skip pass pass", "{report:#}");
    for step in ["resolve", "connect", "tls"] {
        let why = hop(&report, step)["detail"].to_string();
        assert!(why.contains("done by the proxy"), "{why}");
    }
    assert!(count.load(std::sync::atomic::Ordering::SeqCst) > 0);
    Ok(())
}

/// The document is complete in the other format as well, and the table names the step.
#[tokio::test]
async fn yaml_and_table_show_the_same_result() -> Result<()> {
    let bed = bed::lease().await?;
    let path = changed(&bed, "config-bad-token-too", &users::token(users::ADMIN), "never-issued-token")?;
    let run = |format: &str| {
        let arguments = format!("test kubernetes -o {format}");
        at(&bed, bed.namespace(), &arguments).kubeconfig(&path).run_beside()
    };
    let yaml = run("yaml").await.exits(3).stdout;
    let report: Value = serde_yaml::from_str(&yaml)?;
    assert_valid(&report);
    assert_eq!(hop(&report, "authenticate")["status"], json!("fail"));
    let screen = run("table").await.exits(3).stdout;
    assert!(screen.contains("authenticated"), "{screen}");
    assert!(!screen.contains("never-issued-token"), "{screen}");
    Ok(())
}
