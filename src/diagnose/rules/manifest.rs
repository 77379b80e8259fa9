//! Rules about how the operator is installed: image and manifest, webhook certificate, leader election.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Container, Event},
    },
    jiff::{SignedDuration, Timestamp},
};

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, patient::Line, rollout},
    facts::{permissions, stack},
    report::Effect,
    stack::{
        base::{failure::Kind, seen::Seen},
        component::Component::{Installation, Operator},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "operator-manifest",
        category: Operator,
        title: "the operator's image and its manifest are of one line",
        codes: &["operator-mismatched-manifest"],
        facts: &["deployments"],
        after: &["operator-deployed"],
        judge: manifest_fits,
    },
    Rule {
        id: "operator-certificate",
        category: Operator,
        title: "the operator has the certificate that its webhook needs",
        codes: &["operator-webhook-cert"],
        facts: &["deployments", "events", "pods"],
        after: &["operator-deployed"],
        judge: certificate,
    },
    Rule {
        id: "operator-rights",
        category: Operator,
        title: "the operator may do what its code does",
        codes: &["operator-role-incomplete"],
        facts: &[],
        after: &["operator-deployed"],
        judge: may_do_its_work,
    },
    Rule {
        id: "operator-leads",
        category: Operator,
        title: "a pod of the operator holds the right to act",
        codes: &["operator-no-leader"],
        facts: &["leases", "pods"],
        after: &["operator-deployed"],
        judge: leads,
    },
];

/// Where the manager looks for the certificate of its webhook.
const CERTIFICATES: &str = "/tmp/k8s-webhook-server/serving-certs";

/// How long after its end a Lease counts as forsaken though its holder is there: clocks differ.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// The same where the time was read off objects that were not all seen at once.
const PATIENCE_WITH_ESTIMATES: SignedDuration = SignedDuration::from_mins(30);

fn manager<'a>(patient: &Patient<'a>, deployment: &'a Deployment) -> Option<&'a Container> {
    rollout::containers(deployment)
        .iter()
        .find(|container| container.name == patient.facts.profile.operator.container)
}

fn arguments(container: &Container) -> impl Iterator<Item = &str> {
    [&container.command, &container.args]
        .into_iter()
        .flatten()
        .flatten()
        .map(String::as_str)
}

/// The line that an image's tag names; a tag that is no version names none.
pub(super) fn line_of(image: &str) -> Option<Line> {
    let tag = stack::image_tag(image)?;
    let mut numbers = tag.strip_prefix('v').unwrap_or(tag).split('.');
    let major: u32 = numbers.next()?.parse().ok()?;
    numbers.next()?.parse::<u32>().ok()?;
    Some(if major == 0 { Line::Old } else { Line::Current })
}

/// What in a Deployment only one line's manifests have, with that line.
fn marks(patient: &Patient<'_>, deployment: &Deployment) -> Vec<(Line, String)> {
    let old = patient.facts.profile.operator.old_line_container;
    let mut marks = Vec::new();
    if rollout::containers(deployment)
        .iter()
        .any(|container| container.name == old)
    {
        marks.push((
            Line::Old,
            format!(
                "spec.template.spec.containers: there is {old}, which only manifests of 0.8 have"
            ),
        ));
    }
    for argument in manager(patient, deployment).into_iter().flat_map(arguments) {
        if argument == "--metrics-addr=127.0.0.1:8080" {
            marks.push((
                Line::Old,
                format!("the manager's arguments: {argument}, as in manifests of 0.8"),
            ));
        } else if argument.starts_with("--health-probe-bind-address") {
            marks.push((
                Line::Current,
                format!("the manager's arguments: {argument}, as in manifests of 1.0 only"),
            ));
        }
    }
    marks
}

/// Whether image and manifest are of different lines; the image's line, and what speaks against it.
pub(super) fn mismatch(patient: &Patient<'_>) -> Option<(Line, Vec<String>)> {
    let deployment = patient.operator.known()?;
    let image = line_of(manager(patient, deployment)?.image.as_deref()?)?;
    let against: Vec<String> = marks(patient, deployment)
        .into_iter()
        .filter(|(line, _)| *line != image)
        .map(|(_, mark)| mark)
        .collect();
    (!against.is_empty()).then_some((image, against))
}

fn manifest_fits(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    if profile.broker.current.is_none() {
        return Outcome::Skip(format!("{} has one line only", profile.product));
    }
    let Some(deployment) = patient.operator.known() else {
        return Outcome::Unknown(patient.operator.why_unsettled().unwrap_or_default());
    };
    let Some(image) = rollout::image(deployment, profile.operator.container) else {
        return Outcome::Skip(format!(
            "it has no container {}",
            profile.operator.container
        ));
    };
    if line_of(image).is_none() {
        return Outcome::Skip(format!("the image {image} does not say its version"));
    }
    let Some((line, against)) = mismatch(patient) else {
        return Outcome::Pass;
    };
    let name = profile.operator.deployment;
    let container = profile.operator.container;
    let draft = Draft::new("operator-mismatched-manifest")
        .object(patient.object("Deployment", name))
        .evidence(format!("the image of its container {container}: {image}"))
        .evidences(against);
    let draft = if line == Line::Current {
        draft
            .title("The operator's image is of 1.0 and its manifest of 0.8")
            .message(
                "The manager finds no certificate for its webhook and exits, its role does not let it choose a leader, \
                 and the container beside it has an image that is gone from its former place.",
            )
            .remedy("install the current manifest or chart over it, or go back to the image that fits this one")
            .command(patient.kubectl(
                Effect::Write,
                &format!("set image deployment/{name} {container}=meshery/meshery-operator:0.8.11"),
            ))
    } else {
        draft
            .title("The operator's image is of 0.8 and its manifest of 1.0")
            .message("The manager is started with arguments and probes that it does not know.")
            .remedy("name an image of 1.0, which this manifest is made for")
            .command(patient.kubectl(
                Effect::Write,
                &format!("set image deployment/{name} {container}=meshery/meshery-operator:1.0.5"),
            ))
    };
    Outcome::Found(vec![
        draft
            .command(patient.kubectl(Effect::Read, &format!("get deployment {name} -o wide")))
            .done(),
    ])
}

fn certificate(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some(deployment) = patient.operator.known() else {
        return Outcome::Unknown(patient.operator.why_unsettled().unwrap_or_default());
    };
    if patient.line != Some(Line::Current) {
        return Outcome::Skip("only the current line has a webhook".into());
    }
    let off = manager(patient, deployment).is_some_and(|manager| {
        manager.env.iter().flatten().any(|variable| {
            variable.name == "ENABLE_WEBHOOKS" && variable.value.as_deref() == Some("false")
        })
    });
    if off {
        return Outcome::Skip("its webhook is switched off: ENABLE_WEBHOOKS is false".into());
    }
    let mut evidence = distrust(patient);
    // What the API server itself does not get at lies below the operator.
    let below = !evidence.is_empty();
    if rollout::ready(deployment) == 0 {
        if !patient.facts.events.is_settled() && evidence.is_empty() {
            return Outcome::Unknown(patient.facts.events.why_unsettled().unwrap_or_default());
        }
        evidence.extend(unmounted(patient, deployment));
    }
    if evidence.is_empty() {
        return Outcome::Pass;
    }
    let secret = secret_of(deployment).unwrap_or("webhook-server-cert");
    let name = patient.facts.profile.operator.deployment;
    let reset = |crd: String| {
        patient.kubectl_cluster(
            Effect::Write,
            &format!(
                r#"patch crd {crd} --type merge -p '{{"spec":{{"conversion":{{"strategy":"None","webhook":null}}}}}}'"#
            ),
        )
    };
    Outcome::Found(vec![
        Draft::new("operator-webhook-cert")
            .component(if below { Installation } else { Operator })
            .message(format!(
                "Its webhook is on, and what the Secret {secret} should hold is missing or not trusted. cert-manager makes \
                 it, where it is installed and its Certificate is ready."
            ))
            .object(patient.object("Deployment", name))
            .evidences(evidence)
            .remedy(
                "see that cert-manager is installed and its Certificate ready; or do without the webhook, as the Helm chart \
                 does: both versions have the same fields, so nothing is lost",
            )
            .command(patient.kubectl(Effect::Read, "get certificates,issuers"))
            .command(patient.kubectl(Effect::Write, &format!("set env deployment/{name} ENABLE_WEBHOOKS=false")))
            .command(patient.kubectl(
                Effect::Write,
                &format!(
                    r#"patch deployment {name} --type json -p '[{{"op":"remove","path":"/spec/template/spec/containers/0/volumeMounts"}},{{"op":"remove","path":"/spec/template/spec/volumes"}}]'"#
                ),
            ))
            .command(reset(patient.facts.profile.broker_crd()))
            .command(reset(patient.facts.profile.meshsync_crd()))
            .done(),
    ])
}

/// The Secret that is mounted where the manager looks for its certificate.
fn secret_of(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let mount = pod
        .containers
        .iter()
        .flat_map(|container| container.volume_mounts.iter().flatten())
        .find(|mount| mount.mount_path == CERTIFICATES)?;
    pod.volumes
        .iter()
        .flatten()
        .find(|volume| volume.name == mount.name)?
        .secret
        .as_ref()?
        .secret_name
        .as_deref()
}

/// Where a pod of the operator cannot mount the Secret. Events tell of the past: the caller knows that no pod is ready.
fn unmounted(patient: &Patient<'_>, deployment: &Deployment) -> Vec<String> {
    let Some(secret) = secret_of(deployment) else {
        return Vec::new();
    };
    let pods: Vec<&str> = stack::operator_pods(patient.facts)
        .into_iter()
        .map(|pod| stack::name(&pod.metadata))
        .collect();
    let concerns = |event: &&Event| {
        event.reason.as_deref() == Some("FailedMount")
            && event
                .involved_object
                .name
                .as_deref()
                .is_some_and(|name| pods.contains(&name))
            && event
                .message
                .as_deref()
                .is_some_and(|message| message.contains(secret))
    };
    patient
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

/// Where the API server does not trust the webhook's certificate.
fn distrust(patient: &Patient<'_>) -> Vec<String> {
    let facts = patient.facts;
    let brokers = facts
        .brokers
        .iter()
        .map(|(version, seen)| ("brokers", version, seen.failure()));
    let meshsyncs = facts
        .meshsyncs
        .iter()
        .map(|(version, seen)| ("meshsyncs", version, seen.failure()));
    brokers
        .chain(meshsyncs)
        .filter_map(|(plural, version, why)| Some((plural, version, why?)))
        .filter(|(_, _, why)| why.kind == Kind::ConversionWebhookUntrusted)
        .map(|(plural, version, why)| format!("listing {plural} in {version}: {why}"))
        .collect()
}

fn may_do_its_work(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    if patient.line != Some(Line::Current) {
        return Outcome::Skip("the old line's account may do everything".into());
    }
    let account = stack::operator_service_account(facts);
    let needed = permissions::operator_rights(facts.profile, &facts.target.namespace);
    let mut missing = Vec::new();
    for right in &needed {
        match permissions::operator_may(facts, &account, right) {
            Seen::Known(true) => {}
            Seen::Known(false) => missing.push(right),
            other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
        }
    }
    if missing.is_empty() {
        return Outcome::PassWith(format!("all {} rights that it needs", needed.len()));
    }
    let namespace = &facts.target.namespace;
    let mut draft = Draft::new("operator-role-incomplete")
        .title(if missing.len() == needed.len() {
            format!("ServiceAccount {account} has none of the rights that the operator needs")
        } else {
            format!(
                "ServiceAccount {account} lacks {} of the {} rights that the operator needs",
                missing.len(),
                needed.len()
            )
        })
        .message(
            "The operator runs, and what takes these rights never happens; only its log says why.",
        )
        .object(patient.object("ServiceAccount", &account));
    // Resources by the verbs that are missing on them, so that one role says the same of several.
    let mut verbs: BTreeMap<(bool, String), Vec<&str>> = BTreeMap::new();
    for right in &missing {
        let mut resource = right.resource.clone();
        if !right.group.is_empty() {
            resource = format!("{resource}.{}", right.group);
        }
        if let Some(subresource) = &right.subresource {
            resource = format!("{resource}/{subresource}");
        }
        verbs
            .entry((right.namespace.is_some(), resource))
            .or_default()
            .push(&right.verb);
    }
    let mut resources: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for ((within, resource), verbs) in &verbs {
        let place = if *within {
            format!("in namespace {namespace}")
        } else {
            "in the cluster".to_owned()
        };
        draft = draft.evidence(format!("may not {} {resource} {place}", verbs.join(", ")));
        resources.entry(verbs.clone()).or_default().push(resource);
    }
    draft = draft.remedy(
        "apply the roles and bindings of the version that runs, with Helm by an upgrade; or add what is missing",
    );
    for (number, (verbs, resources)) in resources.iter().enumerate() {
        let name = format!("{}-extra-{}", facts.profile.operator.deployment, number + 1);
        draft = draft
            .command(patient.kubectl_cluster(
                Effect::Write,
                &format!(
                    "create clusterrole {name} --verb={} --resource={}",
                    verbs.join(","),
                    resources.join(",")
                ),
            ))
            .command(patient.kubectl_cluster(
                Effect::Write,
                &format!("create clusterrolebinding {name} --clusterrole={name} --serviceaccount={namespace}:{account}"),
            ));
    }
    Outcome::Found(vec![draft.done()])
}

fn leads(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let Some(deployment) = patient.operator.known() else {
        return Outcome::Unknown(patient.operator.why_unsettled().unwrap_or_default());
    };
    if patient.line != Some(Line::Current) {
        return Outcome::Skip(
            "the old line uses another name for each process, so all of them act".into(),
        );
    }
    let elects = manager(patient, deployment).is_some_and(|manager| {
        arguments(manager).any(|argument| {
            argument == "--enable-leader-election" || argument == "--enable-leader-election=true"
        })
    });
    if !elects {
        return Outcome::Skip("it chooses no leader".into());
    }
    if rollout::ready(deployment) == 0 {
        return Outcome::Skip("no pod of it is ready".into());
    }
    let lease = match &facts.lease {
        Seen::Known(lease) => lease,
        Seen::Absent => {
            return Outcome::Skip(format!(
                "there is no Lease {} in namespace {}; it lies in the one that --namespace names",
                facts.profile.operator.lease, facts.target.namespace
            ));
        }
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let Some((spec, renewed)) = lease
        .spec
        .as_ref()
        .and_then(|spec| Some((spec, spec.renew_time.as_ref()?.0)))
    else {
        return Outcome::Skip("the Lease does not say when it was renewed".into());
    };
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let holders_pod = holder.split('_').next().unwrap_or_default();
    let gone = facts.pods.is_settled()
        && !stack::operator_pods(facts)
            .into_iter()
            .any(|pod| stack::name(&pod.metadata) == holders_pod);
    let lasts = SignedDuration::from_secs(i64::from(spec.lease_duration_seconds.unwrap_or(15)));
    // Whoever is there takes a Lease over soon after its end.
    let patience = if facts.taken_at_estimated {
        PATIENCE_WITH_ESTIMATES
    } else {
        PATIENCE
    };
    let now = clock(patient);
    let overdue = now.duration_since(renewed) - lasts;
    if overdue <= patience {
        return if holder.is_empty() {
            Outcome::Pass
        } else {
            Outcome::PassWith(format!("{holders_pod} leads"))
        };
    }
    let name = facts.profile.operator.lease;
    let mut draft = Draft::new("operator-no-leader")
        .message("It is deployed and ready, and waits: no custom resource is looked after until a pod holds the Lease.")
        .object(patient.object("Lease", name))
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
        });
    if gone && !holder.is_empty() {
        draft = draft.evidence(format!("there is no pod {holders_pod} of the operator"));
    }
    let operator = facts.profile.operator.deployment;
    Outcome::Found(vec![
        draft
            .remedy("restart the operator; if nothing changes, see whether it may write Leases, and remove this one, which is made anew")
            .command(patient.kubectl(Effect::Write, &format!("rollout restart deployment/{operator}")))
            .command(patient.kubectl_cluster(
                Effect::Read,
                &format!(
                    "auth can-i update leases.coordination.k8s.io -n {0} --as=system:serviceaccount:{0}:{1}",
                    facts.target.namespace, facts.profile.operator.service_account
                ),
            ))
            .command(patient.kubectl(Effect::Write, &format!("delete lease {name}")))
            .done(),
    ])
}

/// The time by the cluster's own clock where one of its servers has told it, else by ours.
pub(super) fn clock(patient: &Patient<'_>) -> Timestamp {
    patient
        .facts
        .broker
        .servers
        .iter()
        .find_map(|server| server.varz.now)
        .unwrap_or(patient.facts.taken_at)
}
