//! The operator lines that the test bed supports, and their names.

use anyhow::Result;
use serde_json::Value;

use super::manifests;

/// An operator line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Meshery's operator 1.0.5.
    Current,
    /// Meshery's operator 0.8.11.
    Old,
    /// Meshplay: the old operator line with other names.
    Meshplay,
}

/// The names of an operator line.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The prefix of all names and labels.
    pub prefix: &'static str,
    /// The API group of the custom resources.
    pub group: &'static str,
    /// The served versions of the custom resources.
    pub versions: &'static [&'static str],
    /// The name of the broker's StatefulSet.
    pub broker: &'static str,
    /// The operator's image.
    pub operator_image: &'static str,
    /// MeshSync's image.
    pub meshsync_image: &'static str,
}

impl Line {
    /// The names of the line.
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

    /// The CRDs of the line.
    pub fn crds(self) -> Result<Vec<Value>> {
        let template = match self {
            Self::Current => include_str!("manifests/current/crds.yaml"),
            Self::Old | Self::Meshplay => include_str!("manifests/old/crds.yaml"),
        };
        manifests::fill(template, &[("group", self.names().group)])
    }
}
