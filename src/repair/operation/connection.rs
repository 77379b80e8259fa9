//! A connection of the server, as plans and goals name it.

use crate::facts::server::ClusterConnection;

/// A connection that an operation changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionRef {
    /// The ID of the connection.
    pub id: String,
    /// The ID of the Kubernetes context.
    pub context_id: Option<String>,
    /// The UID of the namespace `kube-system`.
    pub cluster_id: Option<String>,
    /// Its name.
    pub name: String,
}

impl ConnectionRef {
    /// Its ID, if it is a UUID that is not zero.
    pub fn uuid(&self) -> Option<&str> {
        Some(self.id.as_str()).filter(|id| is_uuid(id) && id.bytes().any(|byte| byte != b'-' && byte != b'0'))
    }
}

impl From<&ClusterConnection> for ConnectionRef {
    fn from(connection: &ClusterConnection) -> Self {
        Self {
            id: connection.id.clone(),
            context_id: connection.context_id.clone(),
            cluster_id: connection.cluster_id.clone(),
            name: connection.name.clone(),
        }
    }
}

/// Whether a text is a UUID as servers write it.
pub(in crate::repair) fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
