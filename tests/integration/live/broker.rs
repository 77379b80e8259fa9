//! Which client is connected to which broker server, and how meshdoctor finds out.

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, codes, until_checked};
use crate::{
    bed::{self, FakeClient, Line, Stack, rest},
    tool::{roots, states},
};

#[tokio::test]
async fn meshsync_on_the_last_page_of_connections_is_found() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    // Pages are in the order of arrival, so the last client to connect is on the last page.
    let _idle = stack.nats(0).open_idle_connections(1100)?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    let server = &report["components"]["broker"]["servers"][0];
    assert_eq!(server["clientCount"], 1101);
    let listed = server["clients"].as_array().expect("clients");
    assert_eq!(listed[0]["name"], "meshsync");
    assert!(listed.len() <= 50, "{} clients listed", listed.len());
    Ok(())
}

#[tokio::test]
async fn meshsync_on_the_second_server_is_found_while_the_third_is_silent() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).brokers(3).start(&bed).await?;
    let meshsync = stack.meshsync(1).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert_eq!(roots(&report), ["broker-split"]);

    stack.nats(2).pause()?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED+");
    assert!(codes(&report).contains(&"broker-unreachable"));

    // Two of three servers were queried and MeshSync was not found. That does not prove that it is absent from the
    // third.
    drop(meshsync);
    until_checked("MeshSync to be gone", std::time::Duration::from_secs(10), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok((states(&report) != "DEPLOYED/CONNECTED/DEPLOYED+").then_some(report))
    })
    .await
    .map(|report: Value| assert_eq!(states(&report), "DEPLOYED/RUNNING+/DEPLOYED+"))?;
    stack.nats(2).resume()?;
    Ok(())
}

#[tokio::test]
async fn broker_reached_only_by_external_address_gets_no_token() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).service_type("LoadBalancer").start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    stack.set_ingress(&json!([{ "ip": stack.nats(0).address.to_string() }])).await?;
    let user = bed.user()?;
    let roles = at(&bed, bed.namespace(), &format!("rbac check --to-user {user}")).run_beside().await.exits(0);
    let without_forward = roles.stdout.replace("pods/portforward", "pods/none");
    bed.apply_yaml(&without_forward).await?;
    let ran =
        at(&bed, bed.namespace(), "system check -o json").kubeconfig(&bed.kubeconfig_for(&user)?).run_beside().await;
    let report = ran.json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    let server = &report["components"]["broker"]["servers"][0];
    assert_eq!(server["reachedBy"], "external-address");
    let token = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["id"] == "broker-token-accepted")
        .expect("the check of the token");
    assert_eq!(token["status"], "unknown");
    assert!(token["reason"].as_str().is_some_and(|why| why.contains("no token")), "{token}");
    Ok(())
}

#[tokio::test]
async fn second_client_with_the_same_name_is_foreign() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _ours = stack.meshsync(0).await?;
    let _other = FakeClient::connect(
        "meshsync",
        &stack.nats(0).endpoint(),
        stack.token.as_deref(),
        &["meshery.meshsync.request".to_owned()],
    )?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert!(codes(&report).contains(&"meshsync-foreign-client"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn own_probe_is_not_listed_as_a_client() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    for _ in 0..3 {
        let report = check(&bed, bed.namespace()).await;
        let clients = &report["components"]["broker"]["servers"][0]["clients"];
        assert_eq!(clients.as_array().map(Vec::len), Some(1), "{clients}");
    }
    Ok(())
}

#[tokio::test]
async fn reconnected_meshsync_has_a_data_gap() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let code = "data-gap-since-reconnect";
    let first = stack.meshsync(0).await?;
    assert!(!codes(&check(&bed, bed.namespace()).await).contains(&code));
    drop(first);
    // The broker may notice the end of the first connection only after it has accepted the second one.
    bed::until("the first connection to have ended", std::time::Duration::from_secs(10), || async {
        Ok((!stack.nats(0).has_client("meshsync").await?).then_some(()))
    })
    .await?;
    let _second = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(codes(&report).contains(&code), "{:?}", codes(&report));
    Ok(())
}

#[tokio::test]
async fn two_meshsync_replicas_and_an_output_filter_are_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let path = stack.path("apps/v1", "Deployment", "meshery-meshsync");
    let container = json!([{ "name": "meshsync", "args": ["-outputResources=pods"] }]);
    let patch = json!({ "spec": { "replicas": 2, "template": { "spec": { "containers": container } } } });
    let request = http::Request::patch(&path)
        .header("content-type", "application/strategic-merge-patch+json")
        .body(patch.to_string().into_bytes())?;
    stack.client.request_text(request).await?;
    let report = check(&bed, bed.namespace()).await;
    for code in ["meshsync-duplicated", "meshsync-output-filter"] {
        assert!(codes(&report).contains(&code), "{code}: {report:#}");
    }
    Ok(())
}

/// The events of a Service say why it has no address.
#[tokio::test]
async fn event_of_a_pending_load_balancer_is_its_evidence() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let stack = Stack::of(Line::Current).namespace(namespace).service_type("LoadBalancer").start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let code = "broker-external-pending";
    let pending = async || {
        let report = check(&bed, namespace).await;
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        findings.into_iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code}: {report:#}"))
    };
    let message = pending().await["message"].to_string();
    assert!(message.contains("No event says why"), "{message}");
    let service = rest::get(&stack.client, &stack.path("v1", "Service", "meshery-nats")).await?;
    let (uid, time) = (&service["metadata"]["uid"], &service["metadata"]["creationTimestamp"]);
    for (uid, is_shown) in [(&json!("00000000-0000-4000-8000-000000000000"), false), (uid, true)] {
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": { "generateName": "meshery-nats.", "namespace": namespace },
            "involvedObject": {
                "apiVersion": "v1", "kind": "Service", "name": "meshery-nats", "namespace": namespace, "uid": uid,
            },
            "type": "Warning", "reason": "AllocationFailed", "message": "no available IPs",
            "firstTimestamp": time, "lastTimestamp": time, "source": { "component": "metallb-controller" },
        });
        rest::post(&stack.client, &rest::collection("v1", "Event", Some(namespace)), &event).await?;
        let evidence = pending().await["evidence"].to_string();
        assert_eq!(evidence.contains("event AllocationFailed on Service meshery-nats: no available IPs"), is_shown);
    }
    Ok(())
}
