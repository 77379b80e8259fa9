use k8s_openapi::api::{apps::v1::Deployment, core::v1::Event};

use crate::{
    diagnose::{
        rules::{
            installation::conversion_webhook_down::{unreadable_versions, without_conversion},
            operator::{manager::manager, missing},
            prelude::*,
        },
        stack_view::Line,
    },
    stack::{
        base::failure::Kind,
        component::Component::{Installation, Operator},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-webhook-cert",
    title: "The operator lacks a valid certificate for its webhook",
    explains: &["conversion-webhook-down", "operator-crash-loop", "operator-not-ready"],
    explanation: include_str!("webhook_cert.md"),
    ..Diagnosis::fault(Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-certificate",
    title: "the operator has the certificate that its webhook needs",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// Where the manager looks for the certificate of its webhook.
const CERTIFICATES: &str = "/tmp/k8s-webhook-server/serving-certs";

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let deployment = context.operator.known_or_unknown()?;
    if context.line != Some(Line::Current) {
        return Outcome::skip("only the current line has a webhook");
    }
    let off = manager(context, deployment).is_some_and(|manager| {
        manager
            .env
            .iter()
            .flatten()
            .any(|variable| variable.name == "ENABLE_WEBHOOKS" && variable.value.as_deref() == Some("false"))
    });
    if off {
        return Outcome::skip("its webhook is switched off: ENABLE_WEBHOOKS is false");
    }
    let mut evidence = unreadable_versions(context, |kind| kind == Kind::ConversionWebhookUntrusted);
    // What the API server itself does not get at lies below the operator.
    let below = !evidence.is_empty();
    if rollout::ready(deployment) == 0 {
        if evidence.is_empty() {
            context.facts.events.settled()?;
        }
        evidence.extend(unmounted(context, deployment));
    }
    if evidence.is_empty() {
        return Outcome::pass();
    }
    let secret = secret_of(deployment).unwrap_or("webhook-server-cert");
    let name = context.facts.profile.operator.deployment;

    DIAGNOSIS.finding()
            .component(if below { Installation } else { Operator })
            .message(format!(
                "Its webhook is on, and what the Secret {secret} should hold is missing or not trusted. cert-manager makes \
                 it, where it is installed and its Certificate is ready."
            ))
            .object(context.object("Deployment", name))
            .evidences(evidence)
            .remedy(
                "see that cert-manager is installed and its Certificate ready; or do without the webhook, as the Helm chart \
                 does: both versions have the same fields, so nothing is lost",
            )
            .command(context.kubectl().inspect("get certificates,issuers"))
            .command(context.kubectl().change(format!("set env deployment/{name} ENABLE_WEBHOOKS=false")))
            .command(context.kubectl().patch_of(PatchKind::Json, format!("deployment {name}"), r#"[{"op":"remove","path":"/spec/template/spec/containers/0/volumeMounts"},{"op":"remove","path":"/spec/template/spec/volumes"}]"#))
            .commands(without_conversion(context))
            .found()
}

/// The Secret that is mounted where the manager looks for its certificate.
fn secret_of(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let mount = pod
        .containers
        .iter()
        .flat_map(|container| container.volume_mounts.iter().flatten())
        .find(|mount| mount.mount_path == CERTIFICATES)?;
    pod.volumes.iter().flatten().find(|volume| volume.name == mount.name)?.secret.as_ref()?.secret_name.as_deref()
}

/// Where a pod of the operator cannot mount the Secret. Events tell of the past: the caller knows that no pod is ready.
fn unmounted(context: &RuleContext<'_>, deployment: &Deployment) -> Vec<String> {
    let Some(secret) = secret_of(deployment) else {
        return Vec::new();
    };
    let pods: Vec<&str> =
        stack::operator_pods(context.facts).into_iter().map(|pod| stack::name(&pod.metadata)).collect();
    let concerns = |event: &&Event| {
        event.reason.as_deref() == Some("FailedMount")
            && event.involved_object.name.as_deref().is_some_and(|name| pods.contains(&name))
            && event.message.as_deref().is_some_and(|message| message.contains(secret))
    };
    context
        .facts
        .events
        .items()
        .iter()
        .filter(concerns)
        .max_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0))
        .map(|event| {
            format!(
                "event FailedMount of pod {}: {}",
                event.involved_object.name.as_deref().unwrap_or_default(),
                event.message.as_deref().unwrap_or_default()
            )
        })
        .into_iter()
        .collect()
}
