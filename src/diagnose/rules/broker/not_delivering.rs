use crate::{
    diagnose::rules::{broker::servers, part_test::only_in_test_of, prelude::*},
    facts::Subject,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-not-delivering",
    title: "The broker does not deliver published messages",
    explains: &["meshsync-silent", "meshsync-no-answer", "database-empty", "database-stale"],
    explanation: include_str!("not_delivering.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-delivers",
    title: "published messages are delivered",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    only_in_test_of(context, Subject::Broker)?;
    let servers = context.facts.test.as_ref().map_or(&[][..], |test| &test.servers);
    if servers.is_empty() {
        return Outcome::unknown("no broker server accepted the connection");
    }
    let findings = servers.iter().filter_map(|server| {
        let why = server.failure.as_ref()?;
        let name = servers::name_by_id(context, &server.server_id).unwrap_or("a broker server");
        Some(
            DIAGNOSIS
                .finding()
                .title(format!("{name} does not deliver published messages"))
                .message(
                    "It accepted meshdoctor's connection but did not deliver a test message. MeshSync's messages are \
                     affected too.",
                )
                .object(context.object("Pod", name))
                .evidence(format!("{name}: {why}"))
                .evidence(format!("{} test messages were delivered before", server.loops.len()))
                .remedy("check whether the server has enough CPU and memory, then restart it")
                .command(context.kubectl().inspect("top pods --containers"))
                .done(),
        )
    });
    Outcome::of(findings.collect())
}
