//! The queries about Service Mesh Hub: the management cluster, and registered clusters beside it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use k8s_openapi::{
    api::core::v1::{ConfigMap, Pod, Service},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::Deserialize;

use super::Observer;
use crate::{
    cluster::{
        ask::{ApiClient, ApiError, List, ListedObject, parse, seen},
        blank, discovery,
        pages::Form,
        transport,
    },
    facts::{
        Facts, Target,
        hub::{Gateway, HubFacts, HubObject, IstioFacts, IstiodPod, Registered, SecretFact, zones},
    },
    observe::{
        hub, logs,
        queries::{self, Query},
    },
    stack::{
        base::seen::Seen,
        hub::{GENERATIONS, Generation, ISTIO_NAMESPACE, Role},
    },
};

/// Where to look in a registered cluster. It follows from what the management cluster contains.
pub(in crate::observe) struct Whereabouts {
    /// The generation of the custom resources.
    generation: &'static Generation,
    /// The namespace of the agent.
    agent_namespace: String,
    /// The namespaces with an istiod.
    istio_namespaces: Vec<String>,
}

/// The maximum number of namespaces with an istiod.
const MOST_NAMESPACES: usize = 8;

/// The maximum number of roots of trust.
const MOST_ROOTS: usize = 32;

impl Whereabouts {
    /// Reads them from the discovered meshes. `None` if the facts are about another product.
    pub(in crate::observe) fn of(facts: &Facts) -> Option<Self> {
        let hub = facts.hub.as_deref()?;
        let meshes = hub.of(Role::Mesh).items();
        let distinct = |mut names: Vec<String>| {
            names.sort();
            names.dedup();
            names
        };
        let agents = meshes.iter().filter_map(|mesh| mesh.text("/agentInfo/agentNamespace")).map(str::to_owned);
        let agent_namespace = match distinct(agents.collect()).as_slice() {
            [one] => one.clone(),
            _ => facts.target.namespace.clone(),
        };
        let istio = meshes.iter().filter_map(HubObject::istio_namespace).map(str::to_owned);
        let mut istio_namespaces = distinct(istio.collect());
        istio_namespaces.truncate(MOST_NAMESPACES);
        if istio_namespaces.is_empty() {
            istio_namespaces.push(ISTIO_NAMESPACE.to_owned());
        }
        // Without custom resources in the management cluster, those of the newest era are looked for.
        let generation = hub.generation().unwrap_or(&GENERATIONS[0]);
        Some(Self { generation, agent_namespace, istio_namespaces })
    }
}

impl Observer<'_> {
    /// Sends all queries about Service Mesh Hub. The served groups show its era.
    pub(in crate::observe) async fn run_hub(&self) -> Facts {
        let served = match discovery::group_versions(self.api).await {
            Err(failure) if self.clients.two && transport::may_want_http1(failure.kind()) => {
                self.api.switch(self.clients.streams.clone());
                discovery::group_versions(self.api).await
            }
            answer => answer,
        };
        // Without its groups there is none, and the first round shows why.
        let generation = served.ok().and_then(|served| Generation::served(served.iter().map(String::as_str)));
        let mut target = self.target.clone();
        if let Some(generation) = generation.filter(|_| !self.scope.namespace_is_named) {
            generation.era.namespace().clone_into(&mut target.namespace);
        }
        let observer = Observer { target: &target, ..*self };
        let kinds = generation.map(queries::hub).unwrap_or_default();
        let group_version = generation.map(Generation::group_version);
        let hub = async || {
            let objects = hub::objects(self.api, &kinds).await;
            HubFacts { group_version: group_version.clone(), objects, ..HubFacts::default() }
        };
        let mut facts = Box::pin(observer.rounds(hub)).await;
        if facts.obstacle.is_none() && self.depth.is_whole() {
            let relay = hub::relay(self.api, self.clients.streams.clone(), &facts).await;
            if let Some(hub) = &mut facts.hub {
                hub.relay = relay;
            }
        }
        facts
    }

    /// Sends all queries about a registered cluster.
    pub(in crate::observe) async fn run_registered(&self, at: &Whereabouts) -> Facts {
        let target = Target { namespace: at.agent_namespace.clone(), ..self.target.clone() };
        let observer = Observer { target: &target, ..*self };
        let kinds = queries::hub_certificates(at.generation);
        let hub = async || {
            let (objects, registered) = tokio::join!(hub::objects(self.api, &kinds), self.registered(at));
            let group_version = Some(at.generation.group_version());
            HubFacts { group_version, objects, registered: Some(Box::new(registered)), ..HubFacts::default() }
        };
        Box::pin(observer.rounds(hub)).await
    }

    /// The first round beside the queries for custom resources, then what the answers require.
    async fn rounds(&self, hub: impl AsyncFn() -> HubFacts) -> Facts {
        let (mut first, mut objects) = tokio::join!(self.first_round(), hub());
        if self.speaks_http1_only(&first) {
            self.api.switch(self.clients.streams.clone());
            (first, objects) = tokio::join!(self.first_round(), hub());
        }
        let mut facts = blank(self.scope.profile, self.target.clone());
        facts.in_cluster = self.in_cluster;
        self.fill(&mut facts, first);
        facts.hub = Some(Box::new(objects));
        if facts.obstacle.is_some() {
            return facts;
        }
        facts.nodes = self.nodes(&facts).await;
        if self.depth.is_whole() {
            facts.logs = logs::read(self.api, &facts, &[]).await;
        }
        if let Some(user) = self.api.denied_user() {
            facts.target.user = Some(user);
        }
        facts
    }

    async fn registered(&self, at: &Whereabouts) -> Registered {
        let api = self.api;
        let istio = at.istio_namespaces.iter().map(async |namespace| istio(api, namespace).await);
        let whole = async {
            if !self.depth.is_whole() {
                return (Vec::new(), Seen::NotLooked);
            }
            tokio::join!(join_all(istio), dns(api))
        };
        let (service_accounts, (istio, dns_zones)) = tokio::join!(service_accounts(api, &at.agent_namespace), whole);
        Registered { service_accounts, istio, dns_zones }
    }
}

/// The Secrets of the management cluster with the roots of trust, which the controllers name after the virtual meshes.
pub(in crate::observe) async fn roots(api: &ApiClient<'_>, facts: &Facts) -> BTreeMap<String, Seen<SecretFact>> {
    let Some(hub) = &facts.hub else { return BTreeMap::new() };
    let generated = hub.of(Role::VirtualMesh).items().iter().filter(|object| object.generates_root());
    let roots = generated.take(MOST_ROOTS).map(async |object| {
        let name = format!("{}.{}", object.name(), object.namespace());
        let root = secret(api, &queries::secret(&name, &facts.target.namespace)).await;
        (name, root)
    });
    join_all(roots).await.into_iter().collect()
}

async fn istio(api: &ApiClient<'_>, namespace: &str) -> IstioFacts {
    let (cacerts, services, istiod) =
        (queries::cacerts(namespace), queries::istio_services(namespace), queries::istiod(namespace));
    let (cacerts, gateways, istiod) = tokio::join!(
        secret(api, &cacerts),
        items(api, &services, |items: Vec<Service>| Gateway::among(&items)),
        items(api, &istiod, |items: Vec<Pod>| IstiodPod::running(&items)),
    );
    IstioFacts { namespace: namespace.to_owned(), cacerts, istiod, gateways }
}

/// When a Secret was written. Its content is not requested.
async fn secret(api: &ApiClient<'_>, query: &Query) -> Seen<SecretFact> {
    #[derive(Deserialize)]
    struct Partial {
        metadata: ObjectMeta,
    }
    let answer = api.get_object_metadata(&query.path).await;
    seen(answer.and_then(|body| parse::<Partial>(&body)), &query.permission).map(|it| SecretFact::of(&it.metadata))
}

async fn service_accounts(api: &ApiClient<'_>, namespace: &str) -> Seen<Vec<String>> {
    let query = queries::service_accounts(namespace);
    let names = |items: Vec<ListedObject>| items.into_iter().filter_map(|item| item.metadata.name).collect();
    items(api, &query, names).await
}

async fn dns(api: &ApiClient<'_>) -> Seen<Vec<String>> {
    let query = queries::dns();
    let answer = api.get(&query.path).await;
    let map: Seen<ConfigMap> = seen(answer.and_then(|body| parse(&body)), &query.permission);
    map.map(|map| map.data.iter().flat_map(|data| data.values()).flat_map(|text| zones(text)).collect())
}

/// What is kept of the items of a list.
async fn items<T: for<'de> Deserialize<'de>, U>(
    api: &ApiClient<'_>,
    query: &Query,
    keep: impl Fn(Vec<T>) -> Vec<U>,
) -> Seen<Vec<U>> {
    let mut kept = Vec::new();
    let mut reservation = api.reservation();
    let read = |page: String| {
        reservation.take(page.len())?;
        let list: List<T> = parse(&page)?;
        kept.extend(keep(list.items.into_iter().flatten().collect()));
        Ok::<(), ApiError>(())
    };
    let answer = api.pages(&query.path, Form::Whole, read).await;
    seen(answer.map(|()| kept), &query.permission)
}
