//! The addresses at which a broker can be reached.

pub(crate) fn is_private(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_private())
}
