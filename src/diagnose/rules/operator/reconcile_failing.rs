use crate::{
    diagnose::rules::{
        broker::addresses::{set_service_type, unusable_balancer},
        operator::missing,
        prelude::*,
        workload,
    },
    facts::LogLine,
    stack::component::Component::Operator,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-reconcile-failing",
    title: "The operator cannot reconcile the custom resources",
    explains: &["broker-no-workload", "meshsync-no-workload", "cr-failed"],
    explanation: include_str!("reconcile_failing.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-reconciles",
    title: "the operator can reconcile the custom resources",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let container = context.facts.profile.operator.container;
    if context.operator_is_up() != Some(true) {
        return Outcome::skip("the operator is not running");
    }
    // Its log is read only if the custom resources show a problem.
    let pods = context.pods_of(Operator);
    let words = log_excerpt::of_pods(context.facts, Operator, &pods, container);
    if let Some((service, address)) = unusable_balancer(context) {
        let lines = words.map(|words| words.evidence).unwrap_or_default();
        return stopped_by_balancer(context, service, &address, lines);
    }
    let Some(words) = words else {
        return Outcome::pass();
    };
    let name = context.facts.profile.operator.deployment;
    if let Some(component) = unready_workload(context, container) {
        if !workload::is_incomplete(context, component) {
            return Outcome::pass_with(format!(
                "it reported that {} was not ready, which has passed",
                component.title(context.facts.profile)
            ));
        }
        return DIAGNOSIS
            .finding()
            // What it reports about a workload follows from that workload's fault.
            .component(component)
            .title(format!("The operator reports that {} is not ready", component.title(context.facts.profile)))
            .message("It reconciles again when the workload changes, so nothing is to be done about the operator.")
            .object(context.object("Deployment", name))
            .evidences(words.evidence)
            .remedy(format!(
                "get {} ready; the other findings show what it is waiting for",
                component.title(context.facts.profile)
            ))
            .command(context.kubectl().inspect(format!("logs deployment/{name} -c {container} --tail=50")))
            .found();
    }

    DIAGNOSIS
        .finding()
        .message(match words.signature {
            Some(signature) => format!("The operator is running but fails repeatedly: {}.", signature.says),
            None => "The operator is running but fails repeatedly; check its log for the cause.".to_owned(),
        })
        .object(context.object("Deployment", name))
        .evidences(words.evidence)
        .remedy(
            words.signature.map_or("correct what the log lines name; the operator retries automatically", |s| s.remedy),
        )
        .command(context.kubectl().inspect(format!("logs deployment/{name} -c {container} --tail=50")))
        .found()
}

/// The operator of the old line cannot use the address of a load balancer. Nothing fails at once, because it creates
/// and updates nothing that exists.
fn stopped_by_balancer(context: &RuleContext<'_>, service: &str, address: &str, lines: Vec<String>) -> Judgement {
    let name = context.facts.profile.operator.deployment;
    let lacks_nothing = context.meshsync.known().is_some() && !context.statefulsets.items().is_empty();
    DIAGNOSIS
        .finding()
        .severity(if lacks_nothing { Severity::Warning } else { DIAGNOSIS.severity })
        .title("The operator cannot reconcile with the address of the load balancer")
        .message(
            "It tests this address before it uses it, and because of a defect, the test always fails. Each reconcile \
             ends there: the Broker status keeps its address, and a missing MeshSync is not created.",
        )
        .object(context.object("Deployment", name))
        .evidence(format!("status.loadBalancer of Service {service} has the address {address}"))
        .evidences(lines)
        .explains(["broker-endpoint-stale".to_owned()])
        .remedy("change the type of the Service to NodePort; the operator retries automatically")
        .command(set_service_type(context, service, "NodePort"))
        .command(context.logs(Operator, 50))
        .found()
}

/// The workload that the operator only waits for: every error in its log says that this one is not ready.
fn unready_workload(context: &RuleContext<'_>, container: &str) -> Option<Component> {
    let pods = context.pods_of(Operator);
    let is_its = |pod: &str| pods.iter().any(|it| stack::name(&it.metadata) == pod);
    let logs = context.facts.logs.iter().filter(|log| log.container == container && !log.previous && is_its(&log.pod));
    let lines = logs.flat_map(|log| log.lines.items()).filter(|line| !is_harmless(line));
    let mut component = None;
    for line in lines {
        component = Some(says_unready(line)?);
    }
    component
}

/// The component of which a line says that it is not ready.
fn says_unready(line: &LogLine) -> Option<Component> {
    let which =
        || if line.message.to_lowercase().contains("meshsync") { Component::Meshsync } else { Component::Broker };
    match line.code.as_deref() {
        Some("1014" | "1015") => Some(Component::Broker),
        Some("1019" | "1020") => Some(Component::Meshsync),
        Some("1010") => Some(which()),
        // A reconcile that failed for want of readiness quotes that error.
        Some("1003" | "1006" | "1007") | None if line.message.contains("not ready") => Some(which()),
        _ => None,
    }
}

/// Whether the operator's library retries this at once, with success: another program changed the object in between.
fn is_harmless(line: &LogLine) -> bool {
    line.message.contains("the object has been modified")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_errors_are_told_from_the_operators_own_errors() {
        let line = |code: &str, message: &str| LogLine {
            message: message.into(),
            code: Some(code.to_owned()).filter(|code| !code.is_empty()),
            count: 1,
            last: None,
        };
        for (code, message, expected) in [
            ("1014", "Broker replicas are not ready", Some(Component::Broker)),
            ("1019", "Meshsync replicas are not ready", Some(Component::Meshsync)),
            ("1010", "Error checking health of meshsync", Some(Component::Meshsync)),
            ("1006", "Error reconciling broker: replicas not ready", Some(Component::Broker)),
            ("1005", "Error creating broker: statefulsets.apps is forbidden", None),
            ("1006", "Error reconciling broker: forbidden", None),
            ("", "conversion webhook failed", None),
        ] {
            assert_eq!(says_unready(&line(code, message)), expected, "{code} {message}");
        }
        assert!(is_harmless(&line("1012", "Operation cannot be fulfilled: the object has been modified")));
    }
}
