//! The custom resources of Service Mesh Hub.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::queries::{self, Query};
use crate::{
    cluster::{
        ask::{ApiClient, ApiError, List, parse, seen},
        pages::Form,
    },
    facts::{
        hub::HubObject,
        redact::{self, Redact},
    },
    stack::{
        base::seen::Seen,
        hub::{Generation, Role},
    },
};

/// The objects of each kind of an era, in all namespaces. A kind that is not served has none.
pub(super) async fn objects(
    api: &ApiClient<'_>,
    generation: Option<&Generation>,
) -> BTreeMap<Role, Seen<Vec<HubObject>>> {
    let queries = generation.map(queries::hub).unwrap_or_default();
    let answers = queries.into_iter().map(async |(kind, query)| (kind.role, list(api, &query).await));
    join_all(answers).await.into_iter().collect()
}

async fn list(api: &ApiClient<'_>, query: &Query) -> Seen<Vec<HubObject>> {
    let mut objects = Vec::new();
    let mut reservation = api.reservation();
    let read = |page: String| {
        reservation.take(page.len())?;
        let list: List<HubObject> = parse(&redact::without_managed_fields(&page))?;
        objects.extend(list.items.into_iter().flatten().map(|mut object| {
            object.redact();
            object
        }));
        Ok::<(), ApiError>(())
    };
    let answer = api.pages(&query.path, Form::Whole, read).await;
    seen(answer.map(|()| objects), &query.permission)
}
