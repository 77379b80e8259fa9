//! Bearer tokens: what can be sent as one.

use std::path::Path;

use kube::config::AuthInfo;

use crate::stack::base::{
    limits,
    reader::{self, Unreadable},
};

/// What is wrong with a token; follows "the token".
pub(crate) const UNSENDABLE: &str =
    "holds a line break or another control character, which no token has";

/// Whether a token can be sent in a header.
///
/// # Errors
///
/// [`UNSENDABLE`].
pub(crate) fn check(token: &str) -> Result<(), &'static str> {
    match http::HeaderValue::from_str(token) {
        Ok(_) => Ok(()),
        Err(_) => Err(UNSENDABLE),
    }
}

/// Why the token of a file cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The file cannot be read.
    File(Unreadable),
    /// It holds no token.
    Token,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(why) => write!(f, "{why}"),
            Self::Token => write!(f, "its content {UNSENDABLE}"),
        }
    }
}

/// Reads the token file that credentials name. White space around the token does not count, as for kubectl. A file that
/// can be used as it is stays the source, so that a token which is renewed in it is used; otherwise its token is taken.
pub(crate) fn settle_file(auth: &mut AuthInfo) -> Result<(), Unusable> {
    let Some(path) = auth.token_file.clone().filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = Path::new(&path);
    let text = reader::text(path, limits::CREDENTIAL_FILE).map_err(Unusable::File)?;
    let token = text.trim();
    check(token).map_err(|_| Unusable::Token)?;
    if auth.token.is_none() && (token != text || !path.is_file()) {
        auth.token = Some(token.to_owned().into());
        auth.token_file = None;
    }
    Ok(())
}
