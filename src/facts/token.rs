//! The broker's token: the facts about it, and the token itself, which only the probe may use.

use k8s_openapi::api::core::v1::Secret;
use ring::{digest, rand, rand::SecureRandom};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{facts::TokenFact, stack::profile::Profile};

/// The token itself. It has no `Debug`, `Display` or serialized form, so that it cannot get into any output. Its memory
/// is overwritten on drop.
#[derive(Clone)]
pub(crate) struct Token(SecretString);

impl Token {
    /// The secret, for the handshake and to find it in texts.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The facts about the token in a Secret, and the token.
pub(crate) fn fact(secret: &Secret, profile: &Profile) -> (TokenFact, Option<Token>) {
    let bytes =
        secret.data.as_ref().and_then(|data| data.get(profile.broker.token_key)).map(|bytes| bytes.0.as_slice());
    let fact = TokenFact {
        secret: secret.metadata.name.clone().unwrap_or_default(),
        created: secret.metadata.creation_timestamp.as_ref().map(|time| time.0),
        bytes: bytes.map(<[u8]>::len),
        salted_hash: bytes.map(salted_hash),
    };
    let token = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).map(|token| Token(token.into()));
    if let Some(token) = &token {
        crate::facts::redact::remember(token.expose());
    }
    (fact, token)
}

/// A hash that can be compared only within the same run.
fn salted_hash(bytes: &[u8]) -> String {
    use std::{fmt::Write, sync::OnceLock};
    static SALT: OnceLock<[u8; 16]> = OnceLock::new();
    let salt = SALT.get_or_init(|| {
        let mut salt = [0; 16];
        // Even without random salt, the hash of a long random token reveals nothing.
        let _ = rand::SystemRandom::new().fill(&mut salt);
        salt
    });
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(salt);
    context.update(bytes);
    context.finish().as_ref()[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
