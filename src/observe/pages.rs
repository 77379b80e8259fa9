//! Lists that come page by page: the one place that follows them to their end.

use serde::Deserialize;

use super::ask::{ApiError, Asker};

impl Asker<'_> {
    /// Every page of a list, each handed on before the next one is asked for; an object is a single page.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`], and what `each` says. A list of which a page is missing is none.
    pub(super) async fn pages(
        &self,
        path: &str,
        form: Form,
        mut each: impl FnMut(String) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut next = path.to_owned();
        loop {
            let page = match form {
                Form::Whole => self.get(&next).await?,
                Form::Metadata => self.get_metadata(&next).await?,
            };
            // Who sets no limit gets everything at once.
            let more = path.contains("limit=").then(|| more(&page)).flatten();
            each(page)?;
            match more {
                Some(more) => next = format!("{path}&continue={more}"),
                None => return Ok(()),
            }
        }
    }
}

/// How much of each object is to come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
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
