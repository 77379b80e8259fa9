//! Metadata: annotations and managed fields.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ObjectMeta};

use super::Redact;
use crate::stack::base::reader;

/// Annotations whose values say who owns an object or what was done to it.
const HARMLESS_ANNOTATIONS: &str = "argocd.argoproj.io/ cert-manager.io/inject-ca-from \
    deployment.kubernetes.io/revision helm.toolkit.fluxcd.io/ kubectl.kubernetes.io/restartedAt \
    kustomize.toolkit.fluxcd.io/ meshery/component-type meshplay/component-type meta.helm.sh/";

/// An answer's JSON without the lists of who manages which field. They make up a good part of it, and to read them
/// only to forget them costs more than to read the rest.
pub fn without_managed_fields(text: &str) -> String {
    // In a string the quotes would be escaped, so that this is a key, followed by a list.
    const KEY: &str = "\"managedFields\":[";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(KEY) {
        let (before, list) = rest.split_at(start + KEY.len());
        kept.push_str(before);
        // What has no end is kept, for its reader to complain of.
        rest = list_end(list).map_or(list, |end| &list[end..]);
    }
    kept.push_str(rest);
    kept
}

/// Where the bracket is that closes a list whose opening one has been read.
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

/// Whether an annotation says who owns an object or what was done to it.
pub(super) fn is_harmless_annotation(key: &str) -> bool {
    HARMLESS_ANNOTATIONS.split(' ').any(|harmless| key.starts_with(harmless))
}

/// What is kept of who changed an object when: of the fields, which make up the bulk of it, the watch-list alone.
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
