//! The bed's own tests: what every other test takes for granted.

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

/// Set for the child process of [`nothing_is_left_after_sigkill`].
const VICTIM: &str = "MESHDOCTOR_BED_VICTIM";

#[tokio::test]
async fn a_healthy_stack_is_ready_and_meshsync_is_seen_through_a_port_forward() -> Result<()> {
    let bed = bed::lease().await?;
    let start = Instant::now();
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    println!("a healthy stack after {:?}", start.elapsed());

    let connz = forwarded_get(&stack, "meshery-nats-0", "/connz?subs=1").await?;
    assert_eq!(connz["connections"][0]["name"], "meshsync");
    assert_eq!(connz["connections"][0]["subscriptions_list"][0], "meshery.meshsync.request");

    let secret = rest::get(&stack.client, &stack.path("v1", "Secret", "meshery-nats-auth")).await?;
    let token: k8s_openapi::ByteString = serde_json::from_value(secret["data"]["token"].clone())?;
    assert_eq!(Some(String::from_utf8(token.0)?), stack.token);
    Ok(())
}

#[tokio::test]
async fn an_attendant_plays_the_operator_until_there_is_none() -> Result<()> {
    let bed = bed::lease().await?;
    let client = bed.client().await?;
    let path = |api_version: &str, kind: &str, name: &str| rest::path(api_version, kind, bed.namespace(), name);
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let attendant = setup.attended(&bed).await?;

    // A restart of its pod has MeshSync connect anew.
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    let meshsync = path("apps/v1", "Deployment", "meshery-meshsync");
    rest::merge(&client, &meshsync, &restart).await?;
    attendant.until_connected().await?;

    // A Secret that is gone is made anew, with another token, which counts from the broker's next pod on.
    let secret = path("v1", "Secret", "meshery-nats-auth");
    let before = rest::get(&client, &secret).await?;
    rest::delete(&client, &secret).await?;
    let after =
        bed::until("a new Secret", Duration::from_secs(10), || async { Ok(rest::get(&client, &secret).await.ok()) });
    assert_ne!(before["data"], after.await?["data"]);

    // Custom resources go with all that was made from them; the Secret is the garbage collector's, which takes its time.
    for kind in ["MeshSync", "Broker"] {
        let name = format!("meshery-{}", kind.to_lowercase());
        rest::delete(&client, &path("meshery.io/v1alpha1", kind, &name)).await?;
    }
    attendant.until_disconnected().await?;
    bed::until("everything to go", Duration::from_secs(30), || async {
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
async fn a_cluster_is_handed_on_clean() -> Result<()> {
    let first = {
        let bed = bed::lease().await?;
        let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
        stack.delete_operator().await?;
        stack.delete_custom_resources().await?;
        bed.server().to_owned()
    };
    // Whether it is the same cluster is up to the tests that run beside this one.
    let bed = bed::lease().await?;
    println!("{first}, then {}", bed.server());
    let client = bed.client().await?;
    let left = rest::list(&client, "/apis/meshery.io/v1alpha1/meshsyncs").await?;
    assert!(left.is_empty(), "left behind: {left:?}");
    let role = rest::path("rbac.authorization.k8s.io/v1", "ClusterRole", "", "meshery-operator-role");
    assert!(rest::get(&client, &role).await.is_err(), "the operator's role is left behind");
    Ok(())
}

#[tokio::test]
async fn a_user_without_rights_is_refused_and_certificates_are_verified() -> Result<()> {
    let bed = bed::lease().await?;
    let client = bed.client_for(&bed.user()?).await?;
    let answer = rest::list(&client, &rest::collection("v1", "Pod", Some(bed.namespace()))).await;
    assert!(answer.is_err_and(|error| rest::is(&error, 403)), "a spare user may list pods");
    let text = fs::read_to_string(bed.kubeconfig())?;
    assert!(text.contains("certificate-authority-data") && !text.contains("insecure"));
    Ok(())
}

#[tokio::test]
async fn a_crowd_fills_more_than_a_page() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _crowd = stack.nats(0).crowd(1100)?;
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
async fn a_paused_broker_hangs_and_a_killed_one_refuses() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.brokers(2).start(&bed).await?;
    stack.nats(0).pause()?;
    let hangs = tokio::time::timeout(Duration::from_millis(300), forwarded_get(&stack, "meshery-nats-0", "/varz"));
    assert!(hangs.await.is_err(), "a paused broker answered");
    stack.nats(0).resume()?;
    forwarded_get(&stack, "meshery-nats-0", "/varz").await?;
    let other = forwarded_get(&stack, "meshery-nats-1", "/varz").await?;
    assert_eq!(other["server_name"], "meshery-nats-1");
    stack.nats(1).kill();
    assert!(TcpStream::connect((stack.nats(1).address, 4222)).is_err());
    Ok(())
}

#[tokio::test]
async fn a_pods_log_is_what_was_set() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let pod = stack.pods("meshsync").await?.pop().context("no pod of MeshSync")?;
    bed.set_pod_log(bed.namespace(), &pod, "meshsync", &["first", "second"]).await?;
    let log = bed::until("the log to be served", Duration::from_secs(5), || async {
        Ok(bed.kubectl(&["logs", "-n", bed.namespace(), &pod]).ok())
    });
    assert_eq!(log.await?, "first\nsecond\n");
    Ok(())
}

#[tokio::test]
async fn changes_are_audited() -> Result<()> {
    let options = bed::Options { audit: true, ..bed::Options::default() };
    let bed = bed::private_with(&options).await?;
    bed.create_namespace("audited").await?;
    let audit = bed.audit()?;
    let made = |event: &Value| event["objectRef"]["name"] == "audited" && event["user"]["username"] == "admin";
    assert!(audit.iter().any(made), "{} events and none of it", audit.len());
    Ok(())
}

#[tokio::test]
async fn objects_are_read_only_as_they_are_stored_while_the_conversion_is_dead() -> Result<()> {
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
            assert!(read(stored).await.is_ok(), "{kind} stored as {stored} cannot be read so");
            let error = read(other).await.err().context("it was converted")?;
            assert!(format!("{error:#}").contains("conversion webhook"), "{error:#}");
        }
        bed.clean().await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_state_can_be_brought_about() -> Result<()> {
    for name in bed::states::ALL.iter().map(|situation| situation.name) {
        let bed = bed::lease().await?;
        let start = Instant::now();
        let _stack = bed::states::apply(name, &bed, bed.namespace()).await.with_context(|| name.to_owned())?;
        println!("{name}: {:?}", start.elapsed());
    }
    Ok(())
}

#[test]
fn a_frozen_api_server_accepts_and_does_not_answer() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bed = runtime.block_on(bed::private())?;
    bed.stop_api_server()?;
    let mut stream = TcpStream::connect(bed.server().trim_start_matches("https://"))?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    assert!(stream.read(&mut [0]).is_err(), "it answered");
    bed.continue_api_server()?;
    let client = runtime.block_on(bed.client())?;
    runtime.block_on(rest::get(&client, "/version"))?;
    Ok(())
}

#[test]
fn nothing_is_left_after_sigkill() -> Result<()> {
    // This test again, in a process of its own, which starts a cluster and a stack and waits to be killed.
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
        let line = lines.next().context("the victim ended before its stack was up")??;
        if let Some((_, folder)) = line.split_once("victim ready in ") {
            break folder.to_owned();
        }
    };
    let before = processes_of(&folder)?;
    ensure!(before >= 8, "only {before} processes of {folder} found: the search is wrong");
    victim.kill()?;
    victim.wait()?;
    let start = Instant::now();
    while processes_of(&folder)? > 0 || Path::new(&folder).exists() {
        ensure!(start.elapsed() < Duration::from_secs(10), "left: {} processes of {folder}", processes_of(&folder)?);
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{before} processes were gone {:?} after the SIGKILL", start.elapsed());
    Ok(())
}

#[tokio::test]
#[ignore = "the part of nothing_is_left_after_sigkill that is killed"]
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

/// How many processes run in a cluster's folder or name it in their arguments.
fn processes_of(folder: &str) -> Result<usize> {
    let folder = folder.trim_end_matches('/');
    let mut count = 0;
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let works_there = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.to_string_lossy().starts_with(folder));
        let arguments = fs::read(path.join("cmdline")).unwrap_or_default();
        let named = String::from_utf8_lossy(&arguments).contains(folder);
        count += usize::from(works_there || named);
    }
    Ok(count)
}

/// Reads a path of a broker pod's monitor, as JSON, through the API server.
async fn forwarded_get(stack: &Stack, pod: &str, path: &str) -> Result<Value> {
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(stack.client.clone(), &stack.namespace);
    let mut forwarder = pods.portforward(pod, &[8222]).await?;
    let mut stream = forwarder.take_stream(8222).context("no stream")?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bed\r\n\r\n").as_bytes()).await?;
    // A forwarded stream has no end: the answer's own length counts.
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
