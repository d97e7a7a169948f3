//! An auth proxy before the admin listener: in which header it says who asks, and from where it is believed.

use ipnet::IpNet;
use portalmeter_dashboard::access::Sso;
use toml::Spanned;

use super::names::header_name;
use super::problem::Notes;
use super::raw;
use super::server::network;

/// How the proxy speaks, and who may be it; nothing if that is not said.
pub(super) fn build(
    raw: &Spanned<raw::Sso>,
    trusted_proxies: &[IpNet],
    notes: &mut Notes,
) -> Option<(Sso, Vec<IpNet>)> {
    let (at, sso) = (raw.span(), raw.get_ref());
    let trusted = match &sso.trusted {
        None => trusted_proxies.to_vec(),
        Some(list) => list.get_ref().iter().filter_map(|text| network(text, notes)).collect(),
    };
    if sso.trusted.is_none() && trusted.is_empty() {
        let hint = "trusted = [\"10.0.0.2\"], the address of the auth proxy; or `server.trusted_proxies`";
        notes.missing(at.clone(), "nobody is trusted to say who asks", hint);
    }
    for network in trusted.iter().filter(|network| network.prefix_len() == 0) {
        let place = sso.trusted.as_ref().map_or(at.clone(), Spanned::span);
        notes
            .error(place, format!("`{network}` is everybody: whoever asks could say to be an admin"))
            .advise("trusted = [\"10.0.0.2\"], the address of the auth proxy alone");
    }
    if let Some(list) = sso.trusted.as_ref().filter(|list| list.get_ref().is_empty()) {
        notes.error(list.span(), "nobody is trusted to say who asks").advise("trusted = [\"10.0.0.2\"]");
    }
    let Some(user) = &sso.user else {
        notes.missing(at, "the auth proxy has no `user`", "user = \"X-Auth-Request-User\", the header that it sets");
        return None;
    };
    Some((Sso { user: header_name(user, notes)? }, trusted))
}
