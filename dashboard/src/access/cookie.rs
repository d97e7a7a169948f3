//! The cookie of a session: out of reach of scripts and of other sites, and over https bound to this very host.

use axum::http::{HeaderMap, header};

use super::hash::RANDOM;

/// Over https. Browsers take a `__Host-` cookie from this host alone, so that no neighbour can plant one (RFC 6265bis, 4.1.3).
const SECURE: &str = "__Host-portalmeter";
/// Without https, where there is no such protection, as on the loopback.
const PLAIN: &str = "portalmeter";

/// More cookies of our name than this are not ours.
const MOST: usize = 4;

fn name(https: bool) -> &'static str {
    if https { SECURE } else { PLAIN }
}

/// The ids that a request brings: one as a rule, several if somebody else planted some.
pub(super) fn ids(headers: &HeaderMap, https: bool) -> impl Iterator<Item = &str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(key, id)| *key == name(https) && id.len() == RANDOM).map(|(_, id)| id).take(MOST)
}

/// What hands out an id. It goes when the browser is closed.
pub(super) fn set(id: &str, https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!("{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}", name(https))
}

/// What takes it back.
pub(super) fn unset(https: bool) -> String {
    format!("{}; Max-Age=0", set("", https))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for field in fields {
            map.append(header::COOKIE, field.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_cookie_that_is_set_is_found() {
        let id = "a".repeat(RANDOM);
        for https in [true, false] {
            let set = set(&id, https);
            assert!(set.ends_with("; Secure") == https && set.contains("; HttpOnly; SameSite=Strict"), "{set}");
            let sent = format!("theme=dark; {}", set.split(';').next().unwrap());
            assert_eq!(ids(&headers(&["a=b", &sent]), https).collect::<Vec<_>>(), [id.as_str()]);
            assert_eq!(ids(&headers(&[&sent]), !https).count(), 0, "over {https} only its own name counts");
        }
    }

    #[test]
    fn what_is_no_id_is_not_looked_at() {
        let many = format!("portalmeter={}; ", "b".repeat(RANDOM)).repeat(1_000);
        assert_eq!(ids(&headers(&[&many]), false).count(), MOST);
        for odd in ["portalmeter", "portalmeter=", "=", ";;;", "portalmeter=\"a\"", "Portalmeter=a"] {
            assert_eq!(ids(&headers(&[odd]), false).count(), 0, "{odd}");
        }
    }
}
