//! A Kubernetes client that does not wait for delayed acknowledgements.
//!
//! kube's default client uses Nagle's algorithm, which adds about 40 ms to each small write. The tests make hundreds of
//! them.

use anyhow::{Context, Result};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::ServiceBuilder;

/// Builds a client from the text of a kubeconfig. The client belongs to the current runtime.
pub async fn connect(kubeconfig: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    client(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

/// Builds a client with the credentials of the pod in which the program runs.
pub fn connect_in_cluster() -> Result<Client> {
    client(Config::incluster()?)
}

fn client(mut config: Config) -> Result<Client> {
    // Two crypto providers may be compiled in. The first one installed is used, and either is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    config.proxy_url = None;
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let https = config.rustls_https_connector_with_connector(http)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(tower::BoxError::from)
        .service(HyperClient::builder(TokioExecutor::new()).build::<_, Body>(https));
    Ok(Client::new(service, config.default_namespace))
}

/// [`connect`], with the user's name in the error.
pub async fn connect_as(user: &str, kubeconfig: &str) -> Result<Client> {
    connect(kubeconfig).await.with_context(|| format!("cannot build a client for {user}"))
}
