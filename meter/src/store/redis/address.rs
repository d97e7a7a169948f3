//! Where a Redis is: an address of the configuration, read once and never shown with its password.

use std::fmt;

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    /// A name or an address; an IPv6 address without its brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

/// Who we are to a server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The ACL user; none is `default`.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "…");
        f.debug_struct("Login").field("user", &self.user).field("password", &password).finish()
    }
}

/// How the servers hang together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One server.
    Single {
        /// Where it is.
        host: Host,
        /// The database's number.
        database: i64,
    },
    /// A cluster, known by some of its nodes.
    Cluster {
        /// Nodes to ask for the others.
        hosts: Vec<Host>,
    },
    /// A primary that sentinels know.
    Sentinel {
        /// The sentinels.
        hosts: Vec<Host>,
        /// What they call the primary.
        master: String,
        /// The database's number.
        database: i64,
        /// Who we are to the sentinels.
        login: Login,
    },
}

/// Where a Redis is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// How the servers hang together.
    pub shape: Shape,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// Who we are.
    pub login: Login,
}

/// Why a text is no address of a Redis. None of these shows the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// The scheme is another.
    #[error(
        "an address of a Redis begins with redis://, redis+cluster:// or redis+sentinel://, with TLS rediss://, \
         rediss+cluster:// or rediss+sentinel://"
    )]
    Scheme,
    /// No host is named.
    #[error("no host is named, as in redis://10.0.0.5:6379")]
    NoHost,
    /// Two hosts where one belongs.
    #[error("`{0}` hosts are named where one belongs: several are for redis+cluster:// and redis+sentinel://")]
    Hosts(usize),
    /// What stands where a host belongs is none.
    #[error("`{0}` is not a host and port like 10.0.0.5:6379 or [::1]:6379")]
    Host(String),
    /// What stands where a database's number belongs is none.
    #[error("`{0}` is not the number of a database")]
    Database(String),
    /// A cluster has no numbered databases.
    #[error("a cluster has only database 0: leave the `/{0}` out")]
    ClusterDatabase(String),
    /// The sentinels know a primary by its name.
    #[error("the name by which the sentinels know the primary is missing, as in redis+sentinel://s1,s2/mymaster")]
    NoMaster,
    /// A path that nothing has a use for.
    #[error("`{0}` follows where the address should end")]
    Path(String),
    /// An unknown parameter.
    #[error("`{0}` is no parameter of an address: there are sentinel_user and sentinel_password")]
    Parameter(String),
    /// `%` without two hexadecimal digits.
    #[error("user, password or a parameter has a `%` without two hexadecimal digits after it: write `%` as %25")]
    Percent,
    /// A `?` before an `@`: which of them is part of a password cannot be told.
    #[error("user, password or a parameter holds `?` or `@`: write `?` as %3F and `@` as %40")]
    Ambiguous,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl Address {
    /// Reads an address as it is configured.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(NotAnAddress::Scheme)?;
        let (tls, shape) = match scheme.split_once('+').unwrap_or((scheme, "")) {
            ("redis", shape) => (false, shape),
            ("rediss", shape) => (true, shape),
            _ => return Err(NotAnAddress::Scheme),
        };
        let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        if user.is_some_and(|user| user.contains('?')) {
            return Err(NotAnAddress::Ambiguous);
        }
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let login = user.map(login).transpose()?.unwrap_or_default();
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let sentinel = parameters_of(parameters)?;
        if shape != "sentinel" && sentinel != Login::default() {
            return Err(NotAnAddress::Parameter("sentinel_…".into()));
        }
        let shape = match shape {
            "" => single(hosts, path)?,
            "cluster" => cluster(hosts, path)?,
            "sentinel" => sentinels(hosts, path, sentinel)?,
            _ => return Err(NotAnAddress::Scheme),
        };
        Ok(Self { shape, tls, login })
    }
}

impl fmt::Display for Address {
    /// The address without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rediss" } else { "redis" })?;
        let join = |hosts: &[Host]| hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        match &self.shape {
            Shape::Single { host, database } => write!(f, "://{host}/{database}"),
            Shape::Cluster { hosts } => write!(f, "+cluster://{}", join(hosts)),
            Shape::Sentinel { hosts, master, database, .. } => {
                write!(f, "+sentinel://{}/{master}/{database}", join(hosts))
            }
        }
    }
}

fn single(text: &str, path: &str) -> Result<Shape, NotAnAddress> {
    let mut hosts = hosts(text, PORT)?;
    let count = hosts.len();
    match hosts.pop() {
        Some(host) if count == 1 => Ok(Shape::Single { host, database: database(path)? }),
        _ => Err(NotAnAddress::Hosts(count)),
    }
}

fn cluster(text: &str, path: &str) -> Result<Shape, NotAnAddress> {
    if database(path)? != 0 {
        return Err(NotAnAddress::ClusterDatabase(path.to_owned()));
    }
    Ok(Shape::Cluster { hosts: hosts(text, PORT)? })
}

fn sentinels(text: &str, path: &str, login: Login) -> Result<Shape, NotAnAddress> {
    let (master, number) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        return Err(NotAnAddress::NoMaster);
    }
    let hosts = hosts(text, SENTINEL_PORT)?;
    Ok(Shape::Sentinel { hosts, master: master.to_owned(), database: database(number)?, login })
}

fn hosts(text: &str, port: u16) -> Result<Vec<Host>, NotAnAddress> {
    if text.is_empty() {
        return Err(NotAnAddress::NoHost);
    }
    text.split(',').map(|one| host(one.trim(), port)).collect()
}

/// A host with its port, or with the usual one.
pub(super) fn host(text: &str, usual: u16) -> Result<Host, NotAnAddress> {
    let wrong = || NotAnAddress::Host(text.to_owned());
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']').ok_or_else(wrong)?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(wrong)?) };
            (name, port)
        }
        None => text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_| wrong()))?;
    let legal = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    let plain =
        if text.starts_with('[') { name.parse::<std::net::Ipv6Addr>().is_ok() } else { name.chars().all(legal) };
    if name.is_empty() || !plain || port == 0 {
        return Err(wrong());
    }
    Ok(Host { name: name.to_owned(), port })
}

fn database(path: &str) -> Result<i64, NotAnAddress> {
    match path {
        "" => Ok(0),
        _ if path.contains('/') => Err(NotAnAddress::Path(path.to_owned())),
        number => number.parse::<u16>().map(i64::from).map_err(|_| NotAnAddress::Database(number.to_owned())),
    }
}

fn login(text: &str) -> Result<Login, NotAnAddress> {
    let (user, password) = text.split_once(':').map_or((text, None), |(user, password)| (user, Some(password)));
    let user = Some(decoded(user)?).filter(|user| !user.is_empty());
    Ok(Login { user, password: password.map(decoded).transpose()? })
}

fn parameters_of(text: &str) -> Result<Login, NotAnAddress> {
    let mut login = Login::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sentinel_user" => login.user = Some(decoded(value)?),
            "sentinel_password" => login.password = Some(decoded(value)?),
            _ => return Err(NotAnAddress::Parameter(name.to_owned())),
        }
    }
    Ok(login)
}

/// The text with `%40` and the like read as the bytes they stand for.
fn decoded(text: &str) -> Result<String, NotAnAddress> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or(NotAnAddress::Percent)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| NotAnAddress::Percent)?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| NotAnAddress::Percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn shown(text: &str) -> String {
        parsed(text).to_string()
    }

    fn wrong(text: &str) -> String {
        Address::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_shape_is_read_and_shown_without_its_password() {
        assert_eq!(shown("redis://localhost"), "redis://localhost:6379/0");
        assert_eq!(shown("redis://ann:s3cret@10.0.0.5:7000/3"), "redis://10.0.0.5:7000/3");
        assert_eq!(shown("rediss://[::1]/1"), "rediss://[::1]:6379/1");
        assert_eq!(shown("redis+cluster://a,b:7001,[fe80::1]:7002"), "redis+cluster://a:6379,b:7001,[fe80::1]:7002");
        assert_eq!(shown("rediss+cluster://a/0"), "rediss+cluster://a:6379");
        assert_eq!(shown("redis+sentinel://s1,s2:1/main/2"), "redis+sentinel://s1:26379,s2:1/main/2");
    }

    #[test]
    fn user_and_password_may_hold_anything_that_is_escaped() {
        let login = parsed("redis://ann:p%40ss%3A%2F%25@h").login;
        assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("ann"), Some("p@ss:/%")));
        let login = parsed("redis://:pa@ss@h").login;
        assert_eq!((login.user, login.password.as_deref()), (None, Some("pa@ss")));
        let Shape::Sentinel { login, .. } = parsed("redis+sentinel://s/m?sentinel_password=x%20y").shape else {
            panic!("another shape");
        };
        assert_eq!(login.password.as_deref(), Some("x y"));
    }

    #[test]
    fn no_password_is_ever_shown() {
        let address = parsed("redis+sentinel://ann:s3cret@s/m?sentinel_password=s3cret");
        assert!(!format!("{address:?} {address}").contains("s3cret"));
        for text in [
            "redis://ann:s3cret@",
            "redis://ann:s3cret@h:x",
            "http://ann:s3cret@h",
            "redis://ann:s3cret%zz@h",
            "redis://ann:s3cret?@h",
        ] {
            assert!(!wrong(text).contains("s3cret"), "{}", wrong(text));
        }
    }

    #[test]
    fn what_is_no_address_is_told_with_what_would_be_one() {
        for (text, part) in [
            ("localhost:6379", "begins with redis://"),
            ("redis+ring://a", "begins with redis://"),
            ("redis://", "no host"),
            ("redis://a,b", "`2` hosts"),
            ("redis://a:port", "`a:port` is not a host"),
            ("redis://a:0", "`a:0` is not a host"),
            ("redis://::1", "is not a host"),
            ("redis://[::1", "is not a host"),
            ("redis://a b", "is not a host"),
            ("redis://a/x", "`x` is not the number"),
            ("redis://a/-1", "`-1` is not the number"),
            ("redis://a/1/2", "`1/2` follows"),
            ("redis+cluster://a/1", "only database 0"),
            ("redis+sentinel://a", "name by which"),
            ("redis+sentinel://a/m?tls=1", "`tls` is no parameter"),
            ("redis://a?sentinel_user=x", "no parameter"),
            ("redis://u:%4@a", "`%`"),
            ("redis+sentinel://a/m?sentinel_password=x@y", "write `?` as %3F"),
        ] {
            assert!(wrong(text).contains(part), "{text}: {}", wrong(text));
        }
    }
}
