//! Signatures: the meaning of known log lines, as the stack's programs print them.

use crate::stack::component::Component;

/// A known line.
#[derive(Debug)]
pub struct Signature {
    /// The component whose log contains it. `None` for any component.
    pub component: Option<Component>,
    /// The parts that the line must contain, all of them.
    pub parts: &'static [&'static str],
    /// What it means, as the end of a sentence.
    pub says: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// What the old `MeshSync` logs when it gives up. It logs nothing after that.
const GAVE_UP: &[&str] = &["client closed"];

impl Signature {
    /// Whether the program does not reconnect after this line, even if the server comes back.
    pub fn is_final(&self) -> bool {
        self.parts == GAVE_UP
    }
}

/// The signature that matches a line, the most specific first. Without a component, only those for any component.
pub fn find(component: Option<Component>, line: &str) -> Option<&'static Signature> {
    SIGNATURES
        .iter()
        .filter(|signature| component.is_none() || signature.component.is_none() || signature.component == component)
        .find(|signature| signature.parts.iter().all(|part| line.contains(part)))
}

macro_rules! signatures {
    ($($component:expr, $parts:expr, $says:literal, $remedy:literal;)*) => {
        /// Every signature.
        pub static SIGNATURES: &[Signature] =
            &[$(Signature { component: $component, parts: $parts, says: $says, remedy: $remedy },)*];
    };
}

signatures! {
    Some(Component::Operator), &["tls.crt", "no such file"],
        "it serves the conversion webhook but has no certificate for it",
        "set ENABLE_WEBHOOKS=false on the operator and the conversion of both CRDs to None, or create the Secret \
        webhook-server-cert";
    Some(Component::Operator), &["unable to connect to endpoint at"],
        "its test of the address of the broker's load balancer fails",
        "change the type of the broker's Service to NodePort; the operator retries automatically";
    Some(Component::Broker), &["NATS_TOKEN", "could not be parsed"],
        "its token is parsed as a number, which happens with some tokens that operators 1.0.0 to 1.0.2 created",
        "upgrade the operator to 1.0.3 or later, delete the Secret with the token, and restart the broker and MeshSync";
    Some(Component::Broker), &["interface conversion", "not string"],
        "its token is parsed as a number, which happens with some tokens that operators 1.0.0 to 1.0.2 created",
        "upgrade the operator to 1.0.3 or later, delete the Secret with the token, and restart the broker and MeshSync";
    Some(Component::Meshsync), &["interface conversion", "not map[string]cache.Store"],
        "its watch-list names kinds of only one of its two groups",
        "add a kind of the other group to the watch-list of the MeshSync CR, for example namespaces.v1. or pods.v1., \
        then restart MeshSync";
    Some(Component::Meshsync), &["Authorization Violation"],
        "the broker rejects its token, which is older than the Secret or belongs to another broker",
        "restart it so that it reads the token again; if the broker still rejects it, restart the broker first";
    Some(Component::Meshsync), &["broker connectivity test failed"],
        "it cannot reach the broker's monitor port 8222, and exits after five minutes of trying",
        "check whether the broker is running and whether a NetworkPolicy blocks port 8222, which it needs in addition \
        to 4222";
    Some(Component::Meshsync), &["nats: connection closed"],
        "it stopped reconnecting to the broker after an outage, but its pod stays ready",
        "restart it: it does not reconnect on its own";
    Some(Component::Meshsync), GAVE_UP,
        "it stopped reconnecting to the broker after an outage, but its pod stays ready",
        "restart MeshSync, which does not reconnect on its own";
    Some(Component::Meshsync), &["gvr not found"],
        "it uses its built-in list, which it cannot parse, and publishes nothing",
        "set the watch-list of the MeshSync CR, then restart MeshSync";
    Some(Component::Meshsync), &["Missing or outdated CRD"],
        "it found no usable watch-list",
        "set the watch-list of the MeshSync CR, then restart MeshSync";
    None, &["exec format error"],
        "its image is built for another CPU architecture",
        "use an image for the nodes' architecture, or schedule the pod on matching nodes";
    None, &["no matches for kind"],
        "a CRD is missing",
        "apply the CRDs of the operator's version";
    None, &["conversion webhook", "failed"],
        "the conversion webhook of the custom resources is down",
        "fix the operator that serves it, or set the conversion of both CRDs to None";
    None, &["forbidden", "cannot"],
        "its ServiceAccount lacks a permission",
        "grant the ServiceAccount the permission that the line names";
}
