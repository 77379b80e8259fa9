//! `test network`: the pod that it creates, what it does with the pod's result, and that the pod is always removed.
//!
//! The bed's kubelet runs no containers, so the tests act as the kubelet: they run the pod's own arguments as a process,
//! and write its log and status.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{assert_valid, checked, found, problem_codes};
use crate::{
    bed::{self, FakeClient, Lease, Line, Stack, rest, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
    live::{
        at, check,
        pty_session::{CTRL_C, PtySession},
    },
    tool::{Ran, Tool, meshdoctor, roots, states},
};

const LIMIT: Duration = Duration::from_secs(20);

/// A stack with a connected MeshSync whose environment names the broker.
struct Scene {
    bed: Lease,
    stack: Stack,
    _meshsync: FakeClient,
}

impl Scene {
    async fn start() -> Result<Self> {
        let bed = bed::lease().await?;
        let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
        let meshsync = stack.meshsync(0).await?;
        Ok(Self { bed, stack, _meshsync: meshsync })
    }

    fn tool(&self, arguments: &str) -> Tool {
        let arguments = format!("test network --image meshdoctor:dev -o json {arguments}");
        at(&self.bed, self.bed.namespace(), &arguments)
    }

    /// The existing pods of network tests.
    async fn pods(&self) -> Result<Vec<Value>> {
        let pods = rest::collection("v1", "Pod", Some(&self.stack.namespace));
        let mut pods = rest::list(&self.stack.client, &pods).await?;
        pods.retain(|pod| pod["metadata"]["labels"]["meshdoctor/test"] == "network");
        Ok(pods)
    }

    /// Waits until no pod of a test is left. A pod that runs takes a moment to end.
    async fn until_gone(&self) -> Result<()> {
        bed::until("the pod to be gone", LIMIT, || async { Ok(self.pods().await?.is_empty().then_some(())) }).await
    }

    async fn running_pod(&self) -> Result<Value> {
        bed::until("the test pod to run", LIMIT, || async {
            let mut pods = self.pods().await?;
            pods.retain(|pod| pod["status"]["phase"] == "Running");
            Ok(pods.pop())
        })
        .await
    }

    /// Acts as the kubelet: sets the state of the pod's container, and its log.
    async fn set(&self, pod: &Value, state: &Value, log: Option<&str>) -> Result<()> {
        let name = pod["metadata"]["name"].as_str().context("a name")?;
        if let Some(log) = log {
            let lines: Vec<&str> = log.lines().collect();
            self.bed.set_pod_log(&self.stack.namespace, name, "probe", &lines).await?;
        }
        let phase = if state.get("terminated").is_some() { "Succeeded" } else { "Pending" };
        let status = json!({ "phase": phase, "containerStatuses": [{
            "name": "probe", "image": "meshdoctor:dev", "imageID": "", "ready": false, "restartCount": 0,
            "started": false, "state": state,
        }] });
        self.stack.set_pod_status(name, &status).await
    }

    /// Runs the test, and lets the pod end with this log.
    async fn with_log(&self, arguments: &str, log: impl FnOnce(&Value) -> Result<String>) -> Result<Ran> {
        let run = tokio::spawn(self.tool(arguments).run_beside());
        let pod = self.running_pod().await?;
        self.set(&pod, &terminated(0), Some(&log(&pod)?)).await?;
        let ran = run.await?;
        self.until_gone().await?;
        Ok(ran)
    }
}

fn terminated(code: i32) -> Value {
    json!({ "terminated": { "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" } } })
}

/// The result of the pod's own program, which runs here. Names of Services are not resolved here, so what it finds at
/// the address that MeshSync uses stands for the Service too.
fn answer(pod: &Value) -> Result<Value> {
    let arguments = pod["spec"]["containers"][0]["args"].as_array().context("arguments")?;
    let mut arguments: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    let service = arguments.iter().position(|argument| argument.ends_with(".svc:4222")).context("the Service")?;
    let service = arguments.remove(service).strip_prefix("--broker=").context("an address")?;
    let output = Command::new(env!("CARGO_BIN_EXE_meshdoctor")).args(arguments).env_clear().output()?;
    assert!(output.status.success(), "{output:?}");
    let mut answer: Value = serde_json::from_slice(&output.stdout)?;
    let mut second = answer["endpoints"][0].clone();
    second["address"]["host"] = service.trim_end_matches(":4222").into();
    answer["endpoints"].as_array_mut().context("endpoints")?.push(second);
    Ok(answer)
}

fn hops<'r>(report: &'r Value, id: &str) -> Vec<&'r Value> {
    let hops = report["test"]["hops"].as_array().into_iter().flatten();
    hops.filter(|hop| hop["id"] == id).collect()
}

#[tokio::test]
async fn pod_is_like_meshsyncs_and_does_not_count_as_the_stacks() -> Result<()> {
    let scene = Scene::start().await?;
    let before = check(&scene.bed, scene.bed.namespace()).await;
    let run = tokio::spawn(scene.tool("").run_beside());
    let pod = scene.running_pod().await?;

    let meshsync = scene.stack.pods("meshsync").await?.remove(0);
    let meshsync = rest::get(&scene.stack.client, &scene.stack.path("v1", "Pod", &meshsync)).await?;
    for field in ["nodeName", "serviceAccountName", "dnsPolicy"] {
        assert_eq!(pod["spec"][field], meshsync["spec"][field], "{field}");
    }
    let mut labels = pod["metadata"]["labels"].as_object().context("labels")?.clone();
    assert_eq!(labels.remove("meshdoctor/test"), Some("network".into()));
    assert!(labels.remove("meshdoctor/run").is_some());
    let mut expected = meshsync["metadata"]["labels"].as_object().context("labels")?.clone();
    assert!(expected.remove("pod-template-hash").is_some());
    assert_eq!(labels, expected);
    assert!(pod["metadata"]["ownerReferences"].is_null(), "no controller adopts it");
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    assert!(pod["spec"]["activeDeadlineSeconds"].as_u64().is_some_and(|seconds| seconds <= 30));
    // The bed's kubelet ignores it. Nothing ever sets this condition, so a kubelet never makes the pod ready.
    assert_eq!(pod["spec"]["readinessGates"], json!([{ "conditionType": "meshdoctor/never-ready" }]));
    if let Some(token) = &scene.stack.token {
        assert!(!pod.to_string().contains(token.as_str()));
    }

    let during = check(&scene.bed, scene.bed.namespace()).await;
    assert_eq!(states(&during), states(&before));
    assert_eq!(during["findings"], before["findings"]);
    assert!(!during.to_string().contains("meshdoctor-probe-"), "{during:#}");
    let recording = at(&scene.bed, scene.bed.namespace(), "record -").run_beside().await.exits(0);
    assert!(!recording.stdout.contains("meshdoctor-probe-"));

    let log = answer(&pod)?;
    scene.set(&pod, &terminated(0), Some(&log.to_string())).await?;
    let report = run.await?.exits(0).json();
    assert_valid(&report);
    scene.until_gone().await?;
    for (id, status) in
        [("resolve", "pass"), ("connect", "pass"), ("greeting", "pass"), ("tls", "skip"), ("monitor", "pass")]
    {
        let hops = hops(&report, id);
        assert_eq!(hops.len(), 2, "{id}");
        assert!(hops.iter().all(|hop| hop["status"] == status), "{hops:#?}");
    }
    assert_eq!(hops(&report, "pod")[0]["status"], "pass");
    assert_eq!(checked(&report, "network-path-open")["status"], "pass");
    assert_eq!(checked(&report, "flow-clean")["status"], "pass");
    assert_eq!(problem_codes(&report), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn blocked_port_is_a_finding_and_a_network_policy_its_cause() -> Result<()> {
    let scene = Scene::start().await?;
    let blocked = |pod: &Value| {
        let mut answer = answer(pod)?;
        for endpoint in answer["endpoints"].as_array_mut().context("endpoints")? {
            let timed_out = json!({ "outcome": "timed-out", "micros": 3_000_000, "detail": "no response within 3 s" });
            endpoint["connect"] = timed_out.clone();
            endpoint["greeting"] = json!({ "outcome": "skipped", "detail": "not connected" });
            endpoint["monitor"] = timed_out;
        }
        Ok(answer.to_string())
    };
    let report = scene.with_log("", blocked).await?.exits(1).json();
    assert_valid(&report);
    assert_eq!(roots(&report), ["network-path-broken"], "{report:#}");
    assert!(hops(&report, "connect").iter().all(|hop| hop["status"] == "fail"));

    let deny = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": "deny-all", "namespace": scene.bed.namespace() },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"] },
    });
    scene.bed.apply_yaml(&deny.to_string()).await?;
    let report = scene.with_log("", blocked).await?.exits(1).json();
    assert_eq!(roots(&report), ["network-policy-blocks"], "{report:#}");
    let evidence = found(&report, "network-policy-blocks")["evidence"].to_string();
    assert!(evidence.contains("network test: a pod with these labels did not reach port 4222"), "{evidence}");
    assert_eq!(found(&report, "network-path-broken")["causedBy"], json!(["network-policy-blocks"]));
    Ok(())
}

#[tokio::test]
async fn hostile_log_is_an_obstacle_that_shows_nothing_of_it_unescaped() -> Result<()> {
    let scene = Scene::start().await?;
    let escape = "\u{1b}]0;owned\u{7}\u{202e}";
    for log in [
        String::new(),
        format!("{escape} no JSON"),
        "x".repeat(200_000),
        "[".repeat(60_000),
        json!({ "apiVersion": "meshdoctor/v1", "kind": "NetworkProbe", "endpoints": [] }).to_string(),
    ] {
        let ran = scene.with_log("", |_| Ok(log.clone())).await?.exits(3);
        let report = ran.json();
        assert_valid(&report);
        assert_eq!(roots(&report), ["network-probe-not-run"], "{report:#}");
        assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{}", ran.stdout);
        assert!(ran.stdout.len() < 100_000, "{}", ran.stdout.len());
    }
    let hostile = |pod: &Value| {
        let mut answer = answer(pod)?;
        answer["endpoints"][0]["monitor"] = json!({
            "outcome": "failed", "micros": 1, "detail": format!("{escape}nats://user:hunter2@host"),
        });
        Ok(answer.to_string())
    };
    let ran = scene.with_log("", hostile).await?.exits(1);
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']) && !ran.stdout.contains("hunter2"), "{}", ran.stdout);
    Ok(())
}

#[tokio::test]
async fn pod_that_does_not_start_is_an_obstacle_with_its_reason() -> Result<()> {
    let scene = Scene::start().await?;
    for (state, reason) in [
        (json!({ "waiting": { "reason": "ErrImagePull", "message": "not found" } }), "ErrImagePull: not found"),
        (json!({ "terminated": { "exitCode": 128, "reason": "StartError", "message": "no such file" } }), "StartError"),
        (terminated(1), "exit code 1"),
    ] {
        let run = tokio::spawn(scene.tool("").run_beside());
        let pod = scene.running_pod().await?;
        scene.set(&pod, &state, Some("panicked")).await?;
        let report = run.await?.exits(3).json();
        assert_valid(&report);
        assert_eq!(roots(&report), ["network-probe-not-run"], "{report:#}");
        let evidence = found(&report, "network-probe-not-run")["evidence"].to_string();
        assert!(evidence.contains(reason), "{evidence}");
        scene.until_gone().await?;
    }
    // The kubelet refused it.
    let run = tokio::spawn(scene.tool("").run_beside());
    let pod = scene.running_pod().await?;
    let refused = json!({ "phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource" });
    scene.stack.set_pod_status(pod["metadata"]["name"].as_str().context("a name")?, &refused).await?;
    let report = run.await?.exits(3).json();
    assert!(found(&report, "network-probe-not-run")["evidence"].to_string().contains("OutOfcpu"), "{report:#}");
    scene.until_gone().await?;

    // It does not end in time.
    let report = scene.tool("--timeout 6s").run_beside().await.exits(3).json();
    let evidence = found(&report, "network-probe-not-run")["evidence"].to_string();
    assert!(evidence.contains("the test pod was still running after"), "{evidence}");
    scene.until_gone().await?;

    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "no-pods", "namespace": scene.bed.namespace() }, "spec": { "hard": { "pods": "0" } },
    });
    scene.bed.apply_yaml(&quota.to_string()).await?;
    let quota = scene.stack.path("v1", "ResourceQuota", "no-pods");
    bed::until("the quota to be counted", LIMIT, || async {
        let quota = rest::get(&scene.stack.client, &quota).await?;
        Ok(quota["status"]["hard"]["pods"].is_string().then_some(()))
    })
    .await?;
    let report = scene.tool("").run_beside().await.exits(3).json();
    let finding = found(&report, "network-probe-not-run");
    assert_eq!(finding["title"], "The API server refused the test pod");
    assert!(finding["evidence"].to_string().contains("exceeded quota: no-pods"), "{finding:#}");
    Ok(())
}

#[tokio::test]
async fn user_needs_exactly_the_printed_permissions() -> Result<()> {
    let scene = Scene::start().await?;
    let user = scene.bed.user()?;
    let kubeconfig = scene.bed.kubeconfig_for(&user)?;
    let grant = async |command: &str| -> Result<()> {
        let roles = format!("rbac {command} --to-user {user}");
        let roles = at(&scene.bed, scene.bed.namespace(), &roles).run_beside().await.exits(0);
        scene.bed.apply_yaml(&roles.stdout).await?;
        Ok(())
    };
    grant("check").await?;
    scene.bed.until_allowed_in(Some(scene.bed.namespace()), &user, "list pods", true).await?;
    let report = scene.tool("").kubeconfig(&kubeconfig).run_beside().await.exits(3).json();
    let finding = found(&report, "network-probe-not-run");
    assert_eq!(finding["title"], "No permission to create the test pod");
    assert!(finding["remedy"].to_string().contains("rbac test --network --to-user"), "{finding:#}");

    grant("test --network").await?;
    scene.bed.until_allowed_in(Some(scene.bed.namespace()), &user, "create pods", true).await?;
    let run = tokio::spawn(scene.tool("").kubeconfig(&kubeconfig).run_beside());
    let pod = scene.running_pod().await?;
    scene.set(&pod, &terminated(0), Some(&answer(&pod)?.to_string())).await?;
    let report = run.await?.exits(0).json();
    assert_eq!(report["permissions"]["missing"], json!([]), "{report:#}");
    scene.until_gone().await?;
    Ok(())
}

#[tokio::test]
async fn signal_at_the_creation_still_removes_the_pod() -> Result<()> {
    let scene = Scene::start().await?;
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for moment in [Moment::Intercepted, Moment::Applied, Moment::Answered] {
            let fault = Fault::AtWrite(1, moment, Action::Signal(signal));
            let proxy = FaultProxy::start(&scene.bed, users::ADMIN, fault.clone())?;
            let stopped = proxy.run(scene.tool("").kubeconfig(&proxy.kubeconfig)).await?;
            assert!(proxy.has_injected(), "{fault:?}: {stopped:?}");
            assert_eq!(stopped.code, code, "{fault:?}: {stopped:?}");
            let report = stopped.json();
            assert_valid(&report);
            assert_eq!(report["rootCauses"], json!(["interrupted"]), "{fault:?}");
            bed::until("the delayed write to be forwarded", LIMIT, || async {
                Ok(proxy.has_forwarded_all().then_some(()))
            })
            .await?;
            scene.until_gone().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn ctrl_c_while_waiting_removes_the_pod() -> Result<()> {
    let scene = Scene::start().await?;
    let tool = at(&scene.bed, scene.bed.namespace(), "test network --image meshdoctor:dev --timeout 2m");
    let mut session = PtySession::start(tool.kubeconfig(&scene.bed.kubeconfig()))?;
    scene.running_pod().await?;
    session.type_in(CTRL_C)?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("Removed the test object meshdoctor-probe-"), "{screen}");
    scene.until_gone().await
}

#[tokio::test]
async fn next_run_removes_the_pod_of_a_killed_run_and_not_that_of_another() -> Result<()> {
    let scene = Scene::start().await?;
    let mut tool = scene.tool("--timeout 2m");
    let mut child = tool.command().stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    let first = scene.running_pod().await?["metadata"]["name"].clone();
    // While the first run is alive, the second one leaves its pod alone.
    let report = scene.tool("--timeout 8s").run_beside().await.exits(3).json();
    assert_eq!(checked(&report, "flow-clean")["status"], "pass");
    let left = bed::until("the pod of the second run to be gone", LIMIT, || async {
        let mut pods = scene.pods().await?;
        Ok((pods.len() == 1).then(|| pods.remove(0)))
    })
    .await?;
    assert_eq!(left["metadata"]["name"], first);
    child.kill()?;
    child.wait()?;
    let report = scene.tool("--timeout 8s").run_beside().await.exits(3).json();
    assert_eq!(checked(&report, "flow-clean")["reason"], "removed 1 left by an earlier run", "{report:#}");
    scene.until_gone().await
}

#[tokio::test]
async fn undeployed_meshsync_leaves_nothing_to_imitate() -> Result<()> {
    let bed = bed::lease().await?;
    let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    stack.undeploy().await?;
    let tool = at(&bed, bed.namespace(), "test network --image meshdoctor:dev -o json");
    let report = tool.run_beside().await.json();
    assert_eq!(hops(&report, "pod").len(), 1, "{report:#}");
    let finding = found(&report, "network-probe-not-run");
    assert!(finding["evidence"].to_string().contains("MeshSync is not deployed"), "{finding:#}");
    Ok(())
}

#[tokio::test]
async fn tls_that_the_broker_requires_is_tried() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let address = stack.nats(0).address;
    stack.nats(0).kill();
    let tls =
        format!("tls {{ cert_file: {:?}, key_file: {:?} }}", bed.file("apiserver.crt"), bed.file("apiserver.key"));
    let _server = bed::Broker::with_config(&bed, "tls", address, None, &tls).await?;
    let probe = format!("network-probe --broker={address}:4222");
    let report = meshdoctor(&probe).run_beside().await.exits(0).json();
    let endpoint = &report["endpoints"][0];
    assert_eq!(endpoint["tls"]["outcome"], "passed", "{endpoint:#}");
    let detail = endpoint["tls"]["detail"].to_string();
    assert!(detail.contains("TLS 1.3, required; the certificate was not verified"), "{detail}");
    Ok(())
}

#[tokio::test]
async fn steps_are_shown_for_each_address() -> Result<()> {
    let scene = Scene::start().await?;
    let tool = at(&scene.bed, scene.bed.namespace(), "test network --image meshdoctor:dev");
    let run = tokio::spawn(tool.env("COLUMNS", "100").run_beside());
    let pod = scene.running_pod().await?;
    scene.set(&pod, &terminated(0), Some(&answer(&pod)?.to_string())).await?;
    let screen = run.await?.exits(0).stdout;
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    let service = format!("meshery-nats.{}.svc:4222", scene.bed.namespace());
    let heading = lines.iter().position(|line| *line == service).context("the Service")?;
    let starts =
        ["resolve the name", "connect to port 4222", "NATS greeting", "TLS handshake", "port 8222: monitor (/varz)"];
    for (line, start) in lines[heading + 1..].iter().zip(starts) {
        assert_eq!(line.trim_start_matches([' ', '✓', '-']).get(..start.len()), Some(start), "{screen}");
    }
    Ok(())
}
