use crate::{
    diagnose::rules::{prelude::*, references::point_to},
    facts::Meshsync,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-broker-ref-invalid",
    title: "The MeshSync CR does not name exactly one existing broker",
    explains: &[
        "cr-failed",
        "meshsync-no-workload",
        "meshsync-wrong-target",
        "meshsync-not-connected",
        "meshsync-crash-loop",
        "meshsync-not-ready",
    ],
    explanation: include_str!("broker_ref_invalid.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-named",
    title: "each MeshSync CR names one existing broker",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.meshsync_object()?;
    let mut open = None;
    let mut findings = Vec::new();
    for meshsync in context.meshsyncs.items() {
        if meshsync.metadata.deletion_timestamp.is_some() {
            continue;
        }
        match broken_reference(context, meshsync) {
            Reference::Good => {}
            Reference::Open(why) => open = Some(why),
            Reference::Bad { title, evidence } => findings.push(
                DIAGNOSIS
                    .finding()
                    .title(title)
                    .message(if context.facts.profile.has_current_line() {
                        "MeshSync gets no address or a wrong one. Without an address, it uses nats://localhost:4222, \
                         where nothing listens."
                    } else {
                        "The operator creates no MeshSync for a Broker that does not exist. If no Broker is named, a \
                         new MeshSync gets the last address that the operator used, or none. A MeshSync that exists \
                         keeps its address."
                    })
                    .object(context.object("MeshSync", stack::name(&meshsync.metadata)))
                    .evidences(evidence)
                    .remedy(
                        "name exactly one broker: a Broker CR by name and namespace, or any other broker by \
                         custom.url",
                    )
                    .command(
                        context.kubectl_cluster().inspect(format!("get brokers.{} -A", context.facts.profile.group)),
                    )
                    .command(point_to(context, meshsync, broker_to_name(context)))
                    .done(),
            ),
        }
    }
    Outcome::of_or_unknown(findings, open)
}

/// The Broker CR that is most likely meant: the only one, otherwise the default one.
fn broker_to_name<'a>(context: &'a RuleContext<'_>) -> &'a str {
    match context.brokers.items() {
        [only] => stack::name(&only.metadata),
        _ => context.facts.profile.broker.resource,
    }
}

enum Reference {
    Good,
    Open(String),
    Bad { title: String, evidence: Vec<String> },
}

fn broken_reference(context: &RuleContext<'_>, meshsync: &Meshsync) -> Reference {
    let name = stack::name(&meshsync.metadata);
    let broker = meshsync.spec.broker.as_ref();
    let native = broker
        .and_then(|broker| broker.native.as_ref())
        .filter(|native| !native.name.is_empty() || !native.namespace.is_empty());
    // The operator writes back an empty object if there was none.
    let custom = broker
        .and_then(|broker| broker.custom.as_ref())
        .and_then(|custom| custom.url.as_deref())
        .filter(|url| !url.is_empty());
    let here = &context.facts.target.namespace;
    match (native, custom) {
        (None, Some(_)) => Reference::Good,
        (None, None) => Reference::Bad {
            title: format!("MeshSync {name} names no broker"),
            evidence: vec!["spec.broker: neither native nor custom.url is set".into()],
        },
        (Some(native), Some(url)) => Reference::Bad {
            title: format!("MeshSync {name} names two brokers"),
            evidence: vec![
                format!("spec.broker.native: {}/{}", native.namespace, native.name),
                format!("spec.broker.custom.url: {url}"),
            ],
        },
        (Some(native), None) if native.namespace.is_empty() || native.namespace == *here => match &context.brokers {
            Seen::Known(brokers) => {
                let there: Vec<&str> = brokers.iter().map(|broker| stack::name(&broker.metadata)).collect();
                if there.contains(&native.name.as_str()) {
                    return Reference::Good;
                }
                Reference::Bad {
                    title: format!("MeshSync {name} names a Broker that does not exist"),
                    evidence: vec![
                        format!("spec.broker.native: name \"{}\", namespace \"{}\"", native.name, native.namespace),
                        if there.is_empty() {
                            format!("there is no Broker in namespace {here}")
                        } else {
                            format!("Brokers in namespace {here}: {}", there.join(", "))
                        },
                    ],
                }
            }
            Seen::Absent => Reference::Open("the Broker CRD does not exist".into()),
            other => Reference::Open(other.why_unsettled().unwrap_or_default()),
        },
        (Some(native), None) => {
            Reference::Open(format!("it names a Broker in namespace {}, which was not checked", native.namespace))
        }
    }
}
