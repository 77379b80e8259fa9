//! Recordings that cannot be read.

use super::{Folder, assert_says, usage};
use crate::tool::{meshdoctor, roots, states};

const DEPLOYMENT: &str = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"Deployment",
"metadata":{"name":"meshery-operator","namespace":"meshery"},"spec":{"replicas":1,"selector":{},"template":{}},
"status":{"readyReplicas":1,"updatedReplicas":1,"replicas":1,"availableReplicas":1}}]}"#;

#[test]
fn unreadable_recording_is_a_usage_error() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("bare")).expect("a folder");
    std::fs::create_dir(folder.path("notes")).expect("a folder");
    folder.file("notes/readme.txt", "nothing of Kubernetes");
    std::fs::create_dir(folder.path("half")).expect("a folder");
    folder.file("half/pods.json", &DEPLOYMENT[..80]);
    folder.file("truncated.json", &DEPLOYMENT[..200]);
    folder.file("broken.yaml", "kind: List\nitems: [\n");
    folder.file("other.json", r#"{"name": "left-pad", "version": "1.0.0"}"#);
    folder.file("array.json", "[1, 2]");
    folder.file("page.html", "<html><title>404</title></html>");
    folder.file("empty.json", "");
    folder.file("binary.json", [0x1f, 0x8b, 0x08, 0x00, 0xff, 0xfe]);
    for (name, words) in [
        ("gone.json", "no such file"),
        ("truncated.json", "cut off in the middle"),
        ("broken.yaml", "not valid YAML"),
        ("other.json", "no Kubernetes object"),
        ("array.json", "no Kubernetes object"),
        ("page.html", "no Kubernetes object"),
        ("empty.json", "empty"),
        ("binary.json", "not text"),
        ("bare", "no Kubernetes object"),
        ("notes", "no Kubernetes object"),
        ("half", "cut off in the middle"),
    ] {
        for command in ["system check -o json --from", "system status --from"] {
            let sentence = usage(meshdoctor(command).arg(folder.path(name)));
            assert_says(&sentence, &[name, words]);
        }
    }
}

#[test]
fn recording_is_read_from_standard_input() {
    let ran = meshdoctor("system check -o json --from -").stdin(DEPLOYMENT).run().exits(3);
    let report = ran.json();
    assert_eq!(report["exitCode"], 3);
    assert!(states(&report).starts_with("DEPLOYED/"), "{report:#}");
    assert_eq!(roots(&report), ["observation-missing"]);
    assert_eq!(ran.stderr, "");

    for (text, words) in
        [("", "standard input"), ("{\"kind\": \"Li", "standard input"), ("hello", "no Kubernetes object")]
    {
        let sentence = usage(meshdoctor("system check --from -").stdin(text));
        assert_says(&sentence, &[words]);
    }
}

#[test]
fn recorded_failure_is_reported_again_on_replay() {
    let recording = meshdoctor("record").run().exits(3);
    let ran = meshdoctor("system check -o json --from -").stdin(&recording.stdout).run();
    super::obstacle_of(ran, "kubeconfig-missing");
}
