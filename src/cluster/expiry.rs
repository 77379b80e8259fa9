//! The expiry of credentials, read from the credentials themselves.

use std::path::Path;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use k8s_openapi::jiff::Timestamp;
use kube::config::AuthInfo;
use secrecy::ExposeSecret as _;
use x509_cert::{Certificate, der::DecodePem};

use crate::stack::base::{limits, reader};

/// Sentences about credentials that have expired at `now`.
pub(crate) fn expired(auth: &AuthInfo, now: Timestamp) -> Vec<String> {
    [("client certificate", certificate_expiry(auth)), ("bearer token", token_expiry(auth))]
        .into_iter()
        .filter_map(|(what, expiry)| Some((what, expiry.filter(|expiry| *expiry < now)?)))
        .map(|(what, expiry)| format!("the {what} expired at {expiry}"))
        .collect()
}

fn certificate_expiry(auth: &AuthInfo) -> Option<Timestamp> {
    let pem = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => STANDARD.decode(data).ok()?,
        (None, Some(path)) => reader::bytes(Path::new(path), limits::CREDENTIAL_FILE).ok()?,
        (None, None) => return None,
    };
    let certificate = Certificate::from_pem(pem).ok()?;
    let not_after = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    Timestamp::from_second(i64::try_from(not_after.as_secs()).ok()?).ok()
}

/// The `exp` claim of a JSON Web Token. Other tokens have none.
fn token_expiry(auth: &AuthInfo) -> Option<Timestamp> {
    let token = exposed(auth)?;
    let payload = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

fn exposed(auth: &AuthInfo) -> Option<String> {
    if let Some(path) = &auth.token_file {
        return reader::text(Path::new(path), limits::CREDENTIAL_FILE).ok().map(|text| text.trim().to_owned());
    }
    let token = auth.token.as_ref()?;
    Some(token.expose_secret().to_owned())
}
