//! The custom resources of a backup, validated before anything is changed. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::plan;
use crate::stack::{
    manifests::{self, Options},
    profile::Profile,
    schema,
};

/// The custom resources to restore, at most one of each kind. Others are left unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backup {
    copies: BTreeMap<&'static str, Copy>,
    /// The namespace that they were in, if it is another one.
    pub foreign: Option<String>,
}

/// One custom resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// Its name.
    pub name: String,
    /// Its spec.
    pub spec: Value,
}

/// Why a file cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It contains no custom resource of the stack.
    #[error("it contains neither a Broker nor a MeshSync")]
    Nothing,
    /// It contains only custom resources of other namespaces.
    #[error("it contains custom resources of namespaces {}", .0.join(", "))]
    OtherNamespaces(Vec<String>),
    /// A custom resource without a name.
    #[error("it contains a {0} without a name")]
    Unnamed(&'static str),
    /// Two custom resources of one kind would conflict.
    #[error("it contains more than one {0} ({names})", names = .1.join(", "))]
    Several(&'static str, Vec<String>),
    /// The same custom resource twice, with different specs.
    #[error("it contains {0} twice, with different specs")]
    Contradiction(String),
    /// A field of a spec has the wrong type.
    #[error("{path} of {what} is not of type {expected}")]
    Malformed {
        /// The custom resource.
        what: String,
        /// The field.
        path: String,
        /// The type that it should have.
        expected: String,
    },
    /// A value was redacted.
    #[error("{path} of {what} was redacted")]
    Redacted {
        /// The custom resource.
        what: String,
        /// The field.
        path: String,
    },
}

impl RestoreError {
    /// What to do instead.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OtherNamespaces(_) => Some("use --backup-namespace to choose one"),
            Self::Several(..) => Some("keep only one of them in the file"),
            Self::Redacted { .. } => Some("only a backup of `system reset` can be restored, not a recording"),
            _ => None,
        }
    }
}

impl Backup {
    /// The custom resources among these objects to restore into this namespace.
    ///
    /// They are those of namespace `from`, else of the same namespace, else of the only other one.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if they cannot be restored unchanged.
    pub fn of(objects: &[Value], profile: &Profile, namespace: &str, from: Option<&str>) -> Result<Self, RestoreError> {
        let ours: Vec<(&'static str, &Value)> = objects
            .iter()
            .filter(|object| {
                let version = object["apiVersion"].as_str().unwrap_or_default();
                version.split('/').next() == Some(profile.group)
            })
            .filter_map(|object| match object["kind"].as_str() {
                Some("Broker") => Some(("Broker", object)),
                Some("MeshSync") => Some(("MeshSync", object)),
                _ => None,
            })
            .collect();
        let place = |object: &Value| {
            let place = object["metadata"]["namespace"].as_str();
            place.unwrap_or(namespace).to_owned()
        };
        let mut places: Vec<String> = ours.iter().map(|(_, object)| place(object)).collect();
        places.sort();
        places.dedup();
        let source = match (from, places.as_slice()) {
            (_, []) => return Err(RestoreError::Nothing),
            (Some(from), _) if places.iter().any(|place| place == from) => from,
            (None, _) if places.iter().any(|place| place == namespace) => namespace,
            (None, [only]) => only,
            _ => return Err(RestoreError::OtherNamespaces(places)),
        };
        let mut backup = Self { foreign: (source != namespace).then(|| source.to_owned()), ..Self::default() };
        let schemas = schemas(profile);
        for (kind, object) in ours {
            if place(object) != source {
                continue;
            }
            let mut copy = copy(kind, object, &schemas[kind])?;
            if backup.foreign.is_some() {
                move_reference(&mut copy.spec, source, namespace);
            }
            backup.add(kind, copy)?;
        }
        Ok(backup)
    }

    fn add(&mut self, kind: &'static str, copy: Copy) -> Result<(), RestoreError> {
        match self.copies.get(kind) {
            None => {
                self.copies.insert(kind, copy);
                Ok(())
            }
            // Each version of an object is listed separately.
            Some(known) if *known == copy => Ok(()),
            Some(known) if known.name == copy.name => Err(RestoreError::Contradiction(format!("{kind} {}", copy.name))),
            Some(known) => Err(RestoreError::Several(kind, vec![known.name.clone(), copy.name])),
        }
    }

    /// The copy of the custom resource of this kind.
    pub fn copy(&self, kind: &str) -> Option<&Copy> {
        self.copies.get(kind)
    }

    /// The kinds that are restored.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.copies.keys().copied()
    }
}

/// One custom resource, if it can be restored.
fn copy(kind: &'static str, object: &Value, schema: &Value) -> Result<Copy, RestoreError> {
    let name =
        object["metadata"]["name"].as_str().filter(|name| !name.is_empty()).ok_or(RestoreError::Unnamed(kind))?;
    let what = format!("{kind} {name}");
    let spec = &object["spec"];
    // The API server's dry run checks ranges.
    if let Some((path, expected)) = schema::wrong_type(spec, schema, "spec") {
        return Err(RestoreError::Malformed { what, path, expected });
    }
    if let Some(path) = plan::redacted(spec, "spec") {
        return Err(RestoreError::Redacted { what, path });
    }
    Ok(Copy { name: name.to_owned(), spec: spec.clone() })
}

/// A `MeshSync` that is restored into another namespace publishes to the Broker that is restored with it.
fn move_reference(spec: &mut Value, source: &str, namespace: &str) {
    if let Some(place) = spec.pointer_mut("/broker/native/namespace")
        && *place == source
    {
        *place = namespace.into();
    }
}

/// The schema of each kind's spec, from our own CRDs.
fn schemas(profile: &Profile) -> BTreeMap<String, Value> {
    let objects = manifests::manifests(profile, profile.namespace, &Options::default());
    ["Broker", "MeshSync"]
        .into_iter()
        .filter_map(|kind| {
            let schema = objects.iter().find_map(|object| schema::of_spec(&object.body, kind))?;
            Some((kind.to_owned(), schema.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::profile::MESHERY;

    fn object(kind: &str, name: &str, namespace: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "meshery.io/v1alpha1", "kind": kind,
            "metadata": { "name": name, "namespace": namespace }, "spec": spec,
        })
    }

    fn backup(objects: &[Value], from: Option<&str>) -> Result<Backup, RestoreError> {
        Backup::of(objects, &MESHERY, "meshery", from)
    }

    #[test]
    fn spec_is_restored_unchanged() {
        let spec = json!({
            "size": 1, "broker": { "custom": { "url": "nats://token@broker" } },
            "watch-list": { "data": { "whitelist": "[]" }, "metadata": { "creationTimestamp": null } },
            "unknown": 1,
        });
        let meshsync = object("MeshSync", "mine", "meshery", &spec);
        // A recording lists every version.
        let mut newer = meshsync.clone();
        newer["apiVersion"] = "meshery.io/v1alpha2".into();
        let found = backup(&[meshsync, newer], None).expect("a backup");
        let copy = found.copy("MeshSync").expect("a copy");
        assert_eq!((copy.name.as_str(), &copy.spec), ("mine", &spec));
        assert_eq!(found.copy("Broker"), None);
        assert_eq!(found.foreign, None);
    }

    #[test]
    fn malformed_field_is_named_without_its_value() {
        for (kind, spec, field, expected) in [
            ("Broker", json!("a-secret"), "spec", "object"),
            ("Broker", Value::Null, "spec", "object"),
            ("Broker", json!(["a-secret"]), "spec", "object"),
            ("Broker", json!({ "size": "a-secret" }), "spec.size", "integer"),
            ("Broker", json!({ "size": 1.5 }), "spec.size", "integer"),
            (
                "Broker",
                json!({ "service": { "loadBalancerSourceRanges": [1] } }),
                "spec.service.loadBalancerSourceRanges[0]",
                "string",
            ),
            (
                "MeshSync",
                json!({ "watch-list": { "data": { "whitelist": [] } } }),
                "spec.watch-list.data.whitelist",
                "string",
            ),
            ("MeshSync", json!({ "broker": { "custom": "a-secret" } }), "spec.broker.custom", "object"),
        ] {
            let error = backup(&[object(kind, "a", "meshery", &spec)], None).expect_err("it is malformed").to_string();
            assert_eq!(error, format!("{field} of {kind} a is not of type {expected}"));
        }
    }

    #[test]
    fn redacted_values_are_not_restored() {
        let spec = json!({ "broker": { "custom": { "url": "nats://REDACTED@broker" } } });
        assert_eq!(
            backup(&[object("MeshSync", "a", "meshery", &spec)], None),
            Err(RestoreError::Redacted { what: "MeshSync a".into(), path: "spec.broker.custom.url".into() })
        );
    }

    #[test]
    fn two_objects_of_one_kind_are_not_restored() {
        let of = |name, size| object("Broker", name, "meshery", &json!({ "size": size }));
        assert_eq!(
            backup(&[of("a", 1), of("b", 1)], None),
            Err(RestoreError::Several("Broker", vec!["a".into(), "b".into()]))
        );
        assert_eq!(backup(&[of("a", 1), of("a", 2)], None), Err(RestoreError::Contradiction("Broker a".into())));
        assert_eq!(backup(&[], None), Err(RestoreError::Nothing));
    }

    #[test]
    fn other_namespace_must_be_named_or_the_only_one() {
        let of = |namespace: &str| {
            let native = json!({ "name": "meshery-broker", "namespace": namespace });
            let spec = json!({ "broker": { "native": native } });
            object("MeshSync", "a", namespace, &spec)
        };
        let place = |found: &Backup| {
            let spec = &found.copy("MeshSync").expect("a copy").spec;
            spec["broker"]["native"]["namespace"].clone()
        };
        let found = backup(&[of("other"), of("meshery")], None).expect("ours");
        assert_eq!((found.foreign.clone(), place(&found)), (None, "meshery".into()));
        let found = backup(&[of("other")], None).expect("the only one");
        assert_eq!(found.foreign.as_deref(), Some("other"));
        assert_eq!(place(&found), "meshery");
        let found = backup(&[of("other"), of("third")], Some("third")).expect("the chosen one");
        assert_eq!(found.foreign.as_deref(), Some("third"));
        let places = vec!["other".to_owned(), "third".to_owned()];
        for from in [None, Some("fourth")] {
            assert_eq!(backup(&[of("other"), of("third")], from), Err(RestoreError::OtherNamespaces(places.clone())));
        }
    }
}
