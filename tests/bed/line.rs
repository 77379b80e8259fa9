//! The lines of the stack that the bed can play, and the names that differ between them.

use anyhow::Result;
use serde_json::Value;

use super::manifests;

/// A line of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Meshery's operator 1.0.5.
    Current,
    /// Meshery's operator 0.8.11.
    Old,
    /// Meshplay: the old line under other names.
    Meshplay,
}

/// The names of a line.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// What every name and label begins with.
    pub prefix: &'static str,
    /// The group of the custom resources.
    pub group: &'static str,
    /// The versions in which they are served.
    pub versions: &'static [&'static str],
    /// The StatefulSet of the broker.
    pub broker: &'static str,
    /// The operator's image.
    pub operator_image: &'static str,
    /// MeshSync's image.
    pub meshsync_image: &'static str,
}

impl Line {
    /// Its names.
    pub fn names(self) -> Names {
        match self {
            Self::Current => Names {
                prefix: "meshery",
                group: "meshery.io",
                versions: &["v1alpha1", "v1alpha2"],
                broker: "meshery-nats",
                operator_image: "meshery/meshery-operator:1.0.5",
                meshsync_image: "meshery/meshsync:1.0.3",
            },
            Self::Old => Names {
                prefix: "meshery",
                group: "meshery.io",
                versions: &["v1alpha1"],
                broker: "meshery-broker",
                operator_image: "meshery/meshery-operator:stable-latest",
                meshsync_image: "meshery/meshsync:stable-latest",
            },
            Self::Meshplay => Names {
                prefix: "meshplay",
                group: "meshplay.khulnasoft.com",
                versions: &["v1alpha1"],
                broker: "meshplay-broker",
                operator_image: "khulnasoft/meshplay-operator:stable-latest",
                meshsync_image: "khulnasoft/meshsync:stable-latest",
            },
        }
    }

    /// Its resource definitions.
    pub fn crds(self) -> Result<Vec<Value>> {
        let template = match self {
            Self::Current => include_str!("manifests/current/crds.yaml"),
            Self::Old | Self::Meshplay => include_str!("manifests/old/crds.yaml"),
        };
        manifests::fill(template, &[("group", self.names().group)])
    }
}
