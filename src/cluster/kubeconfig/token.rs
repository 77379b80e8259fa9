//! Bearer tokens: what can be sent as one.

use std::path::Path;

use kube::config::AuthInfo;

use crate::stack::base::{
    limits,
    reader::{self, Unreadable},
};

/// What is wrong with a token; follows "the token".
#[derive(Debug, thiserror::Error)]
#[error("holds a line break or another control character, which no token has")]
pub(crate) struct Unsendable;

/// Whether a token can be sent in a header.
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

/// Why the token of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] Unreadable),
    /// It holds no token.
    #[error("its content {0}")]
    Token(#[from] Unsendable),
}

/// Reads the token file that credentials name. White space around the token does not count, as for kubectl. A file that
/// can be used as it is stays the source, so that a token which is renewed in it is used; otherwise its token is taken.
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
