//! The connections to the API server.
//!
//! The library's own client leaves Nagle's algorithm on and speaks only HTTP/1.1, so that every parallel request needs
//! its own TLS handshake. Our client turns it off and sends all requests over one HTTP/2 connection. Port-forwards
//! cannot use HTTP/2 and have a separate client. Behind a proxy, the library's own client is used for both.

use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client as HttpClient,
        connect::{HttpConnector, proxy::SocksV5},
    },
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt},
};
use tower::{BoxError, ServiceBuilder};

use crate::stack::base::failure::Kind;

/// The clients of one cluster.
#[derive(Clone)]
pub(crate) struct Clients {
    /// For requests.
    pub requests: Client,
    /// For port-forwards, and for requests to a server without HTTP/2.
    pub streams: Client,
    /// Whether the two differ.
    pub two: bool,
}

/// Whether a request that failed like this over HTTP/2 may succeed over HTTP/1.1.
pub(crate) fn may_want_http1(kind: Kind) -> bool {
    kind.is_transport() && !matches!(kind, Kind::TlsUntrusted | Kind::TimedOut)
}

/// Creates the clients. No connection is opened yet.
///
/// # Errors
///
/// The library's error if certificates, keys or the proxy's address cannot be used.
pub(crate) fn clients(config: &Config) -> Result<Clients, Box<kube::Error>> {
    if let Some(proxy) = config.proxy_url.as_ref().filter(|proxy| is_socks(proxy)) {
        let client = over(config, socks(proxy)?)?;
        return Ok(Clients { requests: client.clone(), streams: client, two: false });
    }
    if config.proxy_url.is_some() {
        let client = ClientBuilder::try_from(config.clone())?.build();
        return Ok(Clients { requests: client.clone(), streams: client, two: false });
    }
    let streams = over(config, tcp())?;
    if config.cluster_url.scheme_str() == Some("http") {
        return Ok(Clients { requests: streams.clone(), streams, two: false });
    }
    Ok(Clients { requests: http2(config)?, streams, two: true })
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

/// The maximum buffer of one HTTP/1.1 connection, and so the maximum head of an answer. Every parallel request has its
/// own.
const HTTP1_BUFFER: usize = 64 * 1024;

/// A client for HTTP/1.1 with the given connector.
fn over<C>(config: &Config, connector: C) -> Result<Client, Box<kube::Error>>
where
    C: tower::Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response:
        hyper_util::client::legacy::connect::Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let http: HttpClient<_, Body> =
        HttpClient::builder(TokioExecutor::new()).http1_max_buf_size(HTTP1_BUFFER).build(connector);
    stack(config, http)
}

fn is_socks(proxy: &http::Uri) -> bool {
    matches!(proxy.scheme_str(), Some("socks5" | "socks5h"))
}

/// A connector through a SOCKS5 proxy, with the credentials in its address. The proxy resolves the server's name with
/// both schemes, as in kubectl. The library's own connector supports neither `socks5h` nor credentials.
fn socks(proxy: &http::Uri) -> Result<SocksV5<HttpConnector>, Box<kube::Error>> {
    let unusable = |why: &str| Box::new(kube::Error::Service(BoxError::from(why.to_owned())));
    let authority = proxy.authority().map_or("", http::uri::Authority::as_str);
    let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
    let has_port = proxy.port_u16().is_some();
    let address =
        if has_port { format!("socks5://{place}") } else { format!("socks5://{}:1080", place.trim_end_matches(':')) };
    let address = address.parse().map_err(|_| unusable("the proxy's address is not a URL"))?;
    let mut connector = SocksV5::new(address, tcp());
    if let Some(user) = user {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let (name, password) = (decoded(name), decoded(password));
        if name.len() > 255 || password.len() > 255 {
            return Err(unusable("the proxy's user name and password can have at most 255 bytes each"));
        }
        connector = connector.with_auth(name, password);
    }
    Ok(connector)
}

/// A percent-decoded part of a URL. A percent sign that is not an escape is kept.
pub(crate) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn http2(config: &Config) -> Result<Client, Box<kube::Error>> {
    let mut tls = config.rustls_client_config()?;
    // The connector's builder sets the list, and rejects one that is already set.
    tls.alpn_protocols.clear();
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|error| kube::Error::Service(BoxError::from(error)))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector = builder.enable_http2().wrap_connector(tcp());
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new()).http2_only(true).build(connector);
    stack(config, http)
}

fn stack<C>(config: &Config, http: HttpClient<C, Body>) -> Result<Client, Box<kube::Error>>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace.clone()))
}
