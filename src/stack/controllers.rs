//! The Deployments of Service Mesh Hub and Gloo Mesh.

use super::component::Component;

/// The Deployment that manages enterprise agents. It replaces both controllers of the public release.
pub const ENTERPRISE: &str = "enterprise-networking";

/// The components that have Deployments.
pub const COMPONENTS: [Component; 3] = [Component::Discovery, Component::Networking, Component::Agents];

/// The possible names of a component's Deployment.
pub fn deployments(component: Component) -> &'static [&'static str] {
    match component {
        Component::Discovery => &["discovery", "mesh-discovery"],
        Component::Networking => &["networking", "mesh-networking", ENTERPRISE],
        Component::Agents => &["cert-agent", "csr-agent", "enterprise-agent"],
        _ => &[],
    }
}
