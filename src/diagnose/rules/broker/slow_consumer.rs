use crate::diagnose::rules::{
    broker::servers::{Unsaid, each_server, finding},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-slow-consumer",
    title: "A client of the broker reads too slowly",
    explains: &["database-stale"],
    explanation: include_str!("slow_consumer.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-keeps-up",
    title: "every client reads as fast as the broker sends",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    each_server(context, |server, name| {
        if let Some(failure) = &server.monitor {
            return Err(Unsaid(format!(": {}", failure.message)));
        }
        let count = server.varz.slow_consumers;
        if count == 0 {
            return Ok(None);
        }
        let since = server.varz.start.map(|start| format!(" since its start at {start:.0}")).unwrap_or_default();
        let times = if count == 1 { "once" } else { "repeatedly" };
        let behind =
            server.connections.items().iter().filter(|connection| connection.pending_bytes > 0).map(|connection| {
                let client = if connection.name.is_empty() { "a client without a name" } else { &connection.name };
                format!(
                    "{client} at {} has {} bytes waiting (/connz pending_bytes)",
                    connection.ip, connection.pending_bytes
                )
            });
        Ok(Some(
            finding(&DIAGNOSIS, context, server)
                .title(format!("{name} disconnected a slow client {times}"))
                .message(
                    "The messages for this client during that time are lost and not resent. If it was {product} Server, \
                     its view of the cluster has gaps.",
                )
                .evidence(format!("/varz of {name}: slow_consumers {count}{since}"))
                .evidences(behind.take(3))
                .remedy(
                    "give {product} Server more resources, or watch fewer kinds, then restart MeshSync; the broker's \
                     log names the client",
                )
                .command(context.kubectl().inspect(format!(
                    "logs {} -c {} --tail=-1 | grep 'Slow Consumer'",
                    context.pod_of(server).map_or_else(|| context.facts.profile.broker_pods(), str::to_owned),
                    context.facts.profile.broker.container
                )))
                .command(context.restart(Component::Meshsync))
                .done(),
        ))
    })
}
