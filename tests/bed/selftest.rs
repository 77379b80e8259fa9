//! Tests of the test bed itself, on which all other tests depend.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::Api;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bed::{self, Line, Stack, rest};

/// Set for the child process of [`sigkill_leaves_no_process_and_no_file`].
const VICTIM: &str = "MESHDOCTOR_BED_VICTIM";

#[tokio::test]
async fn healthy_stack_lists_meshsync_through_a_port_forward() -> Result<()> {
    let bed = bed::lease().await?;
    let start = Instant::now();
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    println!("healthy stack ready after {:?}", start.elapsed());

    let connz = forwarded_get(&stack, "meshery-nats-0", "/connz?subs=1").await?;
    assert_eq!(connz["connections"][0]["name"], "meshsync");
    assert_eq!(connz["connections"][0]["subscriptions_list"][0], "meshery.meshsync.request");

    let secret = rest::get(&stack.client, &stack.path("v1", "Secret", "meshery-nats-auth")).await?;
    let token: k8s_openapi::ByteString = serde_json::from_value(secret["data"]["token"].clone())?;
    assert_eq!(Some(String::from_utf8(token.0)?), stack.token);
    Ok(())
}

#[tokio::test]
async fn fake_controller_reconciles_until_the_custom_resources_are_deleted() -> Result<()> {
    let bed = bed::lease().await?;
    let client = bed.client().await?;
    let path = |api_version: &str, kind: &str, name: &str| rest::path(api_version, kind, bed.namespace(), name);
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let controller = setup.start_with_controller(&bed).await?;

    // MeshSync connects again after a restart of its pod.
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    let meshsync = path("apps/v1", "Deployment", "meshery-meshsync");
    rest::merge(&client, &meshsync, &restart).await?;
    controller.until_connected().await?;

    // A deleted Secret is created again, with another token, which is valid from the broker's next pod on.
    let secret = path("v1", "Secret", "meshery-nats-auth");
    let before = rest::get(&client, &secret).await?;
    rest::delete(&client, &secret).await?;
    let after =
        bed::until("a new Secret", Duration::from_secs(10), || async { Ok(rest::get(&client, &secret).await.ok()) });
    assert_ne!(before["data"], after.await?["data"]);

    // Custom resources are deleted with their objects. The Secret is left to the garbage collector, which takes time.
    for kind in ["MeshSync", "Broker"] {
        let name = format!("meshery-{}", kind.to_lowercase());
        rest::delete(&client, &path("meshery.io/v1alpha1", kind, &name)).await?;
    }
    controller.until_disconnected().await?;
    bed::until("everything to be deleted", Duration::from_secs(30), || async {
        let left = [
            path("meshery.io/v1alpha1", "Broker", "meshery-broker"),
            path("apps/v1", "StatefulSet", "meshery-nats"),
            path("v1", "Service", "meshery-nats"),
            path("kwok.x-k8s.io/v1alpha1", "PortForward", "meshery-nats-0"),
        ];
        for path in &left {
            if rest::get(&client, path).await.is_ok() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn returned_cluster_is_clean() -> Result<()> {
    let first = {
        let bed = bed::lease().await?;
        let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
        stack.delete_operator().await?;
        stack.delete_custom_resources().await?;
        bed.server().to_owned()
    };
    // Whether this is the same cluster depends on the tests that run at the same time.
    let bed = bed::lease().await?;
    println!("{first}, then {}", bed.server());
    let client = bed.client().await?;
    let left = rest::list(&client, "/apis/meshery.io/v1alpha1/meshsyncs").await?;
    assert!(left.is_empty(), "left over: {left:?}");
    let role = rest::path("rbac.authorization.k8s.io/v1", "ClusterRole", "", "meshery-operator-role");
    assert!(rest::get(&client, &role).await.is_err(), "the operator's role is left over");
    Ok(())
}

#[tokio::test]
async fn spare_user_is_forbidden_and_kubeconfig_verifies_certificates() -> Result<()> {
    let bed = bed::lease().await?;
    let client = bed.client_for(&bed.user()?).await?;
    let answer = rest::list(&client, &rest::collection("v1", "Pod", Some(bed.namespace()))).await;
    assert!(answer.is_err_and(|error| rest::is(&error, 403)), "a spare user can list pods");
    let text = fs::read_to_string(bed.kubeconfig())?;
    assert!(text.contains("certificate-authority-data") && !text.contains("insecure"));
    Ok(())
}

#[tokio::test]
async fn many_connections_need_a_second_page() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _idle = stack.nats(0).open_idle_connections(1100)?;
    let _meshsync = stack.meshsync(0).await?;
    let first = forwarded_get(&stack, "meshery-nats-0", "/connz").await?;
    assert_eq!((first["total"].as_u64(), first["num_connections"].as_u64()), (Some(1101), Some(1024)));
    let last = forwarded_get(&stack, "meshery-nats-0", "/connz?offset=1024").await?;
    let names: BTreeSet<_> = last["connections"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|connection| connection["name"].as_str())
        .collect();
    assert!(names.contains("meshsync"), "{names:?}");
    Ok(())
}

#[tokio::test]
async fn paused_broker_times_out_and_killed_broker_refuses() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.brokers(2).start(&bed).await?;
    stack.nats(0).pause()?;
    let request = tokio::time::timeout(Duration::from_millis(300), forwarded_get(&stack, "meshery-nats-0", "/varz"));
    assert!(request.await.is_err(), "a paused broker answered");
    stack.nats(0).resume()?;
    forwarded_get(&stack, "meshery-nats-0", "/varz").await?;
    let other = forwarded_get(&stack, "meshery-nats-1", "/varz").await?;
    assert_eq!(other["server_name"], "meshery-nats-1");
    stack.nats(1).kill();
    assert!(TcpStream::connect((stack.nats(1).address, 4222)).is_err());
    Ok(())
}

#[tokio::test]
async fn pod_log_shows_the_lines_that_were_set() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let pod = stack.pods("meshsync").await?.pop().context("MeshSync has no pod")?;
    bed.set_pod_log(bed.namespace(), &pod, "meshsync", &["first", "second"]).await?;
    let log = bed::until("the log to be served", Duration::from_secs(5), || async {
        Ok(bed.kubectl(&["logs", "-n", bed.namespace(), &pod]).ok())
    });
    assert_eq!(log.await?, "first\nsecond\n");
    Ok(())
}

#[tokio::test]
async fn audit_log_contains_changes() -> Result<()> {
    let bed = bed::lease().await?;
    bed.create_namespace("audited").await?;
    let audit = bed.audit()?;
    let created = |event: &Value| event["objectRef"]["name"] == "audited" && event["user"]["username"] == "admin";
    assert!(audit.iter().any(created), "{} events, but none of the namespace", audit.len());
    Ok(())
}

#[tokio::test]
async fn broken_conversion_allows_only_the_storage_version() -> Result<()> {
    let bed = bed::private().await?;
    for (stored, other) in [("v1alpha1", "v1alpha2"), ("v1alpha2", "v1alpha1")] {
        let namespace = format!("stored-{stored}");
        bed.create_namespace(&namespace).await?;
        let stack = Stack::of(Line::Current).namespace(&namespace).stored_as(stored).start(&bed).await?;
        stack.break_conversion().await?;
        for kind in ["Broker", "MeshSync"] {
            let name = format!("meshery-{}", kind.to_lowercase());
            let (stack, name) = (&stack, &name);
            let read = async |version: &str| {
                rest::get(&stack.client, &stack.path(&format!("meshery.io/{version}"), kind, name)).await
            };
            assert!(read(stored).await.is_ok(), "{kind} stored as {stored} cannot be read");
            let error = read(other).await.err().context("the object was converted")?;
            assert!(format!("{error:#}").contains("conversion webhook"), "{error:#}");
        }
        bed.clean().await?;
    }
    Ok(())
}

#[test]
fn paused_api_server_accepts_but_does_not_answer() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bed = runtime.block_on(bed::private())?;
    bed.pause_api_server()?;
    let mut stream = TcpStream::connect(bed.server().trim_start_matches("https://"))?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    assert!(stream.read(&mut [0]).is_err(), "the API server answered");
    bed.resume_api_server()?;
    let client = runtime.block_on(bed.client())?;
    runtime.block_on(rest::get(&client, "/version"))?;
    Ok(())
}

#[test]
fn sigkill_leaves_no_process_and_no_file() -> Result<()> {
    // Runs `victim` in a separate process, which starts a cluster and a stack and then waits to be killed.
    let mut victim = Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "--nocapture",
            "--include-ignored",
            &format!("{}::victim", module_path!().split_once("::").context("a root")?.1),
        ])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(victim.stdout.take().context("no output")?).lines();
    let folder = loop {
        let line = lines.next().context("the victim ended before its stack was ready")??;
        if let Some((_, folder)) = line.split_once("victim ready in ") {
            break folder.to_owned();
        }
    };
    let before = processes_of(&folder)?;
    ensure!(before >= 8, "found only {before} processes of {folder}: the search is wrong");
    victim.kill()?;
    victim.wait()?;
    let start = Instant::now();
    while processes_of(&folder)? > 0 || Path::new(&folder).exists() {
        ensure!(
            start.elapsed() < Duration::from_secs(10),
            "{} processes of {folder} still run",
            processes_of(&folder)?
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{before} processes were gone {:?} after the SIGKILL", start.elapsed());
    Ok(())
}

#[tokio::test]
#[ignore = "started and killed by sigkill_leaves_no_process_and_no_file"]
async fn victim() -> Result<()> {
    if std::env::var_os(VICTIM).is_none() {
        return Ok(());
    }
    let bed = bed::private().await?;
    let _stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    println!("victim ready in {}", bed.file("").display());
    std::future::pending::<()>().await;
    Ok(())
}

/// The number of processes that run in a cluster's folder or have it in their arguments.
fn processes_of(folder: &str) -> Result<usize> {
    let folder = folder.trim_end_matches('/');
    let mut count = 0;
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let runs_there = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.to_string_lossy().starts_with(folder));
        let arguments = fs::read(path.join("cmdline")).unwrap_or_default();
        let named = String::from_utf8_lossy(&arguments).contains(folder);
        count += usize::from(runs_there || named);
    }
    Ok(count)
}

/// Reads JSON from a path of a broker pod's monitor, through the API server.
async fn forwarded_get(stack: &Stack, pod: &str, path: &str) -> Result<Value> {
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(stack.client.clone(), &stack.namespace);
    let mut forwarder = pods.portforward(pod, &[8222]).await?;
    let mut stream = forwarder.take_stream(8222).context("no stream")?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bed\r\n\r\n").as_bytes()).await?;
    // A forwarded stream is not closed, so the length of the response tells where it ends.
    let mut answer = Vec::new();
    loop {
        let length = stream.read_buf(&mut answer).await?;
        ensure!(length > 0, "the stream ended after {} bytes", answer.len());
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let chunked = head.contains("chunked");
        let length =
            head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).and_then(|text| text.parse().ok());
        if chunked && body.ends_with("0\r\n\r\n") {
            let joined: String =
                body.split("\r\n").filter(|line| !line.chars().all(|c| c.is_ascii_hexdigit())).collect();
            return Ok(serde_json::from_str(&joined)?);
        }
        if length.is_some_and(|length: usize| body.len() >= length) {
            return Ok(serde_json::from_str(body)?);
        }
    }
}
