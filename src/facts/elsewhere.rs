//! Custom resources in other namespaces than the configured one.

use serde::{Deserialize, Deserializer, Serialize};

/// A custom resource in another namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Elsewhere {
    /// The namespace.
    pub namespace: String,
    /// The kind. `None` in recordings of the first format, which contain only the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Elsewhere {
    /// Whether it is of this kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    /// `Broker meshery-broker in namespace mesh-prod`.
    pub fn shown(&self) -> String {
        let place = format!("namespace {}", self.namespace);
        match (&self.kind, &self.name) {
            (Some(kind), Some(name)) => format!("{kind} {name} in {place}"),
            _ => place,
        }
    }

    /// The namespaces of these.
    pub fn namespaces<'a>(all: impl IntoIterator<Item = &'a Self>) -> Vec<&'a str> {
        let mut namespaces: Vec<&str> = all.into_iter().map(|one| one.namespace.as_str()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        namespaces
    }
}

impl<'de> Deserialize<'de> for Elsewhere {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Namespace(String),
            Object {
                #[serde(default)]
                namespace: String,
                kind: Option<String>,
                name: Option<String>,
            },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Namespace(namespace) => Self { namespace, ..Self::default() },
            Form::Object { namespace, kind, name } => Self { namespace, kind, name },
        })
    }
}
