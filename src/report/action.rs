//! What a remedy does, as data. The printed command, the JSON and the repair are all derived from it.

use serde::Serialize;
use serde_json::Value;

use crate::stack::{
    base::words::quoted,
    object::{self, Id},
};

/// What a command does to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It only reads.
    Read,
    /// It makes a change that can be undone.
    Write,
    /// It deletes something.
    Destructive,
}

/// One step of a remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Restarts the pods of a workload one after the other.
    Restart(WorkloadRef),
    /// Scales a workload.
    Scale {
        /// The workload.
        workload: WorkloadRef,
        /// The desired number of replicas.
        replicas: u32,
    },
    /// Deletes a workload, which its operator then creates again.
    Recreate(WorkloadRef),
    /// Changes fields of an object.
    Patch {
        /// The object.
        object: Id,
        /// A JSON merge patch.
        patch: Value,
        /// The file from which the printed command reads the patch, if it is too long for a command line.
        file: Option<String>,
    },
    /// Deletes an object that a test of this program left.
    RemoveTestObject(Id),
    /// Deletes objects, as kubectl accepts them: `service NAME`, `meshsyncs.meshery.io --all`.
    Delete(String),
    /// Removes the finalizers of an object, so that its deletion completes.
    ClearFinalizers(String),
    /// Deploys the stack, or a part of it, from the embedded manifests.
    Redeploy(Option<&'static str>),
    /// Deploys the broker with a new token.
    NewToken,
    /// Changes something in Meshery Server; the flags that name it.
    Server(ServerChange, String),
    /// Shows the logs of a workload or pod.
    Logs {
        /// The target as kubectl accepts it: `deployment/NAME`, a pod's name, `-l SELECTOR`.
        of: String,
        /// The container. `None` for kubectl's default.
        container: Option<String>,
        /// The number of lines. `None` for all.
        tail: Option<u32>,
    },
    /// Another kubectl command that changes nothing.
    Inspect(String),
    /// Another kubectl command that must be reviewed before it is run.
    Change(String),
    /// Another meshdoctor command, with its effect on the cluster.
    Meshdoctor(String, Effect),
    /// A complete command line of any program, with its effect on the cluster.
    Other(String, Effect),
}

/// What changes in Meshery Server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChange {
    /// Makes it look for kubeconfigs again, and start what it does for each of its connections.
    Rediscover,
    /// Uploads a kubeconfig, which the user must name.
    Upload,
    /// Deletes the connection with this ID.
    DeleteConnection(String),
    /// Makes it connect to the broker again.
    Reconnect,
    /// Switches it to the operator.
    OperatorMode,
    /// Empties what it stores of this cluster, so that it is received again.
    FlushData,
    /// Drops every table of its database.
    ResetDatabase,
}

impl ServerChange {
    fn effect(&self) -> Effect {
        match self {
            // What is flushed is a copy, which is received again.
            Self::Rediscover | Self::Upload | Self::Reconnect | Self::OperatorMode | Self::FlushData => Effect::Write,
            Self::DeleteConnection(_) | Self::ResetDatabase => Effect::Destructive,
        }
    }

    fn arguments(&self) -> String {
        match self {
            Self::Rediscover => "server contexts rediscover".into(),
            Self::Upload => "server contexts upload FILE".into(),
            Self::DeleteConnection(id) => format!("server contexts delete {}", quoted(id)),
            Self::Reconnect => "server reconnect".into(),
            Self::OperatorMode => "server mode operator".into(),
            Self::FlushData => "system reset data".into(),
            Self::ResetDatabase => "system reset database".into(),
        }
    }
}

/// Whether a change may be applied automatically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// It is idempotent and loses nothing.
    Safe,
    /// It restarts or changes something that is working.
    Review,
    /// A person must decide.
    Manual,
}

/// A workload by its real name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadRef {
    /// `deployment` or `statefulset`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl WorkloadRef {
    /// A Deployment.
    pub fn deployment(name: impl Into<String>) -> Self {
        Self { kind: "deployment", name: name.into() }
    }

    /// A `StatefulSet`.
    pub fn statefulset(name: impl Into<String>) -> Self {
        Self { kind: "statefulset", name: name.into() }
    }
}

impl std::fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Action {
    /// The effect on the cluster.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Restart(_)
            | Self::Scale { .. }
            | Self::Patch { .. }
            | Self::Redeploy(_)
            | Self::NewToken
            | Self::Change(_) => Effect::Write,
            Self::Recreate(_) | Self::Delete(_) | Self::RemoveTestObject(_) | Self::ClearFinalizers(_) => {
                Effect::Destructive
            }
            Self::Logs { .. } | Self::Inspect(_) => Effect::Read,
            Self::Server(change, _) => change.effect(),
            Self::Meshdoctor(_, effect) | Self::Other(_, effect) => *effect,
        }
    }

    /// Whether this program runs it, not kubectl.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Redeploy(_) | Self::NewToken | Self::Server(..) | Self::Meshdoctor(_, _))
    }

    /// The arguments of kubectl, or of this program, without those that select the cluster and the namespace.
    pub fn arguments(&self) -> String {
        match self {
            Self::Restart(workload) => format!("rollout restart {workload}"),
            Self::Scale { workload, replicas } => format!("scale {workload} --replicas={replicas}"),
            Self::Recreate(workload) => format!("delete {} {}", workload.kind, workload.name),
            Self::Patch { object, patch, file: None } => {
                format!("patch {} --type merge -p {}", named(object), quoted(&patch.to_string()))
            }
            Self::Patch { object, file: Some(file), .. } => {
                format!("patch {} --type merge --patch-file {}", named(object), quoted(file))
            }
            Self::RemoveTestObject(object) => format!("delete {}", named(object)),
            Self::Delete(objects) => format!("delete {objects}"),
            Self::ClearFinalizers(object) => {
                format!(r#"patch {object} --type merge -p '{{"metadata":{{"finalizers":null}}}}'"#)
            }
            Self::NewToken => "system redeploy broker --new-token".into(),
            Self::Redeploy(None) => "system redeploy".into(),
            Self::Redeploy(Some(part)) => format!("system redeploy {part}"),
            Self::Server(change, flags) => format!("{}{flags}", change.arguments()),
            Self::Logs { of, container, tail } => {
                let container = container.as_ref().map(|it| format!(" -c {it}"));
                let tail = tail.map(|lines| format!(" --tail={lines}"));
                format!("logs {of}{}{}", container.unwrap_or_default(), tail.unwrap_or_default())
            }
            Self::Inspect(arguments)
            | Self::Change(arguments)
            | Self::Meshdoctor(arguments, _)
            | Self::Other(arguments, _) => arguments.clone(),
        }
    }
}

/// An object as kubectl accepts it: `statefulset/NAME`, `crd/NAME`, `broker.meshery.io/NAME`.
fn named(id: &Id) -> String {
    let kind = id.kind.to_lowercase();
    let is_custom = id.group().contains('.') && !id.group().ends_with(".k8s.io");
    let resource = match kind.as_str() {
        _ if id.kind == object::DEFINITION.kind => "crd".to_owned(),
        _ if is_custom => format!("{kind}.{}", id.group()),
        _ => kind,
    };
    format!("{resource}/{}", quoted(&id.name))
}
