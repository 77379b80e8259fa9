//! What holds an object that is being deleted.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::diagnose::rules::{custom_resources, prelude::*};

/// The custom resources that wait for their finalizers.
pub(crate) fn held_resources<'a>(context: &'a RuleContext<'_>) -> Vec<(&'static str, &'a ObjectMeta)> {
    custom_resources::metadata(context).filter(|(_, metadata)| custom_resources::is_held(metadata)).collect()
}

pub(crate) fn reference(name: &str) -> ObjectRef {
    ObjectRef { kind: "CustomResourceDefinition".into(), namespace: None, name: name.into() }
}
