//! Who we are for the server, its providers and its release.

use std::collections::BTreeMap;

use super::{
    fields::{ByName, Fields, Wanted},
    parse,
};
use crate::{
    facts::server::ServerRelease,
    stack::base::failure::{Failure, Kind},
};

struct User;

impl Wanted for User {
    const PATHS: &'static [&'static str] = &["id", "user_id", "userId", "userID"];
}

/// Whether the answer names a user. If the provider fails, it is an empty object. Names and addresses are not read.
pub(in crate::observe::server) fn user(text: &str) -> Result<bool, Failure> {
    let user: Fields<User> = parse(text)?;
    Ok(user.text(User::PATHS).is_some())
}

struct Provider;

impl Wanted for Provider {
    const PATHS: &'static [&'static str] = &["provider_type", "providerType"];
}

/// The providers that the server offers, and whether each is remote.
pub(in crate::observe::server) fn providers(text: &str) -> Result<BTreeMap<String, bool>, Failure> {
    let providers: ByName<Fields<Provider>, 20> = parse(text)?;
    let remote = |provider: &Fields<Provider>| provider.text(Provider::PATHS).as_deref() != Some("local");
    Ok(providers.0.iter().map(|(name, provider)| (name.clone(), remote(provider))).collect())
}

struct Release;

impl Wanted for Release {
    const PATHS: &'static [&'static str] = &["build", "latest", "outdated", "release_channel", "releaseChannel"];
}

/// The release.
pub(in crate::observe::server) fn release(text: &str) -> Result<ServerRelease, Failure> {
    let release: Fields<Release> = parse(text)?;
    let known = |text: &String| text != "Not Set";
    let Some(build) = release.text(&["build"]) else {
        return Err(Failure::new(Kind::Malformed, "its answer contains no version"));
    };
    Ok(ServerRelease {
        build,
        latest: release.text(&["latest"]).filter(known),
        outdated: release.text(&["outdated"]).and_then(|outdated| outdated.parse().ok()),
        channel: release.text(&["release_channel", "releaseChannel"]).filter(known),
    })
}
