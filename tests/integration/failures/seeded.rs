//! Places a different secret everywhere that secrets occur in practice. No command prints any of them, in any format.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Folder, kubeconfig};
use crate::{
    bed::{self, Line, Stack, rest, users},
    tool::{Ran, meshdoctor},
};

/// Every command that reads a cluster, in every format. None of them changes anything but test objects.
const COMMANDS: &[&str] = &[
    "system check",
    "system check --all -o wide",
    "system check --preflight --all",
    "system check --preflight -o json",
    "system check -o json",
    "system check -o yaml",
    "system status",
    "system status -o wide",
    "system status -o json",
    "system status -o yaml",
    "test kubernetes -o json",
    "test operator -o yaml",
    "test broker",
    "test broker -o json",
    "test meshsync -o json",
    "test dataflow --passive 1s -o json",
    "system redeploy --dry-run --force-conflicts --overwrite-crs",
    "system redeploy --dry-run --force-conflicts --overwrite-crs -o json",
    "system redeploy --dry-run --force-conflicts --overwrite-crs -o yaml",
    "system redeploy --no-input",
    "system reset stack --dry-run",
    "system reset stack --dry-run -o json",
    "system reset meshsync --dry-run -o yaml",
    "record -",
    "record - -o yaml",
    "record - --preflight",
    "watch-list",
    "watch-list -o json",
    "watch-list -o yaml",
    "rbac check",
    "rbac redeploy -o json",
    "manifests",
    "manifests -o json",
];

/// The seeded secrets, each with its place.
#[derive(Default)]
struct Seeds(Vec<(String, String)>);

impl Seeds {
    /// A secret for a place. `middle` goes into the middle of it, for secrets that are hard to recognize.
    fn seed(&mut self, place: &str, middle: &str) -> String {
        let number = self.0.len();
        let secret = format!("q{number:02}Zx7Wk9Lm{middle}{number:02}Tb4Rn8Gd");
        self.0.push((place.to_owned(), secret.clone()));
        secret
    }

    /// The secrets that a text contains in full, by half, or encoded.
    fn leaked(&self, text: &str) -> Vec<String> {
        let mut leaked = Vec::new();
        for (place, secret) in &self.0 {
            let encoded = users::base64(secret);
            let percent: String = secret
                .bytes()
                .map(|byte| match byte {
                    byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                    byte => format!("%{byte:02X}"),
                })
                .collect();
            let forms = [&secret[..11], &secret[secret.len() - 10..], &encoded[..12], &percent];
            if forms.iter().any(|form| text.contains(form)) {
                let line = text.lines().find(|line| forms.iter().any(|form| line.contains(form)));
                leaked.push(format!("{place}: {}", line.unwrap_or_default()));
            }
        }
        leaked
    }

    #[track_caller]
    fn assert_no_leak(&self, ran: &Ran, command: &str) {
        assert!([0, 1, 2, 3, 4].contains(&ran.code), "{command}: {ran:?}");
        let leaked: Vec<String> = [&ran.stdout, &ran.stderr].into_iter().flat_map(|text| self.leaked(text)).collect();
        assert!(leaked.is_empty(), "{command} prints {leaked:#?}");
    }
}

async fn run(kubeconfig: &Path, namespace: &str, command: &str) -> Ran {
    meshdoctor(command).kubeconfig(kubeconfig).arg("-v").arg("--namespace").arg(namespace).run_beside().await
}

/// Puts a secret into every field of the workloads that may contain one.
async fn seed_workloads(stack: &Stack, seeds: &mut Seeds) -> Result<()> {
    let env = |name: &str, value: String| json!({"name": name, "value": value});
    for (name, container, image) in [
        ("meshery-meshsync", "meshsync", "meshery/meshsync:stable-latest"),
        ("meshery-operator", "manager", "meshery/meshery-operator:stable-latest"),
    ] {
        let mut seed = |place: &str, middle: &str| seeds.seed(&format!("{name}, {place}"), middle);
        let change = json!({
            "metadata": {"annotations": {
                "example.invalid/note": seed("annotation", ""),
                "meta.helm.sh/release-name": format!("nats://{}@h", seed("known annotation", "")),
            }},
            "spec": {"template": {
                "metadata": {"annotations": {"example.invalid/url": seed("template annotation", "")}},
                "spec": {"containers": [{
                    "name": container, "image": image,
                    "command": ["/bin/sh", "-c", format!("run --password {}", seed("command", ""))],
                    "args": [
                        "--broker", format!("nats://{}@h", seed("argument", ",")),
                        "-p", seed("short flag", ""),
                        format!("-P{}", seed("value behind a short flag", "")),
                        format!("--key={}", seed("key flag", "")),
                        format!("--listen=user:{}@h", seed("flag of no secret name", "'")),
                        "--password", seed("password flag", "/"),
                        seed("positional argument", ""),
                    ],
                    "env": [
                        env("BROKER_URL", format!("nats://{}@meshery-nats:4222", seed("BROKER_URL", "/"))),
                        env("DEBUG", seed("DEBUG", "")),
                        env("SERVER_NAME", format!("http://h/?token={}", seed("SERVER_NAME", ""))),
                        env("POD_NAMESPACE", format!("user:{}@h", seed("POD_NAMESPACE", "/"))),
                        env("TOKEN", seed("variable", "")),
                    ],
                    "livenessProbe": {"httpGet": {"path": "/healthz", "port": 1,
                        "httpHeaders": [{"name": "Authorization", "value": format!("Basic {}", seed("header of a probe", ""))}]}},
                    "lifecycle": {"preStop": {"exec": {"command": ["stop", seed("hook", "")]}}},
                }]},
            }},
        });
        let path = stack.path("apps/v1", "Deployment", name);
        rest::merge(&stack.client, &path, &change).await?;
    }
    Ok(())
}

/// Puts secrets into events, in every form in which programs write them.
async fn seed_events(stack: &Stack, seeds: &mut Seeds) -> Result<()> {
    let texts = [
        format!("cannot dial nats://{}@h: timeout", seeds.seed("URL", ",")),
        format!("cannot dial \"nats://user:{}@h\"", seeds.seed("quoted URL", "'")),
        format!("cannot dial user:{}@h:4222", seeds.seed("no scheme", "/")),
        format!("GET https://h/x?token={}&a=b", seeds.seed("query", "")),
        format!("sent Authorization: Bearer {}", seeds.seed("header", "")),
        format!("refused Bearer {} twice", seeds.seed("bearer", "")),
        format!("exec: redis --password={}", seeds.seed("password flag", ",")),
        format!("exec: redis --key={} failed", seeds.seed("key flag", "")),
        format!("config {{\"password\": \"{}\"}}", seeds.seed("JSON", "")),
        format!("env DB_PASSWORD={}", seeds.seed("assignment", "'")),
    ];
    let events: Vec<Value> = texts
        .into_iter()
        .enumerate()
        .map(|(number, message)| {
            let about = ["meshery-meshsync", "meshery-operator"][number % 2];
            json!({
                "apiVersion": "v1", "kind": "Event",
                "metadata": {"name": format!("seeded-{number}"), "namespace": stack.namespace},
                "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": about,
                    "namespace": stack.namespace},
                "type": "Warning", "reason": "Failed", "message": message, "count": 3,
            })
        })
        .collect();
    rest::write_all(&stack.client, rest::BED, &events).await?;
    Ok(())
}

/// Puts secrets into the custom resources, their statuses, and the `ConfigMap` that some documentation uses for the
/// watch-list.
async fn seed_objects(stack: &Stack, seeds: &mut Seeds) -> Result<()> {
    let condition = |message: String| {
        json!([{"type": "Ready", "status": "False", "reason": "Failed",
            "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}])
    };
    let broker = stack.custom_path("Broker");
    let spec = json!({"spec": {"service": {"type": "NodePort",
        "externalEndpointOverride": format!("user:{}@192.0.2.1:4222", seeds.seed("override", ""))}}});
    rest::merge(&stack.client, &broker, &spec).await?;
    let status = json!({"status": {
        "endpoint": {"external": format!("nats://{}@192.0.2.1:4222", seeds.seed("external endpoint", ","))},
        "conditions": condition(format!("cannot dial nats://{}@h", seeds.seed("broker condition", "'"))),
    }});
    rest::merge(&stack.client, &format!("{broker}/status"), &status).await?;
    let meshsync = stack.custom_path("MeshSync");
    let spec = json!({"spec": {"watch-list": {"data": {
        "blacklist": "",
        "note": seeds.seed("another key of the watch-list", ""),
        "whitelist": "[{\"Resource\":\"pods.v1.\",\"Events\":[\"ADDED\"]}]",
    }}}});
    rest::merge(&stack.client, &meshsync, &spec).await?;
    let status = json!({"status": {
        "publishing-to": format!("user:{}@192.0.2.1:4222", seeds.seed("publishing-to", "/")),
        "conditions": condition(format!("token={} was refused", seeds.seed("meshsync condition", ","))),
    }});
    rest::merge(&stack.client, &format!("{meshsync}/status"), &status).await?;
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "meshery-meshsync-watch-list", "namespace": stack.namespace},
        "data": {"whitelist": format!("nats://{}@h", seeds.seed("ConfigMap", "")),
            "token": seeds.seed("key of a ConfigMap", "")},
    });
    rest::write_all(&stack.client, rest::BED, &[map]).await?;
    Ok(())
}

#[tokio::test]
async fn no_command_prints_a_secret_of_the_cluster() -> Result<()> {
    let mut seeds = Seeds::default();
    let token = seeds.seed("the broker's token", "");
    let bed = bed::lease().await?;
    let mut stack = Stack::of(Line::Current).namespace(bed.namespace()).token(&token).start(&bed).await?;
    // A client can have any name.
    let named = format!("nats://{}@h", seeds.seed("name of a client", ","));
    let client = bed::FakeClient::connect(&named, &stack.nats(0).endpoint(), Some(&token), &[])?;
    stack.keep(client);
    seed_workloads(&stack, &mut seeds).await?;
    seed_objects(&stack, &mut seeds).await?;
    seed_events(&stack, &mut seeds).await?;
    for command in COMMANDS {
        let ran = run(&bed.kubeconfig(), bed.namespace(), command).await;
        seeds.assert_no_leak(&ran, command);
        assert!(!ran.stdout.is_empty(), "{command} prints nothing: {ran:?}");
    }
    // The files that `record` writes.
    let folder = Folder::new();
    for name in ["recording.json", "recording.yaml"] {
        let file = folder.path(name);
        let command = format!("record {}", file.display());
        let ran = run(&bed.kubeconfig(), bed.namespace(), &command).await;
        seeds.assert_no_leak(&ran, &command);
        let written = std::fs::read_to_string(&file)?;
        assert_eq!(seeds.leaked(&written), Vec::<String>::new(), "{name}");
    }
    Ok(())
}

/// The address of someone else's broker, in every form in which people write one with a secret.
#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn no_command_prints_the_secret_of_a_custom_broker_address() -> Result<()> {
    let mut seeds = Seeds::default();
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let meshsync = stack.custom_path("MeshSync");
    for (form, middle) in [
        ("nats://SEED@192.0.2.1:4222", ","),
        ("nats://SEED@192.0.2.1:4222", "'"),
        ("nats://SEED@192.0.2.1:4222", "/"),
        ("nats://SEED@192.0.2.1:4222", " "),
        ("nats://SEED@192.0.2.1:4222", "\""),
        ("nats://user:SEED@192.0.2.1:4222", "@"),
        ("user:SEED@192.0.2.1:4222", ""),
        ("SEED@192.0.2.1", ""),
        ("nats://192.0.2.1:4222?token=SEED", ""),
        ("nats://h1:4222,nats://SEED@192.0.2.1:4222", ""),
    ] {
        let url = form.replace("SEED", &seeds.seed(form, middle));
        let change = json!({"spec": {"broker": {"native": null, "custom": {"url": url}}}});
        rest::merge(&stack.client, &meshsync, &change).await?;
        let commands = [
            "system check --all",
            "system check -o json",
            "system status -o yaml",
            "test broker -o json",
            "system redeploy --dry-run --force-conflicts --overwrite-crs",
            "system redeploy --dry-run --force-conflicts --overwrite-crs -o json",
            "record -",
        ];
        // At the same time, because most of them mainly wait for an address that does not answer.
        let kubeconfig = bed.kubeconfig();
        let all = commands.map(|command| run(&kubeconfig, bed.namespace(), command));
        for (command, ran) in commands.iter().zip(futures_util::future::join_all(all).await) {
            seeds.assert_no_leak(&ran, &format!("{command} with {url}"));
        }
    }
    Ok(())
}

/// Secrets in a kubeconfig and on the command line, when something about them is wrong.
#[test]
fn kubeconfig_errors_never_print_secrets() {
    let folder = Folder::new();
    let mut seeds = Seeds::default();
    let mut configs = Vec::new();
    for (cluster, user) in [
        ("server: 'https://user:SEED@127.0.0.1:1'", ""),
        ("server: 'https://user:SEED@127.0.0.1 :1'", ""),
        ("server: 'ftp://user:SEED@127.0.0.1:1'", ""),
        ("server: 'user:SEED@:1:2'", ""),
        ("server: 'https://127.0.0.1:1', proxy-url: 'http://user:SEED@127.0.0.1:1'", ""),
        ("server: 'https://127.0.0.1:1', proxy-url: 'http://user:SEED@[::1'", ""),
        ("server: 'https://127.0.0.1:1', insecure-skip-tls-verify: 'SEED'", ""),
        ("server: 'https://127.0.0.1:1'", "token: [SEED]"),
        ("server: 'https://127.0.0.1:1'", "client-key-data: 'SEED', client-certificate-data: 'SEED'"),
        (
            "server: 'https://127.0.0.1:1'",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: 'no-such-login-program', args: [login, '--password', 'SEED', '-p', 'SEED', '--key=SEED', 'SEED'], env: [{name: A, value: 'SEED'}], interactiveMode: Never}",
        ),
        (
            "server: 'https://127.0.0.1:1'",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: '/bin/sh', args: ['-c', 'echo token=SEED user:SEED@h Bearer SEED >&2; exit 3'], interactiveMode: Never}",
        ),
        (
            "server: 'https://127.0.0.1:1'",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: '/bin/sh', args: ['-c', 'echo \"{\\\"status\\\": {\\\"token\\\": [\\\"SEED\\\"]}}\"'], interactiveMode: Never}",
        ),
    ] {
        let text = kubeconfig(cluster, user);
        let secret = seeds.seed(&format!("{cluster} {user}"), "");
        let name = format!("config-{}", configs.len());
        configs.push(folder.file(&name, text.replace("SEED", &secret)));
    }
    for path in &configs {
        for command in [
            "system check -v",
            "system check -v -o json",
            "system status -o yaml",
            "test kubernetes -o json",
            "system redeploy --dry-run -o json",
            "rbac check",
            "record -",
        ] {
            for way in ["environment", "flag"] {
                let tool = meshdoctor(command).arg("--timeout=3s");
                let tool = match way {
                    "flag" => tool.arg("--kubeconfig").arg(path),
                    _ => tool.kubeconfig(path),
                };
                seeds.assert_no_leak(&tool.run(), &format!("{command} with {}", path.display()));
            }
        }
    }
}

#[test]
fn command_line_errors_never_print_secrets() {
    let mut seeds = Seeds::default();
    let folder = Folder::new();
    let secret = seeds.seed("a malformed field", "");
    let list = folder.file(
        "list.json",
        format!(
            "{{\"apiVersion\":\"meshery.io/v1alpha1\",\"kind\":\"MeshSync\",\"metadata\":{{\"name\":\"m\"}},\"spec\":{{\"size\":\"{secret}\"}}}}"
        ),
    );
    for (command, argument) in [
        ("watch-list", list.to_string_lossy().into_owned()),
        ("system check --from", list.to_string_lossy().into_owned()),
    ] {
        let ran = meshdoctor(command).arg(argument).run();
        seeds.assert_no_leak(&ran, command);
    }
    for (command, argument) in [
        ("system check --server", "https://user:SEED@127.0.0.1 :1"),
        ("system check --server", "user:SEED@:1:2"),
        ("system check --timeout=1s --server", "http://user:SEED@127.0.0.1:1"),
        ("system check --token", "SEED"),
        ("system check --timeout x --token", "SEED"),
        ("system check SEED --token", "SEED"),
        ("system check", "--tokn=SEED"),
        ("system check", "--api-key=SEED"),
        ("system check --context", "nats://SEED@h"),
        ("system check --output", "token=SEED"),
        ("explain", "password=SEED"),
    ] {
        let secret = seeds.seed(command, "");
        let command = command.replace("SEED", &secret);
        let ran = meshdoctor(&command).arg(argument.replace("SEED", &secret)).run();
        seeds.assert_no_leak(&ran, &command);
    }
}
