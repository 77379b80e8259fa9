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
    title: "The operator has no leader",
    explains: &["broker-no-workload", "meshsync-no-workload", "cr-not-observed"],
    explanation: include_str!("no_leader.md"),
    cure: Cure::Person(because::LOG),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static OPERATOR_RENEWS: Check = Check {
    id: "operator-renews",
    title: "the operator renews its Lease",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], renews)
};

pub(crate) static OPERATOR_LEADS: Check = Check {
    id: "operator-leads",
    title: "the operator has an elected leader",
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
        // Other checks report a missing Lease.
        Seen::Absent => Outcome::skip("there is no Lease"),
        Seen::Unreachable(why) if context.operator_is_up() == Some(true) => DIAGNOSIS
            .finding()
            .title("The operator does not renew its Lease")
            .message("Its pod is ready, but an operator that is not the leader reconciles nothing.")
            .object(context.object("Lease", context.facts.profile.operator.lease))
            .evidence(why.message.clone())
            .evidence(operator.renewal.detail.clone())
            .remedy("restart the operator; if that does not help, check its log")
            .command(context.restart(Component::Operator))
            .found(),
        Seen::Unreachable(_) => Outcome::skip("no running operator to renew it"),
        Seen::NotLooked if context.operator_is_up() == Some(true) => Outcome::unknown(operator.renewal.detail.clone()),
        Seen::NotLooked => Outcome::skip(operator.renewal.detail.clone()),
        denied @ Seen::Denied(_) => Outcome::unknown(denied.why_unsettled().unwrap_or_default()),
    }
}

/// How long after its expiry a Lease counts as abandoned; clocks differ.
const GRACE_PERIOD: SignedDuration = SignedDuration::from_mins(2);

/// The same if the time was estimated from objects that were not all read at once.
const GRACE_PERIOD_WITH_ESTIMATES: SignedDuration = SignedDuration::from_mins(30);

fn leads(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let deployment = context.operator.known_or_unknown()?;
    if context.line != Some(Line::Current) {
        return Outcome::skip("leader election has no effect in the old operator line, so every pod is active");
    }
    let elects = manager(context, deployment).is_some_and(|manager| {
        arguments(manager)
            .any(|argument| argument == "--enable-leader-election" || argument == "--enable-leader-election=true")
    });
    if !elects {
        return Outcome::skip("leader election is disabled");
    }
    if rollout::ready(deployment) == 0 {
        return Outcome::skip("none of its pods is ready");
    }
    let lease = facts.lease.known_or_skip(format!(
        "there is no Lease {} in namespace {}; with --namespace, the operator may keep it elsewhere",
        facts.profile.operator.lease, facts.target.namespace
    ))?;
    let Some((spec, renewed)) = lease.spec.as_ref().and_then(|spec| Some((spec, spec.renew_time.as_ref()?.0))) else {
        return Outcome::skip("the Lease has no renew time");
    };
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let holders_pod = holder.split('_').next().unwrap_or_default();
    let gone = facts.pods.is_settled()
        && !stack::operator_pods(facts).into_iter().any(|pod| stack::name(&pod.metadata) == holders_pod);
    let lasts = SignedDuration::from_secs(i64::from(spec.lease_duration_seconds.unwrap_or(15)));
    // A running pod takes over a Lease soon after it expires.
    let grace_period = if facts.taken_at_estimated { GRACE_PERIOD_WITH_ESTIMATES } else { GRACE_PERIOD };
    let now = context.clock();
    let overdue = now.duration_since(renewed) - lasts;
    if overdue <= grace_period {
        return if holder.is_empty() {
            Outcome::pass()
        } else {
            Outcome::pass_with(format!("{holders_pod} is the leader"))
        };
    }
    let name = facts.profile.operator.lease;
    let forsaken = gone && !holder.is_empty();
    DIAGNOSIS
        .finding()
        .message("It is deployed and ready but waits: no custom resource is reconciled until a pod acquires the Lease.")
        .object(context.object("Lease", name))
        .evidence(format!(
            "spec.renewTime: {renewed}, {} min before {}; duration {} s",
            now.duration_since(renewed).as_mins(),
            now,
            lasts.as_secs()
        ))
        .evidence(if holder.is_empty() {
            "spec.holderIdentity: empty".to_owned()
        } else {
            format!("spec.holderIdentity: {holder}")
        })
        .evidences(forsaken.then(|| format!("the operator has no pod {holders_pod}")))
        .remedy(
            "restart the operator; if that does not help, check that it can update Leases, then delete this one to \
             recreate it",
        )
        .command(context.restart(Component::Operator))
        .command(context.kubectl_cluster().inspect(format!(
            "auth can-i update leases.coordination.k8s.io -n {0} --as=system:serviceaccount:{0}:{1}",
            facts.target.namespace, facts.profile.operator.service_account
        )))
        .command(context.kubectl().delete(format!("lease {name}")).last_resort())
        .found()
}
