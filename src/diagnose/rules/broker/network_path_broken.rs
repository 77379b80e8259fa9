use crate::{
    diagnose::rules::{part_test::only_in_test_of, prelude::*},
    facts::{
        Subject,
        network::{EndpointProbe, NetworkTest, Outcome as Step, Part, ProbeStep},
    },
    stack::base::words,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "network-path-broken",
    title: "A pod like MeshSync's cannot reach the broker",
    explains: &["meshsync-not-connected", "meshsync-crash-loop", "meshsync-not-ready"],
    explanation: include_str!("network_path_broken.md"),
    cure: Cure::Person(because::OUTSIDE),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "network-path-open",
    title: "a pod like MeshSync's reaches the broker",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The results of the network test.
pub(crate) fn tested<'a>(context: &RuleContext<'a>) -> Result<&'a NetworkTest, Undecided> {
    only_in_test_of(context, Subject::Network)?;
    let test = context.facts.test.as_ref().and_then(|test| test.network.as_ref());
    test.ok_or_else(|| Undecided::Unknown("the network was not tested".into()))
}

/// Whether the network test reached a port of the broker.
pub(crate) fn reached(context: &RuleContext<'_>, port: u16) -> Option<bool> {
    tested(context).ok()?.reached(port)
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let test = tested(context)?;
    if let Some(why) = &test.not_run {
        return Outcome::unknown(why.sentence());
    }
    let broken: Vec<&EndpointProbe> =
        test.endpoints.iter().filter(|endpoint| endpoint.failed().next().is_some()).collect();
    let Some((first, (part, step))) = broken.first().and_then(|first| Some((*first, first.failed().next()?))) else {
        return Outcome::pass();
    };
    let address = first.address.shown();
    let title = match part {
        Part::Resolve => format!("Pods cannot resolve {}", first.address.host),
        Part::Monitor => format!("Pods cannot reach the broker's monitor port {}", first.address.monitor_port),
        Part::Tls => format!("TLS with the broker at {address} fails"),
        Part::Connect | Part::Greeting => format!("Pods cannot reach the broker at {address}"),
    };
    // The first address is the one that MeshSync uses.
    let used = test.endpoints.first().is_some_and(|endpoint| endpoint.failed().next().is_some());
    let (message, remedy) = meaning(part, step.outcome);
    let unaffected = if used { "" } else { " MeshSync uses another address, which works." };
    let node = test.node.as_ref().map_or(String::new(), |node| format!(" on node {node}"));
    DIAGNOSIS
        .finding()
        .severity(if used { Severity::Error } else { Severity::Warning })
        .title(title)
        .message(format!("{message}{unaffected}"))
        .evidence(format!("pod {}{node}, with MeshSync's ServiceAccount and labels", test.pod))
        .evidences(broken.iter().flat_map(|endpoint| endpoint.failed().map(|failed| evidence(endpoint, failed))))
        .remedy(remedy)
        .command(match part {
            Part::Resolve => context.kubectl_in("kube-system").inspect("get pods,endpointslices -l k8s-app=kube-dns"),
            _ => context.kubectl().inspect("get networkpolicies,endpointslices"),
        })
        .found()
}

fn evidence(endpoint: &EndpointProbe, (part, step): (Part, &ProbeStep)) -> String {
    let port = if part == Part::Monitor { endpoint.address.monitor_port } else { endpoint.address.port };
    let what = match part {
        Part::Resolve => "DNS".to_owned(),
        Part::Connect | Part::Monitor => format!("port {port}"),
        Part::Greeting => format!("NATS on port {port}"),
        Part::Tls => format!("TLS on port {port}"),
    };
    // The detail of a timeout says how long it was.
    let after = match step.outcome {
        Step::TimedOut => String::new(),
        _ => format!(" (after {})", words::short_span(step.micros)),
    };
    format!("{}: {what}: {}{after}", endpoint.address.host, step.detail)
}

/// What a failed step means, and what to do.
fn meaning(part: Part, outcome: Step) -> (&'static str, &'static str) {
    match (part, outcome) {
        (Part::Resolve, _) => (
            "The cluster's DNS does not resolve the name for pods like MeshSync's: the name does not exist, DNS is down, \
             or a NetworkPolicy blocks port 53.",
            "check the name, the DNS pods, and egress to port 53",
        ),
        (Part::Connect | Part::Monitor, Step::Refused) => (
            "The connection is refused at once: nothing listens on the port, the Service has no ready endpoint, or the \
             network rejects the traffic.",
            "check that the broker is ready and its Service has endpoints, then the NetworkPolicies",
        ),
        (Part::Connect | Part::Monitor, Step::TimedOut) => (
            "Packets get no answer. That is how most networks enforce a NetworkPolicy; a wrong address or a network \
             plugin that is down looks the same.",
            "check NetworkPolicies in this namespace, policies of the network plugin, and the address",
        ),
        (Part::Tls, _) => (
            "The port accepts connections and offers TLS, but the handshake fails.",
            "check the broker's TLS configuration",
        ),
        _ => (
            "The port accepts connections, but what answers is not a working NATS server: often a service mesh or a \
             proxy between them.",
            "check what the address leads to, and the sidecars of both pods",
        ),
    }
}
