//! The connection from the proxy to the API server.

use std::sync::Arc;

use anyhow::Result;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::bed::{Cluster, users};

pub(super) struct Upstream {
    address: String,
    tls: TlsConnector,
    token: String,
}

impl Upstream {
    pub(super) fn of(cluster: &Cluster, user: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(cluster.authority().as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address: cluster.server().replace("https://", ""),
            tls: TlsConnector::from(Arc::new(config)),
            token: users::token(user),
        })
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(&self.address).await?;
        let name = ServerName::try_from("127.0.0.1")?;
        Ok(self.tls.connect(name, tcp).await?)
    }

    /// The header that identifies the user.
    pub(super) fn authorization(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}
