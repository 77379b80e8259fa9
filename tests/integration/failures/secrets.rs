//! The broker's token is placed wherever tokens occur in practice. No command prints it.

use serde_json::json;

use crate::{
    bed::{self, Line, Stack, rest, users},
    tool::{Ran, meshdoctor, states},
};

const TOKEN: &str = "tSownTokenThatNobodyMayEverSee5f0c1d2e3a4b";

const COMMANDS: &[&str] = &[
    "system check",
    "system check --all -o wide",
    "system check -v",
    "system check -v -o json",
    "system check -o yaml",
    "system status",
    "system status -v -o json",
    "system status -o yaml",
    "record -v",
    "record -o yaml",
    "rbac check -v",
];

#[track_caller]
fn assert_secret(ran: &Ran, command: &str) {
    assert!([0, 1, 3].contains(&ran.code), "{command}: {ran:?}");
    assert!(!ran.stdout.is_empty(), "{command} prints nothing");
    let encoded = users::base64(TOKEN);
    let halves = [&TOKEN[..20], &encoded[..24]];
    for text in [&ran.stdout, &ran.stderr] {
        for secret in halves {
            assert!(!text.contains(secret), "{command} prints the token:\n{text}");
        }
    }
}

/// Puts the token into an environment variable, annotations, an argument and events.
async fn seed(stack: &Stack) -> anyhow::Result<()> {
    let encoded = users::base64(TOKEN);
    let url = format!("nats://{TOKEN}@meshery-nats:4222");
    let env = |name: &str, value: &str| json!({"name": name, "value": value});
    let change = json!({
        "metadata": {"annotations": {"example.invalid/token": TOKEN, "example.invalid/encoded": encoded,
            "example.invalid/url": url}},
        "spec": {"template": {
            "metadata": {"annotations": {"example.invalid/url": url}},
            "spec": {"containers": [{
                "name": "meshsync", "image": "meshery/meshsync:stable-latest",
                "args": ["--broker", url],
                "env": [env("BROKER_URL", &url), env("LEGACY_URL", &url), env("TOKEN", TOKEN), env("TOKEN64", &encoded)],
            }]},
        }},
    });
    let deployment = stack.path("apps/v1", "Deployment", "meshery-meshsync");
    rest::merge(&stack.client, &deployment, &change).await?;
    let operator = stack.path("apps/v1", "Deployment", "meshery-operator");
    let annotation = json!({"metadata": {"annotations": {"example.invalid/url": url}}});
    rest::merge(&stack.client, &operator, &annotation).await?;
    let event = |name: &str, message: String| {
        json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": stack.namespace},
            "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "meshery-meshsync",
                "namespace": stack.namespace},
            "type": "Warning", "reason": "Failed", "message": message, "count": 3,
        })
    };
    let events = [
        event("sown-1", format!("cannot dial {url}: timeout; tried \"{url}\", ({url})")),
        event("sown-2", format!("cannot dial nats://user:{TOKEN}@meshery-nats")),
    ];
    rest::write_all(&stack.client, rest::BED, &events).await?;
    Ok(())
}

#[tokio::test]
async fn known_token_is_never_printed() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).token(TOKEN).start(&bed).await?;
    seed(&stack).await?;
    // Only a program that knows the token can redact this.
    let bare = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "sown-3", "namespace": stack.namespace},
        "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "meshery-operator",
            "namespace": stack.namespace},
        "type": "Warning", "reason": "Failed", "count": 3,
        "message": format!("bad token {TOKEN}, in base64 {}", users::base64(TOKEN)),
    });
    rest::write_all(&stack.client, rest::BED, &[bare]).await?;
    for command in COMMANDS {
        let ran = meshdoctor(command)
            .kubeconfig(&bed.kubeconfig())
            .arg("--namespace")
            .arg(bed.namespace())
            .run_beside()
            .await;
        assert_secret(&ran, command);
    }
    // Neither the broker's refusal nor its silence reveals the token.
    stack.nats(0).kill();
    for command in ["system check -v -o json", "record -v"] {
        let ran = meshdoctor(command)
            .kubeconfig(&bed.kubeconfig())
            .arg("--namespace")
            .arg(bed.namespace())
            .run_beside()
            .await;
        assert_secret(&ran, command);
    }
    Ok(())
}

/// A user who can read everything but Secrets does not know the token. URLs and values are redacted all the same.
#[tokio::test]
async fn unknown_token_is_never_printed() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).token(TOKEN).start(&bed).await?;
    seed(&stack).await?;
    let user = bed.user()?;
    let namespace = bed.namespace();
    let read = json!(["get", "list", "watch"]);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "no-secrets", "namespace": namespace},
        "rules": [
            {"apiGroups": [""], "resources": ["pods", "services", "events"], "verbs": read},
            {"apiGroups": ["apps", "meshery.io", "discovery.k8s.io", "coordination.k8s.io"], "resources": ["*"], "verbs": read},
            {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]},
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "no-secrets", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "no-secrets"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    bed.apply(rest::BED, &[role, binding]).await?;
    let path = bed.kubeconfig_for(&user)?;
    for command in COMMANDS {
        let ran = meshdoctor(command).kubeconfig(&path).arg("--namespace").arg(namespace).run_beside().await;
        assert_secret(&ran, command);
    }
    let report = super::check_bed(&path, namespace).arg("-ojson").run_beside().await.json();
    assert!(states(&report).starts_with("DEPLOYED/"), "{report:#}");
    Ok(())
}
