//! Where `MeshSync`'s address leads.

use crate::{
    diagnose::rules::prelude::*,
    facts::destination::{self, GivenBy, Place},
};

/// What an address of `MeshSync` leads to.
pub(crate) enum Target {
    Right,
    /// It is no longer in use; the text says what replaced it.
    Former(String),
    /// It does not belong to a broker.
    Wrong(Vec<String>),
    Unknown(String),
}

/// Compares the address of a running pod with the one that it should have.
pub(crate) fn target(context: &RuleContext<'_>, address: &str) -> Target {
    // A client of the right broker publishes to it, whatever its address is.
    if !context.clients.meshsync.is_empty() {
        return Target::Right;
    }
    let facts = context.facts;
    let Some((host, port)) = destination::host_and_port(address) else {
        return Target::Wrong(vec!["it is not an address of the form HOST:PORT".into()]);
    };
    let given = destination::plain(address);
    if let Some(to) = &context.destination {
        if to.given_by == GivenBy::Object && to.shown() != given {
            return Target::Former(format!("spec.broker.custom.url is now {}", to.address));
        }
        return match destination::place(facts, &host) {
            Place::Nowhere(why) => Target::Wrong(vec![why]),
            Place::Unseen(why) => Target::Unknown(why),
            Place::Stack | Place::Service(_) | Place::Namespace(_) | Place::Beyond => Target::Right,
        };
    }
    let meshsync = context.meshsyncs.items().first();
    if meshsync.is_some_and(|meshsync| destination::names_foreign_broker(facts, meshsync)) {
        return Target::Unknown("its broker is in another namespace, which was not checked".into());
    }
    let place = destination::place(facts, &host);
    let wanted = facts.profile.broker.client_port;
    if place == Place::Stack && port != wanted {
        return Target::Wrong(vec![format!("this is the broker's host, but its port for clients is {wanted}")]);
    }
    if place == Place::Stack {
        return Target::Right;
    }
    if let Place::Unseen(why) = place {
        return Target::Unknown(why);
    }
    let endpoint = destination::endpoint(facts);
    if let Some(endpoint) = endpoint.known()
        && destination::plain(endpoint) == given
    {
        // The Broker status has the same old address. Without any Service, that is a fault of its own.
        return match stack::broker_services(facts).first() {
            None => Target::Right,
            Some(service) => {
                let name = stack::name(&service.metadata);
                let spec = service.spec.as_ref();
                let ip = spec.and_then(|spec| spec.cluster_ip.as_deref());
                Target::Former(format!(
                    "Service {name} now has {}, but the Broker status still has the old address",
                    ip.unwrap_or("another address")
                ))
            }
        };
    }
    match (endpoint, place) {
        (Seen::Known(endpoint), Place::Beyond) if host.parse::<std::net::IpAddr>().is_ok() => {
            Target::Former(format!("status.endpoint.internal of the Broker is now {endpoint}"))
        }
        (_, place) => {
            let mut why = vec![match place {
                Place::Nowhere(why) => why,
                _ => "no Service or pod of the broker has that name or address".to_owned(),
            }];
            if let Some(to) = meshsync.and_then(|meshsync| meshsync.status.publishing_to.as_deref()) {
                why.push(format!("status.publishing-to is {to}"));
            }
            Target::Wrong(why)
        }
    }
}
