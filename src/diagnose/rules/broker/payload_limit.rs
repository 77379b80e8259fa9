use crate::diagnose::rules::{
    broker::servers::{Unsaid, each_server, finding},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-payload-limit",
    title: "The broker accepts only small messages",
    explanation: include_str!("payload_limit.md"),
    cure: Cure::Person(because::RELEASE),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-takes-large",
    title: "the broker accepts messages of the usual size",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// NATS's default message size limit.
const USUAL_PAYLOAD: u64 = 1024 * 1024;

fn judge(context: &RuleContext<'_>) -> Judgement {
    each_server(context, |server, name| {
        let limit = server.varz.max_payload;
        let most = limit.ok_or_else(|| Unsaid(": message size limit is unknown".into()))?;
        Ok((most < USUAL_PAYLOAD).then(|| {
            finding(&DIAGNOSIS, context, server)
                .title(format!("{name} accepts no message larger than {most} bytes"))
                .message(
                    "NATS accepts 1 MiB by default. Objects whose event is larger are never published; MeshSync only \
                     logs an error.",
                )
                .evidence(format!("/varz of {name}: max_payload {most}"))
                .remedy(
                    "check MeshSync's log for rejected objects, then raise max_payload, or remove the kind from the \
                     watch-list",
                )
                .command(
                    context
                        .kubectl()
                        .inspect(format!("logs {} --tail=-1 | grep -i payload", context.workload(Component::Meshsync))),
                )
                .done()
        }))
    })
}
