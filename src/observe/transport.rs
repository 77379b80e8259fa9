//! The connections to the API server.
//!
//! The library's own client leaves Nagle's algorithm on and speaks HTTP/1.1, so that every parallel request costs a
//! TLS handshake. Ours turns it off and sends the requests over one HTTP/2 connection; port-forwards, which cannot go
//! over HTTP/2, have a client beside it. Behind a proxy the library's own client serves both.

use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt},
};
use tower::{BoxError, ServiceBuilder};

use crate::failure::Kind;

/// The clients of one cluster.
#[derive(Clone)]
pub(super) struct Clients {
    /// For requests.
    pub requests: Client,
    /// For port-forwards, and for requests to a server that speaks no HTTP/2.
    pub streams: Client,
    /// Whether the two differ.
    pub two: bool,
}

/// Whether a request that failed like this over HTTP/2 may succeed over HTTP/1.1.
pub(super) fn may_want_http1(kind: Kind) -> bool {
    kind.is_transport() && !matches!(kind, Kind::TlsUntrusted | Kind::TimedOut)
}

/// Makes the clients. Nothing is dialled yet.
///
/// # Errors
///
/// The library's error when certificates, keys or the proxy's address cannot be used.
pub(super) fn clients(config: &Config) -> Result<Clients, Box<kube::Error>> {
    if config.proxy_url.is_some() {
        let client = ClientBuilder::try_from(config.clone())?.build();
        return Ok(Clients {
            requests: client.clone(),
            streams: client,
            two: false,
        });
    }
    let streams = http1(config)?;
    if config.cluster_url.scheme_str() == Some("http") {
        return Ok(Clients {
            requests: streams.clone(),
            streams,
            two: false,
        });
    }
    Ok(Clients {
        requests: http2(config)?,
        streams,
        two: true,
    })
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

fn http1(config: &Config) -> Result<Client, Box<kube::Error>> {
    let connector = config.rustls_https_connector_with_connector(tcp())?;
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new()).build(connector);
    stack(config, http)
}

fn http2(config: &Config) -> Result<Client, Box<kube::Error>> {
    let mut tls = config.rustls_client_config()?;
    // The connector's builder sets it, and refuses a list that is there already.
    tls.alpn_protocols.clear();
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name
            .clone()
            .try_into()
            .map_err(|error| kube::Error::Service(BoxError::from(error)))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector = builder.enable_http2().wrap_connector(tcp());
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector);
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
