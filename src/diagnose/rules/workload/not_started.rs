use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-not-started",
    title: "{Component}'s container cannot be started",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("not_started.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::of_workloads()
};

/// What the runtime or the kubelet lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// A Secret, a `ConfigMap` or a key in one.
    Object,
    /// The command of the container.
    Command,
    /// A user other than root.
    User,
    Other,
}

pub(crate) fn not_started(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let (status, failure) =
        stack::container_statuses(pod).find_map(|status| Some((status, stack::start_failure(status)?)))?;
    let name = stack::name(&pod.metadata);
    let essence = essence(failure.message);
    let lack = lack(failure.reason, essence);
    let said = if essence.is_empty() { String::new() } else { format!(": {essence}") };
    let code = failure.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let finding = DIAGNOSIS
        .finding_of(component)
        .title(format!("{}'s container {} cannot be started", who(context, component, &status.name), status.name))
        .message(format!("{}{said}. Its program has not started, so there is no log.", failure.reason))
        .object(context.object("Pod", name))
        .evidence(format!(
            "pod {name}, container {}: {}{code}: {}",
            status.name,
            failure.reason,
            failure.message.trim()
        ))
        .evidence(format!("image: {}", status.image))
        .remedy(match lack {
            Lack::Object => "create the object that the message names, or redeploy, which restores it",
            Lack::Command => "the image does not have this command: correct the image or the command, or redeploy",
            Lack::User => "set runAsUser to a user other than root, or use an image that does not run as root",
            Lack::Other => "correct what the message names; Kubernetes retries automatically",
        })
        .command(context.kubectl().inspect(format!("describe pod/{name}")));
    let part = match component {
        Component::Operator | Component::Broker | Component::Meshsync => Some(component.code()),
        _ => None,
    };
    let redeploy = part.filter(|_| matches!(lack, Lack::Object | Lack::Command));
    Some(finding.commands(redeploy.map(|part| context.redeploy(Some(part)))).done())
}

/// The part of a runtime's message that says what is wrong, without the chain of calls that failed.
fn essence(message: &str) -> &str {
    const CALLS: [&str; 3] =
        ["error during container init: ", "unable to start container process: ", "OCI runtime create failed: "];
    let message = message.trim();
    let rest = CALLS.iter().find_map(|call| Some(message.rsplit_once(call)?.1)).unwrap_or(message);
    rest.strip_suffix(": unknown").unwrap_or(rest).trim_end_matches('.')
}

fn lack(reason: &str, message: &str) -> Lack {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match reason {
        "CreateContainerConfigError" if says(&["runAsNonRoot", "non-root"]) => Lack::User,
        "CreateContainerConfigError" if says(&["not found", "couldn't find key"]) => Lack::Object,
        "CreateContainerConfigError" => Lack::Other,
        _ if says(&["exec: ", "executable file not found", "no command specified"]) => Lack::Command,
        _ => Lack::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtime_message_is_reduced_to_its_cause() {
        let message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc \
                       create failed: unable to start container process: error during container init: exec: \
                       \"/manager\": stat /manager: no such file or directory: unknown";
        assert_eq!(essence(message), "exec: \"/manager\": stat /manager: no such file or directory");
        let older = "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"x\": \
                     executable file not found in $PATH: unknown";
        assert!(essence(older).starts_with("container_linux.go:380: starting"), "{}", essence(older));
        assert_eq!(essence("secret \"a\" not found"), "secret \"a\" not found");
        assert_eq!(essence(""), "");
    }

    #[test]
    fn remedy_follows_from_what_is_missing() {
        for (reason, message, expected) in [
            ("CreateContainerConfigError", "secret \"a\" not found", Lack::Object),
            ("CreateContainerConfigError", "couldn't find key token in Secret meshery/a", Lack::Object),
            ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", Lack::User),
            ("CreateContainerConfigError", "failed to sync secret cache", Lack::Other),
            ("StartError", "exec: \"/manager\": permission denied", Lack::Command),
            ("CreateContainerError", "context deadline exceeded", Lack::Other),
        ] {
            assert!(lack(reason, message) == expected, "{reason}: {message}");
        }
    }
}
