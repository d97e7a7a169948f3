//! `portalmeter demo`: a demo portal with a past, the proxy before it and a trickle of made-up visitors.

mod config;
mod dice;
mod history;
mod past;
mod portal;
mod visitors;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use tokio::sync::{oneshot, watch};

use crate::cli::DemoArgs;
use crate::output::{say, say_aside};
use config::Contracts;

/// Runs until Ctrl-C.
pub(crate) fn demo(args: &DemoArgs) -> ExitCode {
    super::run::log_to_stderr();
    let outcome = match &args.write_history {
        Some(dir) => past::only(args, dir).map(|told| say(&told)),
        None => start(args),
    };
    match outcome {
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
    let (config, _) = config::written(args, &dir, portal, Contracts::default())?;
    if !args.no_history {
        // Whoever cannot listen need not wait for a history to hear it.
        [args.listen, args.admin].into_iter().try_for_each(super::run::free)?;
        past::write(args, &config)?;
    }
    let (config, file) = config::written(args, &dir, portal, past::contracts(&config)?)?;
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
         its partners                    http://{}/partners\n\
         an embedded widget              http://{}/embed-host\n\
         metrics and readiness           http://{}/metrics  /readyz\n\n\
         Sign in under any name. What was counted, from another terminal:\n\
         \x20 portalmeter report --config {} --day today\n\n\
         Ctrl-C ends it.\n",
        address.listen,
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
