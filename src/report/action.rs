//! What a remedy does, as data. The printed command, the JSON and what a repair runs come from the same value.

use serde::Serialize;

use crate::stack::base::words::quoted;

/// What a command does to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It looks.
    Read,
    /// It changes something that can be changed back.
    Write,
    /// It removes something.
    Destructive,
}

/// One step of a remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Restarts the pods of a workload, one after the other.
    Restart(WorkloadRef),
    /// Scales a workload.
    Scale {
        /// Which one.
        workload: WorkloadRef,
        /// How many pods it is to have.
        replicas: u32,
    },
    /// Changes fields of an object.
    Patch {
        /// The object as kubectl takes it: `broker/meshery-broker`, `crd NAME`.
        object: String,
        /// How the patch is read.
        kind: PatchKind,
        /// The patch, as JSON.
        patch: String,
    },
    /// Deletes objects, as kubectl takes them: `service NAME`, `statefulset/NAME service/NAME`.
    Delete(String),
    /// Removes the finalizers of an object, which lets its deletion end.
    ClearFinalizers(String),
    /// Deploys the stack, or a part of it, from the embedded manifests.
    Redeploy(Option<&'static str>),
    /// Shows the log of a workload or a pod.
    Logs {
        /// What kubectl takes: `deployment/NAME`, a pod's name, `-l SELECTOR`.
        of: String,
        /// One container; every one that is not named is the pod's choice.
        container: Option<String>,
        /// How many lines; none for all that there are.
        tail: Option<u32>,
    },
    /// Another command of kubectl that changes nothing.
    Inspect(String),
    /// Another command of kubectl that somebody has to look at before it is run.
    Change(String),
    /// Another command of meshdoctor, with what it does to the cluster.
    Meshdoctor(String, Effect),
    /// A whole command line, of any program, with what it does to the cluster.
    Other(String, Effect),
}

/// How a patch is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// A JSON merge patch.
    Merge,
    /// A list of JSON patch operations.
    Json,
}

/// Whether an action may be applied by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// It is idempotent and loses nothing.
    Safe,
    /// It restarts or changes something that works.
    Review,
    /// Somebody has to decide.
    Manual,
}

/// A workload, by its real name.
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
    /// What it does to the cluster.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Restart(_) | Self::Scale { .. } | Self::Patch { .. } | Self::Redeploy(_) | Self::Change(_) => {
                Effect::Write
            }
            Self::Delete(_) | Self::ClearFinalizers(_) => Effect::Destructive,
            Self::Logs { .. } | Self::Inspect(_) => Effect::Read,
            Self::Meshdoctor(_, effect) | Self::Other(_, effect) => *effect,
        }
    }

    /// Whether it may be applied by itself.
    pub fn safety(&self) -> Safety {
        match self {
            Self::Logs { .. } | Self::Inspect(_) | Self::Meshdoctor(_, Effect::Read) | Self::Other(_, Effect::Read) => {
                Safety::Safe
            }
            Self::Restart(_) | Self::Scale { .. } | Self::Patch { .. } | Self::Redeploy(_) => Safety::Review,
            Self::Delete(_)
            | Self::ClearFinalizers(_)
            | Self::Change(_)
            | Self::Meshdoctor(_, _)
            | Self::Other(_, _) => Safety::Manual,
        }
    }

    /// Whether it is run by this program rather than by kubectl.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Redeploy(_) | Self::Meshdoctor(_, _))
    }

    /// The arguments of kubectl, or of this program, without those that choose the cluster and the namespace.
    pub fn arguments(&self) -> String {
        match self {
            Self::Restart(workload) => format!("rollout restart {workload}"),
            Self::Scale { workload, replicas } => format!("scale {workload} --replicas={replicas}"),
            Self::Patch { object, kind, patch } => {
                let kind = match kind {
                    PatchKind::Merge => "merge",
                    PatchKind::Json => "json",
                };
                format!("patch {object} --type {kind} -p {}", quoted(patch))
            }
            Self::Delete(objects) => format!("delete {objects}"),
            Self::ClearFinalizers(object) => {
                format!(r#"patch {object} --type merge -p '{{"metadata":{{"finalizers":null}}}}'"#)
            }
            Self::Redeploy(None) => "system redeploy".into(),
            Self::Redeploy(Some(part)) => format!("system redeploy {part}"),
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
