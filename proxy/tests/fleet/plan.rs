//! The portals of a fleet: how each counts and tells browsers apart, as the law has it and as it is configured.

use std::net::SocketAddr;

/// A portal.
#[derive(Debug)]
pub(crate) struct Portal {
    pub(crate) name: &'static str,
    pub(crate) host: &'static str,
    pub(crate) mode: Mode,
    /// A login of a proven guest counts (Web Embeddables).
    pub(crate) login_counts: bool,
    /// Sessions are counted in each of these, if there are any.
    pub(crate) modules: &'static [&'static str],
    /// In milliseconds.
    pub(crate) idle: u64,
    /// In milliseconds.
    pub(crate) longest: Option<u64>,
}

/// How browsers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Cookie,
    PortalCookie,
    Fingerprint,
}

/// The portal's own session cookie.
pub(crate) const SESSION: &str = "JSESSIONID";

/// Nobody idles out.
const LONG: u64 = 30 * 60_000;
/// Long enough to wait for on a busy machine, short enough to wait for at all.
const SHORT: u64 = 3_000;

const PLAIN: Portal = Portal {
    name: "support",
    host: "support.example",
    mode: Mode::Cookie,
    login_counts: false,
    modules: &[],
    idle: LONG,
    longest: None,
};

/// Who has time.
pub(crate) static SUPPORT: Portal = PLAIN;
/// Told apart by the portal's own cookie.
pub(crate) static SERVICE: Portal =
    Portal { name: "service", host: "service.example", mode: Mode::PortalCookie, ..PLAIN };
/// Told apart by address and User-Agent alone.
pub(crate) static KIOSK: Portal = Portal { name: "kiosk", host: "kiosk.example", mode: Mode::Fingerprint, ..PLAIN };
/// Components embedded in other sites.
pub(crate) static EMBED: Portal = Portal {
    name: "embed",
    host: "embed.example",
    login_counts: true,
    modules: &["chat", "search", "news", "cases"],
    ..PLAIN
};
/// Where sessions idle out.
pub(crate) static BRIEF: Portal = Portal { name: "brief", host: "brief.example", idle: SHORT, ..PLAIN };
/// Where sessions idle out, told apart by the portal's own cookie.
pub(crate) static SHIFT: Portal =
    Portal { name: "shift", host: "shift.example", mode: Mode::PortalCookie, idle: SHORT, ..PLAIN };
/// Where sessions last only so long.
pub(crate) static PARTNER: Portal = Portal { name: "partner", host: "partner.example", longest: Some(SHORT), ..PLAIN };

/// All of them.
pub(crate) static ALL: [&Portal; 7] = [&SUPPORT, &SERVICE, &KIOSK, &EMBED, &BRIEF, &SHIFT, &PARTNER];

impl Portal {
    /// Whether time decides what counts here.
    pub(crate) fn is_hasty(&self) -> bool {
        self.idle == SHORT || self.longest.is_some()
    }

    /// Its `[[portal]]`.
    pub(crate) fn configured(&self, upstream: SocketAddr, zone: &str) -> String {
        let Self { name, host, mode, idle, modules, .. } = self;
        let experience = if self.login_counts { "web_embeddables" } else { "service_portal" };
        let visitor = match mode {
            Mode::Cookie => "mode = \"cookie\"".to_owned(),
            Mode::PortalCookie => format!("mode = \"portal_cookie\", portal_cookie = [\"{SESSION}\"]"),
            Mode::Fingerprint => "mode = \"fingerprint\"".to_owned(),
        };
        let longest = self.longest.map(|longest| format!(", max_duration = \"{longest}ms\"")).unwrap_or_default();
        let module = if modules.is_empty() {
            String::new()
        } else {
            format!(", module = \"/embed/{{module}}/**\", modules = {modules:?}")
        };
        format!(
            "[[portal]]\nname = \"{name}\"\nexperience = \"{experience}\"\nhosts = [\"{host}\"]\n\
             upstream = [\"http://{upstream}\"]\ntimezone = \"{zone}\"\n\
             session = {{ idle_timeout = \"{idle}ms\"{longest} }}\nvisitor = {{ {visitor} }}\n\
             pages = {{ login = [\"/login*\"], logout = [\"/logout\"]{module} }}\n\
             roles = {{ external = [\"customer\"], internal = [\"staff\"] }}\n\
             [[portal.identity]]\nkind = \"response_header\"\nheader = \"X-Signed-In\"\nexternal = \"true\"\n\
             guest = \"false\"\nuser = \"X-User\"\nroles = \"X-Roles\"\naccount = \"X-Company\"\n"
        )
    }
}
