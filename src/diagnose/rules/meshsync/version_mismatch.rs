use crate::{
    diagnose::rules::{
        meshsync::version_bug::{self, unreadable_address},
        prelude::*,
    },
    facts::Meshsync,
    stack::watch_list,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-version-mismatch",
    title: "The running version is not the one in the MeshSync CR",
    explains: &["database-empty", "database-stale"],
    explanation: include_str!("version_mismatch.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-version",
    title: "the requested version is running and matches the operator",
    ..Check::of(&[&DIAGNOSIS, &version_bug::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let deployment = context.meshsync_deployment()?;
    let Some(tag) = context.states().meshsync.report.version.as_deref() else {
        return Outcome::skip("its image has no tag");
    };
    // A moving tag is not a version; it has a finding of its own.
    if watch_list::release(tag).is_none() {
        return Outcome::skip(format!("the tag {tag} is not a version"));
    }
    let name = stack::name(&deployment.metadata);
    let facts = context.facts;
    let patch = |object: &Meshsync| {
        let object = context.custom_resource("MeshSync", stack::name(&object.metadata));
        context.kubectl().patch(object, json!({ "spec": { "version": "" } }))
    };
    let object = context.meshsyncs.items().first();
    let mut findings = Vec::new();
    if let Some(meshsync) = object
        && let Some(wanted) = meshsync.spec.version.as_deref().filter(|wanted| !wanted.is_empty())
        && wanted.trim_start_matches('v') != tag.trim_start_matches('v')
    {
        findings.push(
            DIAGNOSIS
                .finding()
                .title(format!("MeshSync {tag} is running, but its CR specifies {wanted}"))
                .message(format!(
                    "{} shows the version from the CR, not the running one. You may be looking for a fix, or a fault, \
                     in the wrong release.",
                    facts.profile.product
                ))
                .object(context.object("MeshSync", stack::name(&meshsync.metadata)))
                .evidence(format!("spec.version is {wanted}"))
                .evidence(format!("the image of Deployment {name} has the tag {tag}"))
                .remedy(
                    "clear the version, so that the operator uses the one it was built for, or specify the one you \
                     want",
                )
                .command(patch(meshsync))
                .done(),
        );
    }
    let unreadable = unreadable_address(context).filter(|_| {
        // All of Meshplay's releases are alike, so no other one helps.
        facts.profile.has_current_line()
            && context.meshsync_runs() == Some(true)
            && context.clients.meshsync.is_empty()
            && context.unseen_clients().is_none()
    });
    if let Some(address) = unreadable {
        let object = object.map(patch);
        findings.push(version_bug::scheme_unreadable(context, name, tag, address, object));
    }
    if findings.is_empty() { Outcome::pass_with(tag.to_owned()) } else { Outcome::found(findings) }
}
