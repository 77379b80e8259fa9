//! The proxy in use: the kubeconfig's, otherwise the environment's unless `NO_PROXY` excludes the server.
//!
//! A proxy that cannot be used is an error. It is never bypassed, because it was configured for a reason.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;

use super::{Trouble, error::InvalidAddress, flags};
use crate::facts::Obstacle;

/// The variables that may name a proxy for the API server. The first one that is set is used.
const HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The same for a server without TLS.
const HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Selects the proxy.
///
/// The library would compare `NO_PROXY` with the proxy's address, so it is evaluated here.
///
/// # Errors
///
/// The obstacle that names the variable with the invalid value.
pub(crate) fn choose(config: &Config) -> Result<Option<Uri>, Trouble> {
    if config.proxy_url.is_some() {
        return Ok(config.proxy_url.clone());
    }
    let Some(host) = config.cluster_url.host() else {
        return Ok(None);
    };
    let host = host.trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let variables = match config.cluster_url.scheme_str() {
        Some("http") => HTTP,
        _ => HTTPS,
    };
    let named = variables.iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        let value = value.trim().to_owned();
        (!value.is_empty()).then_some((name, value))
    });
    let Some((name, value)) = named.filter(|_| !loopback && !is_excepted(&config.cluster_url)) else {
        return Ok(None);
    };
    parse(&value).map(Some).map_err(|why| {
        Trouble::Obstacle(Obstacle {
            code: "cluster-unreachable".into(),
            message: format!("the proxy in {name} cannot be used: {why}"),
            evidence: vec![format!("{name}: {}", flags::shown(&value))],
            remedy: Some(format!("correct or unset {name}, or exclude the server with NO_PROXY")),
        })
    })
}

fn is_excepted(server: &Uri) -> bool {
    let list = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    // The address does not matter here, only whether a proxy would be used.
    let matcher = Matcher::builder().all("http://proxy.invalid:1").no(list).build();
    matcher.intercept(server).is_none()
}

/// Parses a proxy's address. Without a scheme it is http, as in curl and Go.
///
/// # Errors
///
/// Why it is invalid, without the address itself.
pub(crate) fn parse(value: &str) -> Result<Uri, InvalidAddress> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let uri: Uri = with_scheme.parse().map_err(InvalidAddress::Proxy)?;
    if uri.host().is_none_or(str::is_empty) || flags::has_wrong_port(&uri) {
        return Err(InvalidAddress::ProxyHost);
    }
    match uri.scheme_str() {
        Some("http" | "https" | "socks5" | "socks5h") => Ok(uri),
        scheme => Err(InvalidAddress::ProxyScheme(scheme.unwrap_or_default().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_urls_with_one_of_four_schemes() {
        for good in [
            "http://proxy:3128",
            "proxy:3128",
            "https://me:pw@proxy",
            "socks5h://me:pw@127.0.0.1:1080",
            "socks5://127.0.0.1:1080",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["ftp://proxy", "http://", "http://proxy:99999", "http://a b", "://", "[::1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let why = parse("gopher://me:s3cret@proxy").expect_err("no proxy").to_string();
        assert!(!why.contains("s3cret"), "{why}");
    }
}
