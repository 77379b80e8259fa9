//! Why the cluster is not usable: turns a transport failure into the report's obstacle.

use k8s_openapi::jiff::Timestamp;
use kube::Config;
use x509_cert::{Certificate, der::Decode, ext::pkix::BasicConstraints};

use super::{ask::ApiError, expiry};
use crate::{
    facts::{Obstacle, redact},
    stack::base::failure::Kind,
};

/// The obstacle behind a failure of every request. `None` if the failure is not an obstacle.
pub(crate) fn from_failure(failure: &ApiError, config: &Config, now: Timestamp) -> Option<Obstacle> {
    let ApiError::Failed(failure) = failure else {
        return None;
    };
    let server = redact::address(&config.cluster_url.to_string());
    let mut evidence = vec![format!("requested: {server}version")];
    if let Some(proxy) = &config.proxy_url {
        evidence.push(format!("through the proxy {}", redact::address(&proxy.to_string())));
    }
    let why = &failure.message;
    let shown = server.trim_end_matches('/');
    let (code, message, remedy) = match failure.kind {
        Kind::TimedOut => {
            ("cluster-unreachable", format!("the API server {shown} did not respond: {why}"), loopback_hint(config))
        }
        Kind::TlsUntrusted => {
            ("tls-untrusted", format!("the connection to {shown} is not trusted: {why}"), leaf_hint(config))
        }
        Kind::NotAnApiServer => ("not-an-api-server", format!("{shown} is not a Kubernetes API server: {why}"), None),
        Kind::TooLarge => ("answer-too-large", format!("the response from {shown} exceeds a limit: {why}"), None),
        Kind::Unauthorized => {
            let expired = expiry::expired(&config.auth_info, now);
            let why = if expired.is_empty() { String::new() } else { format!(": {}", expired.join(" and ")) };
            ("credentials-rejected", format!("the API server {shown} rejected the credentials (401){why}"), None)
        }
        _ => ("cluster-unreachable", format!("cannot connect to the API server {shown}: {why}"), loopback_hint(config)),
    };
    Some(Obstacle { code: code.into(), message, evidence, remedy })
}

fn loopback_hint(config: &Config) -> Option<String> {
    let host = config.cluster_url.host()?;
    let loopback = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    let container = std::path::Path::new("/.dockerenv").exists()
        || std::path::Path::new("/run/.containerenv").exists()
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    (loopback && container).then(|| {
        "the address is loopback, and inside a container that is the container itself: use the host's address".into()
    })
}

/// kubectl accepts the server's own certificate as the CA file. The TLS library used here does not.
fn leaf_hint(config: &Config) -> Option<String> {
    let leaf = config.root_cert.iter().flatten().any(|der| {
        Certificate::from_der(der).is_ok_and(|certificate| {
            let constraints = certificate.tbs_certificate.get::<BasicConstraints>();
            !matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
        })
    });
    leaf.then(|| "the kubeconfig's certificate-authority is not a CA certificate: use the issuer's certificate".into())
}
