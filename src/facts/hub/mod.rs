//! Facts about Service Mesh Hub: its custom resources, as they are, and what their statuses say.

mod registered;
mod relay;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    registered::{Gateway, IstioFacts, IstiodPod, Registered, SecretFact, zones},
    relay::Relay,
};
use super::{
    Facts,
    redact::{self, Redact},
};
use crate::stack::{
    base::seen::Seen,
    hub::{Generation, ISTIO_NAMESPACE, Role},
};

/// The custom resources of Service Mesh Hub.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HubFacts {
    /// The `group/version` of its discovered meshes, which shows the era. `None` if no era's groups are served.
    pub group_version: Option<String>,
    /// The agents that the closed enterprise controller counts. Queried only if it is running.
    pub relay: Seen<Relay>,
    /// The Secrets with the roots of trust that the controllers generated, by virtual mesh: `name.namespace`. Queried only
    /// with registered clusters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roots: BTreeMap<String, Seen<SecretFact>>,
    /// What is queried only in a registered cluster. `None` for the management cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Box<Registered>>,
    /// The registered clusters that the user named with `--remote-context`, each observed like a cluster of its own.
    #[serde(skip)]
    pub remotes: Vec<Facts>,
    /// The objects of each kind, in all namespaces. A kind that is missing was not queried.
    #[serde(skip)]
    pub objects: BTreeMap<Role, Seen<Vec<HubObject>>>,
}

/// One custom resource. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HubObject {
    /// Name, namespace, generation, labels.
    pub metadata: ObjectMeta,
    /// What it asks for.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub spec: Value,
    /// What the controllers wrote.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub status: Value,
}

impl Redact for HubObject {
    fn redact(&mut self) {
        self.metadata.redact();
        for value in [&mut self.spec, &mut self.status] {
            redact_texts(value);
        }
    }
}

/// Masks what looks like a secret in every text. Errors in a status may quote anything.
fn redact_texts(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(masked) = redact::text(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_texts),
        Value::Object(fields) => fields.values_mut().for_each(redact_texts),
        _ => {}
    }
}

/// Whether the controllers accept an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approval {
    /// It is applied.
    Accepted,
    /// No controller has judged it yet. The value is omitted in a status.
    Pending,
    /// It contradicts another object, or asks for something that is not possible.
    Invalid,
    /// It was accepted, but could not be written to the mesh.
    Failed,
}

impl Approval {
    /// Reads the value of a status. Numbers are those of the enumeration.
    fn read(value: &Value) -> Self {
        match (value.as_str(), value.as_i64()) {
            (Some("ACCEPTED"), _) | (_, Some(1)) => Self::Accepted,
            // Era A has two more values.
            (Some("INVALID" | "CONFLICT"), _) | (_, Some(2 | 4)) => Self::Invalid,
            (Some("FAILED" | "PROCESSING_ERROR"), _) | (_, Some(3)) => Self::Failed,
            _ => Self::Pending,
        }
    }
}

/// What a status says about one target of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetStatus {
    /// Its key: `name.namespace.cluster`. The cluster is empty for a discovered object.
    pub key: String,
    /// Whether the policy is applied to it.
    pub approval: Approval,
    /// Why not.
    pub errors: Vec<String>,
}

/// What the status of a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// Whether there is a status at all.
    pub written: bool,
    /// Whether the policy as a whole is accepted.
    pub approval: Approval,
    /// The generation that was judged. `None` if the status does not contain one, as for a virtual mesh of era A.
    pub observed_generation: Option<i64>,
    /// Errors about the policy as a whole.
    pub errors: Vec<String>,
    /// The services to which it applies.
    pub targets: Vec<TargetStatus>,
    /// The meshes to which it applies.
    pub meshes: Vec<TargetStatus>,
    /// Whether it applies to the routes of a gateway.
    pub has_routes: bool,
    /// The workloads whose traffic it changes. `None` if the status does not list them.
    pub workloads: Option<Vec<String>>,
}

impl HubFacts {
    /// The generation of its custom resources. `None` if none is served.
    pub fn generation(&self) -> Option<&'static Generation> {
        self.group_version.as_deref().and_then(Generation::of)
    }

    /// Whether a mesh is discovered in a cluster.
    pub fn has_mesh_in(&self, cluster: &str) -> bool {
        self.of(Role::Mesh).items().iter().any(|mesh| mesh.cluster_of_mesh() == cluster)
    }

    /// The objects of this kind. Not looked if they were not queried.
    pub fn of(&self, role: Role) -> &Seen<Vec<HubObject>> {
        static NOT_LOOKED: Seen<Vec<HubObject>> = Seen::NotLooked;
        self.objects.get(&role).unwrap_or(&NOT_LOOKED)
    }
}

impl PolicyStatus {
    /// Whether the status is about an older spec than this generation. Virtual meshes of era A do not say.
    pub fn is_behind(&self, generation: i64) -> bool {
        self.observed_generation.is_some_and(|observed| observed < generation)
    }
}

impl HubObject {
    /// The name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The generation of its spec.
    pub fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or_default()
    }

    /// The references to the policies of a list in the status of a discovered service: `appliedTrafficPolicies`.
    pub fn applied(&self, list: &str) -> impl Iterator<Item = &Value> {
        self.status[list].as_array().into_iter().flatten()
    }

    /// The key by which statuses of other objects refer to it.
    pub fn key(&self) -> String {
        format!("{}.{}.", self.name(), self.namespace())
    }

    /// The text at a JSON pointer in the spec.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.spec.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
    }

    /// The cluster of a discovered mesh. Era A has it outside the part about Istio.
    pub fn cluster_of_mesh(&self) -> &str {
        let labels = self.metadata.labels.as_ref();
        let of_label =
            || labels?.iter().find(|(key, _)| key.starts_with("cluster.discovery.")).map(|(_, name)| name.as_str());
        let in_spec = self.text("/istio/installation/cluster").or_else(|| self.text("/cluster/name"));
        in_spec.or_else(of_label).unwrap_or_default()
    }

    /// The namespace of istiod of a discovered mesh.
    pub fn istio_namespace(&self) -> Option<&str> {
        let of_era_a = || self.of_era_a("installationNamespace");
        self.text("/istio/installation/namespace").or_else(of_era_a)
    }

    /// The same, or the namespace in which Istio usually is.
    pub fn istio_namespace_or_default(&self) -> &str {
        self.istio_namespace().unwrap_or(ISTIO_NAMESPACE)
    }

    /// A field of the installation of Istio in the form of era A.
    fn of_era_a(&self, field: &str) -> Option<&str> {
        let mut kinds = ["istio", "istio15", "istio16"].iter();
        kinds.find_map(|kind| self.text(&format!("/{kind}/metadata/installation/{field}")))
    }

    /// Whether the controllers generate the root of trust of this virtual mesh, instead of taking one of the user's.
    pub fn generates_root(&self) -> bool {
        let authority = "/mtlsConfig/shared/rootCertificateAuthority";
        let shared = self.spec.pointer("/mtlsConfig/shared").is_some();
        shared && self.spec.pointer(authority).is_none_or(|authority| authority.get("secret").is_none())
    }

    /// The version of Istio of a discovered mesh, which is the tag of its image.
    pub fn istio_version(&self) -> Option<&str> {
        self.text("/istio/installation/version").or_else(|| self.of_era_a("version"))
    }

    /// The generation that a status refers to. Older releases write it as text. An absent one is zero.
    pub fn observed_generation(&self) -> i64 {
        number(&self.status["observedGeneration"]).unwrap_or_default()
    }

    /// The status of a policy, in the form of every era.
    pub fn policy_status(&self) -> PolicyStatus {
        let status = &self.status;
        let written = status.as_object().is_some_and(|fields| !fields.is_empty());
        if is_of_era_a(status) {
            return self.status_of_era_a();
        }
        let targets =
            if status["destinations"].is_object() { &status["destinations"] } else { &status["trafficTargets"] };
        PolicyStatus {
            written,
            approval: Approval::read(&status["state"]),
            observed_generation: Some(self.observed_generation()),
            errors: texts(&status["errors"]),
            targets: statuses(targets),
            meshes: statuses(&status["meshes"]),
            has_routes: status["gatewayRoutes"].is_object(),
            workloads: status["workloads"].as_array().map(|_| texts(&status["workloads"])),
        }
    }

    /// Era A has one part for each controller instead of one state.
    fn status_of_era_a(&self) -> PolicyStatus {
        let status = &self.status;
        let parts: Vec<&Value> =
            PARTS_OF_ERA_A.iter().map(|part| &status[*part]).filter(|part| part.is_object()).collect();
        let message = |part: &&Value| part["message"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let mut errors: Vec<String> = parts.iter().filter_map(message).collect();
        for list in ["translatorErrors", "conflictErrors"] {
            let items = status[list].as_array().into_iter().flatten();
            errors.extend(items.filter_map(|item| item["errorMessage"].as_str()).map(str::to_owned));
        }
        let observed = &status["observedGeneration"];
        PolicyStatus {
            written: true,
            approval: parts.iter().map(|part| Approval::read(&part["state"])).max().unwrap_or(Approval::Pending),
            observed_generation: number(observed),
            errors,
            targets: Vec::new(),
            meshes: Vec::new(),
            has_routes: false,
            workloads: None,
        }
    }
}

/// The parts of a status of era A.
const PARTS_OF_ERA_A: [&str; 6] = [
    "translationStatus",
    "validationStatus",
    "federationStatus",
    "certificateStatus",
    "configStatus",
    "accessControlEnforcementStatus",
];

fn is_of_era_a(status: &Value) -> bool {
    PARTS_OF_ERA_A.iter().any(|part| status[*part].is_object())
}

/// A 64-bit number, which older releases write as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    let mut texts: Vec<String> = Vec::new();
    for text in items.filter_map(Value::as_str) {
        // A translator repeats its error for each mesh of a federated service.
        if !texts.iter().any(|known| known == text) {
            texts.push(text.to_owned());
        }
    }
    texts
}

fn statuses(value: &Value) -> Vec<TargetStatus> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(key, status)| TargetStatus {
            key: key.clone(),
            approval: Approval::read(&status["state"]),
            errors: texts(&status["errors"]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(status: Value) -> PolicyStatus {
        HubObject { status, ..HubObject::default() }.policy_status()
    }

    #[test]
    fn absent_state_is_pending() {
        assert_eq!(policy(Value::Null).approval, Approval::Pending);
        let entry = policy(json!({ "observedGeneration": 1, "destinations": { "a.b.": {} } }));
        assert_eq!((entry.approval, entry.targets[0].approval), (Approval::Pending, Approval::Pending));
        assert!(entry.written);
        assert!(!policy(json!({})).written);
    }

    #[test]
    fn generation_may_be_a_text() {
        for value in [json!("3"), json!(3)] {
            let status = policy(json!({ "state": "ACCEPTED", "observedGeneration": value }));
            assert_eq!((status.approval, status.observed_generation), (Approval::Accepted, Some(3)));
        }
        assert_eq!(policy(json!({ "state": 3 })).approval, Approval::Failed);
        assert_eq!(policy(json!({ "state": "ACCEPTED" })).observed_generation, Some(0));
    }

    #[test]
    fn targets_of_every_era_are_read_and_errors_are_not_repeated() {
        for field in ["trafficTargets", "destinations"] {
            let status = policy(json!({ field: { "a.b.": { "state": "INVALID", "errors": ["no", "no"] } } }));
            assert_eq!(status.targets[0].errors, ["no"]);
        }
    }

    #[test]
    fn parts_of_era_a_are_joined() {
        let status = policy(json!({
            "translationStatus": { "state": "ACCEPTED" },
            "validationStatus": { "state": "INVALID", "message": "no such service" },
            "translatorErrors": [{ "translatorId": "istio", "errorMessage": "cannot write" }],
            "observedGeneration": "2",
        }));
        assert_eq!((status.approval, status.observed_generation), (Approval::Invalid, Some(2)));
        assert_eq!(status.errors, ["no such service", "cannot write"]);
        let mesh = policy(json!({ "federationStatus": { "state": "CONFLICT" } }));
        assert_eq!((mesh.approval, mesh.observed_generation), (Approval::Invalid, None));
        let mesh = policy(json!({ "federationStatus": { "state": 4 } }));
        assert_eq!(mesh.approval, Approval::Invalid);
    }
}
