//! Rules about `MeshSync`'s workload and rights.

use super::{Outcome, Patient, Rule, States, leftovers, workload};
use crate::{
    diagnose::Draft,
    facts::{permissions, stack},
    report::{Effect, Finding},
    stack::{
        base::{permission::Permission, seen::Seen},
        component::Component::Meshsync,
        watch_list::{self, WatchList},
    },
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
            Outcome::Found(vec![standalone(patient, name)])
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

/// The finding that says that a `MeshSync` runs by somebody's own intent.
fn standalone(patient: &Patient<'_>, name: &str) -> Finding {
    let mut draft = Draft::new("meshsync-standalone")
        .message("A Deployment of somebody's own runs MeshSync. It is judged by what it does, not by what an operator would have made.")
        .object(patient.object("Deployment", name))
        .evidence(format!("Deployment {name} belongs to no MeshSync object"));
    if let Some(to) = &patient.destination {
        draft = draft.evidence(patient.told(to));
    }
    draft
        .remedy("nothing, if that is what you want")
        .command(patient.kubectl(Effect::Read, &format!("get deployment/{name} -o yaml")))
        .done()
}

fn may_list(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let list = match patient.meshsyncs.items().first() {
        Some(meshsync) => meshsync.watch_list(facts.profile),
        // Without an object it goes by what is built in.
        None if patient.goes_by_deployment() => WatchList::Empty,
        None => {
            return match patient.meshsyncs.why_unsettled() {
                Some(why) => Outcome::Unknown(why),
                None => Outcome::Skip("there is no MeshSync object".into()),
            };
        }
    };
    let account = stack::meshsync_service_account(facts);
    let resources = list.effective(facts.profile);
    let mut denied = Vec::new();
    let mut allowed = 0_usize;
    for entry in &resources {
        let Some((resource, group)) = watch_list::resource_and_group(entry) else {
            continue;
        };
        match permissions::may_watch(facts, &account, group, resource) {
            Seen::Known(true) => allowed += 1,
            Seen::Known(false) => denied.push(resource),
            other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
        }
    }
    if resources.is_empty() {
        return Outcome::Skip("it watches no kind with this list".into());
    }
    if denied.is_empty() {
        return Outcome::PassWith(format!("all {allowed} kinds"));
    }
    let namespace = &facts.target.namespace;
    let cluster_id = permissions::may(
        facts,
        &account,
        &Permission::to("get", "", "namespaces").named("kube-system"),
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
            .remedy("give it a role that only reads, by the first command or by the other two; MeshSync picks it up within a minute, without a restart")
            .command(patient.meshdoctor(Effect::Write, "system redeploy meshsync"))
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
