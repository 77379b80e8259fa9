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

/// Every signature.
pub static SIGNATURES: &[Signature] = &[
    Signature {
        component: Some(Component::Operator),
        parts: &["tls.crt", "no such file"],
        says: "it serves the conversion webhook and has no certificate for it",
        remedy: "set ENABLE_WEBHOOKS=false on the operator and the conversion of both definitions to None, or give it the Secret webhook-server-cert",
    },
    Signature {
        component: Some(Component::Broker),
        parts: &["NATS_TOKEN", "could not be parsed"],
        says: "its token reads as a number, as operators 1.0.0 to 1.0.2 made some",
        remedy: "upgrade the operator to 1.0.3 or later, delete the Secret with the token, and restart broker and MeshSync",
    },
    Signature {
        component: Some(Component::Broker),
        parts: &["interface conversion", "not string"],
        says: "its token reads as a number, as operators 1.0.0 to 1.0.2 made some",
        remedy: "upgrade the operator to 1.0.3 or later, delete the Secret with the token, and restart broker and MeshSync",
    },
    Signature {
        component: Some(Component::Meshsync),
        parts: &["Authorization Violation"],
        says: "the broker refuses its token, which is older than the Secret or not the broker's",
        remedy: "restart it, which reads the token anew; if it is refused again, restart the broker first",
    },
    Signature {
        component: Some(Component::Meshsync),
        parts: &["broker connectivity test failed"],
        says: "it cannot reach the broker's monitor on port 8222, and ends after five minutes of that",
        remedy: "see whether the broker runs and whether a NetworkPolicy bars port 8222, which it needs beside 4222",
    },
    Signature {
        component: Some(Component::Meshsync),
        parts: &["nats: connection closed"],
        says: "it gave the broker up for good after an outage, and stays ready all the same",
        remedy: "restart it: it never connects again by itself",
    },
    Signature {
        component: Some(Component::Meshsync),
        parts: &["gvr not found"],
        says: "it fell back to its built-in list, which it cannot use, and publishes nothing",
        remedy: "set the watch-list of the MeshSync object, then restart it",
    },
    Signature {
        component: Some(Component::Meshsync),
        parts: &["Missing or outdated CRD"],
        says: "it found no usable watch-list",
        remedy: "set the watch-list of the MeshSync object, then restart it",
    },
    Signature {
        component: None,
        parts: &["exec format error"],
        says: "its image is built for another kind of processor",
        remedy: "use an image for the nodes' architecture, or keep the pod on nodes that fit",
    },
    Signature {
        component: None,
        parts: &["no matches for kind"],
        says: "a custom resource definition is missing",
        remedy: "apply the definitions of the operator's version",
    },
    Signature {
        component: None,
        parts: &["conversion webhook", "failed"],
        says: "the conversion webhook of the custom resources is down",
        remedy: "repair the operator that serves it, or set the conversion of both definitions to None",
    },
    Signature {
        component: None,
        parts: &["forbidden", "cannot"],
        says: "its ServiceAccount lacks a right",
        remedy: "give the ServiceAccount the right that the line names",
    },
];
