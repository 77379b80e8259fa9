//! Checks whether a bearer token can be sent.

use std::path::Path;

use kube::config::AuthInfo;

use crate::stack::base::{
    limits,
    reader::{self, Unreadable},
};

/// What is wrong with a token. The text follows "the token".
#[derive(Debug, thiserror::Error)]
#[error("contains a line break or another control character")]
pub(crate) struct Unsendable;

/// Checks that a token can be sent in a header.
///
/// # Errors
///
/// [`Unsendable`].
pub(crate) fn check(token: &str) -> Result<(), Unsendable> {
    match http::HeaderValue::from_str(token) {
        Ok(_) => Ok(()),
        Err(_) => Err(Unsendable),
    }
}

/// Why the token in a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] Unreadable),
    /// Its content is not a valid token.
    #[error("its content {0}")]
    Token(#[from] Unsendable),
}

/// Reads the token file that the credentials name. White space around the token is ignored, as in kubectl. A file that
/// is valid as it is remains the source, so that a renewed token is used. Otherwise its token is taken once.
pub(crate) fn settle_file(auth: &mut AuthInfo) -> Result<(), Unusable> {
    let Some(path) = auth.token_file.clone().filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = Path::new(&path);
    let text = reader::text(path, limits::CREDENTIAL_FILE)?;
    let token = text.trim();
    check(token)?;
    if auth.token.is_none() && (token != text || !path.is_file()) {
        auth.token = Some(token.to_owned().into());
        auth.token_file = None;
    }
    Ok(())
}
