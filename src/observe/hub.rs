//! The custom resources of Service Mesh Hub.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;

use super::{pod_page::PodPage, queries::Query};
use crate::{
    cluster::{
        ask::{ApiClient, ApiError, List, parse, seen},
        pages::Form,
    },
    facts::{
        Facts,
        hub::{HubObject, Relay},
        redact::{self, Redact},
        stack,
    },
    stack::{
        base::{
            limits,
            seen::{Denial, Seen},
        },
        component::Component,
        controllers::ENTERPRISE,
        hub::{HubKind, Role},
    },
};

/// The objects of these kinds, in all namespaces. A kind that is not served has none.
pub(super) async fn objects(api: &ApiClient<'_>, kinds: &[(HubKind, Query)]) -> BTreeMap<Role, Seen<Vec<HubObject>>> {
    let answers = kinds.iter().map(async |(kind, query)| (kind.role, list(api, query).await));
    join_all(answers).await.into_iter().collect()
}

/// The port of the metrics, fixed in every release.
const METRICS_PORT: u16 = 9091;

/// The agents that the enterprise controller counts, if it is running.
pub(super) async fn relay(api: &ApiClient<'_>, client: Client, facts: &Facts) -> Seen<Relay> {
    let deployments = stack::hub_deployments(facts, Component::Networking);
    let enterprise = deployments.into_iter().find(|deployment| stack::name(&deployment.metadata) == ENTERPRISE);
    let Some(deployment) = enterprise else {
        return Seen::NotLooked;
    };
    let is_running = |pod: &&Pod| stack::running_since(pod, ENTERPRISE).is_some();
    let Some(pod) = stack::pods_selected_by(facts, deployment).into_iter().find(is_running) else {
        return Seen::NotLooked;
    };
    let page = PodPage {
        namespace: &facts.target.namespace,
        pod: stack::name(&pod.metadata),
        port: METRICS_PORT,
        path: "/metrics",
        what: "its metrics port",
        longest: limits::METRICS,
    };
    match page.get(api, client, api.remaining().min(RESPONSE_TIMEOUT)).await {
        Ok((200, text)) => Seen::Known(Relay::of(&text)),
        Ok((status, _)) => Seen::failed(format!("its metrics port responds with {status}")),
        Err(failure) if !failure.missing.is_empty() => Seen::Denied(Denial { missing: failure.missing }),
        Err(failure) => Seen::failed(failure),
    }
}

/// The timeout for the metrics, on which only one check depends.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

async fn list(api: &ApiClient<'_>, query: &Query) -> Seen<Vec<HubObject>> {
    let mut objects = Vec::new();
    let mut reservation = api.reservation();
    let read = |page: String| {
        reservation.take(page.len())?;
        let list: List<HubObject> = parse(&redact::without_managed_fields(&page))?;
        objects.extend(list.items.into_iter().flatten().map(|mut object| {
            object.redact();
            object
        }));
        Ok::<(), ApiError>(())
    };
    let answer = api.pages(&query.path, Form::Whole, read).await;
    seen(answer.map(|()| objects), &query.permission)
}
