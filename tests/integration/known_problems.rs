//! Forty problems that users of the stack had: which diagnosis recognises each, or why a cluster-side tool cannot.

use meshdoctor::catalogue;

/// What becomes of a problem here.
enum Answer {
    /// These diagnoses recognise it.
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
            "meshsync-not-connected",
            "meshsync-no-workload",
            "operator-missing",
        ]),
    ),
    (
        "the broker's addresses are probed in the wrong order",
        Found(&["broker-unreachable"]),
    ),
    (
        "two local clusters publish the same address",
        Found(&["broker-external-unroutable", "meshsync-foreign-client"]),
    ),
    (
        "the load balancer's address is pending, or gone after an upgrade",
        Found(&["broker-external-pending"]),
    ),
    (
        "the address is pending on kind or minikube",
        Found(&["broker-external-pending"]),
    ),
    (
        "a loopback server address inside a container",
        Found(&["cluster-unreachable"]),
    ),
    (
        "a node port that is not routed",
        Found(&["broker-external-unroutable"]),
    ),
    (
        "no webhook certificate, or a proxy image that is gone",
        Found(&["operator-crash-loop", "operator-image-pull"]),
    ),
    (
        "the operator was silently not deployed",
        Found(&["not-installed", "operator-missing"]),
    ),
    (
        "a token that reads as a number",
        Found(&["broker-crash-loop"]),
    ),
    (
        "an authorization violation",
        Found(&["broker-auth-failed", "meshsync-crash-loop"]),
    ),
    (
        "MeshSync and broker live on without an operator",
        Found(&["operator-missing", "orphaned-workloads"]),
    ),
    (
        "resources hang in deletion",
        Found(&["cr-stuck-terminating"]),
    ),
    (
        "the namespace terminates while the stack starts",
        Found(&["cr-stuck-terminating"]),
    ),
    (
        "left-over objects stop a Helm installation",
        Found(&["over-privileged", "orphaned-workloads"]),
    ),
    (
        "MeshSync warns about its definition",
        Found(&["crd-missing", "crd-outdated"]),
    ),
    (
        "MeshSync restarts until the broker is there",
        Found(&["meshsync-crash-loop"]),
    ),
    (
        "load storms from definitions that change",
        NotHere("the load is in the program; versions that have it are a matter of the version"),
    ),
    (
        "an inventory that is silently stale",
        NotHere("it lies in the server's database"),
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
        Found(&["broker-server-not-connected"]),
    ),
    (
        "a chart that makes no operator",
        Found(&["not-installed", "operator-missing"]),
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
        Found(&["stack-in-other-namespace", "not-installed"]),
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
        NotHere("releases are looked at when the stack is removed, not when it is judged"),
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
            "watch-list-empty",
            "watch-list-invalid",
            "crd-outdated",
            "meshsync-cannot-list",
        ]),
    ),
    (
        "credential plugins that a container lacks",
        Found(&["exec-plugin-failed"]),
    ),
];

#[test]
fn every_known_problem_has_an_answer() {
    assert_eq!(PROBLEMS.len(), 40);
    for (problem, answer) in PROBLEMS {
        match answer {
            Found(codes) => {
                assert!(!codes.is_empty(), "{problem}");
                for code in *codes {
                    assert!(
                        catalogue::find(code).is_some(),
                        "{problem}: there is no {code}"
                    );
                }
            }
            DoneRight(why) | NotHere(why) => assert!(!why.is_empty(), "{problem}"),
        }
    }
}
