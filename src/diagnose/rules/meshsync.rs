//! Rules about `MeshSync`.

use super::{Outcome, Patient, Rule, States, leftovers, workload};
use crate::{
    diagnose::{Draft, last_words},
    report::{Component::Meshsync, Effect},
    rights,
    seen::{Right, Seen},
    stack,
    watch_list::{self, WatchList},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "meshsync-has-workload",
        category: Meshsync,
        title: "MeshSync has its Deployment",
        codes: &["meshsync-no-workload", "meshsync-standalone"],
        facts: &["deployments"],
        after: &["installed"],
        judge: has_workload,
    },
    Rule {
        id: "meshsync-workload",
        category: Meshsync,
        title: "MeshSync's pods are well",
        codes: &[
            "meshsync-crash-loop",
            "meshsync-image-pull",
            "meshsync-unschedulable",
            "meshsync-pods-refused",
            "meshsync-scaled-to-zero",
            "meshsync-not-ready",
        ],
        facts: &["deployments", "pods"],
        after: &["installed"],
        judge: |patient, _| workload::judge(patient, Meshsync),
    },
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
        codes: &["meshsync-foreign-client"],
        facts: &["pods", "broker"],
        after: &["installed"],
        judge: clients,
    },
    Rule {
        id: "meshsync-may-list",
        category: Meshsync,
        title: "MeshSync may list and watch what it is to watch",
        codes: &["meshsync-cannot-list"],
        facts: &["meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: may_list,
    },
];

fn has_workload(patient: &Patient<'_>, _: &States) -> Outcome {
    let resource = patient.meshsyncs.items().first();
    match (&patient.meshsync, resource) {
        (Seen::Known(deployment), Some(_)) => {
            Outcome::PassWith(format!("Deployment {}", stack::name(&deployment.metadata)))
        }
        (Seen::Known(deployment), None) => {
            if let Some(why) = patient.meshsyncs.why_unsettled() {
                return Outcome::Unknown(why);
            }
            // Somebody's own Deployment has no MeshSync object for an owner.
            if deployment.metadata.owner_references.is_some() {
                return Outcome::Skip("there is no MeshSync object".into());
            }
            let name = stack::name(&deployment.metadata);
            Outcome::Found(vec![
                Draft::new("meshsync-standalone")
                    .message("A Deployment of somebody's own runs MeshSync. It is judged by what it does, not by what an operator would have made.")
                    .object(patient.object("Deployment", name))
                    .evidence(format!("Deployment {name} belongs to no MeshSync object"))
                    .remedy("nothing, if that is what you want")
                    .done(),
            ])
        }
        (Seen::Absent, Some(meshsync)) => {
            let name = stack::name(&meshsync.metadata);
            Outcome::Found(vec![
                Draft::new("meshsync-no-workload")
                    .title(format!("MeshSync {name} has no Deployment"))
                    .message("The operator has not made it, or somebody removed it: nothing watches the cluster.")
                    .object(patient.object("MeshSync", name))
                    .evidence(format!("there is no Deployment {name}"))
                    .remedy("the operator makes it: its log says what stops it")
                    .command(patient.kubectl(
                        Effect::Read,
                        &format!("logs deployment/{} --tail=50", patient.facts.profile.operator.deployment),
                    ))
                    .done(),
            ])
        }
        (Seen::Absent, None) => match patient.meshsyncs.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no MeshSync object".into()),
        },
        (other, _) => Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    }
}

fn connected(patient: &Patient<'_>, _: &States) -> Outcome {
    let runs = patient.meshsync_runs();
    if runs == Some(false) {
        return Outcome::Skip("no pod of MeshSync runs".into());
    }
    if let Some((server, client)) = patient.clients.meshsync.first() {
        let name = patient.pod_of(server).unwrap_or("a broker server");
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
    if patient.is_standalone() && patient.broker_pods.is_empty() {
        return Outcome::Skip("it publishes to a broker that is not here".into());
    }
    let profile = patient.facts.profile;
    let name = patient
        .meshsync
        .known()
        .map_or(profile.meshsync.resource, |deployment| {
            stack::name(&deployment.metadata)
        });
    let mut draft = Draft::new("meshsync-not-connected")
        .message(
            "Its pod runs, and may well be Ready, but nothing of the cluster reaches the broker. After two minutes without \
             the broker MeshSync gives up for good and stays Ready: only a restart helps then.",
        )
        .object(patient.object("Deployment", name));
    for pod in &patient.meshsync_pods {
        if let Some(since) = stack::running_since(pod, profile.meshsync.container) {
            draft = draft.evidence(format!(
                "pod {}: container {} runs since {since:.0}",
                stack::name(&pod.metadata),
                profile.meshsync.container
            ));
        }
    }
    for server in &patient.facts.broker.servers {
        let count = server.connections.items().len();
        let name = patient.pod_of(server).unwrap_or("a broker server");
        draft = draft.evidence(match count {
            0 => format!("{name} lists no client at all"),
            1 => format!("{name} lists one client, and it is not MeshSync of this cluster"),
            n => format!("{name} lists {n} clients, none of them MeshSync of this cluster"),
        });
    }
    if patient.facts.broker.servers.is_empty() {
        draft = draft.evidence("no broker server runs that it could be connected to");
    }
    let container = profile.meshsync.container;
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
    let remedy = match &words {
        Some(words) => {
            draft = draft.evidences(words.evidence.iter().cloned());
            match words.signature {
                Some(signature) => format!("{}: {}", signature.says, signature.remedy),
                None => "see in its log why, then restart it".into(),
            }
        }
        None => "see in its log why, then restart it".into(),
    };
    Outcome::Found(vec![
        draft
            .remedy(remedy)
            .command(patient.kubectl(Effect::Read, &format!("logs deployment/{name} --tail=30")))
            .command(patient.kubectl(Effect::Write, &format!("rollout restart deployment/{name}")))
            .done(),
    ])
}

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
    let mut draft = Draft::new("meshsync-foreign-client")
        .title(match foreign.len() {
            1 => "A client named meshsync is not ours".to_owned(),
            n => format!("{n} clients named meshsync are not ours"),
        })
        .message("Another cluster publishes to this broker, or a MeshSync of ours runs that we do not know. Neither counts for our state.");
    for ((server, client), why) in foreign {
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
    Outcome::Found(vec![
        draft
            .remedy("if several clusters are to share this broker, all is well; else find out who connects from there")
            .done(),
    ])
}

fn may_list(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some(meshsync) = patient.meshsyncs.items().first() else {
        return match patient.meshsyncs.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no MeshSync object".into()),
        };
    };
    let facts = patient.facts;
    let account = stack::meshsync_service_account(facts);
    let resources = WatchList::of(meshsync, facts.profile).effective(facts.profile);
    let mut denied = Vec::new();
    let mut allowed = 0_usize;
    for entry in &resources {
        let Some((resource, group)) = watch_list::resource_and_group(entry) else {
            continue;
        };
        let mut may = true;
        for verb in ["list", "watch"] {
            match rights::may(facts, &account, &Right::to(verb, group, resource)) {
                Seen::Known(answer) => may &= answer,
                other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
            }
        }
        if may {
            allowed += 1;
        } else {
            denied.push(resource);
        }
    }
    if resources.is_empty() {
        return Outcome::Skip("it watches no kind with this list".into());
    }
    if denied.is_empty() {
        return Outcome::PassWith(format!("all {allowed} kinds"));
    }
    let namespace = &facts.target.namespace;
    let cluster_id = rights::may(
        facts,
        &account,
        &Right::to("get", "", "namespaces").named("kube-system"),
    );
    let mut draft = Draft::new("meshsync-cannot-list")
        .title(format!("MeshSync may list {allowed} of the {} kinds it watches", allowed + denied.len()))
        .message(format!(
            "It runs as serviceaccount {namespace}/{account}, which may not list {}. It is connected and blind: {} sees almost nothing of this cluster.",
            shortened(&denied),
            facts.profile.product
        ))
        .object(patient.object("ServiceAccount", &account))
        .evidence(format!("may not list and watch: {}", denied.join(", ")));
    if cluster_id == Seen::Known(false) {
        draft = draft.evidence("it may not get the namespace kube-system either, so what it publishes has no cluster id");
    }
    Outcome::Found(vec![
        draft
            .remedy("bind it to a role that only reads; MeshSync picks it up within a minute, without a restart")
            .command(leftovers::reader_role(patient))
            .command(leftovers::reader_binding(patient, &account))
            .done(),
    ])
}

/// The first few words of a list, and how many more there are.
fn shortened(words: &[&str]) -> String {
    const SHOWN: usize = 3;
    if words.len() <= SHOWN + 1 {
        return words.join(", ");
    }
    format!(
        "{} and {} more",
        words[..SHOWN].join(", "),
        words.len() - SHOWN
    )
}
