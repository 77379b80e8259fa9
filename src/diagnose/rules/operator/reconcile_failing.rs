use crate::{
    diagnose::rules::{operator::missing, prelude::*},
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
    let Some(words) = log_excerpt::of_pods(context.facts, Operator, &pods, container) else {
        return Outcome::pass();
    };
    let name = context.facts.profile.operator.deployment;

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
