//! The diagnoses, as data, in the order of the data path.

use super::Entry;
use crate::{
    report::{
        Kind::{Fault, Obstacle},
        Severity::{Error, Info, Warning},
    },
    stack::component::Component::{Broker, Cluster, Installation, Meshsync, Operator},
};

/// One entry; its text is the file of its code.
macro_rules! entry {
    ($code:literal, $component:expr, $kind:expr, $severity:expr, $title:literal $(, folds $folds:expr)?) => {
        entry!(@ $code, $code, Some($component), $kind, $severity, $title, { #[allow(unused)] let folds: &[&str] = &[]; $(let folds: &[&str] = $folds;)? folds })
    };
    (workload $suffix:literal, $title:literal, folds $folds:expr) => {
        entry!(@ concat!("{component}-", $suffix), concat!("workload-", $suffix), None, Fault, Error, $title, $folds)
    };
    (@ $code:expr, $file:expr, $component:expr, $kind:expr, $severity:expr, $title:expr, $folds:expr) => {
        Entry {
            code: $code,
            component: $component,
            kind: $kind,
            severity: $severity,
            title: $title,
            folds: $folds,
            text: include_str!(concat!("text/", $file, ".md")),
        }
    };
}

/// What follows when a broker has no server that works.
const BROKER_DOWN: &[&str] = &[
    "broker-unreachable",
    "broker-no-endpoints",
    "broker-not-ready",
    "broker-auth-failed",
    "broker-server-not-connected",
    "cr-failed",
    "meshsync-not-connected",
    "meshsync-crash-loop",
    "meshsync-not-ready",
];

/// What follows when any workload of the stack does not work; the rungs above it only.
const WORKLOAD_DOWN: &[&str] = &[
    "{component}-not-ready",
    "broker-unreachable",
    "broker-no-endpoints",
    "{component}-server-not-connected",
    "broker-no-workload",
    "cr-failed",
    "cr-missing",
    "cr-not-observed",
    "meshsync-no-workload",
    "meshsync-not-connected",
    "meshsync-crash-loop",
    "meshsync-not-ready",
    "{component}-silent",
    "{component}-no-answer",
];

/// What a test tells of a MeshSync that publishes nothing, or nothing of what it should.
const SILENCE: &[&str] = &[
    "meshsync-silent",
    "flow-nothing-seen",
    "flow-store-incomplete",
];

/// Every diagnosis.
pub static ENTRIES: &[Entry] = &[
    entry!(
        "kubeconfig-missing",
        Cluster,
        Obstacle,
        Error,
        "There is no kubeconfig"
    ),
    entry!(
        "kubeconfig-invalid",
        Cluster,
        Obstacle,
        Error,
        "The kubeconfig cannot be used"
    ),
    entry!(
        "exec-plugin-failed",
        Cluster,
        Obstacle,
        Error,
        "The credential plugin failed"
    ),
    entry!(
        "cluster-unreachable",
        Cluster,
        Obstacle,
        Error,
        "The API server cannot be reached"
    ),
    entry!(
        "tls-untrusted",
        Cluster,
        Obstacle,
        Error,
        "The API server's certificate is not trusted"
    ),
    entry!(
        "not-an-api-server",
        Cluster,
        Obstacle,
        Error,
        "What answers is no API server"
    ),
    entry!(
        "credentials-rejected",
        Cluster,
        Obstacle,
        Error,
        "The API server rejects our credentials"
    ),
    entry!(
        "interrupted",
        Cluster,
        Obstacle,
        Error,
        "The run was interrupted"
    ),
    entry!(
        "internal-error",
        Cluster,
        Obstacle,
        Error,
        "meshdoctor itself failed"
    ),
    entry!(
        "permission-missing",
        Cluster,
        Obstacle,
        Error,
        "We may not look at everything that decides a state"
    ),
    entry!(
        "observation-missing",
        Cluster,
        Obstacle,
        Error,
        "Something that decides a state was not seen"
    ),
    entry!(
        "answer-too-large",
        Cluster,
        Obstacle,
        Error,
        "An answer is larger than what is read",
        folds
            & [
                "observation-missing",
                "broker-monitor-unreachable",
                "broker-unreachable"
            ]
    ),
    entry!(
        "kubernetes-too-old",
        Cluster,
        Fault,
        Error,
        "Kubernetes is older than the stack supports"
    ),
    entry!(
        "install-permission-missing",
        Cluster,
        Fault,
        Error,
        "We may not write everything that an installation writes"
    ),
    entry!(
        "privilege-escalation",
        Cluster,
        Fault,
        Error,
        "The stack's roles grant more than we may grant"
    ),
    entry!(
        "node-capacity",
        Cluster,
        Fault,
        Error,
        "No node has room for the stack's pods"
    ),
    entry!(
        "install-rejected",
        Installation,
        Fault,
        Error,
        "The API server refuses an object of the stack"
    ),
    entry!(
        "pod-security-blocks",
        Installation,
        Fault,
        Error,
        "Pod Security keeps the stack's pods out"
    ),
    entry!(
        "stack-in-other-namespace",
        Installation,
        Fault,
        Error,
        "The stack is in another namespace",
        folds & ["crd-missing", "operator-missing", "cr-missing"]
    ),
    entry!(
        "not-installed",
        Installation,
        Fault,
        Error,
        "Nothing of the stack is installed"
    ),
    entry!(
        "mode-not-expected",
        Installation,
        Fault,
        Error,
        "What is here is not of the mode that is expected"
    ),
    entry!(
        "namespace-terminating",
        Installation,
        Fault,
        Error,
        "The namespace is being deleted",
        folds
            & [
                "not-installed",
                "orphaned-workloads",
                "operator-missing",
                "cr-missing",
                "cr-stuck-terminating",
                "cr-failed",
                "broker-no-workload",
                "meshsync-no-workload"
            ]
    ),
    entry!(
        "crd-not-established",
        Installation,
        Fault,
        Error,
        "A custom resource definition is there and not served",
        folds & ["cr-missing", "operator-crash-loop", "operator-not-ready"]
    ),
    entry!(
        "crd-terminating",
        Installation,
        Fault,
        Error,
        "A custom resource definition is being deleted and cannot go",
        folds
            & [
                "cr-missing",
                "cr-stuck-terminating",
                "broker-no-workload",
                "meshsync-no-workload"
            ]
    ),
    entry!(
        "crd-missing",
        Installation,
        Fault,
        Error,
        "A custom resource definition is missing",
        folds & ["cr-missing", "operator-crash-loop", "operator-not-ready"]
    ),
    entry!(
        "crd-outdated",
        Installation,
        Fault,
        Error,
        "The MeshSync definition lacks the watch-list",
        folds & ["watch-list-empty"]
    ),
    entry!(
        "conversion-webhook-down",
        Installation,
        Fault,
        Error,
        "The conversion webhook of the custom resources is down",
        folds
            & [
                "observation-missing",
                "namespace-terminating",
                "crd-terminating"
            ]
    ),
    entry!(
        "old-crd-group",
        Installation,
        Fault,
        Warning,
        "Definitions of the old API group remain"
    ),
    entry!(
        "two-generations",
        Installation,
        Fault,
        Error,
        "The broker of the old operator line runs beside the new one",
        folds
            & [
                "broker-unauthenticated",
                "broker-external-pending",
                "broker-unreachable",
                "meshsync-unschedulable",
                "meshsync-not-ready"
            ]
    ),
    entry!(
        "orphaned-workloads",
        Installation,
        Fault,
        Error,
        "Workloads of the stack run without custom resource and operator"
    ),
    entry!(
        "cluster-leftovers",
        Installation,
        Fault,
        Warning,
        "Cluster-wide roles of the stack are left without it"
    ),
    entry!(
        "helm-release-stuck",
        Installation,
        Fault,
        Error,
        "Helm's last act on the stack failed or never ended"
    ),
    entry!(
        "foreign-owner",
        Installation,
        Fault,
        Warning,
        "Another tool manages the stack's objects"
    ),
    entry!(
        "over-privileged",
        Installation,
        Fault,
        Warning,
        "The stack's ServiceAccount may do everything"
    ),
    entry!(
        "moving-tag",
        Installation,
        Fault,
        Warning,
        "An image is named by a tag that moves"
    ),
    entry!(workload "crash-loop", "{Component} crashes again and again", folds WORKLOAD_DOWN),
    entry!(workload "image-pull", "{Component}'s image cannot be pulled", folds WORKLOAD_DOWN),
    entry!(workload "unschedulable", "{Component} finds no node for its pod", folds WORKLOAD_DOWN),
    entry!(workload "pods-refused", "{Component}'s pods are refused", folds WORKLOAD_DOWN),
    entry!(workload "scaled-to-zero", "{Component} is scaled to zero", folds WORKLOAD_DOWN),
    entry!(workload "not-ready", "{Component} is not ready", folds &["broker-unreachable", "broker-no-endpoints", "broker-server-not-connected",
        "broker-no-workload", "cr-failed", "cr-missing", "meshsync-no-workload", "meshsync-not-connected", "{component}-silent", "{component}-no-answer"]),
    entry!(
        "operator-missing",
        Operator,
        Fault,
        Error,
        "There is no operator for the custom resources",
        folds & ["cr-not-observed"]
    ),
    entry!(
        "operator-old-line",
        Operator,
        Fault,
        Warning,
        "The operator is of the old line"
    ),
    entry!(
        "operator-reconcile-failing",
        Operator,
        Fault,
        Error,
        "The operator cannot do what the custom resources ask",
        folds & ["broker-no-workload", "meshsync-no-workload", "cr-failed"]
    ),
    entry!(
        "operator-mismatched-manifest",
        Operator,
        Fault,
        Error,
        "The operator's image does not fit its manifest",
        folds
            & [
                "operator-webhook-cert",
                "operator-crash-loop",
                "operator-image-pull",
                "operator-not-ready",
                "operator-no-leader"
            ]
    ),
    entry!(
        "operator-webhook-cert",
        Operator,
        Fault,
        Error,
        "The operator lacks a valid certificate for its webhook",
        folds
            & [
                "conversion-webhook-down",
                "operator-crash-loop",
                "operator-not-ready"
            ]
    ),
    entry!(
        "operator-role-incomplete",
        Operator,
        Fault,
        Error,
        "The operator may not do what its code does",
        folds
            & [
                "operator-no-leader",
                "cr-not-observed",
                "cr-failed",
                "broker-no-workload",
                "meshsync-no-workload"
            ]
    ),
    entry!(
        "operator-no-leader",
        Operator,
        Fault,
        Warning,
        "No pod of the operator holds the right to act",
        folds
            & [
                "broker-no-workload",
                "meshsync-no-workload",
                "cr-not-observed"
            ]
    ),
    entry!(
        "cr-not-observed",
        Operator,
        Fault,
        Warning,
        "The operator has not seen the newest change of a custom resource"
    ),
    entry!(
        "cr-unexpected-name",
        Operator,
        Fault,
        Warning,
        "MeshSync does not read this object's watch-list"
    ),
    entry!(
        "several-brokers",
        Operator,
        Fault,
        Error,
        "Several Brokers share one namespace",
        folds
            & [
                "broker-not-ready",
                "broker-endpoint-stale",
                "broker-auth-failed",
                "cr-failed",
                "meshsync-not-connected"
            ]
    ),
    entry!(
        "meshsync-broker-ref-invalid",
        Operator,
        Fault,
        Error,
        "The MeshSync object does not name one broker that exists",
        folds
            & [
                "cr-failed",
                "meshsync-no-workload",
                "meshsync-not-connected",
                "meshsync-crash-loop",
                "meshsync-not-ready"
            ]
    ),
    entry!(
        "cr-missing",
        Operator,
        Fault,
        Error,
        "A custom resource is missing",
        folds
            & [
                "broker-no-workload",
                "meshsync-no-workload",
                "meshsync-broker-ref-invalid"
            ]
    ),
    entry!(
        "cr-stuck-terminating",
        Operator,
        Fault,
        Error,
        "A custom resource hangs in deletion",
        folds & ["operator-missing"]
    ),
    entry!(
        "cr-failed",
        Operator,
        Fault,
        Error,
        "The operator reports that it failed"
    ),
    entry!("broker-no-workload", Broker, Fault, Error, "The Broker has no StatefulSet", folds BROKER_DOWN),
    entry!(
        "broker-unreachable",
        Broker,
        Fault,
        Error,
        "The broker cannot be asked",
        folds & ["meshsync-not-connected"]
    ),
    entry!(
        "broker-auth-failed",
        Broker,
        Fault,
        Error,
        "The broker refuses the token of its Secret",
        folds
            & [
                "meshsync-stale-env",
                "meshsync-not-connected",
                "broker-server-not-connected"
            ]
    ),
    entry!(
        "broker-unauthenticated",
        Broker,
        Fault,
        Warning,
        "The broker asks for no token",
        folds & ["watch-list-watches-secrets"]
    ),
    entry!(
        "broker-split",
        Broker,
        Fault,
        Error,
        "The broker's servers do not share messages",
        folds & ["broker-server-not-connected"]
    ),
    entry!(
        "broker-token-missing",
        Broker,
        Fault,
        Error,
        "The Secret with the broker's token is missing",
        folds BROKER_DOWN
    ),
    entry!(
        "broker-no-endpoints",
        Broker,
        Fault,
        Error,
        "The broker's Service leads nowhere",
        folds
            & [
                "broker-server-not-connected",
                "meshsync-not-connected",
                "meshsync-crash-loop",
                "meshsync-not-ready"
            ]
    ),
    entry!(
        "broker-not-exposed",
        Broker,
        Fault,
        Info,
        "The broker can be reached only inside the cluster",
        folds & ["broker-server-not-connected"]
    ),
    entry!(
        "network-policy-blocks",
        Broker,
        Fault,
        Error,
        "A NetworkPolicy stands between MeshSync and the broker",
        folds
            & [
                "meshsync-not-connected",
                "meshsync-crash-loop",
                "meshsync-not-ready"
            ]
    ),
    entry!(
        "broker-monitor-unreachable",
        Broker,
        Fault,
        Warning,
        "The broker's monitor does not answer",
        folds & ["meshsync-crash-loop", "meshsync-not-ready"]
    ),
    entry!(
        "broker-client-port-unusable",
        Broker,
        Fault,
        Error,
        "The broker's client port does not speak NATS",
        folds BROKER_DOWN
    ),
    entry!(
        "broker-requires-tls",
        Broker,
        Fault,
        Error,
        "The broker demands TLS",
        folds
            & [
                "meshsync-not-connected",
                "meshsync-crash-loop",
                "meshsync-not-ready",
                "broker-server-not-connected"
            ]
    ),
    entry!(
        "broker-lame-duck",
        Broker,
        Fault,
        Warning,
        "A broker server is shutting down",
        folds
            & [
                "broker-not-ready",
                "meshsync-not-connected",
                "meshsync-silent",
                "flow-event-missing"
            ]
    ),
    entry!(
        "broker-not-delivering",
        Broker,
        Fault,
        Error,
        "The broker does not hand on what is published",
        folds & ["meshsync-silent", "meshsync-no-answer"]
    ),
    entry!(
        "broker-slow-consumer",
        Broker,
        Fault,
        Warning,
        "A client of the broker reads too slowly"
    ),
    entry!(
        "broker-near-limit",
        Broker,
        Fault,
        Warning,
        "The broker is close to a limit"
    ),
    entry!(
        "broker-payload-limit",
        Broker,
        Fault,
        Warning,
        "The broker takes only small messages"
    ),
    entry!(
        "broker-server-not-subscribed",
        Broker,
        Fault,
        Error,
        "The server is connected and does not listen"
    ),
    entry!(
        "broker-external-pending",
        Broker,
        Fault,
        Warning,
        "The load balancer has no address yet"
    ),
    entry!(
        "broker-endpoint-stale",
        Broker,
        Fault,
        Warning,
        "The Broker's status gives an old address",
        folds & ["broker-external-unroutable", "meshsync-stale-env"]
    ),
    entry!(
        "broker-external-unroutable",
        Broker,
        Fault,
        Warning,
        "The external address leads nowhere"
    ),
    entry!(
        "broker-server-not-connected",
        Broker,
        Fault,
        Info,
        "No server reads from the broker"
    ),
    entry!(
        "meshsync-no-workload",
        Meshsync,
        Fault,
        Error,
        "The MeshSync has no Deployment"
    ),
    entry!(
        "meshsync-not-connected",
        Meshsync,
        Fault,
        Error,
        "MeshSync runs and is no client of the broker",
        folds & ["meshsync-silent", "flow-nothing-seen"]
    ),
    entry!(
        "meshsync-standalone",
        Meshsync,
        Fault,
        Info,
        "MeshSync runs without operator, by intent"
    ),
    entry!(
        "meshsync-stale-env",
        Meshsync,
        Fault,
        Error,
        "MeshSync runs with a former address or token",
        folds
            & [
                "meshsync-not-connected",
                "meshsync-not-ready",
                "meshsync-crash-loop",
                "meshsync-silent",
                "flow-nothing-seen"
            ]
    ),
    entry!(
        "meshsync-wrong-target",
        Meshsync,
        Fault,
        Error,
        "MeshSync publishes to what is no broker of this stack",
        folds
            & [
                "meshsync-not-connected",
                "meshsync-not-ready",
                "meshsync-crash-loop",
                "meshsync-silent",
                "flow-nothing-seen"
            ]
    ),
    entry!(
        "meshsync-duplicated",
        Meshsync,
        Fault,
        Warning,
        "More than one MeshSync reports this cluster"
    ),
    entry!(
        "meshsync-output-filter",
        Meshsync,
        Fault,
        Info,
        "MeshSync publishes only part of what it watches"
    ),
    entry!(
        "meshsync-high-memory",
        Meshsync,
        Fault,
        Warning,
        "MeshSync uses nearly all the memory it may"
    ),
    entry!(
        "meshsync-version-mismatch",
        Meshsync,
        Fault,
        Warning,
        "The version that runs is not the one in the MeshSync object"
    ),
    entry!(
        "broker-shared",
        Meshsync,
        Fault,
        Info,
        "MeshSyncs of other clusters publish to this broker"
    ),
    entry!(
        "data-gap-since-reconnect",
        Meshsync,
        Fault,
        Warning,
        "MeshSync lost the broker and came back, and what happened between is lost"
    ),
    entry!(
        "meshsync-silent",
        Meshsync,
        Fault,
        Error,
        "MeshSync is connected, and nothing of a change came"
    ),
    entry!(
        "meshsync-no-answer",
        Meshsync,
        Fault,
        Error,
        "MeshSync does not answer requests"
    ),
    entry!(
        "flow-write-refused",
        Meshsync,
        Obstacle,
        Error,
        "The cluster did not take the object of a test"
    ),
    entry!(
        "flow-not-watched",
        Meshsync,
        Obstacle,
        Error,
        "MeshSync would publish nothing of what a test changes"
    ),
    entry!(
        "flow-nothing-seen",
        Meshsync,
        Obstacle,
        Error,
        "No event came while we listened"
    ),
    entry!(
        "flow-event-missing",
        Meshsync,
        Fault,
        Error,
        "Some events did not come"
    ),
    entry!(
        "flow-wrong-subject",
        Meshsync,
        Fault,
        Error,
        "Events come on another subject"
    ),
    entry!(
        "flow-wrong-cluster-id",
        Meshsync,
        Fault,
        Error,
        "Events name another cluster, or none"
    ),
    entry!(
        "flow-message-too-big",
        Meshsync,
        Fault,
        Error,
        "The broker takes no message as large as an event"
    ),
    entry!(
        "flow-slow",
        Meshsync,
        Fault,
        Warning,
        "Events take long to come"
    ),
    entry!(
        "flow-store-incomplete",
        Meshsync,
        Fault,
        Error,
        "MeshSync's store lacks kinds that it watches"
    ),
    entry!(
        "flow-probe-leftover",
        Meshsync,
        Fault,
        Warning,
        "An object of a test is still there"
    ),
    entry!(
        "meshsync-foreign-client",
        Meshsync,
        Fault,
        Warning,
        "A client of MeshSync's name is not ours"
    ),
    entry!(
        "meshsync-cannot-list",
        Meshsync,
        Fault,
        Error,
        "MeshSync may not list what it watches",
        folds
            & [
                "meshsync-silent",
                "flow-nothing-seen",
                "flow-store-incomplete",
                "flow-wrong-cluster-id"
            ]
    ),
    entry!("watch-list-invalid", Meshsync, Fault, Error, "The watch-list cannot be read", folds SILENCE),
    entry!("watch-list-empty", Meshsync, Fault, Error, "The watch-list is empty, and MeshSync publishes nothing", folds SILENCE),
    entry!(
        "watch-list-matches-nothing",
        Meshsync,
        Fault,
        Error,
        "Not one entry of the watch-list is a kind that MeshSync can watch",
        folds
            & [
                "watch-list-invalid",
                "watch-list-unknown-resource",
                "watch-list-entry-ignored",
                "flow-not-watched",
                "flow-nothing-seen"
            ]
    ),
    entry!(
        "watch-list-unknown-resource",
        Meshsync,
        Fault,
        Error,
        "The watch-list names what this cluster does not serve"
    ),
    entry!(
        "watch-list-entry-ignored",
        Meshsync,
        Fault,
        Warning,
        "MeshSync ignores an entry of the watch-list"
    ),
    entry!(
        "watch-list-no-events",
        Meshsync,
        Fault,
        Error,
        "An entry of the watch-list names no events"
    ),
    entry!(
        "watch-list-partial-events",
        Meshsync,
        Fault,
        Warning,
        "An entry of the watch-list leaves events out"
    ),
    entry!(
        "watch-list-watches-secrets",
        Meshsync,
        Fault,
        Info,
        "MeshSync publishes Secrets with their contents"
    ),
    entry!(
        "watch-list-high-churn",
        Meshsync,
        Fault,
        Info,
        "The watch-list holds kinds that change all the time"
    ),
    entry!(
        "watch-list-edited-since-start",
        Meshsync,
        Fault,
        Warning,
        "The watch-list was changed after MeshSync started",
        folds
            & [
                "meshsync-silent",
                "flow-event-missing",
                "flow-store-incomplete"
            ]
    ),
    entry!(
        "watch-list-configmap-ignored",
        Meshsync,
        Fault,
        Warning,
        "A ConfigMap holds a watch-list that nothing reads"
    ),
    entry!(
        "meshsync-version-bug",
        Meshsync,
        Fault,
        Error,
        "This MeshSync has a known defect that shows here",
        folds
            & [
                "meshsync-not-connected",
                "meshsync-not-ready",
                "meshsync-silent",
                "flow-nothing-seen",
                "flow-store-incomplete"
            ]
    ),
];
