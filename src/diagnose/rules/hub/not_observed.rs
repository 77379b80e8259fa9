use super::{hub_of, log_of, show, written_states};
use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    facts::hub::Approval,
    stack::hub::Role,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-not-observed",
    title: "A policy was not applied since it was changed",
    explanation: include_str!("not_observed.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-policies-observed",
    title: "networking has seen the current spec of each policy",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

/// Within this time after its creation, a policy may wait for its first pass.
const FIRST_PASS: i64 = 15;

/// The maximum number of errors of an older spec that are shown.
const MOST_ERRORS: usize = 3;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let unseen = hub.unseen_policies();
    if hub.policies().is_empty() && unseen.is_none() {
        return Outcome::skip("there are no policies");
    }
    let findings = hub.policies().iter().filter_map(|policy| not_observed(context, &hub, policy));
    Outcome::of_or_unknown(findings.collect(), unseen)
}

fn not_observed(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let created = policy.object.metadata.creation_timestamp.as_ref();
    // The time of a dump is that of its newest object.
    let now = Some(context.facts.taken_at).filter(|_| !context.facts.taken_at_estimated);
    let age = created.zip(now).map(|(time, now)| now.duration_since(time.0).as_secs());
    let is_new = !policy.status.written && age.is_some_and(|age| age < FIRST_PASS);
    // A pending policy is an error only if its status is behind.
    if !policy.is_behind() || is_new {
        return None;
    }
    let (observed, generation) = (policy.status.observed_generation.unwrap_or_default(), policy.generation());
    let applied = is_applied(hub, policy);
    let (title, meaning) = if applied {
        (
            format!("{} has no current status", policy.shown()),
            "It is applied, because a discovered service lists it. Networking could not write its status.",
        )
    } else if policy.status.written {
        (
            format!("{} was changed, and the change is not applied", policy.shown()),
            if policy.status.approval == Approval::Accepted {
                "The meshes still have the previous version of this policy."
            } else {
                "The previous version of this policy was not accepted either, or only in part."
            },
        )
    } else {
        (format!("{} was never applied", policy.shown()), "Nothing of this policy is in the meshes.")
    };
    let states = written_states(policy);
    let pending = states.is_empty().then(|| "status.state: absent, which means PENDING".to_owned());
    let states = states.iter().map(|(field, state)| format!("status.{field}: {state}, for generation {observed}"));
    // The other checks leave this policy out.
    let errors = policy.status.errors.iter().chain(policy.status.targets.iter().flat_map(|target| &target.errors));
    let errors = errors.filter(|_| policy.status.written).take(MOST_ERRORS);
    let excerpt = log_excerpt::of_component(context, Component::Networking);
    let settings = hub.of(Role::Settings).known().is_some_and(Vec::is_empty) && hub.has_settings();
    let completed = hub.of(Role::Mesh).items().iter().any(|mesh| mesh.observed_generation() > 0);
    Some(
        DIAGNOSIS
            .finding()
            .title(title)
            .message(format!("{meaning} Networking has not seen generation {generation}."))
            .object(policy.reference())
            .evidence(format!("metadata.generation: {generation}, status.observedGeneration: {observed}"))
            .evidences(pending)
            .evidences(states)
            .evidences(errors.map(|error| format!("an error for generation {observed}: {error}")))
            .evidences(
                settings.then(|| "there is no Settings object, without which networking does nothing".to_owned()),
            )
            .evidences(
                (!completed).then(|| "no discovered mesh has a status: networking has not completed a pass".to_owned()),
            )
            .evidences(excerpt)
            .remedy(if settings {
                "create the Settings object with the name and namespace in the arguments of the networking Deployment"
            } else {
                "check the log of networking; it applies every policy once it runs and may read all kinds"
            })
            .commands(log_of(context, hub, Component::Networking))
            .command(show(context, policy))
            .done(),
    )
}

/// Whether a discovered service lists a policy as applied.
fn is_applied(hub: &HubView<'_>, policy: &Policy<'_>) -> bool {
    let lists = ["appliedTrafficPolicies", "appliedAccessPolicies"];
    let targets = hub.of(Role::Target).items().iter();
    targets.flat_map(|target| lists.iter().flat_map(|list| target.applied(list))).any(|applied| {
        applied["ref"]["name"] == policy.object.name()
            && applied["ref"]["namespace"] == policy.object.namespace()
            && applied["observedGeneration"].as_i64() == Some(policy.generation())
    })
}
