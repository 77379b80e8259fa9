//! Why the cluster could not be spoken to: one failure of the transport, told as the report tells it.

use k8s_openapi::jiff::Timestamp;
use kube::Config;
use x509_cert::{Certificate, der::Decode, ext::pkix::BasicConstraints};

use super::{ask::ApiError, expiry};
use crate::{
    facts::{Obstacle, redact},
    stack::base::failure::Kind,
};

/// The obstacle behind the failure of every request, or none when the failure is no obstacle.
pub(crate) fn from_failure(failure: &ApiError, config: &Config, now: Timestamp) -> Option<Obstacle> {
    let ApiError::Failed(failure) = failure else {
        return None;
    };
    let server = redact::address(&config.cluster_url.to_string());
    let mut evidence = vec![format!("asked: {server}version")];
    if let Some(proxy) = &config.proxy_url {
        evidence.push(format!("through the proxy {}", redact::address(&proxy.to_string())));
    }
    let why = &failure.message;
    let (code, message, remedy) = match failure.kind {
        Kind::TimedOut => (
            "cluster-unreachable",
            format!("the API server {server} accepts nothing or answers nothing: {why}"),
            loopback_hint(config),
        ),
        Kind::TlsUntrusted => {
            ("tls-untrusted", format!("the connection to {server} is not trusted: {why}"), leaf_hint(config))
        }
        Kind::NotAnApiServer => {
            ("not-an-api-server", format!("what answers at {server} is no Kubernetes API server: {why}"), None)
        }
        Kind::TooLarge => {
            ("answer-too-large", format!("what answers at {server} sends more than is read: {why}"), None)
        }
        Kind::Unauthorized => {
            let expired = expiry::expired(&config.auth_info, now);
            let why = if expired.is_empty() { String::new() } else { format!(": {}", expired.join(" and ")) };
            (
                "credentials-rejected",
                format!("the API server {server} does not accept our credentials (401){why}"),
                None,
            )
        }
        _ => {
            ("cluster-unreachable", format!("the API server {server} cannot be reached: {why}"), loopback_hint(config))
        }
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
        "the address is loopback and this is a container, where loopback is the container itself: use the host's address"
            .into()
    })
}

/// kubectl accepts a CA file that is the server's own certificate; the TLS library here does not.
fn leaf_hint(config: &Config) -> Option<String> {
    let leaf = config.root_cert.iter().flatten().any(|der| {
        Certificate::from_der(der).is_ok_and(|certificate| {
            let constraints = certificate.tbs_certificate.get::<BasicConstraints>();
            !matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
        })
    });
    leaf.then(|| {
        "the kubeconfig's certificate-authority is itself no CA certificate: put the issuer's certificate there".into()
    })
}
