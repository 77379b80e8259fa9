//! The command-line flags about the API server, checked before any file is read.

use http::Uri;
use rustls::pki_types::ServerName;

use super::{Access, error::InvalidAddress, parse_server, token};
use crate::{facts::redact, stack::base::usage::UsageError};

/// Checks the flags.
///
/// # Errors
///
/// A message that names the flag and contains no credentials.
pub(crate) fn check(access: &Access) -> Result<(), UsageError> {
    if !access.impersonate_groups.is_empty() && access.impersonate.is_none() {
        let message = "--as-group needs --as: a group cannot be impersonated without a user";
        return Err(UsageError::new(message));
    }
    if let Some(token) = &access.token {
        token::check(token).map_err(|why| UsageError::new(format!("the value of --token {why}")))?;
    }
    if let Some(server) = &access.server {
        parse_server(server).map_err(|why| UsageError::new(format!("--server: {why}")))?;
    }
    let named = [("--as", &access.impersonate)].into_iter();
    let groups = access.impersonate_groups.iter();
    let who = named
        .filter_map(|(flag, value)| value.as_ref().map(|value| (flag, value)))
        .chain(groups.map(|group| ("--as-group", group)));
    for (flag, value) in who {
        if http::HeaderValue::from_str(value).is_err() {
            return Err(UsageError::new(format!(
                "the value of {flag} contains a line break or another control character"
            )));
        }
    }
    match &access.tls_server_name {
        Some(name) => tls_name(name).map_err(|why| UsageError::new(format!("--tls-server-name: {why}"))),
        None => Ok(()),
    }
}

/// The name of a namespace as Kubernetes allows it. Anything else could change the URL.
pub(crate) fn namespace(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: char| c != '-';
    let fits =
        (1..=63).contains(&text.len()) && text.chars().all(plain) && text.starts_with(edge) && text.ends_with(edge);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a namespace name has lower-case letters, digits and hyphens, at most 63, and no hyphen at either end")
    }
}

/// Checks that a certificate can be verified against a name.
///
/// # Errors
///
/// The name.
pub(crate) fn tls_name(name: &str) -> Result<(), InvalidAddress> {
    match ServerName::try_from(name.to_owned()) {
        Ok(_) => Ok(()),
        Err(_) => Err(InvalidAddress::Name(shown(name))),
    }
}

/// Whether an address has an invalid port.
pub(crate) fn has_wrong_port(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else {
        return false;
    };
    let place = authority.as_str();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let after = place.rsplit_once(']').map_or(place, |(_, after)| after);
    after.split_once(':').is_some_and(|(_, port)| !port.is_empty() && port.parse::<u16>().is_err())
}

/// An address for messages. Anything that may be a credential is removed, even if the address is malformed.
pub(crate) fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((before, place)) = address.rsplit_once('@') else {
        return redact::clean(address);
    };
    let scheme = before.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
    redact::clean(&format!("{scheme}{}@{place}", redact::REDACTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_credentials() {
        for (address, expected) in [
            ("https://host:6443", "https://host:6443"),
            ("https://me:s3/c,r'et@host", "https://REDACTED@host"),
            ("me:s3cret@host", "REDACTED@host"),
            ("https://host/path?token=s3cret", "https://host/path"),
            ("https://a@s3cret@host", "https://REDACTED@host"),
        ] {
            assert_eq!(shown(address), expected, "{address}");
        }
    }

    #[test]
    fn namespace_names_follow_the_kubernetes_rules() {
        for name in ["meshery", "a", "mesh-2", "0"] {
            assert_eq!(namespace(name).as_deref(), Ok(name));
        }
        let long = "a".repeat(64);
        for name in ["", "a/../b", "Meshery", "-a", "a-", "a b", "a.b", &long] {
            assert!(namespace(name).is_err(), "{name}");
        }
    }

    #[test]
    fn flags_are_checked_before_use() {
        let with = |change: fn(&mut Access)| {
            let mut access = Access::default();
            change(&mut access);
            check(&access)
        };
        assert!(with(|access| access.token = Some("a\nb".into())).is_err());
        assert!(with(|access| access.server = Some("https://host:99999".into())).is_err());
        assert!(with(|access| access.server = Some("https://[::1".into())).is_err());
        assert!(with(|access| access.server = Some("https://[::1]:6443/k8s/c-1".into())).is_ok());
        assert!(with(|access| access.server = Some("me:pw@host:6443".into())).is_ok());
        assert!(with(|access| access.tls_server_name = Some("a/b".into())).is_err());
        assert!(with(|access| access.tls_server_name = Some("kubernetes.default".into())).is_ok());
        assert!(with(|access| access.impersonate = Some("a\r".into())).is_err());
    }
}
