//! The origin of a server: scheme, host and port.

use std::{fmt, net::IpAddr};

use http::{Uri, uri::Scheme};

/// The scheme, host and port of a server, with a default port filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is `https`.
    pub tls: bool,
    /// The host name or address, in lower case, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Origin {
    /// Reads an address as users write it: `http://localhost:9081`. A path is ignored.
    ///
    /// # Errors
    ///
    /// Why it cannot be used, as a clause.
    pub fn parse(address: &str) -> Result<Self, String> {
        let uri: Uri = address.trim().parse().map_err(|_| "it is not an address".to_owned())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err("it does not begin with http:// or https://".into()),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("it contains a user name or password".into());
        }
        if uri.query().is_some() || address.contains('#') {
            return Err("it contains a query or fragment".into());
        }
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        if host.is_empty() {
            return Err("it has no host".into());
        }
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" => Some(if tls { 443 } else { 80 }),
            text => port(text),
        };
        let port = port.ok_or("its port is not a number from 1 to 65535")?;
        Ok(Self { tls, host, port })
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether both are the same server: every name of this machine is one host.
    pub fn is_same(&self, other: &Self) -> bool {
        let host = self.host == other.host || (self.is_loopback() && other.is_loopback());
        self.tls == other.tls && self.port == other.port && host
    }

    /// The value of a `Host` header.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The port after a host: `:9081`.
fn port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|port| *port > 0)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn addresses_are_read() {
        let shown = |address: &str| Origin::parse(address).map(|origin| origin.to_string());
        assert_eq!(shown("http://Localhost:9081/"), Ok("http://localhost:9081".into()));
        assert_eq!(shown("https://meshery.example/api"), Ok("https://meshery.example:443".into()));
        assert_eq!(shown("http://[::1]:9081"), Ok("http://[::1]:9081".into()));
        assert_eq!(shown("https://[::1]"), Ok("https://[::1]:443".into()));
        for bad in [
            "",
            "meshery.example:9081",
            "ftp://meshery.example",
            "http://",
            "http://me:secret@meshery.example",
            "http://meshery.example?a=b",
            "http://meshery.example#a",
            "http://meshery.example:0",
            "http://meshery.example:99999",
            "http://meshery.example:",
            "http://meshery.example:+80",
            "http://[::1]x:80",
            "http://",
            "http:///api",
            "http://meshery\n.example",
        ] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_name_of_this_machine_is_one_server() {
        let origin = |address: &str| Origin::parse(address).expect("an address");
        assert!(origin("http://localhost:9081").is_same(&origin("http://127.0.0.1:9081")));
        assert!(!origin("http://localhost:9081").is_same(&origin("https://localhost:9081")));
        assert!(!origin("http://localhost:9081").is_same(&origin("http://localhost:9082")));
        assert!(!origin("http://localhost:9081").is_same(&origin("http://meshery.example:9081")));
    }
}
