//! Brokers that refuse clients, hang, send nonsense or are gone, and foreign servers at their addresses.

use serde_json::{Value, json};

use super::{assert_sentence, check_bed, fake::Fake, found};
use crate::{
    bed::{self, Lease, Line, Stack, rest, users},
    tool::{Ran, meshdoctor, roots, states},
};

const TOKEN: &str = "tThisTokenIsForTheBrokerAndForNobodyElse0123456789";

async fn stack(bed: &Lease) -> anyhow::Result<Stack> {
    Stack::of(Line::Current).namespace(bed.namespace()).token(TOKEN).start(bed).await
}

async fn check_json(bed: &Lease) -> Ran {
    check_bed(&bed.kubeconfig(), bed.namespace()).arg("-ojson").run_beside().await
}

/// Expects a fault of the broker. MeshSync is at least running; nothing more can be known.
#[track_caller]
fn assert_broker_fault(ran: Ran, words: &str) {
    let ran = ran.exits(1);
    let report = ran.json();
    assert_eq!(report["exitCode"], 1);
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/DEPLOYED+");
    assert_eq!(roots(&report)[0], "broker-unreachable", "{report:#}");
    let finding = found(&report, "broker-unreachable");
    assert_eq!(finding["kind"], "fault");
    assert_sentence(finding["message"].as_str().unwrap_or_default());
    let evidence = finding["evidence"].as_array().expect("evidence");
    assert!(
        evidence.iter().filter_map(Value::as_str).any(|line| line.contains(words)),
        "{words:?} is not in {evidence:?}"
    );
    for line in evidence.iter().filter_map(Value::as_str) {
        assert_sentence(line);
    }
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn refused_token_is_broker_auth_failed() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let secret = stack.path("v1", "Secret", "meshery-nats-auth");
    let other = json!({"data": {"token": users::base64("anotherTokenThatCameLater")}});
    rest::merge(&stack.client, &secret, &other).await?;

    let ran = check_json(&bed).await.exits(1);
    let report = ran.json();
    assert_eq!(report["exitCode"], 1);
    assert_eq!(roots(&report)[0], "broker-auth-failed", "{report:#}");
    let finding = found(&report, "broker-auth-failed");
    assert_eq!(finding["kind"], "fault");
    assert_sentence(finding["message"].as_str().unwrap_or_default());
    // A client that connected with the old token stays connected.
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert!(!ran.stdout.contains("anotherTokenThatCameLater"));
    Ok(())
}

#[tokio::test]
async fn hanging_broker_is_an_obstacle_and_killed_broker_a_fault() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    // The kernel accepts connections for a stopped process, and a broken port-forward is just as silent. No byte from
    // the broker was seen, so nothing about it is proven.
    stack.nats(0).pause()?;
    let ran = check_json(&bed).await.exits(3);
    let report = ran.json();
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/DEPLOYED+");
    assert_eq!(roots(&report)[0], "broker-unreachable", "{report:#}");
    let finding = found(&report, "broker-unreachable");
    assert_eq!(finding["kind"], "obstacle");
    let message = finding["message"].as_str().unwrap_or_default();
    assert_sentence(message);
    assert!(message.contains("Either the broker or the port-forward hangs"), "{message}");
    stack.nats(0).resume()?;
    stack.nats(0).kill();
    assert_broker_fault(check_json(&bed).await, "nothing listens in the pod");
    Ok(())
}

#[tokio::test]
async fn server_that_is_not_nats_is_a_broker_fault() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let address = stack.nats(0).address;
    stack.nats(0).kill();
    let nonsense = "SSH-2.0-OpenSSH_9.9\r\n";
    let client = Fake::speaker(address, 4222, nonsense);
    {
        let _monitor = Fake::speaker(address, 8222, nonsense);
        assert_broker_fault(check_json(&bed).await, "does not speak HTTP");
    }
    {
        let _monitor = Fake::json_at(address, 8222, r#"{"hello": "world"}"#);
        assert_broker_fault(check_json(&bed).await, "not a NATS server");
    }
    // A valid monitor port beside a client port that does not speak NATS.
    let varz = r#"{"server_id": "NABC", "server_name": "x", "version": "2.14.2", "auth_required": true}"#;
    let _monitor = Fake::json_at(address, 8222, varz);
    let report = check_json(&bed).await.exits(1).json();
    let finding = found(&report, "broker-client-port-unusable");
    assert_eq!(finding["kind"], "fault");
    assert_eq!(finding["severity"], "error");
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == "broker-token-accepted").expect("the check");
    assert_eq!(check["status"], "unknown");
    let reason = check["reason"].as_str().unwrap_or_default();
    assert_sentence(reason);
    assert!(reason.contains("does not send a NATS greeting"), "{reason}");
    assert!(!client.received().contains("CONNECT"), "{}", client.received());
    Ok(())
}

/// The address in the Broker CR's status or spec points to a server that wants the token.
#[tokio::test]
async fn foreign_server_receives_nothing() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let broker = stack.custom_path("Broker");
    let greeting = |id: &str| {
        format!(
            "INFO {{\"server_id\":\"{id}\",\"version\":\"2.14.2\",\"proto\":1,\"auth_required\":true,\"max_payload\":1048576}}\r\n"
        )
    };
    let genuine = monitor_id(&stack).await?;
    let silent = |foreign: &Fake| {
        let received = foreign.received();
        assert_eq!(received, "", "a foreign server received data");
    };

    // The foreign server greets with an id of its own, or repeats the real server's id.
    for id in ["NSTRANGER", &genuine] {
        let foreign = Fake::speaker([127, 0, 0, 1], 0, greeting(id));
        let status = json!({"endpoint": {"external": foreign.endpoint()}});
        bed.patch_status(&broker, &status).await?;
        let report = check_json(&bed).await.json();
        assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
        silent(&foreign);
    }

    // An override in the spec counts as the cluster's own configuration. Its server may be queried, but no credential
    // is sent to it.
    let elsewhere = bed.addresses().spare();
    let foreign = Fake::speaker(elsewhere, 4222, greeting("NSTRANGER"));
    let _monitor =
        Fake::json_at(elsewhere, 8222, r#"{"server_id": "NSTRANGER", "server_name": "x", "version": "2.14.2"}"#);
    let intended = json!({"spec": {"service": {"externalEndpointOverride": foreign.endpoint()}}});
    rest::merge(&stack.client, &broker, &intended).await?;
    check_json(&bed).await;
    silent(&foreign);

    // With the broker itself gone, only the foreign server answers.
    let foreign_in_status = Fake::speaker([127, 0, 0, 1], 0, greeting(&genuine));
    let status = json!({"endpoint": {"external": foreign_in_status.endpoint()}});
    bed.patch_status(&broker, &status).await?;
    stack.nats(0).kill();
    for command in ["system check -v -o json", "system status -v -o json", "record -v"] {
        let ran = meshdoctor(command)
            .kubeconfig(&bed.kubeconfig())
            .arg("--namespace")
            .arg(bed.namespace())
            .run_beside()
            .await;
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(TOKEN));
    }
    assert!(foreign_in_status.connection_count() > 0, "the address was not tried");
    silent(&foreign_in_status);
    silent(&foreign);
    Ok(())
}

/// The custom broker that MeshSync uses by address belongs to someone else. It is contacted, but no credential is sent
/// to it.
#[tokio::test]
async fn custom_broker_receives_nothing() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let address = bed.addresses().spare();
    let greeting = "INFO {\"server_id\":\"NCUSTOM\",\"version\":\"2.14.2\",\"proto\":1,\"auth_required\":true,\"max_payload\":1048576}\r\n";
    let server = Fake::speaker(address, 4222, greeting);
    let varz = r#"{"server_id": "NCUSTOM", "version": "2.14.2", "auth_required": true, "connections": []}"#;
    let _monitor = Fake::json_at(address, 8222, varz);
    let secret = "tThatIsTheCustomBrokersOwn0123456789";
    for url in [
        format!("nats://{secret}@{address}:4222"),
        // The operator adds the scheme to a URL without one.
        format!("{secret}@{address}:4222"),
    ] {
        let spec = json!({"spec": {"broker": {"native": null, "custom": {"url": url}}}});
        rest::merge(&stack.client, &stack.custom_path("MeshSync"), &spec).await?;
        for command in ["system check -v -o json", "system check --all", "system status -v", "record -v"] {
            let ran = meshdoctor(command)
                .kubeconfig(&bed.kubeconfig())
                .arg("--namespace")
                .arg(bed.namespace())
                .run_beside()
                .await;
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains(TOKEN) && !said.contains(secret), "{said}");
        }
    }
    assert!(server.connection_count() > 0, "the address was not tried");
    assert_eq!(server.received(), "");
    // The stack's own broker still gets its token.
    let report = check_json(&bed).await.json();
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == "broker-token-accepted").expect("the check");
    assert_eq!(check["status"], "pass", "{report:#}");
    Ok(())
}

/// The id in the real server's greeting.
async fn monitor_id(stack: &Stack) -> anyhow::Result<String> {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let stream = tokio::net::TcpStream::connect((stack.nats(0).address, 4222)).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    let info: Value = serde_json::from_str(line.trim_start_matches("INFO "))?;
    Ok(info["server_id"].as_str().unwrap_or_default().to_owned())
}
