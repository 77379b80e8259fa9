//! The requests that change something, or validate a change. Each kind of request is built here.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::stack::{
    manifests::{FIELD_MANAGER, Object},
    object::Id,
};

/// A change or its dry run.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// `PATCH`, `POST`, `DELETE`.
    pub(crate) method: &'static str,
    /// With `dryRun=All` for a dry run.
    pub(crate) path: String,
    /// The content type, which selects the kind of patch.
    pub(crate) content: &'static str,
    /// The request body.
    pub(crate) body: Cow<'a, Value>,
}

impl<'a> Change<'a> {
    /// Server-side apply: sets the fields of the manifest. With `force`, also those that other managers own.
    pub fn apply(id: &Id, manifest: &'a Value, force: bool) -> Self {
        Self {
            method: "PATCH",
            path: format!("{}?fieldManager={FIELD_MANAGER}&force={force}", id.path()),
            content: "application/apply-patch+yaml",
            body: Cow::Borrowed(manifest),
        }
    }

    /// A merge patch: changes single fields of an existing object.
    pub fn merge(id: &Id, patch: &'a Value) -> Self {
        Self {
            method: "PATCH",
            path: format!("{}?fieldManager={FIELD_MANAGER}", id.path()),
            content: "application/merge-patch+json",
            body: Cow::Borrowed(patch),
        }
    }

    /// Creates an object.
    pub fn create(object: &'a Object) -> Self {
        let collection = object.id.collection();
        Self {
            method: "POST",
            path: format!("{collection}?fieldManager={FIELD_MANAGER}"),
            content: "application/json",
            body: Cow::Borrowed(&object.body),
        }
    }

    /// Deletes exactly this object, but not another one with the same name.
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

    /// Whether it is a dry run.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.path.ends_with("dryRun=All")
    }

    /// The same as a dry run: the API server answers as usual and persists nothing.
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
    fn dry_runs_of_every_kind_say_so_in_the_request() {
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
