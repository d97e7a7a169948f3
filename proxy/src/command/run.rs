//! `portalmeter run`: the proxy and the admin listener.

use std::fs::{File, TryLockError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use pingora::apps::HttpServerOptions;
use pingora::proxy::HttpProxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs as PingoraArgs, Server};
use pingora::services::listening::Service;
use portalmeter_dashboard::access::{AUDIT_FILE, Access};
use portalmeter_meter::engine::{Engine, Settings, SharedStore};
use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::Intake;
use portalmeter_meter::journal::reader::{self, Retention};
use portalmeter_meter::journal::{Journal, Limits};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::stamping::Stamping;
use portalmeter_meter::store::NodeId;
use tracing_subscriber::EnvFilter;

use crate::admin::{self, Admin};
use crate::beacon::Recent;
use crate::board::board;
use crate::cli::RunArgs;
use crate::command::check::tell;
use crate::config::{self, Config};
use crate::door::Door;
use crate::gateway::Gateway;
use crate::gatherer::{self, Gatherer};
use crate::issuers;
use crate::keeping::{self, Clock};
use crate::metering::Metering;
use crate::metrics::{self, Counters};
use crate::output::say_aside;
use crate::probes::Probes;
use crate::reload::Reload;
use crate::resolve;
use crate::shutdown::{Drain, InFlight};
use crate::upstream::Upstreams;
use crate::watch::{Pages, Watch};
use crate::zones;

/// Runs until it is asked to end.
pub(crate) fn run(args: &RunArgs) -> ExitCode {
    let file = args.config.as_deref().unwrap_or(Path::new(config::DEFAULT_FILE));
    let single = args.listen.is_some() && args.upstream.is_some();
    let config = match (&args.listen, &args.upstream) {
        (Some(listen), Some(upstream)) => match Config::single(listen, upstream, args.data_dir.as_deref()) {
            Ok(config) => Some(config),
            Err(problems) => {
                tell(problems.iter());
                None
            }
        },
        _ => read(file).map(|(config, warnings)| {
            tell(warnings.iter());
            config
        }),
    };
    let Some(config) = config else { return ExitCode::FAILURE };
    log_to_stderr();
    match serve(&config, (!single).then_some(file), || {}, || {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say_aside(&format!("portalmeter cannot run: {problem}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Reads a configuration for a command that runs nothing: what is wrong with it is told on standard
/// error, what `run` and `check` would warn of is not.
pub(crate) fn load(path: &Path) -> Option<Config> {
    read(path).map(|(config, _)| config)
}

fn read(path: &Path) -> Option<(Config, Vec<config::Problem>)> {
    let checked = config::load(path, &|name| std::env::var(name).ok());
    checked.inspect_err(|problems| tell(problems.iter())).ok()
}

/// Logs go to standard error; `RUST_LOG` says how much.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,pingora_core=warn,pingora_core::connectors=off,pingora_proxy=error"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first's.
    let _ = subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init();
}

/// Serves until SIGTERM or SIGINT, and reads `file` again at SIGHUP. `listening` is called once visitors can come in, `ended` when all
/// is committed.
pub(crate) fn serve(
    config: &Config,
    file: Option<&Path>,
    listening: impl FnOnce() + Send + 'static,
    ended: impl Fn() + Send + Sync + 'static,
) -> Result<(), String> {
    allow_many_connections();
    let lock = lock(&config.data_dir)?;
    for address in &config.server.listen {
        free(*address)?;
    }
    let admin_listener = bind(config.admin.listen)?;
    let metering = Arc::new(meter(config)?);
    let access = Arc::new(access(config, &metering)?);
    let reload = Reload::new(file.map(Path::to_owned), config.clone(), Arc::clone(&metering), Arc::clone(&access));
    reload.at_each_hangup().map_err(|error| format!("SIGHUP cannot be watched: {error}"))?;
    let in_flight = InFlight::default();
    let issuers = issuers::of(metering.intake.rules());
    let watch = Watch::start(Arc::clone(&metering), keeping::portals(config)).map_err(|error| error.to_string())?;
    let admin = Admin {
        registry: metrics::registry(&metering, &issuers),
        metering: Arc::clone(&metering),
        in_flight: in_flight.clone(),
        board: board(config, &metering, watch, access),
        metrics_open: config.admin.metrics_open,
    };
    let admin_address = admin::serve(admin_listener, admin).map_err(|error| format!("the admin listener: {error}"))?;
    let upstreams: Vec<Arc<Upstreams>> = config
        .portals
        .iter()
        .map(|portal| Arc::new(Upstreams::new(portal.upstream.clone(), portal.patience)))
        .collect();
    resolve::keep_resolving(&upstreams, &config.server.resolver).map_err(|error| error.to_string())?;
    issuers::keep_fetching(issuers).map_err(|error| error.to_string())?;
    let probes = Probes::new(metering.intake.rules(), &upstreams, &metering.counters.probes);
    let gateway = Gateway {
        probes,
        metering: Arc::clone(&metering),
        upstreams,
        trusted_proxies: config.server.trusted_proxies.clone(),
        identity_headers: config.portals.iter().flat_map(|portal| portal.identity_headers.clone()).collect(),
        in_flight: in_flight.clone(),
        limits: config.server.limits,
        largest_body: config.server.largest_body,
    };
    let server = server(config, gateway);
    let (listen, ready) = (config.server.listen.clone(), in_flight.clone());
    let portals = config.portals.len();
    let announce = move || {
        for address in &listen {
            await_listener(*address);
        }
        ready.listens();
        tracing::info!(?listen, admin = %admin_address, portals, "portalmeter is metering");
        listening();
    };
    std::thread::Builder::new().name("ready".to_owned()).spawn(announce).map_err(|error| error.to_string())?;
    gatherer::begin(&metering, config.flush.interval).map_err(|error| error.to_string())?;
    let finish = {
        let metering = Arc::clone(&metering);
        move || {
            metering.gatherer.close();
            metering.engine.close()
        }
    };
    let tell = move || {
        metering.keeper.close();
        ended();
    };
    let at_most = config.server.drain;
    let drain = Drain { in_flight, at_most, finish: Arc::new(finish), tell: Arc::new(tell) };
    server.run(PingoraArgs { shutdown_signal: Box::new(drain) });
    drop(lock);
    Ok(())
}

/// Waits until a listener takes connections: Pingora opens them in its own time.
fn await_listener(address: SocketAddr) {
    let mut to = address;
    match to.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => to.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => to.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    while TcpStream::connect_timeout(&to, Duration::from_secs(1)).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn server(config: &Config, gateway: Gateway) -> Server {
    let conf = ServerConf {
        threads: config.server.threads,
        // The process is gone before these: see `shutdown`.
        grace_period_seconds: Some(config.server.drain.as_secs() + 60),
        graceful_shutdown_timeout_seconds: Some(1),
        max_retries: 2,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    options.h2_idle_timeout = Some(config.server.timeouts.idle);
    let counters = gateway.metering.counters.clone();
    let mut proxy = HttpProxy::new(gateway, Arc::clone(&server.configuration));
    proxy.server_options = Some(options);
    proxy.handle_init_modules();
    let config::Server { limits, timeouts, .. } = config.server;
    let door = Door { proxy: Arc::new(proxy), limits, timeouts, counters };
    let mut service = Service::new("portals".to_owned(), door);
    service.threads = Some(config.server.threads);
    for address in &config.server.listen {
        service.add_tcp(&address.to_string());
    }
    server.add_service(service);
    server
}

/// The meter: secret, store, journal, what a crash left, and the engine.
fn meter(config: &Config) -> Result<Metering, String> {
    let secret = keeping::secret(config)?;
    let memory = Memory::keeping(config.journal.keep);
    let journal_dir = config.data_dir.join("journal");
    let clock = Clock::default();
    let (store, shared) = keeping::store(config, &clock)?;
    let stampings = zones::at_start(config, clock.now());
    for (portal, stamping) in config.portals.iter().zip(&stampings) {
        stamping.changeover().inspect(|changeover| zones::tell(&portal.rules.name, changeover));
    }
    let limits = Limits { disk: config.journal.max_size, ..Limits::default() };
    let journal = Journal::create(&journal_dir, node()?, limits).map_err(|error| format!("the journal: {error}"))?;
    let settings = settings(config, memory, shared, &clock);
    let stamps: Vec<Stamp> = stampings.iter().flat_map(Stamping::stamps).cloned().collect();
    let engine = Arc::new(Engine::start(store, journal, &stamps, settings).map_err(|error| error.to_string())?);
    let keeper = keeping::keeper(config, &clock, &engine, stampings.clone())?;
    let each = |of: fn(&config::Portal) -> Vec<String>| config.portals.iter().map(of).collect();
    Ok(Metering {
        intake: Intake::new(config.rules(&secret), stampings).guarded(config.guards()),
        engine,
        keeper,
        clock,
        counters: Counters::default(),
        pages: config.portals.iter().map(|_| Pages::default()).collect(),
        hidden_headers: each(|portal| portal.hidden_headers.clone()),
        max_wait: config.journal.max_wait,
        gatherer: Gatherer::new(config),
        beacons: config.portals.iter().map(|portal| portal.engagement.as_ref()?.beacon.clone()).collect(),
        recent: Recent::default(),
    })
}

fn settings(config: &Config, memory: Memory, shared: Option<SharedStore>, clock: &Clock) -> Settings {
    let journal_dir = config.data_dir.join("journal");
    let retention = Retention {
        keep: Duration::from_millis(config.journal.keep.unsigned_abs()),
        archive: config.journal.archive.clone(),
        archive_keep: config.journal.archive_keep,
    };
    let each_minute = move |journal: &Journal| match reader::tidy(&journal_dir, &retention, SystemTime::now()) {
        Ok(bytes) => journal.freed(bytes),
        Err(error) => tracing::warn!(%error, "old journal segments could not be removed"),
    };
    let clock = clock.clone();
    Settings { memory, shared, clock: Arc::new(move || clock.now()), each_minute: Arc::new(each_minute) }
}

/// A connection is a file; the soft limit of most systems would be full at five hundred visitors.
fn allow_many_connections() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Who may see what; what they do is written down in `data_dir`.
fn access(config: &Config, metering: &Arc<Metering>) -> Result<Access, String> {
    let clock = Arc::clone(metering);
    let audit = config.data_dir.join(AUDIT_FILE);
    let access = Access::new(config.admin.access.clone(), Arc::new(move || clock.now()), Some(audit));
    access.map_err(|error| error.to_string())
}

fn node() -> Result<NodeId, String> {
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|error| format!("no randomness: {error}"))?;
    Ok(NodeId(id))
}

/// One process a data directory: two would count into one ledger without knowing of each other. One that was killed
/// on a busy machine may take some seconds to be gone.
pub(crate) fn lock(data_dir: &Path) -> Result<File, String> {
    let failed = |error: std::io::Error| format!("data_dir {}: {error}", data_dir.display());
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let lock = File::options().create(true).truncate(false).write(true).open(data_dir.join("lock")).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > GOING => {
                return Err(format!("data_dir {} is in use by another portalmeter", data_dir.display()));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// So long a process is waited for that is on its way out.
const GOING: Duration = Duration::from_secs(10);

/// Pingora ends the process without a word where it cannot listen; so it is tried before.
pub(crate) fn free(address: SocketAddr) -> Result<(), String> {
    bind(address).map(drop)
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))
}
