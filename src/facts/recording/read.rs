//! Files to facts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    API_VERSION, Recording, dump,
    error::RecordingError,
    input::{Input, shown, typed},
    kinds::{self},
};
use crate::{
    facts::{Facts, Rbac, Target},
    stack::{
        base::{seen::Seen, usage::UsageError},
        profile::Profile,
    },
};

/// Reads the recording or dump at `path`, a file, a folder, or `-` for standard input.
///
/// # Errors
///
/// A [`UsageError`] with one sentence when there is nothing readable, or nothing of Kubernetes, there.
pub fn read(
    path: &str,
    profile: Option<&'static Profile>,
    namespace: Option<&str>,
) -> Result<Facts, UsageError> {
    understood(Input::load(path)?, shown(path), profile, namespace)
}

/// Reads a text as [`read`] reads a file.
///
/// # Errors
///
/// As [`read`].
pub fn read_text(
    shown: &str,
    text: &str,
    profile: Option<&'static Profile>,
    namespace: Option<&str>,
) -> Result<Facts, UsageError> {
    let mut input = Input::default();
    input.add_text(shown, text)?;
    understood(input, shown, profile, namespace)
}

fn understood(
    input: Input,
    shown: &str,
    profile: Option<&'static Profile>,
    namespace: Option<&str>,
) -> Result<Facts, UsageError> {
    if input.objects.is_empty() && input.asked.is_empty() {
        return Err(UsageError::new(format!("{shown} holds no Kubernetes object")).instead(
            "give a file that `meshdoctor record` wrote, or what `kubectl get … -o json` printed",
        ));
    }
    input.into_facts(profile, namespace).map_err(|why| {
        let error = UsageError::unreadable(shown, &why);
        match why {
            RecordingError::Several => error.hint("give them one at a time"),
            _ => error,
        }
    })
}

/// The Kubernetes objects of a text, lists taken apart.
///
/// # Errors
///
/// A [`UsageError`] when the text is neither JSON nor YAML.
pub fn objects(shown: &str, text: &str) -> Result<Vec<Value>, UsageError> {
    let mut input = Input::default();
    input.add_text(shown, text)?;
    Ok(input.objects)
}

impl Input {
    fn into_facts(
        mut self,
        profile: Option<&'static Profile>,
        namespace: Option<&str>,
    ) -> Result<Facts, RecordingError> {
        let ours =
            |object: &Value| object["kind"] == "Recording" && object["apiVersion"] == API_VERSION;
        let recordings: Vec<Value> = self.objects.extract_if(.., |object| ours(object)).collect();
        match recordings.as_slice() {
            [] => dump::facts(&self, profile.unwrap_or_else(|| self.family()), namespace),
            [one] => {
                let recording: Recording =
                    typed(one).map_err(RecordingError::malformed("its Recording object"))?;
                self.recorded(recording, profile)
            }
            _ => Err(RecordingError::Several),
        }
    }

    /// The facts of a recording of ours: just what was seen, in every detail.
    fn recorded(
        self,
        recording: Recording,
        profile: Option<&'static Profile>,
    ) -> Result<Facts, RecordingError> {
        let profile = match profile {
            Some(profile) => profile,
            None => Profile::named(&recording.profile)
                .ok_or_else(|| RecordingError::UnknownProfile(recording.profile.clone()))?,
        };
        let asked = |name: &str| recording.asked.get(name).cloned().unwrap_or_default();
        let mut brokers = BTreeMap::new();
        let mut meshsyncs = BTreeMap::new();
        for (question, outcome) in &recording.asked {
            if let Some(version) = question.strip_prefix("brokers.") {
                let items = self.objects_of(&format!("{}/{version}", profile.group), "Broker")?;
                brokers.insert(version.to_owned(), outcome.clone().map(|_| items));
            } else if let Some(version) = question.strip_prefix("meshsyncs.") {
                let items = self.objects_of(&format!("{}/{version}", profile.group), "MeshSync")?;
                meshsyncs.insert(version.to_owned(), outcome.clone().map(|_| items));
            }
        }
        let crds: Vec<crate::facts::Crd> = self.all(kinds::CRDS)?;
        let crd = |question: &str, name: &str| {
            let found = crds
                .iter()
                .find(|crd| crd.metadata.name.as_deref() == Some(name));
            held(asked(question), found.cloned())
        };
        Ok(Facts {
            taken_at: recording.taken_at,
            taken_at_estimated: false,
            profile,
            in_cluster: recording.in_cluster,
            namespace: held(
                asked(kinds::NAMESPACE.0),
                self.all::<k8s_openapi::api::core::v1::Namespace>(kinds::NAMESPACE)?
                    .pop(),
            ),
            broker_crd: crd("crd/broker", &profile.broker_crd()),
            meshsync_crd: crd("crd/meshsync", &profile.meshsync_crd()),
            former_crds: asked("crd/former").map(|_| {
                crds.iter()
                    .filter(|crd| profile.former_group == Some(&crd.spec.group))
                    .cloned()
                    .collect()
            }),
            brokers,
            meshsyncs,
            deployments: self.list(&asked, kinds::DEPLOYMENTS)?,
            statefulsets: self.list(&asked, kinds::STATEFULSETS)?,
            replicasets: self.list(&asked, kinds::REPLICASETS)?,
            pods: self.list(&asked, kinds::PODS)?,
            services: self.list(&asked, kinds::SERVICES)?,
            endpointslices: self.list(&asked, kinds::ENDPOINTSLICES)?,
            networkpolicies: self.list(&asked, kinds::NETWORKPOLICIES)?,
            events: self.list(&asked, kinds::EVENTS)?,
            lease: held(
                asked(kinds::LEASE.0),
                self.all::<k8s_openapi::api::coordination::v1::Lease>(kinds::LEASE)?
                    .pop(),
            ),
            rbac: Rbac {
                cluster_roles: self.list(&asked, kinds::CLUSTER_ROLES)?,
                cluster_role_bindings: self.list(&asked, kinds::CLUSTER_ROLE_BINDINGS)?,
                roles: self.list(&asked, kinds::ROLES)?,
                role_bindings: self.list(&asked, kinds::ROLE_BINDINGS)?,
            },
            target: Target {
                namespace: recording.target.namespace.clone(),
                ..recording.target
            },
            obstacle: recording.obstacle,
            version: recording.version,
            cluster_id: recording.cluster_id,
            elsewhere: recording.elsewhere,
            token: recording.token,
            helm: recording.helm,
            reviews: recording.reviews,
            served: recording.served,
            watch_list_config_map: recording.watch_list_config_map,
            broker: recording.broker,
            memory: recording.memory,
            logs: recording.logs,
            preflight: recording.preflight,
            test: recording.test,
            timings: recording.timings,
        })
    }
}

/// What an outcome says of one object: known only if the object is really there.
fn held<T>(outcome: Seen<usize>, found: Option<T>) -> Seen<T> {
    match (outcome, found) {
        (Seen::Known(_), Some(found)) => Seen::Known(found),
        (Seen::Known(_), None) => Seen::Absent,
        (other, _) => other.map(|_| unreachable!("only a known outcome has a value")),
    }
}
