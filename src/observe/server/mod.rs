//! Asks Meshery Server.
//!
//! Nothing is changed here: every request is a GET, except for one query in GraphQL, which older servers need. The
//! requests that change something are in [`crate::repair`], and are sent by the same client.

mod answer;
mod ask;
pub(crate) mod client;
mod more;
mod read;
pub(crate) mod requests;
mod rounds;
pub(crate) mod route;
mod session;

use self::client::ServerClient;
pub(crate) use self::rounds::{FromCluster, Inquiry, pod};
pub(crate) use self::{
    answer::shown,
    more::{More, more},
    read::{UploadedContext, uploaded},
};
use crate::{
    cluster::{ask::ApiClient, server_access::ServerChoice},
    facts::Facts,
};

/// A client of the server of this run, with its credential. `None` if there is no server.
pub(crate) fn client<'a>(
    api: &'a ApiClient<'a>,
    streams: &kube::Client,
    choice: &ServerChoice,
    facts: &Facts,
) -> Option<ServerClient<'a>> {
    let (profile, streams) = (facts.profile, streams.clone());
    match &choice.named {
        Some(named) => ServerClient::named(api, streams, profile, named),
        None => Some(ServerClient::found(api, streams, profile, pod(facts)?, choice.for_service.as_ref())),
    }
}
