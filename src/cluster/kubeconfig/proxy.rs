//! The proxy that counts: the kubeconfig's, else the environment's unless `NO_PROXY` excepts the server.
//!
//! A proxy that cannot be used is an error. It is never passed by: whoever named one has a reason.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;

use super::{Trouble, error::InvalidAddress, flags};
use crate::facts::Obstacle;

/// The variables that may name a proxy for the API server, the first one that is set wins.
const HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The same, for one without TLS.
const HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Chooses it.
///
/// The library's own reading of `NO_PROXY` compares it with the proxy's address, so it is done here.
///
/// # Errors
///
/// The obstacle that names the variable whose value is no proxy.
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
            message: format!("the proxy that {name} names cannot be used: {why}"),
            evidence: vec![format!("{name}: {}", flags::shown(&value))],
            remedy: Some(format!("correct {name}, or unset it, or except the server with NO_PROXY")),
        })
    })
}

fn is_excepted(server: &Uri) -> bool {
    let list = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    // Any proxy will do: it is only asked whether one would be used.
    let matcher = Matcher::builder().all("http://proxy.invalid:1").no(list).build();
    matcher.intercept(server).is_none()
}

/// A proxy's address; without a scheme it is http, as for curl and Go.
///
/// # Errors
///
/// Why it is none, without the address itself.
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
    fn proxies_are_urls_of_four_schemes() {
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
