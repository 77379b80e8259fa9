//! Forty problems that users of the stack had: which diagnosis recognizes each, or why a cluster-side tool cannot.

use serde_json::Value;

use crate::tool::meshdoctor;

/// How a problem is covered.
enum Answer {
    /// These diagnoses recognize it. Each occurs in the fixture of the same name, or in the one after the `@`.
    Found(&'static [&'static str]),
    /// The report of this fixture shows what was missing or wrong: these values at these paths.
    Shown(&'static str, &'static [(&'static str, &'static str)]),
    /// Every finding of this fixture has evidence and an explanation.
    Explained(&'static str),
    /// The problem is in Meshery Server and cannot be seen from the cluster: no diagnosis has any of these words in its
    /// title. A diagnosis that gets such a title belongs in the row.
    NotHere(&'static [&'static str]),
}

use Answer::{Explained, Found, NotHere, Shown};

/// The problems, in the order of the reference.
const PROBLEMS: &[(&str, Answer)] = &[
    (
        "the check reads pod names only",
        Shown(
            "running-not-connected",
            &[
                ("/workloads/2/pods/0/ready", "1/1"),
                ("/components/meshsync/state", "RUNNING"),
                ("/components/broker/servers/0/clientCount", "0"),
                ("/verdict", "unhealthy"),
            ],
        ),
    ),
    (
        "the check times out on an address inside the cluster",
        Shown(
            "broker-just-ready",
            &[
                ("/components/broker/endpoint/internal", "127.170.217.229:4222"),
                ("/components/broker/servers/0/reachedBy", "port-forward"),
            ],
        ),
    ),
    (
        "the check does not know the broker's new name",
        Shown(
            "old-line-connected",
            &[("/components/broker/servers/0/pod", "meshery-broker-0"), ("/components/meshsync/state", "CONNECTED")],
        ),
    ),
    (
        "healthy controllers, but the check expects one exact word",
        Shown(
            "healthy",
            &[
                ("/components/operator/state", "DEPLOYED"),
                ("/components/meshsync/state", "CONNECTED"),
                ("/verdict", "healthy"),
            ],
        ),
    ),
    (
        "a custom resource is taken for a running pod",
        Found(&[
            "meshsync-not-connected@running-not-connected",
            "meshsync-no-workload",
            "operator-missing@orphaned-no-operator",
        ]),
    ),
    ("the broker's addresses are probed in the wrong order", Found(&["broker-unreachable", "meshsync-wrong-target"])),
    (
        "two local clusters publish the same address",
        Found(&["broker-external-unroutable@old-line-connected", "meshsync-foreign-client"]),
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
    ("a loopback server address inside a container", Found(&["cluster-unreachable"])),
    ("a node port that is not routed", Found(&["broker-external-unroutable@old-line-connected"])),
    (
        "no webhook certificate, or a proxy image that is gone",
        Found(&["operator-webhook-cert", "operator-mismatched-manifest", "operator-crash-loop", "operator-image-pull"]),
    ),
    (
        "the operator was silently not deployed",
        Found(&["not-installed@nothing-installed", "operator-missing@orphaned-no-operator"]),
    ),
    ("a token that reads as a number", Found(&["broker-crash-loop"])),
    (
        "an authorization violation",
        Found(&["broker-auth-failed", "broker-token-missing", "meshsync-stale-env", "meshsync-crash-loop"]),
    ),
    (
        "MeshSync and broker keep running without an operator",
        Found(&["operator-missing@orphaned-no-operator", "orphaned-workloads"]),
    ),
    ("resources are stuck terminating", Found(&["cr-stuck-terminating@stuck-terminating", "namespace-terminating"])),
    ("the namespace terminates while the stack starts", Found(&["namespace-terminating"])),
    (
        "left-over objects stop a Helm installation",
        Found(&["cluster-leftovers", "over-privileged@upgraded-in-place", "orphaned-workloads"]),
    ),
    ("MeshSync warns about its CRD", Found(&["crd-missing", "crd-outdated", "old-crd-group"])),
    (
        "MeshSync restarts until the broker is there",
        Found(&["meshsync-crash-loop", "broker-monitor-unreachable", "network-policy-blocks"]),
    ),
    ("load storms from definitions that change", Found(&["watch-list-high-churn"])),
    ("an inventory that is silently stale", Found(&["data-gap-since-reconnect", "flow-event-missing"])),
    ("a new server with an old MeshSync shows nothing", Found(&["database-empty"])),
    ("a resync fails after the database was reset", Found(&["database-reset-orphaned-contexts"])),
    ("the server's database is corrupt", Found(&["database-corrupt"])),
    ("a flush emptied the inventory", Found(&["database-empty"])),
    ("a connection says disabled though the operator runs", Found(&["broker-server-not-connected@healthy"])),
    (
        "a chart that creates no operator",
        Found(&["not-installed@nothing-installed", "operator-missing@orphaned-no-operator"]),
    ),
    (
        "a ready column that is always full",
        Shown("meshsync-crash-loop", &[("/workloads/2/ready", "0/1"), ("/workloads/2/pods/0/ready", "0/1")]),
    ),
    ("a login page in place of a response", Found(&["not-an-api-server"])),
    ("the wrong context is checked", Found(&["stack-in-other-namespace", "not-installed@nothing-installed"])),
    ("a connection to a cluster that is gone", Found(&["cluster-unreachable"])),
    ("the meaning of a test is unclear", Explained("upgraded-in-place")),
    ("a Kubernetes configuration cannot be removed", NotHere(&["cannot be removed"])),
    ("two names for one Helm release", Found(&["helm-release-stuck", "foreign-owner"])),
    ("a database reset leaves tables", NotHere(&["leaves tables"])),
    ("a database reset does nothing", NotHere(&["reset does nothing"])),
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
    ("credential plugins that a container lacks", Found(&["exec-plugin-failed"])),
];

/// A code and the fixture that shows it. Without an `@` the fixture has the name of the code.
fn split(word: &str) -> (&str, &str) {
    word.split_once('@').unwrap_or((word, word))
}

/// The report of a fixture.
fn report(fixture: &str) -> Value {
    meshdoctor("system check -o json --from").arg(crate::fixture::fixture(fixture)).run().json()
}

/// Code and title of every diagnosis, as `checks` lists them.
fn titles() -> Vec<String> {
    let list = meshdoctor("checks").run().exits(0).stdout;
    list.lines().map(str::to_lowercase).collect()
}

/// The expectations of a row that are not met.
fn faults(answer: &Answer, titles: &[String]) -> Vec<String> {
    match answer {
        Found(codes) => codes
            .iter()
            .map(|word| split(word))
            .filter(|(code, fixture)| {
                let report = report(fixture);
                let findings = report["findings"].as_array().expect("findings");
                !findings.iter().any(|finding| finding["code"] == *code)
            })
            .map(|(code, fixture)| format!("no {code} is found in fixtures/{fixture}"))
            .collect(),
        Shown(fixture, values) => {
            let report = report(fixture);
            let shown = |place: &str| match report.pointer(place) {
                Some(Value::String(text)) => text.clone(),
                other => other.map(Value::to_string).unwrap_or_default(),
            };
            values
                .iter()
                .filter(|(place, value)| shown(place) != *value)
                .map(|(place, value)| format!("{place}: {}, not {value}", shown(place)))
                .collect()
        }
        Explained(fixture) => {
            let report = report(fixture);
            let findings = report["findings"].as_array().expect("findings");
            assert!(findings.len() > 5, "{findings:#?}");
            findings
                .iter()
                .filter(|finding| {
                    let evidence = finding["evidence"].as_array();
                    let code = finding["code"].as_str().expect("a code");
                    let text = meshdoctor(&format!("explain {code}")).run().exits(0).stdout;
                    evidence.is_none_or(Vec::is_empty) || !text.contains("What it means")
                })
                .map(|finding| format!("not explained: {}", finding["code"]))
                .collect()
        }
        NotHere(words) => titles
            .iter()
            .filter(|title| words.iter().any(|word| title.contains(&word.to_lowercase())))
            .cloned()
            .collect(),
    }
}

#[test]
fn every_known_problem_is_recognized_or_out_of_scope() {
    assert_eq!(PROBLEMS.len(), 40);
    let titles = titles();
    assert!(titles.len() > 100, "{titles:?}");
    let mut all = Vec::new();
    for (problem, answer) in PROBLEMS {
        let (Found([]) | Shown(_, []) | NotHere([])) = answer else {
            let faults = faults(answer, &titles);
            all.extend(faults.iter().map(|fault| format!("{problem}: {fault}")));
            continue;
        };
        all.push(format!("{problem}: nothing is checked"));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
