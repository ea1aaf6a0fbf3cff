//! Where a client is that comes through proxies.

use std::net::{IpAddr, SocketAddr};

use ::api::settings::Networks;
use http::{HeaderMap, header};

/// Where the client is, by what trusted proxies say of it: of the addresses that a header has, the last that is no trusted proxy's.
///
/// **Shape**: `X-Forwarded-For`, `Forwarded` (RFC 7239) and `X-Real-IP`; a header that names nobody but proxies says nothing. A proxy hands on the
/// headers that it does not know, so clients can send them: where two headers say different things, or one cannot be read, nothing is believed, and
/// the client is where the connection comes from. So is one that comes from elsewhere than a trusted proxy.
pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return peer;
    }
    let mut found = None;
    for (name, of_entry) in [
        ("x-forwarded-for", host as fn(&str) -> Option<IpAddr>),
        (header::FORWARDED.as_str(), forwarded),
        ("x-real-ip", host),
    ] {
        match last_stranger(headers, name, of_entry, trusted) {
            Ok(None) => {}
            Ok(Some(address)) if found.is_none_or(|other| other == address) => found = Some(address),
            Ok(Some(_)) | Err(Unreadable) => return peer,
        }
    }
    found.unwrap_or(peer)
}

/// An entry on the way to the client that is no address.
struct Unreadable;

fn last_stranger(
    headers: &HeaderMap,
    name: &str,
    of_entry: fn(&str) -> Option<IpAddr>,
    trusted: &Networks,
) -> Result<Option<IpAddr>, Unreadable> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    for line in lines.into_iter().rev() {
        for entry in line.to_str().map_err(|_| Unreadable)?.rsplit(',') {
            let address = of_entry(entry.trim()).ok_or(Unreadable)?.to_canonical();
            if !trusted.contains(address) {
                return Ok(Some(address));
            }
        }
    }
    Ok(None)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn host(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

/// The `for` of an element, as in `for="[2001:db8::1]:80";proto=https`.
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    host(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn only_trusted_proxies_say_where_a_client_is() {
        let proxy = "10.0.0.1";
        for (row, peer, headers, expected) in [
            ("nothing is said", proxy, vec![], proxy),
            ("a client", proxy, vec![(XFF, "192.0.2.1")], "192.0.2.1"),
            (
                "a client's own words",
                "192.0.2.9",
                vec![(XFF, "192.0.2.1"), ("x-real-ip", "192.0.2.1")],
                "192.0.2.9",
            ),
            ("a client's words before the proxy's", proxy, vec![(XFF, "127.0.0.1, 192.0.2.1")], "192.0.2.1"),
            ("in lines of their own", proxy, vec![(XFF, "1.1.1.1"), (XFF, "192.0.2.1")], "192.0.2.1"),
            ("several proxies", proxy, vec![(XFF, "192.0.2.1, 10.0.0.3,10.0.0.2")], "192.0.2.1"),
            ("proxies alone", proxy, vec![(XFF, "10.0.0.3, 10.0.0.2")], proxy),
            ("with a port", proxy, vec![(XFF, "192.0.2.1:4711")], "192.0.2.1"),
            ("IPv6", proxy, vec![(XFF, "[2001:db8::1]:80")], "2001:db8::1"),
            ("IPv6 without a port", proxy, vec![(XFF, "2001:db8::1")], "2001:db8::1"),
            ("IPv4 in IPv6", "::ffff:10.0.0.1", vec![(XFF, "::ffff:192.0.2.1")], "192.0.2.1"),
            (
                "by RFC 7239",
                proxy,
                vec![("forwarded", "for=1.1.1.1, For=\"[2001:db8::1]:80\";proto=https")],
                "2001:db8::1",
            ),
            ("X-Real-IP", proxy, vec![("x-real-ip", "192.0.2.1")], "192.0.2.1"),
            (
                "X-Real-IP of a proxy before",
                proxy,
                vec![("x-real-ip", "10.0.0.2"), (XFF, "192.0.2.1, 10.0.0.2")],
                "192.0.2.1",
            ),
            (
                "a header that the proxy does not know",
                proxy,
                vec![("forwarded", "for=1.1.1.1"), (XFF, "192.0.2.1")],
                proxy,
            ),
            (
                "two that agree",
                proxy,
                vec![("forwarded", "for=192.0.2.1"), (XFF, "1.1.1.1, 192.0.2.1")],
                "192.0.2.1",
            ),
            ("nobody", proxy, vec![(XFF, "unknown")], proxy),
            ("a name", proxy, vec![("forwarded", "for=_hidden")], proxy),
            ("no for", proxy, vec![("forwarded", "proto=https")], proxy),
            ("what is before the client", proxy, vec![(XFF, "<script>, 192.0.2.1")], "192.0.2.1"),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name, value.parse().unwrap());
            }
            let trusted = "10.0.0.0/8".parse().unwrap();
            let found = of(peer.parse().unwrap(), &map, &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{row}");
        }
    }
}
