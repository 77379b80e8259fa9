//! API servers that refuse connections, hang, reject the credentials, or are not API servers.

use std::time::{Duration, Instant};

use super::{
    Folder, assert_says, assert_sentence, check, check_bed, fake::Fake, fake::refused_port, found, kubeconfig,
    obstacle, obstacle_of, title,
};
use crate::{
    bed::{self, Line, Stack, users},
    tool::{Ran, roots, states},
};

const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 53\r\n\r\n\
                    <html><title>Sign in to the hotel</title>Hello</html>";
const REDIRECT: &str = "HTTP/1.1 302 Found\r\nLocation: https://user:hunter2@login.example.invalid/\r\n\
                        Content-Length: 0\r\n\r\n";

/// The time limit for a run. It is generous: the test checks that the run ends on its own, not how fast this machine
/// is.
const BOUND: Duration = Duration::from_secs(10);

fn at(folder: &Folder, server: &str) -> std::path::PathBuf {
    folder.file("config", kubeconfig(&format!("server: '{server}'"), "token: t"))
}

#[test]
fn refused_port_is_cluster_unreachable() {
    let folder = Folder::new();
    let port = refused_port();
    let path = at(&folder, &format!("https://127.0.0.1:{port}"));
    let finding = obstacle(check(&path), "cluster-unreachable");
    assert_says(&title(&finding), &[&port.to_string(), "refused"]);
}

#[test]
fn password_in_server_address_is_never_printed() {
    let folder = Folder::new();
    let address = format!("https://me:hunter2@127.0.0.1:{}", refused_port());
    let path = at(&folder, &address);
    for format in ["json", "table"] {
        let ran = check(&path).arg("-v").arg("-o").arg(format).run().exits(3);
        assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
}

#[test]
fn unresolvable_host_name_is_cluster_unreachable() {
    let folder = Folder::new();
    let path = at(&folder, "https://nonexistent.invalid:6443");
    let tool = check(&path).arg("--timeout").arg("10s");
    let finding = obstacle(tool, "cluster-unreachable");
    assert_says(&title(&finding), &["nonexistent.invalid"]);
    let message = title(&finding);
    // If the resolver itself hangs, the message says so.
    assert!(message.contains("cannot be resolved") || message.contains("no response"), "{message}");
}

#[track_caller]
fn assert_timed_out(started: Instant, ran: Ran) {
    assert!(started.elapsed() < BOUND, "took {:?}", started.elapsed());
    let report = ran.json();
    for part in ["target", "source", "components", "checks", "permissions"] {
        assert!(!report[part].is_null(), "no {part} in {report:#}");
    }
    let finding = obstacle_of(ran, "cluster-unreachable");
    assert_says(&title(&finding), &["no response within"]);
    assert_eq!(states(&report), "UNKNOWN/UNKNOWN/UNKNOWN");
}

#[test]
fn silent_server_ends_the_run_at_the_timeout() {
    let server = Fake::silent();
    let folder = Folder::new();
    for scheme in ["http", "https"] {
        let path = at(&folder, &format!("{scheme}://{}", server.endpoint()));
        let started = Instant::now();
        let ran = check(&path).arg("--timeout=2s").arg("-ojson").run();
        assert_timed_out(started, ran);
    }
}

#[tokio::test]
async fn frozen_api_server_ends_the_run_at_the_timeout() -> anyhow::Result<()> {
    let bed = bed::private().await?;
    bed.pause_api_server()?;
    let started = Instant::now();
    let ran = check_bed(&bed.kubeconfig(), bed.namespace()).arg("--timeout=2s").arg("-ojson").run_beside().await;
    bed.resume_api_server()?;
    assert_timed_out(started, ran);
    Ok(())
}

#[tokio::test]
async fn unknown_or_expired_credentials_are_rejected() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let folder = Folder::new();
    let config_with_token = |token: &str| {
        let text = users::kubeconfig(bed.server(), bed.authority(), "stranger", token);
        folder.file("config", text)
    };
    let path = config_with_token("never-issued-token");
    let tool = check_bed(&path, bed.namespace()).arg("-ojson");
    let finding = obstacle_of(tool.run_beside().await, "credentials-rejected");
    assert_says(&title(&finding), &[bed.server(), "401"]);
    assert!(!title(&finding).contains("expired"));

    let url_safe = |text: &str| {
        let text = users::base64(text);
        text.trim_end_matches('=').replace('+', "-").replace('/', "_")
    };
    let token =
        format!("{}.{}.c2lnbmVk", url_safe(r#"{"alg":"RS256"}"#), url_safe(r#"{"sub":"someone?","exp":1577836800}"#));
    let path = config_with_token(&token);
    let tool = check_bed(&path, bed.namespace()).arg("-ojson");
    let finding = obstacle_of(tool.run_beside().await, "credentials-rejected");
    assert_says(&title(&finding), &["token expired", "2020-01-01"]);
    assert!(!finding.to_string().contains("c2lnbmVk"), "the token is shown");
    Ok(())
}

#[tokio::test]
async fn user_without_permissions_sees_missing_permissions() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let _stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let path = bed.kubeconfig_for(&bed.user()?)?;
    let ran = check_bed(&path, bed.namespace()).arg("-ojson").run_beside().await.exits(3);
    let report = ran.json();
    assert_eq!(report["exitCode"], 3);
    assert_eq!(states(&report), "UNKNOWN/UNKNOWN/UNKNOWN");
    assert_eq!(roots(&report)[0], "permission-missing", "{report:#}");
    let finding = found(&report, "permission-missing");
    assert_eq!(finding["kind"], "obstacle");
    assert_sentence(finding["message"].as_str().unwrap_or_default());
    let missing = report["permissions"]["missing"].as_array();
    let missing = missing.expect("a list").iter();
    let resources: Vec<_> = missing.map(|right| right["resource"].as_str()).collect();
    for resource in ["pods", "deployments", "brokers", "meshsyncs"] {
        assert!(resources.contains(&Some(resource)), "{resources:?}");
    }
    assert_eq!(ran.stderr, "");
    Ok(())
}

#[test]
fn web_page_is_not_an_api_server() {
    let folder = Folder::new();
    let server = Fake::http(HTML);
    let path = at(&folder, &format!("http://{}", server.endpoint()));
    let finding = obstacle(check(&path), "not-an-api-server");
    assert_says(&title(&finding), &["text/html", "Sign in to the hotel", "not a Kubernetes API server"]);
}

#[test]
fn web_page_over_tls_is_not_an_api_server() {
    let folder = Folder::new();
    let issuer = super::tls::Issuer::new("kubernetes");
    let server = issuer.serve(HTML);
    let path = issuer.trusted(&folder, &server);
    let finding = obstacle(check(&path), "not-an-api-server");
    assert_says(&title(&finding), &["text/html", "Sign in to the hotel"]);
}

#[test]
fn redirect_to_login_page_is_not_an_api_server() {
    let folder = Folder::new();
    let server = Fake::http(REDIRECT);
    let path = at(&folder, &format!("http://{}", server.endpoint()));
    let finding = obstacle(check(&path), "not-an-api-server");
    assert_says(&title(&finding), &["redirect", "login.example.invalid"]);
    assert!(!finding.to_string().contains("hunter2"), "{finding}");
}

#[test]
fn server_without_http_is_not_an_api_server() {
    let folder = Folder::new();
    let server = Fake::speaker([127, 0, 0, 1], 0, "220 mail.example.invalid ESMTP\r\n");
    let path = at(&folder, &format!("http://{}", server.endpoint()));
    let finding = obstacle(check(&path), "not-an-api-server");
    assert_says(&title(&finding), &["does not speak HTTP"]);
    let path = at(&folder, &format!("https://{}", server.endpoint()));
    let finding = obstacle(check(&path), "not-an-api-server");
    assert_says(&title(&finding), &["does not speak TLS"]);
}

#[tokio::test]
async fn http_and_tls_port_mismatch_is_not_an_api_server() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let folder = Folder::new();
    let path = at(&folder, &bed.server().replace("https://", "http://"));
    let tool = check_bed(&path, bed.namespace()).arg("-ojson");
    let finding = obstacle_of(tool.run_beside().await, "not-an-api-server");
    assert_says(&title(&finding), &["https"]);

    let words = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let server = Fake::speaker([127, 0, 0, 1], 0, words);
    let path = at(&folder, &format!("https://{}", server.endpoint()));
    let tool = check(&path).arg("-ojson");
    let finding = obstacle_of(tool.run_beside().await, "not-an-api-server");
    assert_says(&title(&finding), &["does not speak TLS"]);
    Ok(())
}
