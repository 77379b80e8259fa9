use semver::Version;

use crate::{
    diagnose::rules::{
        broker::addresses::exposed,
        meshsync::watch_list::{version, whitelist, with_restart},
        prelude::*,
    },
    facts::watch_list::in_force,
    stack::watch_list::{self, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-watches-secrets",
    title: "MeshSync publishes Secrets with their contents",
    explanation: include_str!("watch_list_watches_secrets.md"),
    cure: Cure::Person(because::CHOICE),
    exposes: true,
    ..Diagnosis::info(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-secrets",
    title: "MeshSync publishes no Secret contents",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let (meshsync, _) = whitelist(context, &list)?;
    let published = list
        .watched(context.facts.profile)
        .any(|entry| entry.resource == "secrets.v1." && !entry.published().is_empty());
    if !published {
        return Outcome::pass_with("Secrets are not watched");
    }
    let deployment = context.meshsync_deployment()?;
    let variable = rollout::containers(deployment)
        .iter()
        .flat_map(|container| container.env.iter().flatten())
        .find(|variable| variable.name == "MESHSYNC_REDACT_SECRETS")
        .and_then(|variable| variable.value.as_deref());
    let profile = context.facts.profile;
    // Only releases of the current line can redact values.
    let redacts = profile.has_current_line();
    let hides = redacts && watch_list::release(version(context)).is_none_or(|release| release >= Version::new(1, 0, 2));
    if hides && matches!(variable, Some("true" | "1")) {
        return Outcome::pass_with("MESHSYNC_REDACT_SECRETS hides their values");
    }
    let exposed = exposed(context).next();
    let open = context.facts.broker.servers.iter().any(|server| !server.varz.auth_required);
    let name = stack::name(&deployment.metadata);
    let severity = if exposed.is_some() || open { Severity::Warning } else { Severity::Info };
    let draft = DIAGNOSIS
        .finding()
        .severity(severity)
        .message(
            "Anyone who can read from the broker can read every Secret that MeshSync can read, and the connection is \
             not encrypted. This is the default.",
        )
        .object(context.object("MeshSync", stack::name(&meshsync.metadata)))
        .evidence("spec.watch-list.data.whitelist names secrets.v1.")
        .evidences(redacts.then(|| format!("Deployment {name} does not set MESHSYNC_REDACT_SECRETS")))
        .evidences(exposed.map(|(service, kind)| {
            format!("Service {service} is of type {kind}: the broker is exposed outside the cluster")
        }))
        .evidences(open.then_some("the broker requires no token"));
    if !redacts {
        let draft = draft.remedy("remove secrets.v1. from the watch-list, then restart MeshSync");
        return Outcome::found(vec![with_restart(draft, context, meshsync)]);
    }
    draft
        .remedy(
            "redact the values (1.0.2 and later) or remove secrets.v1. from the list; the next reconcile may revert \
             this, so check again",
        )
        .command(context.kubectl().change(format!("set env deployment/{name} MESHSYNC_REDACT_SECRETS=true")))
        .found()
}
