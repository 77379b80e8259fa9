//! Reads lists page by page to their end.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use serde::Deserialize;

use super::{
    ask::{ApiClient, ApiError},
    body::too_large,
};
use crate::stack::base::{
    failure::Kind,
    limits::{API_LIST, API_PAGES, MIB},
};

impl ApiClient<'_> {
    /// Passes each page of a list to `each` before it requests the next one. An object is a single page.
    ///
    /// # Errors
    ///
    /// Those of [`ApiClient::get`] and of `each`. A list with a missing page is not used.
    pub(crate) async fn pages(
        &self,
        path: &str,
        form: Form,
        mut each: impl FnMut(String) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut next = path.to_owned();
        let hasher = RandomState::new();
        let mut tokens = HashSet::new();
        let mut bytes = 0_usize;
        for _ in 0..API_PAGES {
            let page = match form {
                Form::Whole => self.get(&next).await?,
                Form::Metadata => self.get_metadata(&next).await?,
            };
            bytes += page.len();
            if bytes > API_LIST {
                return Err(too_large(format!(
                    "the list exceeds the limit of {} MiB, all pages together",
                    API_LIST / MIB
                )));
            }
            // Without a limit everything is returned at once.
            let more = path.contains("limit=").then(|| more(&page)).flatten();
            each(page)?;
            let Some(more) = more else { return Ok(()) };
            if !tokens.insert(hasher.hash_one(&more)) {
                return Err(ApiError::new(
                    Kind::Malformed,
                    "the list does not end: the API server returned the same continue token twice",
                ));
            }
            next = format!("{path}&continue={more}");
        }
        Err(too_large(format!("the list exceeds the limit of {API_PAGES} pages")))
    }
}

/// Which part of each object is requested.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// The complete object.
    Whole,
    /// Only its metadata.
    Metadata,
}

/// The continue token of the next page.
fn more(page: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Page {
        metadata: Option<Metadata>,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "continue")]
        more: Option<String>,
    }
    // A page without the word need not be parsed twice.
    page.contains("\"continue\"")
        .then(|| serde_json::from_str::<Page>(page).ok()?.metadata?.more)
        .flatten()
        .filter(|more| !more.is_empty())
}
