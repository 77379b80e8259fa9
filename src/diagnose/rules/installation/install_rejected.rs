use std::collections::BTreeSet;

use crate::{
    diagnose::rules::{
        preflight::{counted, object, seen, stays},
        prelude::*,
    },
    facts::{
        Answer, DryRun,
        dry_run::{self, DryRunOutcome},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "install-rejected",
    title: "The API server rejects an object of the stack",
    explanation: include_str!("install_rejected.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::fault(Component::Installation)
};

/// A check that passes if the dry run of some objects succeeded.
const fn takes(id: &'static str, title: &'static str, judge: fn(&RuleContext<'_>) -> Judgement) -> Check {
    static FINDS: [&Diagnosis; 1] = [&DIAGNOSIS];
    static AFTER: [&Check; 1] = [&API_REACHABLE];
    Check { id, title, after: &AFTER, ..Check::of(&FINDS, judge) }
}

pub(crate) static TAKES_NAMESPACE: Check =
    takes("takes-namespace", "the API server accepts the namespace", |context| tried(context, &["Namespace"]));

pub(crate) static TAKES_DEFINITIONS: Check = takes("takes-definitions", "the API server accepts the CRDs", |context| {
    tried(context, &["CustomResourceDefinition"])
});

pub(crate) static TAKES_ACCOUNT: Check =
    takes("takes-account", "the API server accepts the ServiceAccount", |context| tried(context, &["ServiceAccount"]));

pub(crate) static TAKES_ROLES: Check =
    takes("takes-roles", "the API server accepts the roles and bindings", |context| {
        tried(context, &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"])
    });

pub(crate) static TAKES_OPERATOR: Check =
    takes("takes-operator", "the API server accepts the operator's Deployment", |context| {
        tried(context, &["Deployment"])
    });

pub(crate) static TAKES_RESOURCES: Check =
    takes("takes-resources", "the API server accepts the Broker CR and the MeshSync CR", |context| {
        tried(context, &["Broker", "MeshSync"])
    });

pub(crate) static TAKES_PODS: Check = takes("takes-pods", "quotas and policies admit the stack's pods", pods_taken);

pub(crate) fn tried(context: &RuleContext<'_>, kinds: &[&str]) -> Judgement {
    let (kept, trials): (Vec<&DryRun>, Vec<&DryRun>) = seen(context)
        .objects
        .iter()
        .filter(|trial| kinds.contains(&trial.kind.as_str()))
        .partition(|trial| stays(context, trial));
    let mut parts = Vec::new();
    match (kept.as_slice(), trials.is_empty()) {
        ([], _) => {}
        ([_], true) => return Outcome::pass_with("exists and is not changed"),
        (_, true) => return Outcome::pass_with("they exist and are not changed"),
        ([one], false) => parts.push(format!("{} {} is not changed", one.kind, one.name)),
        (several, false) => parts.push(format!("{} are not changed", several.len())),
    }
    let mut findings = Vec::new();
    let (mut made, mut changed, mut recreated, mut held) = (0, 0, 0, 0);
    let mut foreign_managers = BTreeSet::new();
    let mut waits: Vec<String> = Vec::new();
    let mut denied = 0;
    for trial in &trials {
        match DryRunOutcome::of(trial) {
            DryRunOutcome::Accepted { created: is_new, conflict } => {
                *(if is_new { &mut made } else { &mut changed }) += 1;
                held += usize::from(conflict.is_some());
                foreign_managers.extend(conflict.map(dry_run::foreign_managers).unwrap_or_default());
            }
            DryRunOutcome::Recreated(_) => recreated += 1,
            DryRunOutcome::Waits(until) => waits.push(until),
            DryRunOutcome::Refused(answer) => findings.push(refused(context, trial, answer)),
            DryRunOutcome::Insecure(message) => {
                findings.push(refused(context, trial, &Answer { status: 403, message: message.to_owned() }));
            }
            DryRunOutcome::Denied | DryRunOutcome::Escalates(_) => denied += 1,
            DryRunOutcome::Unknown(why) => return Outcome::unknown(why),
        }
    }
    if !findings.is_empty() {
        return Outcome::found(findings);
    }
    if made > 0 {
        parts.push(format!("{made} to create"));
    }
    if changed > 0 {
        parts.push(format!("{changed} to update"));
    }
    if recreated > 0 {
        parts.push(format!("{recreated} cannot be changed and must be deleted and recreated"));
    }
    if held > 0 {
        let with = if foreign_managers.is_empty() {
            "an installation takes over".to_owned()
        } else {
            let foreign_managers = Vec::from_iter(foreign_managers).join(" and ");
            format!("those of {foreign_managers} only with --force-conflicts")
        };
        parts.push(format!("other managers own fields of {held}, which {with}"));
    }
    if let Some(until) = waits.first() {
        parts.push(format!(
            "{} cannot be tested until {until}",
            if waits.len() == trials.len() { "it".to_owned() } else { waits.len().to_string() }
        ));
    }
    if denied > 0 {
        parts.push(format!("{} you cannot write", counted(denied, "object")));
    }
    let summary = parts.join("; ");
    if waits.is_empty() && denied == 0 && !trials.is_empty() {
        Outcome::pass_with(summary)
    } else {
        Outcome::skip(summary)
    }
}

/// An object that the API server rejects regardless of the user.
pub(crate) fn refused(context: &RuleContext<'_>, trial: &DryRun, answer: &Answer) -> Finding {
    let what = match trial.kind.as_str() {
        "Pod" => format!("a pod of {}", trial.name.trim_end_matches("-preflight")),
        kind => format!("{kind} {}", trial.name),
    };
    let says = |word: &str| answer.message.contains(word);
    let draft = DIAGNOSIS
        .finding()
        .title(format!("The API server rejects {what}"))
        .message(
            "The reason is not a missing permission: something in the cluster rejects the object for every \
             user.",
        )
        .object(object(trial))
        .evidence(format!("dry run: {}, {}", answer.status, answer.message));
    let (remedy, command) = if says("quota") {
        ("raise the quota, or install into another namespace", context.kubectl().inspect("describe resourcequotas"))
    } else if says("LimitRange") || says("per Container") || says("per Pod") {
        ("raise the limit range, or install into another namespace", context.kubectl().inspect("describe limitranges"))
    } else if says("webhook") {
        (
            "add an exception to the policy behind the webhook, or fix the webhook if it does not respond",
            context.kubectl_cluster().inspect("get validatingwebhookconfigurations,mutatingwebhookconfigurations"),
        )
    } else if says("ValidatingAdmissionPolicy") {
        (
            "add an exception to the policy",
            context.kubectl_cluster().inspect("get validatingadmissionpolicies,validatingadmissionpolicybindings"),
        )
    } else if says("immutable") {
        (
            "delete the existing object with the tool that created it, since it cannot be changed into this one",
            context.kubectl().inspect(format!("get {} {} -o yaml", trial.kind.to_lowercase(), trial.name)),
        )
    } else {
        ("check the API server's message for the reason", context.kubectl().inspect("get events"))
    };
    draft.remedy(remedy).command(command).done()
}

fn pods_taken(context: &RuleContext<'_>) -> Judgement {
    let mut findings = Vec::new();
    let mut untried = None;
    for trial in &seen(context).pods {
        match DryRunOutcome::of(trial) {
            DryRunOutcome::Refused(answer) => findings.push(refused(context, trial, answer)),
            DryRunOutcome::Waits(until) => {
                untried = Some(Outcome::skip(format!("cannot be tested until {until}")));
            }
            DryRunOutcome::Denied => {
                untried = Some(Outcome::skip(
                    "you cannot create pods; an installation does not need this, but the dry run does",
                ));
            }
            DryRunOutcome::Unknown(why) => untried = Some(Outcome::unknown(why)),
            _ => {}
        }
    }
    if !findings.is_empty() {
        return Outcome::found(findings);
    }
    untried.unwrap_or_else(|| Outcome::pass_with("each on its own"))
}
