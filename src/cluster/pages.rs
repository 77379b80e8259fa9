//! Lists that come page by page: the one place that follows them to their end.

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
    /// Every page of a list, each handed on before the next one is asked for; an object is a single page.
    ///
    /// # Errors
    ///
    /// As for [`ApiClient::get`], and what `each` says. A list of which a page is missing is none.
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
            // Who sets no limit gets everything at once.
            let more = path.contains("limit=").then(|| more(&page)).flatten();
            each(page)?;
            let Some(more) = more else { return Ok(()) };
            if !tokens.insert(hasher.hash_one(&more)) {
                return Err(ApiError::new(
                    Kind::Malformed,
                    "the list does not end: its continue token comes a second time",
                ));
            }
            next = format!("{path}&continue={more}");
        }
        Err(too_large(format!("the list exceeds the limit of {API_PAGES} pages")))
    }
}

/// How much of each object is to come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// All of it.
    Whole,
    /// Its metadata alone.
    Metadata,
}

/// The mark at which the next page begins.
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
    // A page without the word needs no parsing twice.
    page.contains("\"continue\"")
        .then(|| serde_json::from_str::<Page>(page).ok()?.metadata?.more)
        .flatten()
        .filter(|more| !more.is_empty())
}
