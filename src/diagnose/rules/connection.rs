//! Rules about `MeshSync` as a client of the broker: whether it is one, why not, and who else bears its name.

use k8s_openapi::jiff::SignedDuration;

use super::{
    Outcome, Patient, Rule, States,
    environment::{self, Target},
    network, release, supply,
};
use crate::{
    diagnose::{Draft, last_words},
    facts::{ClosedConnection, Handshake, destination::Place, stack},
    report::{Command, Effect},
    stack::component::Component::Meshsync,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "meshsync-connected",
        category: Meshsync,
        title: "MeshSync is connected to the broker",
        codes: &["meshsync-not-connected"],
        facts: &["pods", "broker"],
        after: &["installed"],
        judge: connected,
    },
    Rule {
        id: "meshsync-clients",
        category: Meshsync,
        title: "every client of MeshSync's name is ours",
        codes: &["meshsync-foreign-client", "broker-shared"],
        facts: &["pods", "broker"],
        after: &["installed"],
        judge: clients,
    },
];

/// How long MeshSync tries to come back: 60 times, 2 s apart.
const RETRIES: SignedDuration = SignedDuration::from_mins(2);

/// How long it looks for the broker after it has started, before it ends itself.
const START_UP: SignedDuration = SignedDuration::from_mins(5);

/// Why MeshSync is not connected.
struct Why {
    /// The reason, as a sentence.
    says: String,
    /// What to do.
    remedy: String,
    /// Commands for that, before the restart that every reason wants.
    commands: Vec<Command>,
}

impl Why {
    fn new(says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            remedy: remedy.into(),
            commands: Vec::new(),
        }
    }
}

fn connected(patient: &Patient<'_>, states: &States) -> Outcome {
    let runs = patient.meshsync_runs();
    if runs == Some(false) {
        return Outcome::Skip("no pod of MeshSync runs".into());
    }
    if let Some((server, client)) = patient.clients.meshsync.first() {
        let name = patient
            .pod_of(server)
            .or(server.address.as_deref())
            .unwrap_or("a broker server");
        let since = client
            .start
            .map(|start| format!(" since {start:.0}"))
            .unwrap_or_default();
        return Outcome::PassWith(format!("to {name}{since}"));
    }
    let why = if runs.is_none() {
        patient.facts.pods.why_unsettled()
    } else {
        patient.unseen_clients()
    };
    if let Some(why) = why {
        return Outcome::Unknown(why);
    }
    let name = patient.meshsync_name();
    let why = why_not(patient, states);
    let always = "MeshSync's own pod may well be Ready all the same: after two minutes without the broker it gives up for \
                  good, and only a restart helps then.";
    let mut draft = Draft::new("meshsync-not-connected")
        .message(match &why {
            Some(why) => format!("{} {always}", why.says),
            None => format!("Nothing of the cluster reaches the broker. {always}"),
        })
        .object(patient.object("Deployment", name))
        .evidences(who_runs(patient))
        .evidences(who_is_listed(patient));
    let container = patient.facts.profile.meshsync.container;
    let words = patient
        .meshsync_pods
        .iter()
        .map(|pod| {
            last_words::of(
                patient.facts,
                Meshsync,
                stack::name(&pod.metadata),
                container,
            )
        })
        .find(|words| !words.evidence.is_empty());
    let signature = words.as_ref().and_then(|words| words.signature);
    if let Some(words) = words {
        draft = draft.evidences(words.evidence);
    }
    let (remedy, commands) = match (why, signature) {
        (Some(why), _) => (why.remedy, why.commands),
        (None, Some(signature)) => (
            format!("{}: {}", signature.says, signature.remedy),
            Vec::new(),
        ),
        (None, None) => ("see in its log why, then restart it".into(), Vec::new()),
    };
    draft = draft.remedy(remedy);
    for command in commands {
        draft = draft.command(command);
    }
    Outcome::Found(vec![
        draft
            .command(patient.kubectl(Effect::Read, &format!("logs deployment/{name} --tail=30")))
            .command(patient.restart_meshsync())
            .done(),
    ])
}

fn who_runs(patient: &Patient<'_>) -> impl Iterator<Item = String> {
    let container = patient.facts.profile.meshsync.container;
    patient.meshsync_pods.iter().filter_map(move |pod| {
        let since = stack::running_since(pod, container)?;
        Some(format!(
            "pod {}: container {container} runs since {since:.0}",
            stack::name(&pod.metadata)
        ))
    })
}

fn who_is_listed(patient: &Patient<'_>) -> Vec<String> {
    let listed: Vec<String> = patient
        .target_servers()
        .map(|server| {
            let count = server.connections.items().len() as u64 + server.more;
            let name = patient
                .pod_of(server)
                .or(server.address.as_deref())
                .unwrap_or("a broker server");
            match count {
                0 => format!("{name} lists no client at all"),
                1 => format!("{name} lists one client, and it is not MeshSync of this cluster"),
                n => format!("{name} lists {n} clients, none of them MeshSync of this cluster"),
            }
        })
        .collect();
    if listed.is_empty() {
        return vec!["no broker server runs that it could be connected to".into()];
    }
    listed
}

/// The first reason that applies, in the order in which each hides those behind it.
fn why_not(patient: &Patient<'_>, states: &States) -> Option<Why> {
    broker_down(patient)
        .or_else(|| wrong_address(patient))
        .or_else(|| barred(patient))
        .or_else(|| wrong_token(patient))
        .or_else(|| encrypted(patient))
        .or_else(|| unreadable(patient, states))
        .or_else(|| gave_up(patient))
}

fn broker_down(patient: &Patient<'_>) -> Option<Why> {
    let remedy = "bring the broker up first, then restart MeshSync";
    if let Some(to) = patient.elsewhere() {
        let nobody =
            matches!(to.place, Place::Service(_)) && patient.target_servers().next().is_none();
        return nobody.then(|| {
            Why::new(
                format!(
                    "No pod runs behind {}, where it is told to publish.",
                    to.shown()
                ),
                remedy,
            )
        });
    }
    if patient.running_broker_pods().next().is_none() && patient.target_servers().next().is_none() {
        return Some(Why::new("The broker is down: no pod of it runs.", remedy));
    }
    let service = supply::leads_nowhere(patient)?;
    Some(Why::new(
        format!("The broker's Service {service} leads to no ready pod."),
        "have the Service lead to the broker first, then restart MeshSync",
    ))
}

fn wrong_address(patient: &Patient<'_>) -> Option<Why> {
    let (_, _, address) = environment::started_with(patient)?;
    let says = match environment::target(patient, address) {
        Target::Former(_) => format!("It runs with {address}, a former address of the broker."),
        Target::Wrong(_) => format!("It is told to publish to {address}, which is no broker's."),
        Target::Right | Target::Unknown(_) => return None,
    };
    Some(Why::new(
        says,
        "put the address right, as told with that finding; a restart then reads it anew",
    ))
}

fn barred(patient: &Patient<'_>) -> Option<Why> {
    let what = network::barred(patient)?;
    let mut why = Why::new(
        format!("A NetworkPolicy keeps it from {what}."),
        "let it through, as told with that finding, then restart it",
    );
    why.commands
        .push(patient.kubectl(Effect::Read, "get networkpolicies -o yaml"));
    Some(why)
}

fn wrong_token(patient: &Patient<'_>) -> Option<Why> {
    let remedy = "restart MeshSync, so that it reads the token anew; and before it the broker, if that has another one";
    if let Some((pod, since, address)) = environment::started_with(patient)
        && let Some((secret, created)) = environment::newer_secret(patient, pod, since, address)
    {
        return Some(Why::new(
            format!(
                "Its token is older than Secret {secret}, which was made at {created:.0}, after it had started."
            ),
            remedy,
        ));
    }
    let refused = patient
        .target_servers()
        .any(|server| matches!(server.handshake, Handshake::Refused { .. }));
    if refused {
        return Some(Why::new(
            "The broker refuses the token of its Secret.",
            remedy,
        ));
    }
    let turned_away =
        last_closed(patient).filter(|closed| closed.reason.contains("Authentication"))?;
    Some(Why::new(
        format!(
            "The broker turned it away for its token{}.",
            at(turned_away)
        ),
        remedy,
    ))
}

fn encrypted(patient: &Patient<'_>) -> Option<Why> {
    let demands = patient.target_servers().any(|server| {
        let greets = server.greeting.as_ref().is_some_and(|g| g.tls_required);
        greets || server.varz.tls_required
    });
    demands.then(|| {
        Why::new(
            "The broker demands TLS, and MeshSync is given an address for a plain connection.",
            "have the broker take plain connections, as told with that finding, then restart MeshSync",
        )
    })
}

fn unreadable(patient: &Patient<'_>, states: &States) -> Option<Why> {
    let address = release::unreadable_address(patient, states)?;
    Some(Why::new(
        format!(
            "Its version cannot read an address with a scheme ({address}), which 1.0.1 and later can."
        ),
        "have the operator run the version that it was built for, as told with that finding",
    ))
}

/// Whether it was connected, or could have been, and has not come back.
fn gave_up(patient: &Patient<'_>) -> Option<Why> {
    let remedy = "restart MeshSync, which then sends everything anew";
    if let Some(closed) = last_closed(patient) {
        let reason = if closed.reason.is_empty() {
            String::new()
        } else {
            format!(" ({})", closed.reason)
        };
        return Some(Why::new(
            format!(
                "It was connected until its connection ended{}{reason}, and has not come back.",
                at(closed)
            ),
            remedy,
        ));
    }
    let (_, since) = patient.running_meshsync()?;
    let start = patient
        .target_servers()
        .filter_map(|server| server.varz.start)
        .min()?;
    // By then it had been connected, or had ended itself; and a client that still tries comes back within seconds.
    let late = start > since + START_UP && patient.facts.taken_at > start + RETRIES;
    late.then(|| {
        Why::new(
            format!(
                "The broker started anew at {start:.0}, and MeshSync, which runs since {since:.0}, has not come back: it gave up."
            ),
            remedy,
        )
    })
}

/// The connection of MeshSync's name that ended last, of those that its present container can have had. A pod's address
/// settles whose it was; behind a gateway the name is enough.
fn last_closed<'a>(patient: &Patient<'a>) -> Option<&'a ClosedConnection> {
    let (pod, since) = patient.running_meshsync()?;
    let address = stack::pod_ip(pod);
    patient
        .target_servers()
        .flat_map(|server| server.closed.items())
        .filter(|closed| closed.start.is_some_and(|start| start >= since))
        .max_by_key(|closed| (Some(closed.ip.as_str()) == address, closed.stop))
}

fn at(closed: &ClosedConnection) -> String {
    closed
        .stop
        .map(|stop| format!(" at {stop:.0}"))
        .unwrap_or_default()
}

/// How many clients of others are listed as evidence.
const LISTED: usize = 10;

fn clients(patient: &Patient<'_>, _: &States) -> Outcome {
    if patient.facts.broker.servers.is_empty() {
        return match patient.unseen_clients() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("no broker server runs".into()),
        };
    }
    let foreign = &patient.clients.foreign;
    if foreign.is_empty() {
        return Outcome::Pass;
    }
    let mut draft = match shared(patient) {
        Some(how) => Draft::new("broker-shared")
            .title(match foreign.len() {
                1 => "A MeshSync of another cluster publishes to this broker".to_owned(),
                n => format!("{n} MeshSyncs of other clusters publish to this broker"),
            })
            .message("It knows the token, and the broker is open to the outside, as public pages describe for several clusters. Whoever has the token reads the objects of all of them.")
            .evidence(how),
        None => Draft::new("meshsync-foreign-client")
            .title(match foreign.len() {
                1 => "A client named meshsync is not ours".to_owned(),
                n => format!("{n} clients named meshsync are not ours"),
            })
            .message("Another cluster publishes to this broker, or a MeshSync of ours runs that we do not know. Neither counts for our state."),
    };
    for ((server, client), why) in foreign.iter().take(LISTED) {
        draft = draft.evidence(format!(
            "{}: client {} from {}{}: {why}",
            patient.pod_of(server).unwrap_or("a broker server"),
            client.name,
            client.ip,
            client
                .start
                .map(|start| format!(" since {start:.0}"))
                .unwrap_or_default(),
        ));
    }
    if foreign.len() > LISTED {
        draft = draft.evidence(format!("and {} more", foreign.len() - LISTED));
    }
    Outcome::Found(vec![
        draft
            .remedy("if several clusters are to share this broker, all is well; else find out who connects from there")
            .done(),
    ])
}

/// How the broker comes to be shared by intent: ours is on it from its own pod's address, it is open to the outside,
/// and asks everybody for a token.
fn shared(patient: &Patient<'_>) -> Option<String> {
    let ours = patient.clients.meshsync.iter().any(|(_, client)| {
        patient
            .meshsync_pods
            .iter()
            .any(|pod| stack::pod_ip(pod) == Some(client.ip.as_str()))
    });
    // Who has an address of a pod here is of this cluster, and so not meant.
    let inside = patient.clients.foreign.iter().any(|((_, client), _)| {
        patient
            .facts
            .pods
            .items()
            .iter()
            .any(|pod| stack::pod_ip(pod) == Some(client.ip.as_str()))
    });
    let closed = patient
        .facts
        .broker
        .servers
        .iter()
        .all(|server| server.varz.auth_required);
    if !ours || inside || !closed {
        return None;
    }
    stack::broker_services(patient.facts)
        .into_iter()
        .find_map(|service| {
            let kind = service.spec.as_ref()?.type_.as_deref()?;
            (kind != "ClusterIP").then(|| {
                format!(
                    "Service {} is of type {kind}",
                    stack::name(&service.metadata)
                )
            })
        })
}
