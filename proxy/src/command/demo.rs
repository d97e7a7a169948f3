//! `portalmeter demo`: a demo portal, the proxy before it and a trickle of made-up visitors.

mod portal;
mod visitors;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::sync::{oneshot, watch};

use crate::cli::DemoArgs;
use crate::config;
use crate::output::{say, say_aside};

/// Runs until Ctrl-C.
pub(crate) fn demo(args: &DemoArgs) -> ExitCode {
    super::run::log_to_stderr();
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say_aside(&format!("the demo cannot run: {problem}\n"));
            ExitCode::FAILURE
        }
    }
}

fn start(args: &DemoArgs) -> Result<(), String> {
    let dir = args.data_dir.clone().unwrap_or_else(|| {
        let name = format!("portalmeter-demo-{}", std::process::id());
        std::env::temp_dir().join(name)
    });
    std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let portal = serve_portal()?;
    let file = write_config(args, &dir, portal)?;
    let (config, _) = config::load(&file, &|_| None).map_err(|problems| {
        super::check::tell(problems.iter());
        "its own configuration is refused".to_owned()
    })?;
    let (visitors, read) = (args.clone_for_visitors(), file.clone());
    let listening = move || {
        say(&welcome(&visitors, &file));
        trickle(visitors.listen, visitors.seed);
    };
    let passing = args.data_dir.is_none();
    super::run::serve(&config, Some(&read), listening, move || {
        if passing && let Err(error) = std::fs::remove_dir_all(&dir) {
            tracing::warn!(%error, dir = %dir.display(), "the demo's folder could not be removed");
        }
    })
}

/// What the visitors need to know.
struct Address {
    listen: SocketAddr,
    admin: SocketAddr,
    seed: u64,
}

impl DemoArgs {
    fn clone_for_visitors(&self) -> Address {
        Address { listen: self.listen, admin: self.admin, seed: self.seed }
    }
}

fn welcome(address: &Address, file: &Path) -> String {
    format!(
        "\nThe demo portal is metered at  http://{}/\n\
         an embedded widget              http://{}/embed-host\n\
         metrics and readiness           http://{}/metrics  /readyz\n\n\
         Sign in under any name. What was counted, from another terminal:\n\
         \x20 portalmeter report --config {} --day today\n\n\
         Ctrl-C ends it.\n",
        address.listen,
        address.listen,
        address.admin,
        file.display()
    )
}

/// Serves the portal on a free port of the loopback interface.
fn serve_portal() -> Result<SocketAddr, String> {
    let (told, address) = oneshot::channel();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let _ = told.send(listener.local_addr()?);
            axum::serve(listener, portal::router()).await
        })
    };
    let served = move || {
        let outcome: std::io::Result<()> = serve();
        if let Err(error) = outcome {
            tracing::error!(%error, "the demo portal ended");
        }
    };
    std::thread::Builder::new().name("demo-portal".to_owned()).spawn(served).map_err(|error| error.to_string())?;
    address.blocking_recv().map_err(|_| "the demo portal did not start".to_owned())
}

fn trickle(listen: SocketAddr, seed: u64) {
    let visit = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let (_going_on, stop) = watch::channel(false);
        runtime.block_on(visitors::trickle(listen, listen.to_string(), seed, stop));
    };
    if let Err(error) = std::thread::Builder::new().name("demo-visitors".to_owned()).spawn(visit) {
        tracing::error!(%error, "there will be no made-up visitors");
    }
}

/// The configuration is a file, so that `report`, `check` and `explain` work beside the demo.
fn write_config(args: &DemoArgs, dir: &Path, portal: SocketAddr) -> Result<PathBuf, String> {
    let identity = "[[portal.identity]]\nkind = \"response_header\"\nheader = \"X-Is-Logged-In\"\n\
                    external = \"true\"\nguest = \"false\"\nuser = \"X-User\"\nroles = \"X-Roles\"\naccount = \"X-Company\"\n";
    let roles = "[portal.roles]\nexternal = [\"customer\"]\ninternal = [\"staff\"]\n";
    let mut text = format!(
        "# Written by `portalmeter demo`.\ndata_dir = \"data\"\n\n[server]\nlisten = [\"{}\"]\n\
         trusted_proxies = [\"127.0.0.0/8\"]  # the made-up visitors come from far away\n\n\
         [admin]\nlisten = \"{}\"\n\n[flush]\ninterval = \"2s\"\nfiles = {{ dir = \"usage\", formats = [\"csv\", \"jsonl\"] }}\n\n",
        args.listen, args.admin
    );
    let _ = write!(
        text,
        "[[portal]]\nname = \"help\"\nexperience = \"service_portal\"\nhosts = [\"*\"]\ndefault = true\n\
         upstream = [\"http://{portal}\"]\ncontracted_sessions = 50000\n\
         [portal.pages]\nlogin = [\"/login*\"]\nlogout = [\"/logout*\"]\nbackground = [\"/api/poll*\"]\nignore = [\"/healthz\"]\n\
         {roles}{identity}\n"
    );
    let _ = write!(
        text,
        "[[portal]]\nname = \"widgets\"\nexperience = \"web_embeddables\"\nhosts = [\"*\"]\npaths = [\"/embed\"]\n\
         upstream = [\"http://{portal}\"]\n\
         [portal.pages]\npages = [\"/embed/chat/api/open\"]\nmodule = \"/embed/{{module}}/**\"\nmodules = [\"chat\"]\n\
         {roles}{identity}"
    );
    let file = dir.join("portalmeter.toml");
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}
