//! Signatures: what known lines of the stack's logs mean, as the real programs print them.

use crate::stack::component::Component;

/// A known line.
#[derive(Debug)]
pub struct Signature {
    /// Whose log it is in; none for anybody's.
    pub component: Option<Component>,
    /// What the line holds, all of it.
    pub parts: &'static [&'static str],
    /// What it means, as the end of a sentence.
    pub says: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The signature that a line bears, the most telling first. Without a component, anybody's.
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
        "it serves the conversion webhook and has no certificate for it",
        "set ENABLE_WEBHOOKS=false on the operator and the conversion of both definitions to None, or give it the Secret webhook-server-cert";
    Some(Component::Broker), &["NATS_TOKEN", "could not be parsed"],
        "its token reads as a number, as operators 1.0.0 to 1.0.2 made some",
        "upgrade the operator to 1.0.3 or later, delete the Secret with the token, and restart broker and MeshSync";
    Some(Component::Broker), &["interface conversion", "not string"],
        "its token reads as a number, as operators 1.0.0 to 1.0.2 made some",
        "upgrade the operator to 1.0.3 or later, delete the Secret with the token, and restart broker and MeshSync";
    Some(Component::Meshsync), &["Authorization Violation"],
        "the broker refuses its token, which is older than the Secret or not the broker's",
        "restart it, which reads the token anew; if it is refused again, restart the broker first";
    Some(Component::Meshsync), &["broker connectivity test failed"],
        "it cannot reach the broker's monitor on port 8222, and ends after five minutes of that",
        "see whether the broker runs and whether a NetworkPolicy bars port 8222, which it needs beside 4222";
    Some(Component::Meshsync), &["nats: connection closed"],
        "it gave the broker up for good after an outage, and stays ready all the same",
        "restart it: it never connects again by itself";
    Some(Component::Meshsync), &["gvr not found"],
        "it fell back to its built-in list, which it cannot use, and publishes nothing",
        "set the watch-list of the MeshSync object, then restart it";
    Some(Component::Meshsync), &["Missing or outdated CRD"],
        "it found no usable watch-list",
        "set the watch-list of the MeshSync object, then restart it";
    None, &["exec format error"],
        "its image is built for another kind of processor",
        "use an image for the nodes' architecture, or keep the pod on nodes that fit";
    None, &["no matches for kind"],
        "a custom resource definition is missing",
        "apply the definitions of the operator's version";
    None, &["conversion webhook", "failed"],
        "the conversion webhook of the custom resources is down",
        "repair the operator that serves it, or set the conversion of both definitions to None";
    None, &["forbidden", "cannot"],
        "its ServiceAccount lacks a right",
        "give the ServiceAccount the right that the line names";
}
