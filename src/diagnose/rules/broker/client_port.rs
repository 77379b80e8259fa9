//! The condition of a server's client port.

use crate::{
    diagnose::rules::{broker::lame_duck::is_lame_duck, prelude::*},
    facts::{FailureKind, FailureReason, Handshake, NotTried},
    report::Route,
};

/// The condition of a server's client port.
pub(crate) enum ClientPort<'a> {
    /// It speaks NATS.
    Speaks,
    /// It is closed because the server is shutting down gracefully.
    Closing,
    /// No client can use it, for this reason.
    Unusable(&'a str),
    /// It is unknown, for this reason.
    Unknown(&'a str),
}

/// Determines the condition of a server's client port.
pub(crate) fn client_port<'a>(context: &RuleContext<'_>, server: &'a BrokerServer) -> ClientPort<'a> {
    match &server.handshake {
        Handshake::Accepted { .. } | Handshake::Refused { .. } => ClientPort::Speaks,
        Handshake::NotLooked => ClientPort::Unknown("the recording does not say"),
        // The two ports of an address may lead to different servers of one broker; those of a pod may not.
        Handshake::NotTried { reason: NotTried::OtherServer, why }
            if matches!(server.reached_by, Route::PortForward | Route::PodAddress) =>
        {
            ClientPort::Unusable(why)
        }
        Handshake::NotTried { reason, why } => {
            if server.greeting.is_some() && *reason != NotTried::OtherServer {
                ClientPort::Speaks
            } else {
                ClientPort::Unknown(why)
            }
        }
        Handshake::Failed(failure) => {
            if failure.reason == FailureReason::ServerError {
                ClientPort::Speaks
            } else if is_lame_duck(context, server) {
                ClientPort::Closing
            } else if failure.kind == FailureKind::Broker && server.reached_by != Route::ExternalAddress {
                ClientPort::Unusable(&failure.message)
            } else {
                ClientPort::Unknown(&failure.message)
            }
        }
    }
}
