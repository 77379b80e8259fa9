use k8s_openapi::api::{apps::v1::Deployment, core::v1::Event};

use crate::{
    diagnose::{
        rules::{
            installation::conversion_webhook_down::unreadable_versions,
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
    title: "The operator has no valid certificate for its webhook",
    explains: &["conversion-webhook-down", "operator-crash-loop", "operator-not-ready"],
    explanation: include_str!("webhook_cert.md"),
    cure: Cure::Automatic,
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-certificate",
    title: "the operator has a valid certificate for its webhook",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// Where the manager looks for its webhook's certificate.
const CERTIFICATES: &str = "/tmp/k8s-webhook-server/serving-certs";

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let deployment = context.operator.known_or_unknown()?;
    if context.line != Some(Line::Current) {
        return Outcome::skip("only the current operator line has a webhook");
    }
    let off = manager(context, deployment).is_some_and(|manager| {
        manager
            .env
            .iter()
            .flatten()
            .any(|variable| variable.name == "ENABLE_WEBHOOKS" && variable.value.as_deref() == Some("false"))
    });
    if off {
        return Outcome::skip("its webhook is disabled (ENABLE_WEBHOOKS is false)");
    }
    let mut evidence = unreadable_versions(context, |kind| kind == Kind::ConversionWebhookUntrusted);
    // What the API server cannot reach concerns the installation, not only the operator.
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
    DIAGNOSIS
        .finding()
        .component(if below { Installation } else { Operator })
        .message(format!(
            "Its webhook is enabled, but the certificate in Secret {secret} is missing or not trusted. cert-manager \
             creates it if cert-manager is installed and its Certificate is ready."
        ))
        .object(context.object("Deployment", name))
        .evidences(evidence)
        .remedy(
            "repair cert-manager and its Certificate; or redeploy the operator without the webhook (nothing is lost: \
             both CRD versions have the same fields)",
        )
        .command(context.kubectl().inspect("get certificates,issuers"))
        .fix(context.redeploy(Some("operator")))
        .found()
}

/// The Secret that is mounted there.
fn secret_of(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let mount = pod
        .containers
        .iter()
        .flat_map(|container| container.volume_mounts.iter().flatten())
        .find(|mount| mount.mount_path == CERTIFICATES)?;
    pod.volumes.iter().flatten().find(|volume| volume.name == mount.name)?.secret.as_ref()?.secret_name.as_deref()
}

/// Events about pods of the operator that cannot mount the Secret. Events may be old, so the caller checks that no pod
/// is ready.
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
