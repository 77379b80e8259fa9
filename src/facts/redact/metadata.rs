//! Redacts metadata: annotations and managed fields.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ObjectMeta};

use super::Redact;
use crate::stack::base::reader;

/// Annotations whose values name an object's manager or a change to it.
const HARMLESS_ANNOTATIONS: &str = "argocd.argoproj.io/ cert-manager.io/inject-ca-from \
    deployment.kubernetes.io/revision helm.toolkit.fluxcd.io/ kubectl.kubernetes.io/restartedAt \
    kustomize.toolkit.fluxcd.io/ meshery/component-type meshplay/component-type meta.helm.sh/";

/// An answer's JSON without the managed fields. They are a large part of it, and skipping them is cheaper than parsing
/// them.
pub fn without_managed_fields(text: &str) -> String {
    // Inside a string the quotes would be escaped, so this is a key followed by a list.
    const KEY: &str = "\"managedFields\":[";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(KEY) {
        let (before, list) = rest.split_at(start + KEY.len());
        kept.push_str(before);
        // An unterminated list is kept, so that the parser reports it.
        rest = list_end(list).map_or(list, |end| &list[end..]);
    }
    kept.push_str(rest);
    kept
}

/// Where the bracket is that closes a list. The opening bracket has been read.
fn list_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'"' => reader::skip_string(&mut bytes.by_ref().map(|(_, byte)| byte)),
            b'[' => depth += 1,
            b']' if depth == 0 => return Some(position),
            b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether an annotation names an object's manager or a change to it.
pub(super) fn is_harmless_annotation(key: &str) -> bool {
    HARMLESS_ANNOTATIONS.split(' ').any(|harmless| key.starts_with(harmless))
}

/// What is kept of the managed fields: who changed the object and when. Of the fields themselves, which are the bulk,
/// only the watch-list is kept.
pub(super) fn keep_times_of_changes(metadata: &mut ObjectMeta) {
    let managers = metadata.managed_fields.take();
    metadata.redact();
    metadata.managed_fields = managers.map(|mut managers| {
        for manager in &mut managers {
            let lists = manager.fields_v1.take().is_some_and(|fields| fields.0["f:spec"].get("f:watch-list").is_some());
            manager.fields_v1 = lists.then(|| FieldsV1(serde_json::json!({ "f:spec": { "f:watch-list": {} } })));
            manager.fields_type = None;
        }
        managers
    });
}
