//! The number of objects of a resource in the cluster, without reading more than one.

use serde::{Deserialize, de::IgnoredAny};

use crate::cluster::ask::{ApiClient, ApiError, parse};

/// The number of objects at a path. `None` if the API server does not say how many follow the first one.
pub(super) async fn count(api: &ApiClient<'_>, path: &str) -> Result<Option<u64>, ApiError> {
    let answer = api.get_metadata(&format!("{path}?limit=1")).await;
    answer.and_then(|body| parse::<Counted>(&body)).map(|counted| counted.number())
}

/// The first item of a list, and how many follow.
#[derive(Deserialize)]
struct Counted {
    metadata: CountedMetadata,
    items: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CountedMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
    remaining_item_count: Option<u64>,
}

impl Counted {
    fn number(&self) -> Option<u64> {
        let here = self.items.as_ref().map_or(0, Vec::len) as u64;
        let has_more = self.metadata.next.as_ref().is_some_and(|next| !next.is_empty());
        match self.metadata.remaining_item_count {
            Some(more) => here.checked_add(more),
            None if has_more => None,
            None => Some(here),
        }
    }
}
