//! An address as logs write it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that `text` spells; an IPv4 address in IPv6 clothes is the IPv4 address.
pub(super) fn read(text: &[u8]) -> Option<IpAddr> {
    if let Some(address) = dotted(text) {
        return Some(IpAddr::V4(address));
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(IpAddr::V6(text.parse::<Ipv6Addr>().ok()?).to_canonical())
}

fn dotted(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut rest = text;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        // "010" is eight to some readers and ten to others.
        if digits == 0 || digits > 3 || (digits > 1 && number[0] == b'0') {
            return None;
        }
        *octet = number.iter().fold(0_u16, |sum, digit| sum * 10 + u16::from(digit - b'0')).try_into().ok()?;
        rest = after;
    }
    rest.is_empty().then(|| octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_standard_library_reads() {
        for text in [
            "203.0.113.9",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4 ",
            "01.2.3.4",
            "1..2.3",
            "1.2.3.",
            "",
            "-",
            "2001:db8::1",
            "::",
            "2001:db8::g",
            "localhost",
            "[::1]",
            "1.2.3.1000",
        ] {
            assert_eq!(read(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        assert_eq!(read(b"::ffff:203.0.113.9"), read(b"203.0.113.9"));
    }
}
