//! The demo's configuration: a file, so that `report`, `check` and `explain` work beside it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::history;
use crate::cli::DemoArgs;
use crate::config::{self, Config};
use crate::metering::now;

/// Sessions a month that the portals' contracts cover.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contracts {
    pub(super) help: u64,
    pub(super) partners: u64,
}

impl Default for Contracts {
    fn default() -> Self {
        Self { help: 50_000, partners: 10_000 }
    }
}

/// Writes the configuration, and what it refers to, into `dir`, and reads it.
pub(super) fn written(
    args: &DemoArgs,
    dir: &Path,
    portal: SocketAddr,
    contracts: Contracts,
) -> Result<(Config, PathBuf), String> {
    let (file, accounts) = (dir.join("portalmeter.toml"), dir.join("accounts.csv"));
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    if !accounts.exists() {
        let today = portalmeter_meter::day::Zone::utc().day(now());
        let names = history::accounts(today).and_then(|names| std::fs::write(&accounts, names));
        names.map_err(|error| failed(&accounts, error))?;
    }
    std::fs::write(&file, text(args, portal, contracts)).map_err(|error| failed(&file, error))?;
    let (config, _) = config::load(&file, &|_| None).map_err(|problems| {
        crate::command::check::tell(problems.iter());
        "its own configuration is refused".to_owned()
    })?;
    Ok((config, file))
}

fn text(args: &DemoArgs, portal: SocketAddr, contracts: Contracts) -> String {
    let mut text = format!(
        "# Written by `portalmeter demo`.\ndata_dir = \"data\"\n\n[server]\nlisten = [\"{}\"]\n\
         trusted_proxies = [\"127.0.0.0/8\"]  # the made-up visitors come from far away\n\n\
         [admin]\nlisten = \"{}\"\n\n[flush]\ninterval = \"2s\"\nfiles = {{ dir = \"usage\", formats = [\"csv\", \"jsonl\"] }}\n\n\
         [accounts]\nfile = \"accounts.csv\"\n\n",
        args.listen, args.admin
    );
    let portals = [
        format!(
            "name = \"help\"\nexperience = \"service_portal\"\nhosts = [\"*\"]\ndefault = true\n\
             upstream = [\"http://{portal}\"]\ncontracted_sessions = {}\n\
             [portal.pages]\nlogin = [\"/login*\"]\nlogout = [\"/logout*\"]\nbackground = [\"/api/poll*\"]\nignore = [\"/healthz\"]\n",
            contracts.help
        ),
        format!(
            "name = \"widgets\"\nexperience = \"web_embeddables\"\nhosts = [\"*\"]\npaths = [\"/embed\"]\n\
             upstream = [\"http://{portal}\"]\n\
             [portal.pages]\npages = [\"/embed/chat/api/open\", \"/embed/search/api/open\"]\n\
             module = \"/embed/{{module}}/**\"\nmodules = [\"chat\", \"search\"]\n\
             [portal.engagement]\nrooms = {{ chat = [\"/embed/chat/*\"], search = [\"/embed/search/*\"] }}\n"
        ),
        format!(
            "name = \"partners\"\nexperience = \"partner_portal\"\nhosts = [\"*\"]\npaths = [\"/partners\"]\n\
             upstream = [\"http://{portal}\"]\ntimezone = \"Europe/Berlin\"\ncontracted_sessions = {}\n\
             [portal.engagement.rooms]\n{}",
            contracts.partners,
            rooms()
        ),
    ];
    for portal in portals {
        let _ = write!(text, "[[portal]]\n{portal}{ROLES}{IDENTITY}\n");
    }
    text
}

/// The partner portal's rooms, as patterns.
fn rooms() -> String {
    let rooms = history::rooms().map(|(room, pages)| {
        let patterns: Vec<_> = match pages.iter().find(|page| page.starts_with(&format!("/partners/{room}"))) {
            Some(_) => vec![format!("/partners/{room}*")],
            None => pages.into_iter().map(str::to_owned).collect(),
        };
        format!("{room} = {patterns:?}\n")
    });
    rooms.chain(["search = [\"/partners/search*\"]\n".to_owned()]).collect()
}

const ROLES: &str = "[portal.roles]\nexternal = [\"customer\"]\ninternal = [\"staff\"]\n";
const IDENTITY: &str = "[[portal.identity]]\nkind = \"response_header\"\nheader = \"X-Is-Logged-In\"\n\
    external = \"true\"\nguest = \"false\"\nuser = \"X-User\"\nroles = \"X-Roles\"\naccount = \"X-Company\"\n";
