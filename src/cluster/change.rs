//! What is sent to change something, or to try it: each kind of request put together in one place.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::stack::{
    manifests::{FIELD_MANAGER, Object},
    object::Id,
};

/// A change, or one that is only tried.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// `PATCH`, `POST`, `DELETE`.
    pub(crate) method: &'static str,
    /// With `dryRun=All` in it where nothing is to be made.
    pub(crate) path: String,
    /// The content type, which says how a patch is meant.
    pub(crate) content: &'static str,
    /// What is sent.
    pub(crate) body: Cow<'a, Value>,
}

impl<'a> Change<'a> {
    /// Server-side apply: the object is to say what the manifest says, by force also where others manage its fields.
    pub fn apply(id: &Id, manifest: &'a Value, force: bool) -> Self {
        Self {
            method: "PATCH",
            path: format!("{}?fieldManager={FIELD_MANAGER}&force={force}", id.path()),
            content: "application/apply-patch+yaml",
            body: Cow::Borrowed(manifest),
        }
    }

    /// A merge patch: single fields of an object that is there.
    pub fn merge(id: &Id, patch: &'a Value) -> Self {
        Self {
            method: "PATCH",
            path: format!("{}?fieldManager={FIELD_MANAGER}", id.path()),
            content: "application/merge-patch+json",
            body: Cow::Borrowed(patch),
        }
    }

    /// A new object.
    pub fn create(object: &'a Object) -> Self {
        let collection = object.id.collection();
        Self {
            method: "POST",
            path: format!("{collection}?fieldManager={FIELD_MANAGER}"),
            content: "application/json",
            body: Cow::Borrowed(&object.body),
        }
    }

    /// The removal of this very object; another of its name is left alone.
    pub fn delete(id: &Id, uid: &str) -> Self {
        Self {
            method: "DELETE",
            path: id.path(),
            content: "application/json",
            body: Cow::Owned(json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": { "uid": uid },
                "propagationPolicy": "Background",
            })),
        }
    }

    /// Whether it is only tried.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.path.ends_with("dryRun=All")
    }

    /// The same, tried only: the API server answers as it would, and makes nothing.
    #[must_use]
    pub fn tried(mut self) -> Self {
        let sign = if self.path.contains('?') { '&' } else { '?' };
        self.path = format!("{}{sign}dryRun=All", self.path);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::object;

    #[test]
    fn what_is_tried_says_so_whatever_it_is() {
        let id = Id::of(object::SECRET, Some("mesh"), "some");
        let body = json!({});
        let created = Object { id: id.clone(), body: body.clone() };
        let path = "/api/v1/namespaces/mesh/secrets";
        let paths = [
            Change::apply(&id, &body, true),
            Change::merge(&id, &body),
            Change::create(&created),
            Change::delete(&id, "a-uid"),
        ]
        .map(|change| change.tried().path);
        assert_eq!(
            paths,
            [
                format!("{path}/some?fieldManager=meshdoctor&force=true&dryRun=All"),
                format!("{path}/some?fieldManager=meshdoctor&dryRun=All"),
                format!("{path}?fieldManager=meshdoctor&dryRun=All"),
                format!("{path}/some?dryRun=All"),
            ]
        );
    }
}
