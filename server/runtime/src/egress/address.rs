//! Which addresses a granted name may lead to: those of the public internet, and with a developer's word this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Says what is wrong with `address`, or nothing where a tool may connect to it.
///
/// With `allow_loopback` the addresses of this machine's own interface (127.0.0.0/8, `::1` and the first inside of
/// `::ffff:0:0/96`) are good too. The blocks are those of IANA's registries of special-purpose addresses; an IPv6
/// address is good only if it is global unicast.
#[must_use]
pub fn objection(address: IpAddr, allow_loopback: bool) -> Option<String> {
    let what = match address {
        IpAddr::V4(v4) => return objection_v4(v4, allow_loopback).map(ToOwned::to_owned),
        IpAddr::V6(v6) => v6,
    };
    if let Some(inner) = what.to_ipv4_mapped() {
        return objection_v4(inner, allow_loopback).map(|why| format!("{inner} in an IPv6 address, {why}"));
    }
    objection_v6(what, allow_loopback)
}

/// Whether an address is of this machine's own interface, as [`objection`] reads it.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn objection_v4(address: Ipv4Addr, allow_loopback: bool) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        _ if is_metadata_v4(address) => "the metadata service of a cloud, which hands out its credentials",
        (0, ..) => "an address of \"this network\"",
        (127, ..) if allow_loopback => return None,
        (127, ..) => "an address of this machine itself (a developer may allow it by `--allow-loopback`)",
        (10, ..) | (192, 168, _) => "an address of a private network",
        (172, 16..=31, _) => "an address of a private network",
        (169, 254, _) => "a link-local address",
        (100, 64..=127, _) => "an address of a provider's own network",
        (192, 0, 0) => "an address of protocols' own use",
        (192, 88, 99) => "an address of retired 6to4 relays",
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => "an address for documentation",
        (198, 18 | 19, _) => "an address for benchmarks",
        (224..=239, ..) => "a multicast address",
        (255, 255, 255) if address.is_broadcast() => "the broadcast address",
        (240.., ..) => "a reserved address",
        _ => return None,
    })
}

fn is_metadata_v4(address: Ipv4Addr) -> bool {
    // The common one; Alibaba's; Azure's, in the midst of public addresses; Oracle's older one.
    matches!(
        address.octets(),
        [169, 254, 169, 254] | [169, 254, 170, 2] | [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192]
    )
}

fn objection_v6(address: Ipv6Addr, allow_loopback: bool) -> Option<String> {
    let s = address.segments();
    let [.., g, h] = s;
    let [g1, g2] = g.to_be_bytes();
    let [h1, h2] = h.to_be_bytes();
    let last = Ipv4Addr::new(g1, g2, h1, h2);
    let plain = |text: &str| Some(text.to_owned());
    // Amazon's, and Google's.
    if s == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] || s == [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] {
        return plain("the metadata service of a cloud, which hands out its credentials");
    }
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => plain("the address that means none"),
        [0, 0, 0, 0, 0, 0, 0, 1] if allow_loopback => None,
        [0, 0, 0, 0, 0, 0, 0, 1] => {
            plain("an address of this machine itself (a developer may allow it by `--allow-loopback`)")
        }
        [0, 0, 0, 0, 0, 0, ..] => Some(format!("{last} in a retired form of an IPv6 address")),
        // A translator is of this network's own making, and what it lets through nobody here knows.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(format!("{last} behind an address translator (NAT64)")),
        [0x64, 0xff9b, ..] => plain("an address behind a local address translator (NAT64)"),
        [0x2002, b, c, ..] => {
            let ([b1, b2], [c1, c2]) = (b.to_be_bytes(), c.to_be_bytes());
            Some(format!("{} behind a retired tunnel (6to4)", Ipv4Addr::new(b1, b2, c1, c2)))
        }
        [0x2001, 0..=0x1ff, ..] => plain("an address of protocols' own use or of a retired tunnel"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => plain("an address for documentation"),
        [0x2000..=0x3fff, ..] => None,
        [0xfc00..=0xfdff, ..] => plain("an address of a private network"),
        [0xfe80..=0xfebf, ..] => plain("a link-local address"),
        [0xfec0..=0xfeff, ..] => plain("an address of a private network, of a retired kind"),
        [0xff00..=0xffff, ..] => plain("a multicast address"),
        _ => plain("no address of the public internet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        objection(text.parse().unwrap(), false).is_some()
    }

    #[test]
    fn ends_of_every_refused_block() {
        for block in [
            "0.0.0.0 0.255.255.255",
            "10.0.0.0 10.255.255.255",
            "100.64.0.0 100.127.255.255",
            "127.0.0.0 127.255.255.255",
            "169.254.0.0 169.254.255.255",
            "172.16.0.0 172.31.255.255",
            "192.0.0.0 192.0.0.255",
            "192.0.2.0 192.0.2.255",
            "192.168.0.0 192.168.255.255",
            "198.18.0.0 198.19.255.255",
            "198.51.100.0 198.51.100.255",
            "203.0.113.0 203.0.113.255",
            "224.0.0.0 255.255.255.255",
            ":: ::1",
            "::ffff:127.0.0.1 ::ffff:10.1.2.3",
            "::ffff:169.254.169.254 ::ffff:192.168.0.1",
            "::127.0.0.1 ::8.8.8.8",
            "64:ff9b:: 64:ff9b::ffff:ffff",
            "64:ff9b::7f00:1 64:ff9b:1::1",
            "100::1 100::ffff",
            "2001:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002:: 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002:7f00:1:: 2002:808:808::",
            "3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fe80:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fec0:: ff00::",
            "ff02::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "168.63.129.16 168.63.129.16",
        ] {
            for text in block.split(' ') {
                assert!(refused(text), "{text}");
            }
        }
    }

    #[test]
    fn neighbours_of_refused_blocks_are_good() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2001:200::",
            "2001:4860:4860::8888",
            "2606:4700::1111",
        ] {
            assert!(!refused(text), "{text}");
        }
    }

    #[test]
    fn only_loopback_is_opened_by_the_flag() {
        for text in ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"] {
            let address = text.parse().unwrap();
            assert_eq!(objection(address, true), None, "{text}");
            assert!(is_loopback(address), "{text}");
            assert!(objection(address, false).unwrap().contains("--allow-loopback"), "{text}");
        }
        for text in ["0.0.0.0", "::", "64:ff9b::7f00:1", "::127.0.0.1", "2002:7f00:1::", "10.0.0.1", "169.254.169.254"]
        {
            assert!(objection(text.parse().unwrap(), true).is_some(), "{text}");
            assert!(!is_loopback(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn metadata_is_named() {
        for text in ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254"] {
            assert!(objection(text.parse().unwrap(), true).unwrap().contains("metadata"), "{text}");
        }
    }
}
