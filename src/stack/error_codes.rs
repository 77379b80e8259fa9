//! The stack's own error codes, as its programs print them in their logs, and which diagnosis speaks of them.

/// One code of one program.
#[derive(Debug)]
pub struct StackCode {
    /// The program.
    pub program: &'static str,
    /// The code: `1005`, `meshkit-11118`.
    pub code: &'static str,
    /// What the program could not do.
    pub says: &'static str,
    /// What it means in practice, and what to do.
    pub means: &'static str,
    /// The diagnoses of ours that recognise it.
    pub see: &'static [&'static str],
}

/// Every program's meaning of a code; the operator and MeshSync number theirs alike. `operator-1005` names one.
pub fn find(word: &str) -> Vec<&'static StackCode> {
    STACK_CODES
        .iter()
        .filter(|known| {
            let program = known.program.to_lowercase().replace(' ', "-");
            word == known.code || word.strip_prefix(&format!("{program}-")) == Some(known.code)
        })
        .collect()
}

/// What stands about these codes, as a text of ours.
pub fn text(word: &str, codes: &[&StackCode]) -> String {
    let mut text = format!("# {word}\n");
    for code in codes {
        text.push_str(&format!("\n## {} {}\n{}: {}\n", code.program, code.code, code.says, code.means));
        if !code.see.is_empty() {
            text.push_str(&format!("\nDiagnosed as: {}.\n", code.see.join(", ")));
        }
    }
    text
}

macro_rules! codes {
    ($($program:literal { $($code:literal $says:literal, $means:literal, $see:expr;)* })*) => {
        /// Every code that is known.
        pub static STACK_CODES: &[StackCode] = &[$($(StackCode {
            program: $program,
            code: $code,
            says: $says,
            means: $means,
            see: $see,
        },)*)*];
    };
}

codes! {
    "Operator" {
        "1001" "It could not read a MeshSync object",
            "the object is gone, or reads fail: a right is missing or the conversion webhook is down.",
            &["operator-reconcile-failing", "conversion-webhook-down"];
        "1002" "It could not make MeshSync's Deployment",
            "a right is missing, a quota or an admission webhook refuses it.",
            &["operator-reconcile-failing", "meshsync-pods-refused"];
        "1003" "It could not reconcile a MeshSync object",
            "what went wrong follows in the line; it tries again by itself, ever more slowly.",
            &["operator-reconcile-failing"];
        "1004" "It could not read a Broker object",
            "the object is gone, or reads fail: a right is missing or the conversion webhook is down.",
            &["operator-reconcile-failing", "conversion-webhook-down"];
        "1005" "It could not make an object of the Broker",
            "a right is missing, a quota or an admission webhook refuses it.",
            &["operator-reconcile-failing", "broker-pods-refused"];
        "1006" "It could not reconcile a Broker object",
            "what went wrong follows in the line; it tries again by itself, ever more slowly.",
            &["operator-reconcile-failing"];
        "1007" "It could not reconcile a custom resource",
            "the general form of 1003 and 1006.",
            &["operator-reconcile-failing"];
        "1008" "It could not delete what it made for MeshSync",
            "with \"configmaps meshery-nats-config not found\", as 0.8 prints it, this is harmless.",
            &["cr-stuck-terminating"];
        "1009" "It could not delete what it made for the Broker",
            "a right is missing, or the object is held by somebody else's finalizer.",
            &["cr-stuck-terminating"];
        "1010" "A health check failed",
            "the workload is not ready; look at its pods.",
            &["cr-failed", "broker-not-ready", "meshsync-not-ready"];
        "1011" "It could not work out the broker's endpoint",
            "the Service is missing or has no address of the kind that was asked for.",
            &["broker-external-pending", "broker-endpoint-stale"];
        "1012" "It could not update an object",
            "somebody else changed it at the same time (harmless once), or a right is missing.",
            &["operator-reconcile-failing"];
        "1013" "It could not read an object that it made for the Broker",
            "the object was removed, or a right is missing.",
            &["broker-no-workload"];
        "1014" "The broker's replicas are not ready",
            "look at the broker's pods.",
            &["broker-not-ready", "broker-crash-loop", "broker-unschedulable"];
        "1015" "A condition of the broker's workload is false",
            "look at the broker's pods.",
            &["broker-not-ready"];
        "1016" "It could not get the broker's endpoint",
            "the Service is missing or has no address yet.",
            &["broker-external-pending"];
        "1017" "It could not encode an object",
            "a fault of the operator's own: report it with the line.",
            &[];
        "1018" "It could not read MeshSync's Deployment",
            "the Deployment was removed, or a right is missing.",
            &["meshsync-no-workload"];
        "1019" "MeshSync's replicas are not ready",
            "look at MeshSync's pods. A healthy MeshSync carries this from its first seconds for ever.",
            &["meshsync-not-ready", "meshsync-crash-loop", "meshsync-unschedulable"];
        "1020" "A condition of MeshSync's workload is false",
            "look at MeshSync's pods.",
            &["meshsync-not-ready"];
        "1021" "It could not get the broker's endpoint for MeshSync",
            "the Broker object has no endpoint yet, or names no Broker that is there.",
            &["broker-no-workload"];
    }
    "MeshSync" {
        "1000" "It could not read its configuration",
            "its probable cause, a missing or outdated CRD, is one of several: the watch-list is missing, empty, not JSON, or holds both lists. It goes on with its built-in list.",
            &["watch-list-invalid", "watch-list-empty", "crd-outdated"];
        "1001" "It could not list objects",
            "its ServiceAccount may not list the kind.",
            &["meshsync-cannot-list"];
        "1002" "It could not publish",
            "the connection to the broker is gone, or the message is larger than the broker's limit.",
            &["meshsync-not-connected"];
        "1003" "It could not make a client for the cluster",
            "its ServiceAccount's token or the API server's address is wrong.",
            &["meshsync-crash-loop"];
        "1004" "It could not get an object",
            "its ServiceAccount may not get the kind; without kube-system, its cluster id stays empty.",
            &["meshsync-cannot-list"];
        "1005" "It could not set up a pipeline",
            "with \"gvr not found\" the built-in list is in use, which it cannot parse: nothing is published.",
            &["watch-list-empty", "watch-list-invalid"];
        "1006" "It could not start an informer",
            "the kind is not served, or may not be listed.",
            &["meshsync-cannot-list"];
        "1007" "It found no kubeconfig",
            "it runs outside a cluster and KUBECONFIG names no file.",
            &["meshsync-crash-loop"];
        "1008" "It could not begin to listen for requests",
            "the connection to the broker failed.",
            &["meshsync-not-connected"];
        "1009" "It could not subscribe to requests",
            "the connection to the broker failed.",
            &["meshsync-not-connected"];
        "1010" "It could not stream a log",
            "the pod is gone, or its ServiceAccount may not get pods/log.",
            &[];
        "1011" "It could not copy a stream",
            "the other side went away; harmless by itself.",
            &[];
        "1012" "It got a request that it does not know",
            "server and MeshSync are of versions that do not fit.",
            &[];
        "1013" "It could not open a terminal in a pod",
            "its ServiceAccount may not create pods/exec.",
            &[];
        "1014" "Its caches did not fill",
            "a kind that it watches cannot be listed.",
            &["meshsync-cannot-list"];
        "1015" "It could not write what it saw",
            "with \"nats: connection closed\" it has given the broker up for good: only a restart helps.",
            &["meshsync-not-connected"];
    }
    "Meshery" {
        "meshkit-11118" "A connection to the broker failed",
            "\"Authorization Violation\" means the token; anything else the way.",
            &["broker-auth-failed", "meshsync-not-connected"];
        "meshkit-11120" "A message could not be published",
            "the connection to the broker is gone.",
            &["meshsync-not-connected"];
        "meshkit-11122" "A subscription failed",
            "the connection to the broker is gone.",
            &["broker-server-not-connected"];
        "meshkit-11141" "A broker operation failed",
            "see the rest of the line.",
            &["broker-unreachable"];
        "meshkit-11142" "A broker operation failed",
            "see the rest of the line.",
            &["broker-unreachable"];
        "meshkit-11143" "A broker operation failed",
            "see the rest of the line.",
            &["broker-unreachable"];
        "meshkit-11319" "No address of the broker's monitor answered",
            "from outside the cluster none does while the Service is a ClusterIP, which is normal: the states that rest on it stop short of the truth.",
            &["broker-server-not-connected", "broker-external-unroutable"];
        "meshery-server-1194" "The server is not connected to the broker",
            "the server's own view; compare it with the clients that the broker lists.",
            &["broker-server-not-connected"];
        "meshery-server-1305" "A flush of MeshSync's data failed",
            "the server has no live session for that cluster.",
            &[];
        "meshery-server-1370" "The server could not handle MeshSync's data",
            "a fault of the server or its database.",
            &[];
        "meshery-server-1442" "The server could not change MeshSync's mode",
            "the operator could not be deployed or removed; its event log says why.",
            &["not-installed"];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_by_number_and_by_name() {
        let programs = |word: &str| find(word).iter().map(|code| code.program).collect::<Vec<_>>();
        assert_eq!(programs("1005"), ["Operator", "MeshSync"]);
        assert_eq!(programs("operator-1005"), ["Operator"]);
        assert_eq!(programs("meshkit-11118"), ["Meshery"]);
        assert!(programs("9999").is_empty());
    }

    #[test]
    fn every_code_of_operator_and_meshsync_is_there() {
        let numbers = |program: &str| STACK_CODES.iter().filter(|code| code.program == program).count();
        assert_eq!((numbers("Operator"), numbers("MeshSync")), (21, 16));
    }
}
