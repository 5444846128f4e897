//! A machine of which no more is known than that it reaches itself.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

pub fn list_afinet_netifas() -> Result<Vec<(String, IpAddr)>, Infallible> {
    Ok(vec![("lo".to_owned(), IpAddr::V4(Ipv4Addr::LOCALHOST))])
}
