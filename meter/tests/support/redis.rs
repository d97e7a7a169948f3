//! Throw-away servers of Redis or Valkey: on free ports, in folders of their own, gone with the test.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use portalmeter_meter::store::redis::{Address, RedisStore, Settings};
use redis::{Client, Connection, FromRedisValue, cmd};
use tempfile::TempDir;

/// How long anything may take on a slow, loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something is so.
pub(crate) fn until<T>(what: &str, mut so: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(result) = so() {
            return result;
        }
        assert!(begun.elapsed() < PATIENCE, "never came about: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// What servers there are to test with: Redis, and Valkey where it is installed.
pub(crate) fn flavours() -> &'static [&'static str] {
    static FLAVOURS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let runs = |name: &&str| Command::new(*name).arg("--version").output().is_ok();
        let found: Vec<_> = ["redis-server", "valkey-server"].into_iter().filter(runs).collect();
        assert!(!found.is_empty(), "neither redis-server nor valkey-server is installed: apt-get install redis-server");
        found
    });
    &FLAVOURS
}

/// A process that dies with the test, however that ends: a shell holds it and waits for our end of a pipe to close.
struct Held {
    shell: Child,
    pid: u32,
}

impl Held {
    fn start(program: &str, arguments: &[String], log: &Path) -> Self {
        let script = r#"log=$1; shift; "$@" >>"$log" 2>&1 & echo $!; read end; kill -9 $!; wait $! 2>/dev/null"#;
        let mut shell = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(log)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { pid: line.trim().parse().unwrap(), shell }
    }

    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.pid.to_string()]).status().unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().ok();
    }
}

/// One server.
pub(crate) struct Server {
    process: Option<Held>,
    /// Where it listens.
    pub(crate) port: u16,
    dir: TempDir,
    program: &'static str,
    options: Vec<String>,
    /// With what `AUTH` a test's own connection begins.
    pub(crate) password: Option<String>,
}

impl Server {
    /// A server with these further options, each `--name value…` in one text.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_as(flavours()[0], options)
    }

    pub(crate) fn start_as(program: &'static str, options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut server = Self { process: None, port: free_port(), dir, program, options, password: None };
        while !server.run() {
            server.port = free_port();
        }
        server
    }

    /// A server, and its port for encrypted connections. Whom to trust is in `dir/ca.pem`.
    pub(crate) fn encrypted(dir: &Path, options: &[&str]) -> (Self, u16) {
        certificates(dir);
        let (port, path) = (free_port(), |file| dir.join(file).display().to_string());
        let [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map(path);
        let files = format!("--tls-cert-file {cert} --tls-key-file {key} --tls-ca-cert-file {ca}");
        let tls = format!("--tls-port {port} --tls-auth-clients no {files}");
        let all = [&[tls.as_str()], options].concat();
        (Self::start(&all), port)
    }

    /// Starts it with these further options, and does not wait until it is ready.
    pub(crate) fn start_slowly(&mut self, options: &[&str]) {
        self.process = None;
        self.options.extend(options.iter().map(ToString::to_string));
        self.process = Some(self.launch());
    }

    /// Starts the process; false if somebody else took the port.
    fn run(&mut self) -> bool {
        let process = self.launch();
        let log = self.dir.path().join("log");
        let ready = until("a server that starts", || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if said.contains("Ready to accept") {
                return Some(true);
            }
            let failed = ["Address already in use", "Failed listening", "FATAL"].iter().any(|word| said.contains(word));
            assert!(!failed || said.contains("in use") || said.contains("listening"), "{said}");
            failed.then_some(false)
        });
        self.process = Some(process);
        ready
    }

    fn launch(&self) -> Held {
        let log = self.dir.path().join("log");
        let port = self.port;
        let dir = self.dir.path().display();
        let mut arguments = vec![format!("--port {port}"), format!("--dir {dir}"), "--bind 127.0.0.1".into()];
        arguments.extend(["--save", "--loglevel notice"].map(ToString::to_string));
        arguments.extend(self.options.iter().map(|option| option.replace("{dir}", &dir.to_string())));
        let arguments: Vec<String> = arguments.iter().flat_map(|one| words(one)).collect();
        let _ = fs::remove_file(&log);
        Held::start(self.program, &arguments, &log)
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again with what is on its disk.
    pub(crate) fn start_again(&mut self) {
        self.process = None;
        until("the old port", || self.run().then_some(()));
    }

    pub(crate) fn signal(&self, signal: &str) {
        self.process.as_ref().unwrap().signal(signal);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().pid
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection of the test's own.
    pub(crate) fn connection(&self) -> Connection {
        let login = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        let client = Client::open(format!("redis://{login}127.0.0.1:{}", self.port)).unwrap();
        let connection = client.get_connection_with_timeout(PATIENCE).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// Does a command, as `redis-cli` would.
    pub(crate) fn does<T: FromRedisValue>(&self, line: &str) -> T {
        does(&mut self.connection(), line)
    }
}

/// Does a command, as `redis-cli` would; words are parted by spaces.
pub(crate) fn does<T: FromRedisValue>(connection: &mut Connection, line: &str) -> T {
    let mut words = words(line).into_iter();
    let mut call = cmd(&words.next().unwrap());
    words.for_each(|word| {
        call.arg(word);
    });
    call.query(connection).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = line.split(' ').map(|word| word.replace("''", "")).collect();
    if line == "--save" {
        words.push(String::new());
    }
    words
}

/// Three primaries of a cluster.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::start_as(flavours()[0])
    }

    pub(crate) fn start_as(program: &'static str) -> Self {
        let nodes: Vec<Server> = (0..3).map(|_| Self::node(program)).collect();
        for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            node.does::<()>(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
        }
        let cluster = Self { nodes };
        for node in &cluster.nodes[1..] {
            cluster.meet(node);
        }
        cluster.settle();
        cluster
    }

    /// A further server, of no cluster yet.
    pub(crate) fn node(program: &'static str) -> Server {
        let bus = free_port();
        let options =
            [format!("--cluster-port {bus}"), "--cluster-enabled yes".into(), "--cluster-node-timeout 2000".into()];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        Server::start_as(program, &options)
    }

    /// Makes a server known to the first one.
    pub(crate) fn meet(&self, node: &Server) {
        let bus: Vec<String> = node.does("CONFIG GET cluster-port");
        self.nodes[0].does::<()>(&format!("CLUSTER MEET 127.0.0.1 {} {}", node.port, bus[1]));
    }

    /// Waits until all know of all slots.
    pub(crate) fn settle(&self) {
        for node in &self.nodes {
            until("a cluster that holds together", || {
                let info: String = node.does("CLUSTER INFO");
                let nodes = format!("cluster_known_nodes:{}", self.nodes.len());
                (info.contains("cluster_state:ok") && info.contains(&nodes)).then_some(())
            });
        }
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }
}

/// A sentinel that watches one primary, called `main`.
pub(crate) struct Sentinel {
    _process: Held,
    _dir: TempDir,
    pub(crate) port: u16,
}

impl Sentinel {
    pub(crate) fn of(primary: &Server) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = dir.path().join("sentinel.conf");
        let monitor = format!("sentinel monitor main 127.0.0.1 {} 1", primary.port);
        let times = "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000";
        let text = format!("port {port}\nbind 127.0.0.1\ndir {}\n{monitor}\n{times}\n", dir.path().display());
        fs::write(&file, text).unwrap();
        let arguments = [file.display().to_string(), "--sentinel".into()];
        let process = Held::start(primary.program, &arguments, &dir.path().join("log"));
        let sentinel = Self { _process: process, _dir: dir, port };
        until("a sentinel", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        sentinel
    }

    /// Waits until it knows of so many replicas.
    pub(crate) fn knows_replicas(&self, count: usize) {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        until("replicas that the sentinel knows", || {
            let replicas: Vec<redis::Value> = does(&mut client.get_connection().ok()?, "SENTINEL REPLICAS main");
            (replicas.len() == count).then_some(())
        });
    }
}

/// Servers that many tests share, each under a prefix of its own.
pub(crate) struct Shared {
    single: Vec<Server>,
    cluster: Vec<Cluster>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| Shared {
    single: flavours().iter().map(|program| Server::start_as(program, &[])).collect(),
    cluster: flavours().iter().map(|program| Cluster::start_as(program)).collect(),
});

static STORES: AtomicU32 = AtomicU32::new(0);

/// Runs a story on every kind of server there is: single and cluster, Redis and Valkey.
pub(crate) fn everywhere(story: impl Fn(&mut RedisStore, &Place)) {
    let single = SHARED.single.iter().map(Server::url);
    for url in single.chain(SHARED.cluster.iter().map(Cluster::url)) {
        let place = Place { prefix: prefix(), url };
        story(&mut place.store(), &place);
    }
}

/// A prefix that no other test uses.
pub(crate) fn prefix() -> String {
    format!("pm{}", STORES.fetch_add(1, Ordering::Relaxed))
}

/// Where a story takes place.
pub(crate) struct Place {
    pub(crate) prefix: String,
    pub(crate) url: String,
}

impl Place {
    /// A store as another node has it.
    pub(crate) fn store(&self) -> RedisStore {
        RedisStore::new(&Settings { prefix: self.prefix.clone(), ..settings(&self.url) })
    }

    pub(crate) fn key(&self, portal: &str, name: &str) -> String {
        format!("{}:{{{portal}}}:{name}", self.prefix)
    }

    /// Does a command on the key `name` of a portal, named `@` in the line, wherever that is.
    pub(crate) fn does<T: FromRedisValue>(&self, portal: &str, line: &str) -> T {
        let root = self.key(portal, "");
        let line = line.replace('@', &root);
        let ports = self.url.rsplit_once('/').unwrap().1.split(',').map(|host| host.rsplit_once(':').unwrap().1);
        for port in ports {
            let mut connection = Client::open(format!("redis://127.0.0.1:{port}")).unwrap().get_connection().unwrap();
            let mut call = redis::Cmd::new();
            for word in line.split(' ') {
                call.arg(word);
            }
            match call.query(&mut connection) {
                Err(error) if error.code() == Some("MOVED") => {}
                answer => return answer.unwrap_or_else(|error| panic!("{line}: {error}")),
            }
        }
        panic!("{line}: nobody's slot");
    }
}

/// Usual settings with patience, for a test.
pub(crate) fn settings(url: &str) -> Settings {
    Settings { connect_timeout: PATIENCE, response_timeout: PATIENCE, ..Settings::new(Address::parse(url).unwrap()) }
}

pub(crate) fn store(url: &str) -> RedisStore {
    RedisStore::new(&settings(url))
}

/// A certificate for localhost and its authority, made by openssl.
fn certificates(dir: &Path) {
    let does = |line: &str| {
        let done = Command::new("openssl").args(line.split(' ')).current_dir(dir).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    does(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"));
    does(&format!("req {key} -keyout key.pem -out request.pem -subj /CN=localhost"));
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    does("x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names");
}
