use crate::diagnose::rules::{
    broker::servers::{finding, own_pod},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-near-limit",
    title: "The broker is close to a limit",
    explanation: include_str!("near_limit.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-has-room", title: "the broker is well below its limits", ..Check::of(&[&DIAGNOSIS], judge) };

/// A limit counts as near from this many tenths on.
const NEAR: u64 = 9;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let mut open = None;
    let mut findings = Vec::new();
    for server in asked_servers(context)? {
        let name = server_name(context, server);
        let varz = &server.varz;
        let mut evidence = Vec::new();
        let mut full = false;
        let used = clients(server);
        match varz.max_connections {
            Some(most) if is_near(used, most) => {
                full = used >= most;
                evidence.push(format!("/varz of {name}: connections {}, max_connections {most}", varz.connections));
            }
            Some(_) => {}
            None => {
                open.get_or_insert(format!("{name}: connection limit is unknown"));
            }
        }
        let memory = own_pod(context, server).and_then(|pod| {
            let mut containers = pod.spec.as_ref()?.containers.iter();
            let name = context.facts.profile.broker.container;
            stack::memory_limit(containers.find(|container| container.name == name)?)
        });
        if let (Some(used), Some((most, limit))) = (varz.mem, memory)
            && is_near(used, most)
        {
            evidence.push(format!("/varz of {name}: mem {used} bytes; the container's limits.memory is {limit}"));
        }
        if evidence.is_empty() {
            continue;
        }
        let (severity, title) = if full {
            (Severity::Error, format!("{name} has reached its connection limit"))
        } else {
            (Severity::Warning, format!("{name} is close to a limit"))
        };
        findings.push(
            finding(&DIAGNOSIS, context, server)
                .severity(severity)
                .title(title)
                .message(
                    "At the connection limit, new clients are refused. At the memory limit, the process is killed and \
                     all connections are lost.",
                )
                .evidences(evidence)
                .remedy(
                    "find the client with the most connections and stop it; restarting the broker closes all \
                     connections",
                )
                .command(context.meshdoctor(Effect::Read, "status -o json"))
                .command(context.restart(Component::Broker))
                .done(),
        );
    }
    Outcome::of_or_unknown(findings, open)
}

/// A server's connections without our own, which is missing from its list but may be included in its count.
pub(crate) fn clients(server: &BrokerServer) -> u64 {
    let listed = server.connections.items().len() as u64 + server.more;
    let counted = server.varz.connections;
    let ours = server.greeting.is_some() && counted > listed;
    counted - u64::from(ours)
}

fn is_near(used: u64, most: u64) -> bool {
    // A limit of 0 means no limit.
    most > 0 && u128::from(used) * 10 >= u128::from(most) * u128::from(NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_near_from_nine_tenths() {
        assert!(!is_near(8, 10));
        assert!(is_near(9, 10));
        assert!(is_near(11, 10));
        assert!(!is_near(5, 0));
    }
}
