//! Rules about what the custom resources are called and whom they name.

use std::collections::BTreeSet;

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::Draft,
    facts::{Meshsync, stack},
    report::{Effect, Finding},
    stack::{
        base::seen::Seen, component::Component::Operator, profile::Profile, watch_list::WatchList,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "resources-named",
        category: Operator,
        title: "the MeshSync object is the one that MeshSync reads",
        codes: &["cr-unexpected-name"],
        facts: &["meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: named,
    },
    Rule {
        id: "one-broker",
        category: Operator,
        title: "no two Brokers share the namespace",
        codes: &["several-brokers"],
        facts: &["brokers.v1alpha1"],
        after: &["installed"],
        judge: one_broker,
    },
    Rule {
        id: "broker-named",
        category: Operator,
        title: "each MeshSync names one broker, and it exists",
        codes: &["meshsync-broker-ref-invalid"],
        facts: &["brokers.v1alpha1", "meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: broker_named,
    },
];

/// Why there is no `MeshSync` object to judge.
fn none(patient: &Patient<'_>) -> Outcome {
    match patient.meshsyncs.why_unsettled() {
        Some(why) => Outcome::Unknown(why),
        None => Outcome::Skip("there is no MeshSync object".into()),
    }
}

fn named(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    if patient.meshsyncs.items().is_empty() {
        return none(patient);
    }
    let here = &patient.facts.target.namespace;
    let findings: Vec<Finding> = patient
        .meshsyncs
        .items()
        .iter()
        .filter(|meshsync| {
            let other_name = stack::name(&meshsync.metadata) != profile.meshsync.resource;
            // Elsewhere a list is not read either, which changes nothing where it says what is done without it.
            other_name || (here != profile.namespace && !is_stock(meshsync, profile))
        })
        .map(|meshsync| unexpected(patient, meshsync))
        .collect();
    if findings.is_empty() && here != profile.namespace {
        return Outcome::PassWith(format!(
            "MeshSync reads its watch-list in namespace {} only; the one here says what it does without",
            profile.namespace
        ));
    }
    Outcome::of(findings)
}

/// Whether a list asks for no more and no less than what is watched without one.
fn is_stock(meshsync: &Meshsync, profile: &Profile) -> bool {
    let stock: BTreeSet<&str> = profile
        .meshsync
        .default_watch_list
        .iter()
        .copied()
        .collect();
    match meshsync.watch_list(profile) {
        WatchList::Empty => true,
        WatchList::Whitelist(entries) => {
            entries.iter().all(|entry| entry.events.len() == 3)
                && entries
                    .iter()
                    .map(|entry| entry.resource.as_str())
                    .collect::<BTreeSet<_>>()
                    == stock
        }
        WatchList::Blacklist(_) | WatchList::Invalid { .. } => false,
    }
}

fn unexpected(patient: &Patient<'_>, meshsync: &Meshsync) -> Finding {
    let profile = patient.facts.profile;
    let name = stack::name(&meshsync.metadata);
    let here = &patient.facts.target.namespace;
    let wanted = profile.meshsync.resource;
    let resource = format!("meshsyncs.{}", profile.group);
    Draft::new("cr-unexpected-name")
        .title(format!(
            "MeshSync does not read the watch-list of {here}/{name}"
        ))
        .message(format!(
            "The program looks for one object only: {wanted} in namespace {}. It does not find its list and falls back to \
             what is built in. {} itself looks for that name as well.",
            profile.namespace, profile.product
        ))
        .object(patient.object("MeshSync", name))
        .evidence(format!("metadata.name: {name}"))
        .evidence(format!("metadata.namespace: {here}"))
        .remedy(format!(
            "make the object anew as {wanted} in namespace {}, with the same watch-list and broker, then delete this one; \
             both at once would publish everything twice",
            profile.namespace
        ))
        .command(patient.kubectl(
            Effect::Read,
            &format!("get {resource} {name} -o yaml > meshsync.yaml"),
        ))
        .command(patient.kubectl(Effect::Destructive, &format!("delete {resource} {name}")))
        .done()
}

fn one_broker(patient: &Patient<'_>, _: &States) -> Outcome {
    let brokers = match &patient.brokers {
        Seen::Known(brokers) => brokers,
        Seen::Absent => return Outcome::Skip("there is no Broker object".into()),
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let profile = patient.facts.profile;
    let mut names: Vec<&str> = brokers
        .iter()
        .filter(|broker| broker.metadata.deletion_timestamp.is_none())
        .map(|broker| stack::name(&broker.metadata))
        .collect();
    match names.len() {
        0 => return Outcome::Skip("there is no Broker object that stays".into()),
        1 => return Outcome::Pass,
        _ => names.sort_unstable(),
    }
    let usual = profile.broker.resource;
    let keep = names
        .iter()
        .find(|name| **name == usual)
        .or_else(|| names.first())
        .copied()
        .unwrap_or(usual);
    let workload = profile.broker.current.unwrap_or(profile.broker.old);
    let mut draft = Draft::new("several-brokers")
        .title(format!(
            "{} Brokers share namespace {}: {}",
            names.len(),
            patient.facts.target.namespace,
            names.join(", ")
        ))
        .message(if profile.broker.current.is_some() {
            format!(
                "The operator calls the workloads of each of them {workload}, so each one's turn overwrites what the other \
                 made, and deleting either takes the shared broker away."
            )
        } else {
            "The operator gives their ConfigMaps the same names, so each one's turn overwrites what the other made.".into()
        })
        .object(patient.object("Broker", names.iter().find(|name| **name != keep).copied().unwrap_or(keep)));
    for broker in brokers {
        draft = draft.evidence(format!(
            "Broker {} of {}: size {}, version {}",
            stack::name(&broker.metadata),
            broker
                .metadata
                .creation_timestamp
                .as_ref()
                .map_or_else(|| "an unknown time".to_owned(), |time| time.0.to_string()),
            broker.spec.size.unwrap_or(1),
            broker
                .spec
                .version
                .as_deref()
                .unwrap_or("the operator's own")
        ));
    }
    draft = draft.remedy(format!(
        "keep {keep}, see that MeshSync names it, delete the other, and let the operator make the shared workloads again; a \
         second broker belongs into a namespace of its own"
    ));
    for meshsync in patient.meshsyncs.items() {
        let native = meshsync
            .spec
            .broker
            .as_ref()
            .and_then(|broker| broker.native.as_ref());
        if native.is_some_and(|native| native.name != keep) {
            draft = draft.command(point_to(patient, meshsync, keep));
        }
    }
    for name in names.iter().filter(|name| **name != keep) {
        draft = draft.command(patient.kubectl(
            Effect::Destructive,
            &format!("delete brokers.{} {name}", profile.group),
        ));
    }
    Outcome::Found(vec![
        draft
            .command(patient.kubectl(
                Effect::Write,
                &format!("rollout restart deployment/{}", profile.operator.deployment),
            ))
            .command(patient.kubectl(
                Effect::Write,
                &format!("rollout restart deployment/{}", profile.meshsync.resource),
            ))
            .done(),
    ])
}

/// The command that has a `MeshSync` publish to a Broker of this namespace.
fn point_to(patient: &Patient<'_>, meshsync: &Meshsync, broker: &str) -> crate::report::Command {
    let profile = patient.facts.profile;
    patient.kubectl(
        Effect::Write,
        &format!(
            r#"patch meshsyncs.{} {} --type merge -p '{{"spec":{{"broker":{{"custom":null,"native":{{"name":"{broker}","namespace":"{}"}}}}}}}}'"#,
            profile.group,
            stack::name(&meshsync.metadata),
            patient.facts.target.namespace
        ),
    )
}

fn broker_named(patient: &Patient<'_>, _: &States) -> Outcome {
    if patient.meshsyncs.items().is_empty() {
        return none(patient);
    }
    let mut open = None;
    let mut findings = Vec::new();
    for meshsync in patient.meshsyncs.items() {
        if meshsync.metadata.deletion_timestamp.is_some() {
            continue;
        }
        match broken_reference(patient, meshsync) {
            Reference::Good => {}
            Reference::Open(why) => open = Some(why),
            Reference::Bad { title, evidence } => findings.push(
                Draft::new("meshsync-broker-ref-invalid")
                    .title(title)
                    .message(
                        "MeshSync gets no address, or one that its owner did not mean. Without any it stays with \
                         nats://localhost:4222, where nobody listens.",
                    )
                    .object(patient.object("MeshSync", stack::name(&meshsync.metadata)))
                    .evidences(evidence)
                    .remedy("name the one broker that is meant: a Broker of this cluster by name and namespace, or any other by custom.url")
                    .command(patient.kubectl_cluster(
                        Effect::Read,
                        &format!("get brokers.{} -A", patient.facts.profile.group),
                    ))
                    .command(point_to(patient, meshsync, broker_to_name(patient)))
                    .done(),
            ),
        }
    }
    match open {
        Some(why) if findings.is_empty() => Outcome::Unknown(why),
        _ => Outcome::of(findings),
    }
}

/// The Broker that is most likely meant: the only one, else the usual one.
fn broker_to_name<'a>(patient: &'a Patient<'_>) -> &'a str {
    match patient.brokers.items() {
        [only] => stack::name(&only.metadata),
        _ => patient.facts.profile.broker.resource,
    }
}

enum Reference {
    Good,
    Open(String),
    Bad {
        title: String,
        evidence: Vec<String>,
    },
}

fn broken_reference(patient: &Patient<'_>, meshsync: &Meshsync) -> Reference {
    let name = stack::name(&meshsync.metadata);
    let broker = meshsync.spec.broker.as_ref();
    let native = broker
        .and_then(|broker| broker.native.as_ref())
        .filter(|native| !native.name.is_empty() || !native.namespace.is_empty());
    // The operator writes back an empty object where there was none.
    let custom = broker
        .and_then(|broker| broker.custom.as_ref())
        .and_then(|custom| custom.url.as_deref())
        .filter(|url| !url.is_empty());
    let here = &patient.facts.target.namespace;
    match (native, custom) {
        (None, Some(_)) => Reference::Good,
        (None, None) => Reference::Bad {
            title: format!("MeshSync {name} names no broker"),
            evidence: vec!["spec.broker: neither native nor custom.url is given".into()],
        },
        (Some(native), Some(url)) => Reference::Bad {
            title: format!("MeshSync {name} names two brokers"),
            evidence: vec![
                format!("spec.broker.native: {}/{}", native.namespace, native.name),
                format!("spec.broker.custom.url: {url}"),
            ],
        },
        (Some(native), None) if native.namespace.is_empty() || native.namespace == *here => {
            match &patient.brokers {
                Seen::Known(brokers) => {
                    let there: Vec<&str> = brokers
                        .iter()
                        .map(|broker| stack::name(&broker.metadata))
                        .collect();
                    if there.contains(&native.name.as_str()) {
                        return Reference::Good;
                    }
                    Reference::Bad {
                        title: format!("MeshSync {name} names a Broker that does not exist"),
                        evidence: vec![
                            format!(
                                "spec.broker.native: name \"{}\", namespace \"{}\"",
                                native.name, native.namespace
                            ),
                            if there.is_empty() {
                                format!("there is no Broker in namespace {here}")
                            } else {
                                format!("the Brokers in namespace {here}: {}", there.join(", "))
                            },
                        ],
                    }
                }
                Seen::Absent => Reference::Open("there is no definition of Brokers".into()),
                other => Reference::Open(other.why_unsettled().unwrap_or_default()),
            }
        }
        (Some(native), None) => Reference::Open(format!(
            "it names a Broker in namespace {}, where nobody looked",
            native.namespace
        )),
    }
}
