//! Classifies transport errors as typed failures.

use std::{error::Error as StdError, io};

use crate::stack::base::failure::{Failure, Kind};

/// Classifies a transport error by its cause.
pub(crate) fn from_error(error: &(dyn StdError + 'static)) -> Failure {
    let mut innermost = error.to_string();
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return from_tls(tls);
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // An I/O error hides the error inside it from the chain of sources.
            if let Some(inner) = io.get_ref() {
                let inner: &(dyn StdError + 'static) = inner;
                return from_error(inner);
            }
            if let Some((kind, plain)) = plain_io(io) {
                return Failure::new(kind, plain);
            }
        }
        if let Some(hyper) = error.downcast_ref::<hyper::Error>()
            && speaks_no_http(hyper)
        {
            return Failure::new(Kind::NotAnApiServer, "it does not speak HTTP");
        }
        let text = error.to_string();
        if let Some(why) = of_proxy(&text) {
            return Failure::new(Kind::Connection, why);
        }
        if text.contains("dns error") {
            let why = error.source().map_or_else(|| text.clone(), ToString::to_string);
            return Failure::new(Kind::Dns, format!("the host name cannot be resolved: {}", plain_dns(&why)));
        }
        innermost = text;
        current = error.source();
    }
    Failure::new(Kind::Connection, innermost)
}

/// Whether the other side sent something that is not HTTP, either as an answer or, like mail servers, before our
/// request.
///
/// For the second case the library offers no check but its message.
pub(crate) fn speaks_no_http(error: &hyper::Error) -> bool {
    error.is_parse() || error.to_string().contains("unexpected message")
}

/// What a proxy rejects. The library's types for this are private, so its messages are compared.
fn of_proxy(text: &str) -> Option<&'static str> {
    let words = text.strip_prefix("tunnel error: ").or_else(|| text.strip_prefix("SOCKS error: ")).unwrap_or(text);
    match words {
        "proxy authorization required" => {
            Some("the proxy requires a different user name and password (407): set them in the proxy's address")
        }
        "credentials not accepted" => Some("the proxy does not accept the user name and password in its address"),
        "server does not support user/pass authentication" | "server implements authentication incorrectly" => {
            Some("the proxy does not support the user name and password method of SOCKS5")
        }
        "unsuccessful" => Some("the proxy refused to open a connection to the server"),
        "failed parsing server response" => Some("the configured proxy does not speak SOCKS5"),
        _ => None,
    }
}

fn plain_dns(why: &str) -> &str {
    why.strip_prefix("failed to lookup address information: ").unwrap_or(why)
}

fn plain_io(error: &io::Error) -> Option<(Kind, &'static str)> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => (Kind::ConnectionRefused, "connection refused: nothing listens there"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => (Kind::ConnectionReset, "connection reset"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => (Kind::NoRoute, "no route to host"),
        io::ErrorKind::TimedOut => (Kind::TimedOut, "the connection attempt timed out"),
        io::ErrorKind::UnexpectedEof => (
            Kind::ConnectionClosed,
            "it closed the connection before the response was \
                                                                 complete",
        ),
        _ => return None,
    })
}

fn from_tls(error: &rustls::Error) -> Failure {
    use rustls::{CertificateError, Error};
    let certificate = match error {
        Error::InvalidCertificate(certificate) => certificate,
        Error::InvalidMessage(_) => return Failure::new(Kind::NotAnApiServer, "it does not speak TLS"),
        Error::AlertReceived(alert) => {
            return Failure::new(Kind::TlsHandshake, format!("the server ended the TLS handshake ({alert:?})"));
        }
        other => return Failure::new(Kind::TlsHandshake, format!("the TLS handshake failed: {other}")),
    };
    let why = match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: compare the clocks"
        }
        CertificateError::UnknownIssuer => "has an issuer that the kubeconfig does not trust",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host name"
        }
        // An issuer with the right name and the wrong key: a recreated cluster uses the same name for its CA.
        CertificateError::BadSignature => {
            "is signed with a key other than that of the issuer in the kubeconfig: was the cluster recreated?"
        }
        other => &format!("is not accepted: {other}"),
    };
    Failure::new(Kind::TlsUntrusted, format!("the server's certificate {why}"))
}
