//! The setup of a stack, and its installation.

use std::hash::{BuildHasher, RandomState};
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use kube::Client;
use serde_json::Value;

use super::cluster::Cluster;
use super::line::{Line, Names};
use super::rest::{self, BED, Writer};
use super::stack::Stack;
use super::{crds, manifests, real, watch_list};

/// The setup of a stack; start with [`Stack::of`].
#[derive(Clone, Debug)]
#[must_use = "nothing is installed until start() is awaited"]
pub struct Setup {
    pub(super) line: Line,
    pub(super) namespace: String,
    pub(super) brokers: u8,
    pub(super) token: Option<String>,
    pub(super) service_type: String,
    pub(super) ingress: Option<Ipv4Addr>,
    reader: bool,
    whitelist: String,
    stored_as: Option<&'static str>,
    quick_probes: bool,
    beside_another: bool,
}

impl Setup {
    /// A stack as its operator line is released, plus the reader role that the current line lacks.
    pub(super) fn of(line: Line) -> Self {
        let current = line == Line::Current;
        Self {
            line,
            namespace: line.names().prefix.to_owned(),
            brokers: 1,
            token: current.then(random_token),
            service_type: if current { "ClusterIP" } else { "LoadBalancer" }.to_owned(),
            ingress: None,
            reader: true,
            whitelist: watch_list::default(),
            stored_as: None,
            quick_probes: false,
            beside_another: false,
        }
    }

    /// The namespace; it must exist. `meshery` by default.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// The number of broker servers; 1 by default.
    pub fn brokers(mut self, count: u8) -> Self {
        self.brokers = count;
        self
    }

    /// The token in the Secret, which the brokers require.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Brokers without authentication.
    pub fn no_auth(mut self) -> Self {
        self.token = None;
        self
    }

    /// The type of the broker's Service.
    pub fn service_type(mut self, service_type: &str) -> Self {
        service_type.clone_into(&mut self.service_type);
        self
    }

    /// The address that a load balancer assigned to the broker's Service.
    pub fn ingress(mut self, address: Ipv4Addr) -> Self {
        self.ingress = Some(address);
        self
    }

    /// Without the ClusterRole that allows MeshSync to read, like the released manifests.
    pub fn stock(mut self) -> Self {
        self.reader = false;
        self
    }

    /// The watch-list's `whitelist`, as text.
    pub fn whitelist(mut self, text: &str) -> Self {
        text.clone_into(&mut self.whitelist);
        self
    }

    /// Stores the custom resources in another version than the current one, as before an upgrade.
    pub fn stored_as(mut self, version: &'static str) -> Self {
        self.stored_as = Some(version);
        self
    }

    /// Asks each container every two seconds whether it is ready. The released operator asks every ten seconds, so each
    /// restart takes ten seconds more, in which nothing else happens.
    pub fn quick_probes(mut self) -> Self {
        self.quick_probes = true;
        self
    }

    /// Keeps the CRDs of another stack in the cluster.
    pub fn beside_another(mut self) -> Self {
        self.beside_another = true;
        self
    }

    /// Creates the stack; returns when everything is ready. No client is connected to the brokers yet.
    pub async fn start(self, cluster: &Cluster) -> Result<Stack> {
        let client = cluster.client().await?;
        let custom = self.install(cluster, &client).await?;
        let stack = self.run_operator(cluster, client, &custom).await?;
        if self.stored_as.is_some() {
            store_as(cluster, &stack.client, self.line, "v1alpha2").await?;
        }
        Ok(stack)
    }

    /// Creates what a user creates, and returns the custom resources.
    pub(super) async fn install(&self, cluster: &Cluster, client: &Client) -> Result<Vec<Value>> {
        if self.beside_another {
            cluster.upgrade_crds(client, self.line).await?;
        } else {
            cluster.ensure_crds(client, self.line).await?;
        }
        if let Some(version) = self.stored_as {
            store_as(cluster, client, self.line, version).await?;
        }
        let custom = async {
            let objects = self.fill(self.templates().custom, &[])?;
            cluster.apply_with(client, Writer::Kubectl, &objects).await
        };
        let operator = async {
            let objects = self.fill(self.templates().operator, &[])?;
            cluster.apply_with(client, Writer::Kubectl, &objects).await
        };
        let reader = async {
            let needs_reader = self.reader && self.line == Line::Current;
            let objects =
                if needs_reader { self.fill(include_str!("manifests/current/reader.yaml"), &[])? } else { vec![] };
            cluster.apply_with(client, BED, &objects).await
        };
        let (custom, ..) = tokio::try_join!(custom, operator, reader)?;
        Ok(custom)
    }

    /// Installs the current operator line over a stack of the old one with kubectl, as users do.
    pub async fn upgrade(self, older: Stack) -> Result<Stack> {
        ensure!(
            self.line == Line::Current && older.line == Line::Old,
            "only upgrades from the old to the current operator line are supported"
        );
        let cluster = older.cluster.clone();
        let client = older.client.clone();
        cluster.upgrade_crds(&client, self.line).await?;
        let objects = self.fill(self.templates().operator, &[])?;
        cluster.kubectl_apply(&objects)?;
        for object in
            objects.iter().filter(|object| rest::is_cluster_scoped(object["kind"].as_str().unwrap_or_default()))
        {
            cluster.delete_on_return(rest::path_of(object)?);
        }
        let mut custom = Vec::new();
        for object in self.fill(self.templates().custom, &[])? {
            custom.push(rest::get(&client, &rest::path_of(&object)?).await?);
        }
        let mut stack = self.run_operator(&cluster, client, &custom).await?;
        stack.older = Some(Box::new(older));
        Ok(stack)
    }

    /// Runs the real operator if the environment names its binary, otherwise does its work.
    async fn run_operator(&self, cluster: &Cluster, client: Client, custom: &[Value]) -> Result<Stack> {
        let mut stack = Stack::new(cluster, client, self);
        match real::operator().filter(|_| self.line == Line::Current) {
            Some(binary) => self.run_real_operator(&mut stack, binary).await?,
            None => self.run_fake_operator(&mut stack, custom).await?,
        }
        stack.wait_ready(self.brokers).await?;
        Ok(stack)
    }

    pub(super) fn templates(&self) -> Templates {
        match self.line {
            Line::Current => Templates {
                operator: include_str!("manifests/current/operator.yaml"),
                custom: include_str!("manifests/current/crs.yaml"),
                broker: include_str!("manifests/current/broker.yaml"),
                meshsync: include_str!("manifests/current/meshsync.yaml"),
            },
            Line::Old | Line::Meshplay => Templates {
                operator: include_str!("manifests/old/operator.yaml"),
                custom: include_str!("manifests/old/crs.yaml"),
                broker: include_str!("manifests/old/broker.yaml"),
                meshsync: include_str!("manifests/old/meshsync.yaml"),
            },
        }
    }

    /// The current operator uses server-side apply; the old one creates.
    pub(super) fn writer(&self, part: &str) -> Writer<'static> {
        match (self.line, part) {
            (Line::Current, "broker") => Writer::Apply("meshery-operator-broker"),
            (Line::Current, _) => Writer::Apply("meshery-operator-meshsync"),
            _ => Writer::Create("manager"),
        }
    }

    pub(super) fn fill(&self, template: &str, more: &[(&str, &str)]) -> Result<Vec<Value>> {
        let Names { prefix, group, operator_image, meshsync_image, .. } = self.line.names();
        let size = self.brokers.to_string();
        // A JSON string is a valid YAML scalar.
        let whitelist = Value::from(self.whitelist.as_str()).to_string();
        let mut values = vec![
            ("ns", self.namespace.as_str()),
            ("prefix", prefix),
            ("group", group),
            ("operator_image", operator_image),
            ("meshsync_image", meshsync_image),
            ("size", &size),
            ("service_type", &self.service_type),
            ("whitelist", &whitelist),
        ];
        values.extend(more);
        let mut objects = manifests::fill(template, &values)?;
        if self.quick_probes {
            objects.iter_mut().for_each(quicken_probes);
        }
        Ok(objects)
    }
}

fn quicken_probes(object: &mut Value) {
    let containers = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut);
    for probe in containers.into_iter().flatten().filter_map(|container| container.get_mut("readinessProbe")) {
        probe["initialDelaySeconds"] = 2.into();
        probe["periodSeconds"] = 2.into();
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Templates {
    pub(super) operator: &'static str,
    pub(super) custom: &'static str,
    pub(super) broker: &'static str,
    pub(super) meshsync: &'static str,
}

/// Changes the storage version of the custom resources.
async fn store_as(cluster: &Cluster, client: &Client, line: Line, version: &str) -> Result<()> {
    cluster.crds_will_change().await;
    let mut objects = line.crds()?;
    for crd in &mut objects {
        for entry in crd["spec"]["versions"].as_array_mut().into_iter().flatten() {
            entry["storage"] = (entry["name"] == version).into();
        }
    }
    rest::write_all(client, BED, &objects).await?;
    for kind in ["Broker", "MeshSync"] {
        crds::until_stored_as(client, line.names().group, kind, version).await?;
    }
    Ok(())
}

/// A random token in the operator's format: a letter and 64 hexadecimal digits.
pub(super) fn random_token() -> String {
    let word = || RandomState::new().hash_one(0_u8);
    format!("t{:016x}{:016x}{:016x}{:016x}", word(), word(), word(), word())
}
