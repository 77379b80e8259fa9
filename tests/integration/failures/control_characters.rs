//! Terminal control characters and bidirectional characters in everything that comes from outside.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Folder, kubeconfig};
use crate::{
    bed::{self, Line, Stack, rest},
    tool::{Ran, meshdoctor},
};

/// One of each kind, between letters: ESC, BEL, CR, DEL, U+0085, U+009B, and the bidirectional ones.
const EVIL: &str = "a\u{1b}[31mb\u{1b}]0;t\u{7}c\rd\u{7f}e\u{85}f\u{9b}31mg\u{61c}h\u{200e}i\u{200f}j\u{2028}k\u{2029}l\u{202e}m\u{2066}n\u{2069}o";

/// Whether a character must not be written as it is. Line breaks and tabs are allowed.
fn is_unsafe(c: char) -> bool {
    !matches!(c, '\n' | '\t')
        && (c.is_control()
            || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}".contains(c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c))
}

#[track_caller]
fn assert_safe(ran: &Ran, command: &str) {
    assert!([0, 1, 2, 3, 4].contains(&ran.code), "{command}: {ran:?}");
    for text in [&ran.stdout, &ran.stderr] {
        let line = text.lines().find(|line| line.contains(is_unsafe));
        assert_eq!(line, None, "{command} writes unsafe characters");
    }
}

/// Whether a string in the document contains this text unchanged.
fn contains_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| contains_text(item, text)),
        Value::Object(fields) => fields.values().any(|value| contains_text(value, text)),
        _ => false,
    }
}

#[tokio::test]
async fn control_characters_from_the_cluster_are_escaped() -> Result<()> {
    let bed = bed::lease().await?;
    let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let broker = stack.nats(0);
    let client = bed::FakeClient::connect(&format!("client {EVIL}"), &broker.endpoint(), broker.token.as_deref(), &[])?;
    stack.keep(client);
    let meshsync = stack.custom_path("MeshSync");
    let list = json!([{"Resource": format!("{EVIL}.v1."), "Events": [EVIL]}]).to_string();
    let change = json!({"spec": {"watch-list": {"data": {"whitelist": list}}}});
    rest::merge(&stack.client, &meshsync, &change).await?;
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "evil", "namespace": stack.namespace},
        "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "meshery-meshsync",
            "namespace": stack.namespace},
        "type": "Warning", "reason": "FailedCreate", "message": format!("event {EVIL}"), "count": 3,
    });
    let events = rest::collection("v1", "Event", Some(&stack.namespace));
    rest::post(&stack.client, &events, &event).await?;
    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Failed",
        "message": format!("condition {EVIL}"), "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
    rest::merge(&stack.client, &format!("{}/status", stack.custom_path("Broker")), &status).await?;
    for command in [
        "system check -v",
        "system check --all -o wide",
        "system check -o json",
        "system check -o yaml",
        "system status -o wide",
        "system status -o json",
        "test broker",
        "test meshsync -o yaml",
        "watch-list",
        "watch-list -o json",
        "watch-list -o yaml",
        "record -",
        "record - -o yaml",
        "system redeploy --dry-run --force-conflicts --overwrite-crs",
        "system redeploy --dry-run --force-conflicts --overwrite-crs -o json",
        "system reset stack --dry-run -v",
    ] {
        let ran = meshdoctor(command)
            .kubeconfig(&bed.kubeconfig())
            .arg("--namespace")
            .arg(bed.namespace())
            .run_beside()
            .await;
        assert_safe(&ran, command);
        // The characters are escaped, so a program that reads the document gets the same value.
        if command == "record -" {
            assert!(contains_text(&ran.json(), &format!("event {EVIL}")), "{}", ran.stdout);
        }
        if command == "record - -o yaml" {
            let document: Value = serde_yaml::from_str(&ran.stdout)?;
            assert!(contains_text(&document, &format!("event {EVIL}")), "{}", ran.stdout);
        }
    }
    Ok(())
}

#[test]
fn control_characters_in_kubeconfigs_and_arguments_are_escaped() {
    let folder = Folder::new();
    let quoted = json!(EVIL).to_string();
    let text = kubeconfig("server: 'https://127.0.0.1:1'", "token: abcdefgh")
        .replace("here", &quoted)
        .replace("name: me", &format!("name: {quoted}"))
        .replace("user: me", &format!("user: {quoted}"));
    let named = folder.file("names", text);
    let plugin =
        folder.script("plugin", "printf 'a\\033[31mb\\033]0;t\\007c\\rd\\302\\2331mg\\342\\200\\256h\\n' >&2; exit 3");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Never, installHint: {quoted}}}",
        plugin.display()
    );
    let failing = folder.file("plugin.yaml", kubeconfig("server: 'https://127.0.0.1:1'", &exec));
    for path in [&named, &failing] {
        for command in [
            "system check",
            "system check -v",
            "system check -o json",
            "system status -o yaml",
            "rbac check",
            "record -",
            "system redeploy --dry-run",
        ] {
            let ran = meshdoctor(command).kubeconfig(path).run();
            assert_safe(&ran, command);
        }
    }
    for command in [
        "system check --context",
        "system check --namespace",
        "system check --server",
        "system check --timeout",
        "system check --output",
        "system check --from",
        "system check",
        "explain",
        "explain -o json",
        "watch-list",
        "record --force --kubeconfig /nowhere",
        "rbac check --to-user",
        "rbac check -o json --to-user",
        "manifests --image-registry",
        "manifests -o json --image-registry",
    ] {
        let ran = meshdoctor(command).arg(EVIL).run();
        assert_safe(&ran, command);
        let ran = meshdoctor("--color always").arg(format!("--{EVIL}=x")).run();
        assert_safe(&ran, "a flag with that name");
    }
}
