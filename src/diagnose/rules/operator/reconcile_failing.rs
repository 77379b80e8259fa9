use crate::{
    diagnose::rules::{operator::missing, prelude::*},
    stack::component::Component::Operator,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-reconcile-failing",
    title: "The operator cannot do what the custom resources ask",
    explains: &["broker-no-workload", "meshsync-no-workload", "cr-failed"],
    explanation: include_str!("reconcile_failing.md"),
    ..Diagnosis::fault(Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-reconciles",
    title: "the operator can do what the custom resources ask",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let container = context.facts.profile.operator.container;
    if context.operator_is_up() != Some(true) {
        return Outcome::skip("the operator is not up");
    }
    // Its log is read only when the custom resources show that something is amiss.
    let pods = context.pods_of(Operator);
    let Some(words) = last_words::of_pods(context.facts, Operator, &pods, container) else {
        return Outcome::pass();
    };
    let name = context.facts.profile.operator.deployment;

    DIAGNOSIS
        .finding()
        .message(match words.signature {
            Some(signature) => format!("The operator runs and fails again and again: {}.", signature.says),
            None => "The operator runs and fails again and again; its log says at what.".to_owned(),
        })
        .object(context.object("Deployment", name))
        .evidences(words.evidence)
        .remedy(words.signature.map_or("mend what the lines name; the operator tries again by itself", |s| s.remedy))
        .command(context.kubectl().inspect(format!("logs deployment/{name} -c {container} --tail=50")))
        .found()
}
