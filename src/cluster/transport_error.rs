//! Errors of the transport, as typed failures.

use std::{error::Error as StdError, io};

use crate::stack::base::failure::{Failure, Kind};

/// Sorts an error of the transport by what it proves.
pub(crate) fn from_error(error: &(dyn StdError + 'static)) -> Failure {
    let mut innermost = error.to_string();
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return from_tls(tls);
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // An I/O error hides what it wraps from the chain of sources.
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

/// Whether the other side said something that is no HTTP, be it in answer to us or, as mail servers do, before we spoke.
///
/// The library has no question for the second case, only these words.
pub(crate) fn speaks_no_http(error: &hyper::Error) -> bool {
    error.is_parse() || error.to_string().contains("unexpected message")
}

/// What a proxy objects to. The library's types for this are private; these are their words.
fn of_proxy(text: &str) -> Option<&'static str> {
    let words = text.strip_prefix("tunnel error: ").or_else(|| text.strip_prefix("SOCKS error: ")).unwrap_or(text);
    match words {
        "proxy authorization required" => {
            Some("the proxy wants another user name and password (407): they belong into the proxy's address")
        }
        "credentials not accepted" => Some("the proxy does not accept the user name and password in its address"),
        "server does not support user/pass authentication" | "server implements authentication incorrectly" => {
            Some("the proxy takes no user name and password in the form that SOCKS5 has for them")
        }
        "unsuccessful" => Some("the proxy refused to open a connection to the server"),
        "failed parsing server response" => Some("what answers as a proxy does not speak SOCKS5"),
        _ => None,
    }
}

fn plain_dns(why: &str) -> &str {
    why.strip_prefix("failed to lookup address information: ").unwrap_or(why)
}

fn plain_io(error: &io::Error) -> Option<(Kind, &'static str)> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            (Kind::ConnectionRefused, "the connection was refused: nothing listens there")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            (Kind::ConnectionReset, "the connection was reset")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            (Kind::NoRoute, "there is no route to it")
        }
        io::ErrorKind::TimedOut => (Kind::TimedOut, "the connection attempt got no answer"),
        io::ErrorKind::UnexpectedEof => (Kind::ConnectionClosed, "it closed the connection in the middle"),
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
        CertificateError::UnknownIssuer => "comes from an issuer that the kubeconfig does not trust",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host name"
        }
        // An issuer of the right name and the wrong key: clusters made anew call theirs as before.
        CertificateError::BadSignature => {
            "was signed with another key than that of the issuer in the kubeconfig: was the cluster made anew?"
        }
        other => &format!("is not accepted: {other}"),
    };
    Failure::new(Kind::TlsUntrusted, format!("the server's certificate {why}"))
}
