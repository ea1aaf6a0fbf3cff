//! Networks of addresses, as lists in settings name them.

use std::net::IpAddr;
use std::str::FromStr;

/// Networks, as in `10.0.0.0/8, ::1`; an address without a length is one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<(u128, u8)>);

/// An entry that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network such as 10.0.0.0/8 or ::1")]
pub struct NetworkError(String);

/// Addresses of both families in one space; those of IPv4 are where IPv6 has them mapped.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    /// **Errors**: the first entry that is no network; then none of them counts, for one that is left out makes others strangers.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| network(entry).ok_or_else(|| NetworkError(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn network(entry: &str) -> Option<(u128, u8)> {
    let (address, length) =
        entry.split_once('/').map_or((entry, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length =
        length.map_or(Some(whole), |length| length.parse().ok().filter(|length| *length <= whole))?;
    Some((number(address), 128 - whole + length))
}

impl Networks {
    /// Whether an address is in one of them. An IPv4 address that IPv6 has mapped is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = number(address);
        let same = |bits: u128, length: u8| length == 0 || (bits ^ address) >> (128 - u32::from(length)) == 0;
        self.0.iter().any(|(bits, length)| same(*bits, *length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_networks() {
        for (networks, inside, outside) in [
            ("", vec![], vec!["10.0.0.1", "::1"]),
            (
                "10.0.0.0/8, ::1",
                vec!["10.1.2.3", "::ffff:10.1.2.3", "::1"],
                vec!["11.0.0.1", "::2", "::10.0.0.1"],
            ),
            ("192.0.2.7", vec!["192.0.2.7"], vec!["192.0.2.6"]),
            ("0.0.0.0/0", vec!["1.2.3.4"], vec!["2001:db8::1"]),
            ("::/0", vec!["1.2.3.4", "2001:db8::1"], vec![]),
            ("2001:db8::/33", vec!["2001:db8:7fff::1"], vec!["2001:db8:8000::1"]),
        ] {
            let all: Networks = networks.parse().unwrap();
            for (addresses, expected) in [(inside, true), (outside, false)] {
                for address in addresses {
                    assert_eq!(all.contains(address.parse().unwrap()), expected, "{networks} {address}");
                }
            }
        }
        for bad in ["10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.1/", "proxy", "10.0.0.1, x", "10.0.0.0/-1"]
        {
            assert!(bad.parse::<Networks>().is_err(), "{bad}");
        }
    }
}
