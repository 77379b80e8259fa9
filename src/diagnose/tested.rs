//! Reports of a test: its steps with their times, and the findings that concern its subject.

mod hops;
mod server;

use super::{
    Expectation, RuleContext, causes, judged,
    rules::{
        self,
        broker::client_port::{ClientPort, client_port},
    },
    states::{self, States},
    verdict,
};
use crate::facts::watch_list::in_force;
use crate::{
    facts::{EventCounts, Facts, FlowTest, Handshake, Step, Subject, Test, permissions, stack},
    report::{Finding, Report, Severity, Source, Status, Summary, TestReport, Verdict, WatchedResource},
    stack::{
        base::seen::Seen,
        component::Component,
        watch_list::{self, WatchList},
    },
};

/// The report of a test: only findings that concern its subject, and their causes.
pub(super) fn report(facts: &Facts, source: Source) -> Report {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    let subject = facts.test.as_ref().map_or(Subject::Dataflow, |t| t.subject);
    let checks: Vec<_> = rules::of(facts).collect();
    let determined = is_determined(&context, context.states(), subject);
    let mut report = judged(&context, &checks, &[], determined, source);
    report.kind = "Test";
    report.permissions.missing = states::missing_permissions(&context);
    keep(&mut report, &components(subject, follows_server(facts)));
    let test = test(&context, subject);
    // A failed step is never healthy. Without a finding that explains it, the result is unknown.
    let failed = test.hops.iter().any(|hop| hop.status == Status::Fail);
    if failed && report.verdict == Some(Verdict::Healthy) {
        report.determined = false;
        report.verdict = Some(Verdict::Unknown);
    }
    report.test = Some(test);
    report
}

/// The test in a check's report.
pub(super) fn part(context: &RuleContext<'_>) -> Option<TestReport> {
    let subject = context.facts.test.as_ref()?.subject;
    Some(test(context, subject))
}

/// Whether a dataflow test has a result.
pub(super) fn flow_is_determined(context: &RuleContext<'_>) -> bool {
    let test = context.facts.test.as_ref();
    let Some(flow) = test.and_then(|test| test.flow.as_ref()) else {
        return false;
    };
    // A request without an answer leaves the result unknown.
    let stored = flow.store.known().is_some() || flow.store == Seen::NotLooked;
    if flow.passive.is_some() {
        return stored && !flow.events.is_empty();
    }
    let mut changes = flow.changes.iter();
    let whole = changes.all(|change| !change.expected || change.received.is_some());
    if flow.through_server && !server::is_followed(flow) {
        return false;
    }
    let complete = flow.lost == 0 && rules::meshsync::flow_event_missing::unsubscribed_server(context, flow).is_none();
    stored && flow.held_back.is_none() && !flow.changes.is_empty() && (whole || complete)
}

fn is_determined(context: &RuleContext<'_>, states: &States, subject: Subject) -> bool {
    let of = |judgement: &states::Judgement| judgement.undetermined.is_none();
    if context.facts.obstacle.is_some() {
        return false;
    }
    match subject {
        Subject::Kubernetes => is_api_tested(context),
        Subject::Operator => of(&states.operator),
        Subject::Broker => of(&states.broker) && client_ports_are_known(context),
        Subject::Meshsync => of(&states.meshsync),
        Subject::Network => is_network_tested(context),
        Subject::Server => server::is_determined(context.facts),
        Subject::Dataflow => flow_is_determined(context),
    }
}

/// Whether the client port of every server was reached if it was tested.
fn client_ports_are_known(context: &RuleContext<'_>) -> bool {
    let mut servers = context.facts.broker.servers.iter();
    servers.all(|server| match &server.handshake {
        Handshake::Failed(_) => !matches!(client_port(context, server), ClientPort::Unknown(_)),
        _ => true,
    })
}

/// Whether the pod of the network test had a result.
fn is_network_tested(context: &RuleContext<'_>) -> bool {
    let test = context.facts.test.as_ref().and_then(|test| test.network.as_ref());
    test.is_some_and(|test| test.not_run.is_none() && !test.endpoints.is_empty())
}

/// Whether every step to the API server that was tested completed.
fn is_api_tested(context: &RuleContext<'_>) -> bool {
    let test = context.facts.test.as_ref();
    let Some(api) = test.and_then(|test| test.api.as_ref()) else {
        return false;
    };
    let steps = [&api.resolve, &api.connect, &api.tls, &api.authenticate];
    let ended = |step: &&Step| matches!(step.micros, Seen::Known(_) | Seen::NotLooked);
    steps.iter().all(ended) && !(api.requests.is_empty() && api.failed > 0)
}

/// The components that a test of this subject is about.
fn components(subject: Subject, through_server: bool) -> Vec<Component> {
    use Component::{Adapter, Broker, Cluster, Meshsync, Operator, Server};
    match subject {
        Subject::Kubernetes => vec![Cluster],
        Subject::Operator => vec![Cluster, Operator],
        Subject::Broker | Subject::Network => vec![Cluster, Broker],
        Subject::Meshsync => vec![Cluster, Meshsync],
        Subject::Server => vec![Cluster, Server, Adapter],
        Subject::Dataflow if through_server => vec![Cluster, Broker, Meshsync, Server],
        Subject::Dataflow => vec![Cluster, Broker, Meshsync],
    }
}

/// Whether the test follows its object through Meshery Server.
fn follows_server(facts: &Facts) -> bool {
    let flow = facts.test.as_ref().and_then(|test| test.flow.as_ref());
    flow.is_some_and(|flow| flow.through_server)
}

/// The components of which the stack consists.
const NEED_STACK: [Component; 3] = [Component::Operator, Component::Broker, Component::Meshsync];

/// Keeps the findings of these components, and their causes in any component.
fn keep(report: &mut Report, components: &[Component]) {
    let all = report.findings.take().unwrap_or_default();
    let mut wanted: Vec<&Finding> = all
        .iter()
        .filter(|finding| {
            components.contains(&finding.component)
                // What a test left behind concerns every test.
                || finding.code == rules::meshsync::flow_probe_leftover::DIAGNOSIS.code
                // A missing or misplaced stack explains every failed test.
                || (finding.component == Component::Installation
                    && finding.severity == Severity::Error
                    && components.iter().any(|component| NEED_STACK.contains(component)))
        })
        .collect();
    let mut next = 0;
    while let Some(finding) = wanted.get(next) {
        for cause in &finding.caused_by {
            let cause = all.iter().find(|other| other.id == *cause);
            if let Some(cause) = cause.filter(|c| !wanted.iter().any(|w| w.id == c.id)) {
                wanted.push(cause);
            }
        }
        next += 1;
    }
    let ids: Vec<String> = wanted.iter().map(|finding| finding.id.clone()).collect();
    let mut kept: Vec<Finding> = all.into_iter().filter(|f| ids.contains(&f.id)).collect();
    report.root_causes = Some(causes::rank(&mut kept));
    report.summary = Some(Summary::of(&kept));
    report.verdict = Some(verdict::judge(&kept, report.determined, report.not_needed));
    if let Some(checks) = &mut report.checks {
        let left = rules::meshsync::flow_probe_leftover::CHECK.id;
        checks.retain(|check| {
            components.contains(&check.category) || check.id == left || check.findings.iter().any(|id| ids.contains(id))
        });
    }
    report.findings = Some(kept);
}

fn test(context: &RuleContext<'_>, subject: Subject) -> TestReport {
    static NOTHING: Test = Test {
        subject: Subject::Dataflow,
        api: None,
        operator: None,
        servers: Vec::new(),
        meshsync: None,
        network: None,
        server: None,
        flow: None,
    };
    let test = context.facts.test.as_ref().unwrap_or(&NOTHING);
    TestReport {
        subject: subject.word(),
        hops: if subject == Subject::Server && context.facts.obstacle.is_none() {
            server::of(context, test.server.as_deref())
        } else {
            hops::of(context, test, subject)
        },
        resources: test.flow.as_ref().map(|flow| resources(context, flow)).unwrap_or_default(),
    }
}

/// The results for each resource: those on the watch-list, and any others that were received.
fn resources(context: &RuleContext<'_>, flow: &FlowTest) -> Vec<WatchedResource> {
    let facts = context.facts;
    let list = in_force(facts).unwrap_or(WatchList::Empty);
    let mut resources = list.effective(facts.profile);
    for resource in flow.events.keys() {
        if !resources.contains(resource) {
            resources.push(resource.clone());
        }
    }
    let account = stack::meshsync_service_account(facts);
    let stored = flow.store.known();
    resources
        .into_iter()
        .map(|resource| {
            let counts = flow.events.get(&resource);
            let EventCounts { added, modified, deleted, last } = counts.copied().unwrap_or_default();
            WatchedResource {
                readable: readable(context, &account, &resource),
                added,
                modified,
                deleted,
                last_seen_ms: counts.map(|_| last / 1000),
                stored: stored.map(|stored| stored.get(&resource).copied().unwrap_or(0)),
                served: flow.served.get(&resource).and_then(|served| served.known().copied()),
                resource,
            }
        })
        .collect()
}

/// Whether `MeshSync` can list and watch a resource; `None` if that is unknown.
fn readable(context: &RuleContext<'_>, account: &str, resource: &str) -> Option<bool> {
    let (plural, group) = watch_list::resource_and_group(resource)?;
    permissions::may_watch(context.facts, account, group, plural).known().copied()
}
