//! The two rounds of queries: first everything that is known by name, then what the first answers require.

mod answers;
pub(super) mod hub_round;
mod single_reviews;

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use tokio::{sync::oneshot, time::Instant};

use super::{
    Depth, logs, preflight,
    queries::{self, Query},
};
use crate::{
    cluster::{
        Scope, answer,
        ask::{ApiClient, ApiError, JSON, List, ListedObject, RetryPolicy, seen},
        blank, discovery, obstacle,
        pages::Form,
        reviews,
        transport::{self, Clients},
    },
    facts::{
        ConfigMapFact, Elsewhere, Facts, HelmRevision, MemoryUse, NodeReadiness, Target, observed, stack,
        token::{self, Token},
    },
    observe::{
        broker::probe,
        server::{FromCluster, Inquiry},
    },
    stack::base::{
        failure::{Failure, Kind},
        permission::Permission,
        seen::Seen,
    },
};
use answers::{Answers, FirstRound, may_be_of_the_connection, parse};

/// The timeout for the metrics API. It is served by another server, and only one check depends on it.
const METRICS_TIMEOUT: Duration = Duration::from_secs(1);

/// One observation of one cluster.
pub(super) struct Observer<'a> {
    pub(super) api: &'a ApiClient<'a>,
    pub(super) clients: &'a Clients,
    pub(super) scope: &'a Scope<'a>,
    pub(super) depth: Depth,
    pub(super) target: &'a Target,
    pub(super) config: &'a kube::Config,
    pub(super) in_cluster: bool,
    /// Receives the broker connections that are used after the observation.
    pub(super) kept: Option<&'a probe::Kept>,
    /// Whether Meshery Server is asked if one was named or found in the cluster.
    pub(super) asks_server: bool,
}

impl Observer<'_> {
    /// Sends all queries, and combines the answers.
    pub(super) async fn run(&self) -> Facts {
        if self.scope.profile.is_hub() {
            return Box::pin(self.run_hub()).await;
        }
        if !self.asks_server || !matches!(self.depth, Depth::Status | Depth::Check) {
            return self.observe(None).await;
        }
        let (tell, told) = oneshot::channel();
        let (profile, choice) = (self.scope.profile, &self.scope.server);
        let inquiry = Inquiry { api: self.api, client: self.clients.streams.clone(), profile, choice };
        let server = Box::pin(inquiry.run(async { told.await.ok() }));
        let (mut facts, server) = tokio::join!(self.observe(Some(tell)), server);
        if let Some((server, took)) = server {
            facts.timings.insert("server".into(), millis(took));
            facts.server = Some(Box::new(server));
        }
        facts
    }

    /// Sends the queries to the cluster. `tell` receives what the requests to Meshery Server need of the first answers.
    async fn observe(&self, tell: Option<oneshot::Sender<FromCluster>>) -> Facts {
        let mut first = self.first_round().await;
        if self.speaks_http1_only(&first) {
            self.api.switch(self.clients.streams.clone());
            first = self.first_round().await;
        }
        if first.version.as_ref().is_err_and(may_be_of_the_connection) && first.has_answers() {
            // Everything else was received over another connection.
            first.version = answer::version(self.api.get("/version").await);
        }
        let mut facts = blank(self.scope.profile, self.target.clone());
        facts.in_cluster = self.in_cluster;
        let token = self.fill(&mut facts, first);
        if facts.obstacle.is_some() {
            return facts;
        }
        if let Some(tell) = tell {
            // Nobody waits if no server is asked.
            let _ = tell.send(FromCluster::of(&facts, self.scope.server.whole));
        }
        if self.depth == Depth::WatchList {
            facts.served = discovery::ask(self.api).await;
            return facts;
        }
        let objects = (self.depth == Depth::Preflight).then(|| preflight::objects(&facts));
        let preflight = async {
            let objects = objects?;
            let (profile, namespace) = (self.scope.profile, &self.target.namespace);
            // Most runs have none and do not need memory for it.
            Some(Box::pin(preflight::ask(self.api, profile, namespace, objects)).await)
        };
        let (preflight, ()) = tokio::join!(preflight, self.second_round(&mut facts, token.as_ref()));
        facts.preflight = preflight;
        if let Some(user) = self.api.denied_user() {
            facts.target.user = Some(user);
        }
        facts
    }

    /// Whether only the requests over HTTP/2 failed, because some proxies in front of an API server support only
    /// HTTP/1.1.
    fn speaks_http1_only(&self, first: &FirstRound) -> bool {
        self.clients.two
            && first.version.as_ref().map_or_else(ApiError::is_refusal, |_| true)
            && first
                .answers
                .values()
                .all(|(_, answer)| matches!(answer, Err(failure) if transport::may_want_http1(failure.kind())))
    }

    fn queries(&self) -> Vec<Query> {
        let profile = self.scope.profile;
        let namespace = self.target.namespace.as_str();
        queries::first_round(profile, namespace, self.depth)
    }

    async fn first_round(&self) -> FirstRound {
        (self.scope.progress)("querying the API server");
        let queries = self.queries();
        let check = self.depth.is_whole();
        let each = queries::each(self.scope.profile, &self.target.namespace, self.depth);
        let account = stack::service_account_user(&self.target.namespace, self.scope.profile.operator.service_account);
        let everything = reviews::everything();
        let started = Instant::now();
        let ask = async |query: &Query| {
            let answer = self.pages(&query.path).await;
            let took = started.elapsed();
            (query.name.clone(), query.permission.clone(), answer, took)
        };
        let (version, answers, each, reviews) = tokio::join!(
            self.version(),
            join_all(queries.iter().map(&ask)),
            join_all(each.iter().map(async |(name, queries)| { (*name, join_all(queries.iter().map(&ask)).await) })),
            async {
                if check && !self.scope.profile.is_hub() {
                    reviews::ask(self.api, &account, &everything).await
                } else {
                    Seen::NotLooked
                }
            },
        );
        let mut first = FirstRound {
            version: version.0,
            answers: BTreeMap::new(),
            each: BTreeMap::new(),
            reviews,
            timings: BTreeMap::from([("version".to_owned(), millis(version.1))]),
        };
        for (name, permission, answer, took) in answers {
            first.timings.insert(name.clone(), millis(took));
            first.answers.insert(name, (permission, answer));
        }
        for (name, answers) in each {
            let answers = answers.into_iter();
            let answers = answers.map(|(_, permission, answer, _)| (permission, answer));
            first.each.insert(name, answers.collect());
        }
        first
    }

    /// The version is requested over the connection for port-forwards, so that it is open when they need it. Service Mesh
    /// Hub needs none, except for the metrics of its enterprise release.
    async fn version(&self) -> (Result<String, ApiError>, Duration) {
        let started = Instant::now();
        let answer = if self.scope.profile.is_hub() {
            self.api.get("/version").await
        } else {
            self.api.get_over(self.clients.streams.clone(), "/version").await
        };
        (answer::version(answer), started.elapsed())
    }

    /// Every page of a list, or the single page of an object.
    async fn pages(&self, path: &str) -> Result<Vec<String>, ApiError> {
        let mut pages = Vec::new();
        let keep = |page: String| {
            self.api.hold(page.len())?;
            pages.push(page);
            Ok(())
        };
        self.api.pages(path, Form::Whole, keep).await?;
        Ok(pages)
    }

    /// Interprets the first round. The token is read first, so that it can be removed from everything else.
    fn fill(&self, facts: &mut Facts, mut first: FirstRound) -> Option<Token> {
        facts.taken_at = self.api.now();
        // A denial comes from an API server. Anything else that is not a version proves nothing, and the other answers
        // do not count either. The exception is a 401 if our credentials are accepted for everything else.
        if let Err(failure) = &first.version
            && !(failure.kind() == Kind::Unauthorized && first.has_answers())
        {
            facts.obstacle = obstacle::from_failure(failure, self.config, facts.taken_at);
            if facts.obstacle.is_some() {
                // The answers of such a server about the stack are ignored.
                first.forget(&failure.clone());
            }
        }
        let profile = self.scope.profile;
        let mut token = None;
        facts.token = match profile.broker.token_secret {
            None => Seen::Absent,
            Some(_) => first.one::<Secret>("token", &[]).map(|secret| {
                let (fact, value) = token::fact(&secret, profile);
                token = value;
                fact
            }),
        };
        let secrets = forms_of(token.as_ref());

        let version_right = Permission::default();
        facts.version = seen(first.version.clone().and_then(|body| parse(&body, &secrets)), &version_right);
        facts.cluster_id = first
            .one::<k8s_openapi::api::core::v1::Namespace>("clusterId", &secrets)
            .map(|namespace| namespace.metadata.uid.unwrap_or_default());
        facts.watch_list_config_map = first.one("watchListConfigMap", &secrets).map(|map| ConfigMapFact::of(&map));
        let mut answers = Answers { first: &mut first, secrets: &secrets, profile };
        let Ok(()) = observed::read(facts, &mut answers);
        facts.reviews = std::mem::take(&mut first.reviews);
        facts.timings = std::mem::take(&mut first.timings);
        self.api.release();
        token
    }

    async fn second_round(&self, facts: &mut Facts, token: Option<&Token>) {
        (self.scope.progress)("probing the broker");
        let started = Instant::now();
        let secrets = forms_of(token);
        let probe = probe::Probe { api: self.api, client: self.clients.streams.clone(), facts, token, kept: self.kept };
        let discovered = async {
            let served = self.served(facts).await;
            let policies = self.cni_policies(facts, &served).await;
            (served, policies)
        };
        let (found, (reviews, reader), elsewhere, helm, (served, cni_policies), memory, nodes) = tokio::join!(
            probe.run(),
            Box::pin(self.single_reviews(facts, &secrets)),
            self.elsewhere(facts),
            self.helm(facts),
            Box::pin(discovered),
            Box::pin(self.memory(facts)),
            self.nodes(facts)
        );
        facts.timings.insert("broker".into(), millis(started.elapsed()));
        facts.broker = found;
        if let Some(reviews) = reviews {
            facts.reviews = reviews;
        }
        if let Some(reader) = reader {
            reader.add_to(&mut facts.rbac);
        }
        facts.elsewhere = elsewhere;
        facts.helm = helm;
        facts.served = served;
        facts.memory = memory;
        facts.nodes = nodes;
        facts.cni_policies = cni_policies;
        if self.depth.is_whole() {
            facts.logs = logs::read(self.api, facts, &secrets).await;
        }
    }

    /// The resources that the API server serves. They are queried only if the watch-list has entries beyond those that
    /// every cluster serves.
    async fn served(&self, facts: &Facts) -> Seen<crate::facts::Served> {
        let profile = self.scope.profile;
        let has_more_than_stock = stack::meshsyncs(facts)
            .items()
            .first()
            .is_some_and(|meshsync| meshsync.watch_list(profile).has_more_than_stock(profile));
        if self.depth.is_whole() && has_more_than_stock { discovery::ask(self.api).await } else { Seen::NotLooked }
    }

    /// `MeshSync`'s memory usage, which is queried if it is running and has a limit.
    async fn memory(&self, facts: &Facts) -> Seen<MemoryUse> {
        let container = facts.profile.meshsync.container;
        let limited = |pod: &k8s_openapi::api::core::v1::Pod| {
            let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            containers.any(|c| c.name == container && stack::memory_limit(c).is_some())
        };
        let pod = stack::meshsync_pods(facts)
            .into_iter()
            .find(|pod| stack::running_since(pod, container).is_some() && limited(pod));
        let Some(pod) = pod.filter(|_| self.depth.is_whole()) else {
            return Seen::NotLooked;
        };
        let query = queries::metrics(&self.target.namespace, stack::name(&pod.metadata));
        let answer =
            tokio::time::timeout(METRICS_TIMEOUT, self.api.get_as(&query.path, JSON, RetryPolicy::Never)).await;
        let Ok(answer) = answer else {
            return Seen::failed(Failure::new(Kind::TimedOut, "the metrics API timed out"));
        };
        match seen(answer.and_then(|body| parse::<serde_json::Value>(&body, &[])), &query.permission) {
            Seen::Known(metrics) => MemoryUse::of(&metrics, container).map_or(Seen::Absent, Seen::Known),
            other => other.map(|_| MemoryUse::default()),
        }
    }

    /// The nodes of pods that are not ready or should be gone. A healthy stack has none.
    async fn nodes(&self, facts: &Facts) -> BTreeMap<String, Seen<NodeReadiness>> {
        let names = stack::nodes_to_query(facts);
        let nodes = names.into_iter().map(async |name| {
            let answer = self.api.get(&queries::node(&name).path).await;
            let node = seen(answer.and_then(|body| parse::<serde_json::Value>(&body, &[])), &queries::read_nodes());
            (name, node.map(|node| NodeReadiness::of(&node)))
        });
        join_all(nodes).await.into_iter().collect()
    }

    /// Helm's record of the stack's release, if it belongs to one.
    async fn helm(&self, facts: &Facts) -> Seen<Vec<HelmRevision>> {
        let release = stack::helm_release(facts).filter(|_| self.depth.is_whole());
        let Some((release, namespace)) = release else {
            return Seen::NotLooked;
        };
        let query = queries::helm(&release, &namespace);
        let mut revisions = Vec::new();
        let read = |page: String| {
            let list: List<ListedObject> = parse(&page, &[])?;
            let items = list.items.into_iter().flatten();
            revisions.extend(items.filter_map(|item| HelmRevision::of(&item.metadata)));
            Ok(())
        };
        let answer = self.api.pages(&query.path, Form::Metadata, read).await;
        seen(answer.map(|()| revisions), &query.permission)
    }

    /// Custom resources in other namespaces. They are queried only if some that the stack needs are missing here.
    async fn elsewhere(&self, facts: &Facts) -> Seen<Vec<Elsewhere>> {
        let crds = facts.broker_crd.is_absent() && facts.meshsync_crd.is_absent();
        if crds || !lacks_custom_resources(facts) {
            return Seen::NotLooked;
        }
        let queries = queries::custom_resources_everywhere(self.scope.profile);
        let answers = join_all(queries.iter().map(|(_, query)| self.pages(&query.path))).await;
        let mut elsewhere: Option<Vec<Elsewhere>> = None;
        let mut failure = Seen::Absent;
        for ((kind, query), answer) in queries.iter().zip(answers) {
            match answer {
                Ok(pages) => {
                    let found = elsewhere.get_or_insert_default();
                    for page in pages {
                        let items = serde_json::from_str::<List<ListedObject>>(&page).ok().and_then(|list| list.items);
                        found.extend(items.into_iter().flatten().filter_map(|item| {
                            let namespace = item.metadata.namespace?;
                            Some(Elsewhere { namespace, kind: Some((*kind).into()), name: item.metadata.name })
                        }));
                    }
                }
                Err(ApiError::NotFound) => {}
                Err(other) => failure = seen(Err(other), &query.permission),
            }
        }
        match elsewhere {
            Some(mut elsewhere) => {
                elsewhere.sort();
                elsewhere.dedup();
                elsewhere.retain(|one| one.namespace != self.target.namespace);
                Seen::Known(elsewhere)
            }
            None => failure,
        }
    }
}

/// Whether the namespace has no part of the stack, or an operator without the custom resources that it needs.
fn lacks_custom_resources(facts: &Facts) -> bool {
    let (brokers, meshsyncs) = (stack::brokers(facts), stack::meshsyncs(facts));
    if stack::operator(facts).known().is_none() {
        return brokers.items().is_empty() && meshsyncs.items().is_empty();
    }
    // A MeshSync that publishes to another broker needs no Broker CR.
    let needs_broker = !meshsyncs.items().iter().any(|meshsync| stack::destination::custom_url(meshsync).is_some());
    let lacks_broker = needs_broker && brokers.is_settled() && brokers.items().is_empty();
    lacks_broker || (meshsyncs.is_settled() && meshsyncs.items().is_empty())
}

/// The forms in which the token may appear in a text.
fn forms_of(token: Option<&Token>) -> Vec<String> {
    let Some(token) = token.filter(|token| token.expose().len() >= 8) else {
        return Vec::new();
    };
    let token = token.expose();
    vec![token.to_owned(), BASE64.encode(token)]
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
