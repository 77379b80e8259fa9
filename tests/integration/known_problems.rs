//! Forty problems that users of the stack had: which diagnosis recognises each, or why a cluster-side tool cannot.

use crate::tool::meshdoctor;

/// What becomes of a problem here.
enum Answer {
    /// These diagnoses recognise it; each stands in the fixture of its name, or of the one behind the `@`.
    Found(&'static [&'static str]),
    /// Ours does the thing that was missing or wrong.
    DoneRight(&'static str),
    /// It cannot be seen from the cluster.
    NotHere(&'static str),
}

use Answer::{DoneRight, Found, NotHere};

/// The rows, in the order of the reference.
const PROBLEMS: &[(&str, Answer)] = &[
    (
        "the check reads pod names only",
        DoneRight("custom resources, workloads and the broker itself are asked"),
    ),
    (
        "the check times out on an address inside the cluster",
        DoneRight("such an address is dialled from inside only; outside a port-forward is used"),
    ),
    (
        "the check does not know the broker's new name",
        DoneRight("both operator lines are recognised"),
    ),
    (
        "healthy controllers, and a check that wants one certain word",
        DoneRight("states are a ladder, and a verdict rests on findings"),
    ),
    (
        "a custom resource is taken for a running pod",
        Found(&[
            "meshsync-not-connected@running-not-connected",
            "meshsync-no-workload",
            "operator-missing@orphaned-no-operator",
        ]),
    ),
    (
        "the broker's addresses are probed in the wrong order",
        Found(&["broker-unreachable", "meshsync-wrong-target"]),
    ),
    (
        "two local clusters publish the same address",
        Found(&[
            "broker-external-unroutable@old-line-connected",
            "meshsync-foreign-client",
        ]),
    ),
    (
        "the load balancer's address is pending, or gone after an upgrade",
        Found(&[
            "broker-external-pending@upgraded-in-place",
            "two-generations@upgraded-in-place",
            "broker-not-exposed",
        ]),
    ),
    (
        "the address is pending on kind or minikube",
        Found(&["broker-external-pending@three-brokers-lb-pending-bad-watchlist"]),
    ),
    (
        "a loopback server address inside a container",
        Found(&["cluster-unreachable"]),
    ),
    (
        "a node port that is not routed",
        Found(&["broker-external-unroutable@old-line-connected"]),
    ),
    (
        "no webhook certificate, or a proxy image that is gone",
        Found(&[
            "operator-webhook-cert",
            "operator-mismatched-manifest",
            "operator-crash-loop",
            "operator-image-pull",
        ]),
    ),
    (
        "the operator was silently not deployed",
        Found(&[
            "not-installed@nothing-installed",
            "operator-missing@orphaned-no-operator",
        ]),
    ),
    (
        "a token that reads as a number",
        Found(&["broker-crash-loop"]),
    ),
    (
        "an authorization violation",
        Found(&[
            "broker-auth-failed",
            "broker-token-missing",
            "meshsync-stale-env",
            "meshsync-crash-loop",
        ]),
    ),
    (
        "MeshSync and broker live on without an operator",
        Found(&[
            "operator-missing@orphaned-no-operator",
            "orphaned-workloads",
        ]),
    ),
    (
        "resources hang in deletion",
        Found(&[
            "cr-stuck-terminating@stuck-terminating",
            "namespace-terminating",
        ]),
    ),
    (
        "the namespace terminates while the stack starts",
        Found(&["namespace-terminating"]),
    ),
    (
        "left-over objects stop a Helm installation",
        Found(&[
            "cluster-leftovers",
            "over-privileged@upgraded-in-place",
            "orphaned-workloads",
        ]),
    ),
    (
        "MeshSync warns about its definition",
        Found(&["crd-missing", "crd-outdated", "old-crd-group"]),
    ),
    (
        "MeshSync restarts until the broker is there",
        Found(&[
            "meshsync-crash-loop",
            "broker-monitor-unreachable",
            "network-policy-blocks",
        ]),
    ),
    (
        "load storms from definitions that change",
        Found(&["watch-list-high-churn"]),
    ),
    (
        "an inventory that is silently stale",
        Found(&["data-gap-since-reconnect", "flow-event-missing"]),
    ),
    (
        "a new server with an old MeshSync shows nothing",
        NotHere("what was sent before the server came is not in the cluster"),
    ),
    (
        "a resync fails after the database was reset",
        NotHere("it lies in the server"),
    ),
    (
        "the server's database is corrupt",
        NotHere("it lies in the server's database"),
    ),
    (
        "a flush emptied the inventory",
        NotHere("it lies in the server's database"),
    ),
    (
        "a connection says disabled though the operator runs",
        Found(&["broker-server-not-connected@healthy"]),
    ),
    (
        "a chart that makes no operator",
        Found(&[
            "not-installed@nothing-installed",
            "operator-missing@orphaned-no-operator",
        ]),
    ),
    (
        "a ready column that is always full",
        DoneRight("it is counted from the containers' statuses"),
    ),
    (
        "a login page in place of an answer",
        Found(&["not-an-api-server"]),
    ),
    (
        "the wrong context is looked at",
        Found(&[
            "stack-in-other-namespace",
            "not-installed@nothing-installed",
        ]),
    ),
    (
        "a connection to a cluster that is gone",
        Found(&["cluster-unreachable"]),
    ),
    (
        "nobody knows what a test means",
        DoneRight("every finding has its evidence, and explain its text"),
    ),
    (
        "a Kubernetes configuration cannot be removed",
        NotHere("it lies in the server"),
    ),
    (
        "two names for one Helm release",
        Found(&["helm-release-stuck", "foreign-owner"]),
    ),
    (
        "a database reset leaves tables",
        NotHere("it lies in the server's database"),
    ),
    (
        "a database reset does nothing",
        NotHere("it lies in the server's interface"),
    ),
    (
        "MeshSync runs and publishes nothing",
        Found(&[
            "watch-list-empty@crd-outdated",
            "watch-list-invalid@watch-list-blacklist-of-objects",
            "crd-outdated",
            "meshsync-cannot-list@connected-but-blind",
            "meshsync-silent",
        ]),
    ),
    (
        "credential plugins that a container lacks",
        Found(&["exec-plugin-failed"]),
    ),
];

/// A code with the fixture that shows it, where that bears another name.
fn split(word: &str) -> (&str, &str) {
    word.split_once('@').unwrap_or((word, word))
}

#[test]
fn every_known_problem_is_recognised_or_said_to_be_out_of_reach() {
    assert_eq!(PROBLEMS.len(), 40);
    for (problem, answer) in PROBLEMS {
        match answer {
            Found(codes) => {
                assert!(!codes.is_empty(), "{problem}");
                for (code, fixture) in codes.iter().map(|word| split(word)) {
                    let report =
                        meshdoctor(&format!("system check -o json --from fixtures/{fixture}"))
                            .run()
                            .json();
                    let findings = report["findings"].as_array().expect("findings");
                    assert!(
                        findings.iter().any(|finding| finding["code"] == *code),
                        "{problem}: no {code} is found in fixtures/{fixture}"
                    );
                }
            }
            DoneRight(why) | NotHere(why) => assert!(!why.is_empty(), "{problem}"),
        }
    }
}
