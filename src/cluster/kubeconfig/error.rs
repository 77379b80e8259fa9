//! Why an address cannot be used.

use http::uri::InvalidUri;

/// Why an address cannot be used. The message contains no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidAddress {
    #[error("the server address \"{0}\" is not a URL: {1}")]
    Server(String, InvalidUri),
    #[error("the server address \"{0}\" has an invalid port: it must be a number up to 65535")]
    ServerPort(String),
    #[error("the server address \"{0}\" is not an http or https URL")]
    ServerScheme(String),
    #[error("it is not a URL ({0})")]
    Proxy(InvalidUri),
    #[error("it is not a URL with a host and a port")]
    ProxyHost,
    #[error("its scheme is {0}, but only http, https, socks5 and socks5h are supported")]
    ProxyScheme(String),
    #[error("\"{0}\" is neither a host name nor an IP address")]
    Name(String),
}
