use crate::{
    diagnose::rules::{
        meshsync::flow::{tested, untried},
        prelude::*,
    },
    stack::watch_list::EVENTS,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-duplicated",
    title: "More than one MeshSync reports this cluster",
    explanation: include_str!("duplicated.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static FLOW_ONCE: Check = Check {
    id: "flow-once",
    title: "every change arrived exactly once",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], published_once)
};

pub(crate) static MESHSYNC_ONCE: Check =
    Check { id: "meshsync-once", title: "only one MeshSync reports this cluster", ..Check::of(&[&DIAGNOSIS], once) };

pub(crate) fn published_once(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    // A MeshSync that lists again repeats ADDED, but not MODIFIED or DELETED.
    let later = flow.changes.iter().filter(|c| c.event != EVENTS[0]);
    let Some(times) = later.map(|change| change.copies).max() else {
        return Outcome::skip(untried(flow).unwrap_or_else(|| "nothing was changed".into()));
    };
    if times < 2 {
        return Outcome::pass();
    }
    let names = context.clients.meshsync.len();
    DIAGNOSIS
        .finding()
        .title(format!("Every event arrives {times} times"))
        .message(
            "Several MeshSyncs publish this cluster to one broker. They do not share the work: each publishes \
             everything.",
        )
        .evidence(format!("{} was received {times} times on one server", flow.subject))
        .evidence(format!("/connz: {names} clients named meshsync"))
        .remedy("keep one: find the others by their addresses, and remove them where they are deployed")
        .command(context.kubectl_cluster().inspect("get pods -A -o wide -l component=meshsync"))
        .found()
}

fn once(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    facts.deployments.settled()?;
    let container = facts.profile.meshsync.container;
    let found: Vec<_> = facts
        .deployments
        .items()
        .iter()
        .filter(|deployment| rollout::image(deployment, container).is_some())
        .map(|deployment| (stack::name(&deployment.metadata), rollout::wanted(deployment)))
        .filter(|(_, wanted)| *wanted > 0)
        .collect();
    let wanted: i32 = found.iter().map(|(_, wanted)| wanted).sum();
    if wanted <= 1 {
        return Outcome::pass();
    }
    let sizes = || {
        let sized = context.meshsyncs.items().iter().filter_map(|it| Some((it, it.spec.size?)));
        sized.filter(|(_, size)| *size > 1)
    };
    DIAGNOSIS
        .finding()
        .title(format!("{wanted} MeshSyncs report this cluster"))
        .message(
            "They do not share the work: each publishes everything. The server receives every event several times, \
             and the load multiplies.",
        )
        .object(found.first().map(|(name, _)| context.object("Deployment", name)))
        .evidences(
            found.iter().map(|(name, wanted)| {
                format!("Deployment {name} requests {wanted} replicas with container {container}")
            }),
        )
        .evidences(
            sizes()
                .map(|(meshsync, size)| format!("MeshSync {}: spec.size is {size}", stack::name(&meshsync.metadata))),
        )
        .remedy(if found.len() > 1 {
            "keep one: remove the others where they are deployed"
        } else {
            "set the size to 1 in the CR; the operator reverts manual scaling"
        })
        .commands(sizes().map(|(meshsync, _)| {
            let object = context.custom_resource("MeshSync", stack::name(&meshsync.metadata));
            context.kubectl().patch(object, json!({ "spec": { "size": 1 } }))
        }))
        .found()
}
