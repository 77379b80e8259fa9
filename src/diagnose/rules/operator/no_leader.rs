use k8s_openapi::jiff::SignedDuration;

use crate::{
    diagnose::{
        rules::{
            operator::{
                manager::{arguments, manager},
                missing,
            },
            part_test::only_in_test_of,
            prelude::*,
        },
        stack_view::Line,
    },
    facts::Subject,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-no-leader",
    title: "No pod of the operator holds the right to act",
    explains: &["broker-no-workload", "meshsync-no-workload", "cr-not-observed"],
    explanation: include_str!("no_leader.md"),
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static OPERATOR_RENEWS: Check = Check {
    id: "operator-renews",
    title: "the operator renewed its Lease while we looked",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], renews)
};

pub(crate) static OPERATOR_LEADS: Check = Check {
    id: "operator-leads",
    title: "a pod of the operator holds the right to act",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], leads)
};

fn renews(context: &RuleContext<'_>) -> Judgement {
    only_in_test_of(context, Subject::Operator)?;
    let operator = context.facts.test.as_ref().and_then(|t| t.operator.as_ref());
    let Some(operator) = operator else {
        return Outcome::unknown("the Lease was not watched");
    };
    match &operator.renewal.micros {
        Seen::Known(micros) => Outcome::pass_with(format!("after {}", crate::stack::base::words::short_span(*micros))),
        // Others tell that there is no Lease, and whether there should be one.
        Seen::Absent => Outcome::skip("there is no Lease"),
        Seen::Unreachable(why) if context.operator_is_up() == Some(true) => DIAGNOSIS
            .finding()
            .title("The operator does not renew its Lease")
            .message(
                "Its pod is ready, and nothing is done: an operator that does not lead acts on no custom resource.",
            )
            .object(context.object("Lease", context.facts.profile.operator.lease))
            .evidence(why.message.clone())
            .evidence(operator.renewal.detail.clone())
            .remedy("restart the operator; its log says why it cannot keep the Lease")
            .command(context.restart(Component::Operator))
            .found(),
        Seen::Unreachable(_) => Outcome::skip("no operator runs that could renew it"),
        Seen::NotLooked if context.operator_is_up() == Some(true) => Outcome::unknown(operator.renewal.detail.clone()),
        Seen::NotLooked => Outcome::skip(operator.renewal.detail.clone()),
        denied @ Seen::Denied(_) => Outcome::unknown(denied.why_unsettled().unwrap_or_default()),
    }
}

/// How long after its end a Lease counts as forsaken though its holder is there: clocks differ.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// The same where the time was read off objects that were not all seen at once.
const PATIENCE_WITH_ESTIMATES: SignedDuration = SignedDuration::from_mins(30);

fn leads(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let deployment = context.operator.known_or_unknown()?;
    if context.line != Some(Line::Current) {
        return Outcome::skip("the old line uses another name for each process, so all of them act");
    }
    let elects = manager(context, deployment).is_some_and(|manager| {
        arguments(manager)
            .any(|argument| argument == "--enable-leader-election" || argument == "--enable-leader-election=true")
    });
    if !elects {
        return Outcome::skip("it chooses no leader");
    }
    if rollout::ready(deployment) == 0 {
        return Outcome::skip("no pod of it is ready");
    }
    let lease = facts.lease.known_or_skip(format!(
        "there is no Lease {} in namespace {}; it lies in the one that --namespace names",
        facts.profile.operator.lease, facts.target.namespace
    ))?;
    let Some((spec, renewed)) = lease.spec.as_ref().and_then(|spec| Some((spec, spec.renew_time.as_ref()?.0))) else {
        return Outcome::skip("the Lease does not say when it was renewed");
    };
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let holders_pod = holder.split('_').next().unwrap_or_default();
    let gone = facts.pods.is_settled()
        && !stack::operator_pods(facts).into_iter().any(|pod| stack::name(&pod.metadata) == holders_pod);
    let lasts = SignedDuration::from_secs(i64::from(spec.lease_duration_seconds.unwrap_or(15)));
    // Whoever is there takes a Lease over soon after its end.
    let patience = if facts.taken_at_estimated { PATIENCE_WITH_ESTIMATES } else { PATIENCE };
    let now = context.clock();
    let overdue = now.duration_since(renewed) - lasts;
    if overdue <= patience {
        return if holder.is_empty() { Outcome::pass() } else { Outcome::pass_with(format!("{holders_pod} leads")) };
    }
    let name = facts.profile.operator.lease;
    let forsaken = gone && !holder.is_empty();
    DIAGNOSIS
        .finding()
        .message("It is deployed and ready, and waits: no custom resource is looked after until a pod holds the Lease.")
        .object(context.object("Lease", name))
        .evidence(format!(
            "spec.renewTime: {renewed}, {} min before {}; it lasts {} s",
            now.duration_since(renewed).as_mins(),
            now,
            lasts.as_secs()
        ))
        .evidence(if holder.is_empty() {
            "spec.holderIdentity: nobody".to_owned()
        } else {
            format!("spec.holderIdentity: {holder}")
        })
        .evidences(forsaken.then(|| format!("there is no pod {holders_pod} of the operator")))
        .remedy("restart the operator; if nothing changes, see whether it may write Leases, and remove this one, which is made anew")
            .command(context.restart(Component::Operator))
            .command(context.kubectl_cluster().inspect(format!("auth can-i update leases.coordination.k8s.io -n {0} --as=system:serviceaccount:{0}:{1}", facts.target.namespace, facts.profile.operator.service_account)))
            .command(context.kubectl().change(format!("delete lease {name}")))
            .found()
}
