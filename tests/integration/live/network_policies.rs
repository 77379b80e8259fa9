//! `NetworkPolicies`, as the API server stores them.

use anyhow::Result;
use serde_json::{Value, json};

use super::{check, codes};
use crate::{
    bed::{self, Lease, Line, Stack},
    tool::{meshdoctor, roots, states},
};

async fn apply(bed: &Lease, name: &str, spec: &Value) -> Result<()> {
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": name, "namespace": bed.namespace() }, "spec": spec,
    });
    bed.apply_yaml(&policy.to_string()).await?;
    Ok(())
}

fn policy_finding(report: &Value) -> &Value {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .find(|finding| finding["code"] == "network-policy-blocks")
        .unwrap_or_else(|| panic!("no policy blocks: {report:#}"))
}

#[tokio::test]
async fn policy_that_blocks_the_monitor_is_found_and_the_remedy_opens_it() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let broker = json!({ "matchLabels": { "app.kubernetes.io/name": "nats" } });
    let from = json!([{ "podSelector": { "matchLabels": { "component": "meshsync" } } }]);
    // The fields that the API server fills in, such as protocols and types, are read as well.
    apply(&bed, "deny-all", &json!({ "podSelector": {} })).await?;
    apply(
        &bed,
        "clients",
        &json!({ "podSelector": broker, "ingress": [{ "from": from, "ports": [{ "port": 4222 }] }] }),
    )
    .await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/RUNNING/DEPLOYED");
    assert_eq!(roots(&report)[0], "network-policy-blocks", "{report:#}");
    let found = policy_finding(&report);
    assert_eq!(found["severity"], "error");
    assert_eq!(found["title"], "A NetworkPolicy blocks MeshSync from port 8222 of meshery-nats-0");
    assert!(
        found["evidence"][0]
            .as_str()
            .is_some_and(|line| line.contains("clients, deny-all") && line.contains("ingress")),
        "{found}"
    );

    // If MeshSync connected before the policy was created, or nothing enforces the policy, it is a warning.
    let meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(policy_finding(&report)["severity"], "warning");
    drop(meshsync);

    // A recording gives the same finding.
    let recording = super::at(&bed, bed.namespace(), "record").run_beside().await.exits(0);
    let replayed = meshdoctor("system check -o json --from -").stdin(&recording.stdout).run().json();
    assert_eq!(policy_finding(&replayed)["code"], "network-policy-blocks");

    // Applying the policy from the remedy opens the port.
    let command = found["remedy"]["commands"][1]["run"].as_str().expect("a command");
    let policy = command.strip_prefix("echo '").and_then(|rest| rest.split("' |").next()).expect("a policy");
    bed.apply_yaml(policy).await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(!codes(&report).contains(&"network-policy-blocks"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn egress_policy_blocks_both_ports() -> Result<()> {
    let bed = bed::lease().await?;
    let _stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let spec = json!({ "podSelector": { "matchLabels": { "component": "meshsync" } }, "policyTypes": ["Egress"],
        "egress": [{ "ports": [{ "port": 443 }] }] });
    apply(&bed, "only-https", &spec).await?;
    let report = check(&bed, bed.namespace()).await;
    let found = policy_finding(&report);
    assert_eq!(found["object"]["name"], "only-https");
    let evidence = found["evidence"].to_string();
    assert!(evidence.contains("port 4222") && evidence.contains("port 8222"), "{evidence}");
    // The broker's address is an IP address, so DNS does not matter.
    assert!(!evidence.contains("port 53"), "{evidence}");
    Ok(())
}
