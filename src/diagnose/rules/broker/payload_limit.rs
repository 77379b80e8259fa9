use crate::diagnose::rules::{
    broker::servers::{Unsaid, each_server, finding},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-payload-limit",
    title: "The broker takes only small messages",
    explanation: include_str!("payload_limit.md"),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-takes-large",
    title: "the broker takes messages of the usual size",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// NATS's own limit of a message.
const USUAL_PAYLOAD: u64 = 1024 * 1024;

fn judge(context: &RuleContext<'_>) -> Judgement {
    each_server(context, |server, name| {
        let limit = server.varz.max_payload;
        let most = limit.ok_or_else(|| Unsaid(": its limit of a message is not known".into()))?;
        Ok((most < USUAL_PAYLOAD).then(|| {
            finding(&DIAGNOSIS, context, server)
                .title(format!("{name} takes no message above {most} bytes"))
                .message(
                    "NATS takes 1 MiB unless told otherwise. An object whose event is larger is never published: MeshSync \
                     logs an error for it and goes on.",
                )
                .evidence(format!("/varz of {name}: max_payload {most}"))
                .remedy(
                    "see in MeshSync's log whether objects are lost; then raise the server's max_payload, or leave the kind \
                     out of the watch-list",
                )
                .command(context.kubectl().inspect(format!(
                    "logs {} --tail=-1 | grep -i payload",
                    context.workload(Component::Meshsync)
                )))
                .done()
        }))
    })
}
