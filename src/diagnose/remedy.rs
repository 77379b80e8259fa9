//! Commands of remedies: actions with the connection flags, the namespace and the real object names.

use serde_json::Value;

use super::{RuleContext, rollout};
use crate::{
    facts::stack,
    report::{Action, Command, Effect, WorkloadRef},
    stack::{
        base::{seen::Seen, words::quoted},
        component::Component,
        object::Id,
    },
};

/// Builds kubectl commands for objects of a namespace or of the whole cluster.
pub(crate) struct Kubectl<'a, 'b> {
    context: &'b RuleContext<'a>,
    namespace: Option<&'b str>,
}

impl Kubectl<'_, '_> {
    /// A command that changes nothing.
    pub(crate) fn inspect(&self, arguments: impl Into<String>) -> Command {
        self.run(Action::Inspect(arguments.into()))
    }

    /// A command that the user has to review before running it.
    pub(crate) fn change(&self, arguments: impl Into<String>) -> Command {
        self.run(Action::Change(arguments.into()))
    }

    /// Changes fields of an object with a merge patch.
    pub(crate) fn patch(&self, object: Id, patch: Value) -> Command {
        self.run(Action::Patch { object, patch, file: None })
    }

    /// Deletes objects.
    pub(crate) fn delete(&self, objects: impl Into<String>) -> Command {
        self.run(Action::Delete(objects.into()))
    }

    /// The command for an action.
    pub(crate) fn run(&self, action: Action) -> Command {
        let namespace = self.namespace.map(|it| format!(" -n {}", quoted(it)));
        let namespace = namespace.unwrap_or_default();
        let flags = self.context.facts.target.invocation.kubectl_flags();
        command(format!("kubectl{flags}{namespace} {}", action.arguments()), action)
    }
}

/// A whole command line of any program.
pub(crate) fn other(effect: Effect, run: String) -> Command {
    command(run.clone(), Action::Other(run, effect))
}

fn is_known<T>(seen: Option<&Seen<T>>) -> bool {
    seen.is_some_and(|seen| seen.known().is_some())
}

fn command(run: String, action: Action) -> Command {
    Command { run, effect: action.effect(), last_resort: false, fix: false, action }
}

impl<'a> RuleContext<'a> {
    /// kubectl in the stack's namespace.
    pub(crate) fn kubectl(&self) -> Kubectl<'a, '_> {
        Kubectl { context: self, namespace: Some(&self.facts.target.namespace) }
    }

    /// kubectl in another namespace.
    pub(crate) fn kubectl_in<'b>(&'b self, namespace: &'b str) -> Kubectl<'a, 'b> {
        Kubectl { context: self, namespace: Some(namespace) }
    }

    /// kubectl for cluster-scoped objects.
    pub(crate) fn kubectl_cluster(&self) -> Kubectl<'a, '_> {
        Kubectl { context: self, namespace: None }
    }

    /// A Helm command.
    pub(crate) fn helm(&self, effect: Effect, namespace: &str, arguments: &str) -> Command {
        let flags = self.facts.target.invocation.helm_flags();
        other(effect, format!("helm{flags} {arguments} -n {}", quoted(namespace)))
    }

    /// The workload of a component, by its real name if it is known.
    pub(crate) fn workload(&self, component: Component) -> WorkloadRef {
        let profile = self.facts.profile;
        match component {
            Component::Broker => {
                let first = self.statefulsets.items().first();
                let name = first.map_or(profile.broker.old, |set| stack::name(&set.metadata));
                WorkloadRef::statefulset(name)
            }
            Component::Meshsync => WorkloadRef::deployment(self.meshsync_name()),
            Component::Server => WorkloadRef::deployment(
                self.server.known().map_or(profile.server.deployment, |it| stack::name(&it.metadata)),
            ),
            _ => WorkloadRef::deployment(
                self.operator.known().map_or(profile.operator.deployment, |it| stack::name(&it.metadata)),
            ),
        }
    }

    /// A custom resource of the namespace, in a version that can be read.
    pub(crate) fn custom_resource(&self, kind: &str, name: &str) -> Id {
        let facts = self.facts;
        let profile = facts.profile;
        let is_readable = |version: &&&str| match kind {
            "Broker" => is_known(facts.brokers.get(**version)),
            _ => is_known(facts.meshsyncs.get(**version)),
        };
        let version = profile.versions.iter().find(is_readable).or(profile.versions.first()).unwrap_or(&"v1alpha1");
        Id {
            api_version: format!("{}/{version}", profile.group),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
            namespace: Some(facts.target.namespace.clone()),
            name: name.to_owned(),
        }
    }

    /// Restarts a component's workload. If its pods hold a port of their node, the printed command deletes them, because a
    /// rollout may wait for that port forever. `check --fix` changes the strategy of the Deployment first.
    pub(crate) fn restart(&self, component: Component) -> Command {
        let restart = self.kubectl().run(Action::Restart(self.workload(component)));
        let deployment = match component {
            Component::Operator => self.operator.known(),
            Component::Meshsync => self.meshsync.known(),
            _ => None,
        };
        match deployment.filter(|deployment| rollout::holds_host_port(deployment)) {
            Some(deployment) => {
                let pods = self.kubectl().delete(format!("pod -l {}", rollout::selector(deployment)));
                Command { run: pods.run, ..restart }
            }
            None => restart,
        }
    }

    /// Shows the last lines of the log of a component's workload.
    pub(crate) fn logs(&self, component: Component, tail: impl Into<Option<u32>>) -> Command {
        // kubectl shows the first container, which in the old operator line is a proxy.
        let has_proxy = |operator| {
            let containers = rollout::containers(operator);
            containers.iter().any(|container| container.name == self.facts.profile.operator.old_line_container)
        };
        let manager = (component == Component::Operator && self.operator.known().is_some_and(|it| has_proxy(it)))
            .then_some(self.facts.profile.operator.container);
        self.logs_of(self.workload(component).to_string(), manager, tail)
    }

    /// Shows the last lines of the log of a container.
    pub(crate) fn logs_of(
        &self,
        of: impl Into<String>,
        container: Option<&str>,
        tail: impl Into<Option<u32>>,
    ) -> Command {
        self.kubectl().run(Action::Logs { of: of.into(), container: container.map(str::to_owned), tail: tail.into() })
    }

    /// Redeploys the stack or a part of it.
    pub(crate) fn redeploy(&self, part: Option<&'static str>) -> Command {
        self.own(Action::Redeploy(part))
    }

    /// Redeploys the broker with a new token.
    pub(crate) fn new_token(&self) -> Command {
        self.own(Action::NewToken)
    }

    /// Checks the stack of another namespace.
    pub(crate) fn check_in(&self, namespace: &str) -> Command {
        let invocation = &self.facts.target.invocation;
        let (program, flags) = (&invocation.program, invocation.flags());
        other(Effect::Read, format!("{program} check{flags} -n {}", quoted(namespace)))
    }

    /// Another command of this program.
    pub(crate) fn meshdoctor(&self, effect: Effect, arguments: &str) -> Command {
        self.own(Action::Meshdoctor(arguments.into(), effect))
    }

    /// Prints the roles that a command needs, bound to a user or a ServiceAccount.
    pub(crate) fn rbac(&self, of: &str, user: Option<&str>) -> Command {
        let account = |user: &str| user.strip_prefix("system:serviceaccount:").map(str::to_owned);
        let to = match user.map(|user| account(user).ok_or(user)) {
            Some(Ok(account)) => format!(" --to-serviceaccount {}", quoted(&account)),
            Some(Err(user)) => format!(" --to-user {}", quoted(user)),
            None => String::new(),
        };
        self.meshdoctor(Effect::Read, &format!("rbac {of}{to}"))
    }

    /// A command of this program for an action.
    pub(crate) fn own(&self, action: Action) -> Command {
        let namespace = &self.facts.target.namespace;
        let invocation = &self.facts.target.invocation;
        let profile = self.facts.profile;
        let namespace =
            if namespace == profile.namespace { String::new() } else { format!(" -n {}", quoted(namespace)) };
        let profile = if profile.name == "meshery" { String::new() } else { format!(" --profile {}", profile.name) };
        let arguments = action.arguments();
        let (program, flags) = (&invocation.program, invocation.flags_for(&arguments));
        command(format!("{program} {arguments}{flags}{namespace}{profile}"), action)
    }
}
