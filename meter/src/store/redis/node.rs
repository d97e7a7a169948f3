//! One server: its connection, and when it is asked again after it failed.

use std::time::{Duration, Instant};

use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, Connection, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates, Value};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use super::Settings;
use super::address::{Host, Login};
use super::error::{RedisError, Trouble};

/// How a connection to a server of ours is opened.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) tls: bool,
    pub(super) ca: Option<Vec<u8>>,
    pub(super) login: Login,
    pub(super) database: i64,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

impl Opening {
    pub(super) fn of(settings: &Settings, login: Login, database: i64) -> Self {
        Self {
            tls: settings.address.tls,
            ca: settings.ca.clone(),
            login,
            database,
            connect_timeout: settings.connect_timeout,
            response_timeout: settings.response_timeout,
        }
    }

    pub(super) fn open(&self, host: &Host) -> Result<Connection, RedisError> {
        self.connect(host).map_err(|error| RedisError::of_client(&host.to_string(), &error))
    }

    fn connect(&self, host: &Host) -> Result<Connection, redis::RedisError> {
        let (name, port) = (host.name.clone(), host.port);
        let address = if self.tls {
            ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(name, port)
        };
        let mut who =
            RedisConnectionInfo::default().set_db(self.database).set_lib_name("portalmeter", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &self.login.user {
            who = who.set_username(user);
        }
        if let Some(password) = &self.login.password {
            who = who.set_password(password);
        }
        let info = address.into_connection_info()?;
        let info = info.set_redis_settings(who).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = if self.tls {
            choose_cryptography();
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: self.ca.clone() })?
        } else {
            Client::open(info)?
        };
        let connection = client.get_connection_with_timeout(self.connect_timeout)?;
        connection.set_read_timeout(Some(self.response_timeout))?;
        connection.set_write_timeout(Some(self.response_timeout))?;
        Ok(connection)
    }
}

/// Of several implementations in one program rustls takes none unless it is told, and the client tells it nothing.
fn choose_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may be first.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

/// When who failed is asked again: later with each failure, and not at once by all who wait.
#[derive(Debug, Default)]
pub(super) struct Rest {
    failures: u32,
    until: Option<Instant>,
}

const FIRST: Duration = Duration::from_millis(50);
/// Longest pause: a server that is back is found within it.
const LONGEST: Duration = Duration::from_secs(2);

impl Rest {
    /// How long until another try makes sense.
    #[expect(clippy::disallowed_methods, reason = "a pause between tries is no event's time")]
    pub(super) fn left(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    #[expect(clippy::disallowed_methods, reason = "a pause between tries is no event's time")]
    pub(super) fn failed(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        let pause = pause / 2 + pause.mul_f64(f64::from(random()) / 512.0);
        self.until = Some(Instant::now() + pause);
        pause
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

fn random() -> u8 {
    let mut byte = [128];
    // Without randomness the pause is of middle length.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

/// One server.
pub(super) struct Node {
    pub(super) host: Host,
    /// As it is shown.
    pub(super) name: String,
    pub(super) link: Option<Connection>,
    pub(super) rest: Rest,
}

impl Node {
    pub(super) fn new(host: Host) -> Self {
        Self { name: host.to_string(), host, link: None, rest: Rest::default() }
    }

    /// The connection, if there is one.
    pub(super) fn linked(&mut self) -> Result<&mut Connection, RedisError> {
        let away = || RedisError::new(Trouble::Away, Some(self.name.clone()), "not connected");
        self.link.as_mut().ok_or_else(away)
    }

    /// One call and its answer, an error reply as an error.
    pub(super) fn ask(&mut self, call: &Cmd) -> Result<Value, RedisError> {
        let answer = self.send(&call.get_packed_command()).and_then(|()| self.receive());
        match answer? {
            Value::ServerError(reply) => Err(RedisError::of_reply(&self.name, &reply)),
            value => Ok(value),
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), RedisError> {
        let sent = self.linked()?.send_packed_command(bytes);
        sent.map_err(|error| self.broke(&error))
    }

    /// The next answer; an error reply is a value here.
    pub(super) fn receive(&mut self) -> Result<Value, RedisError> {
        let received = self.linked()?.recv_response();
        received.map_err(|error| self.broke(&error))
    }

    /// After any failure a late answer could be taken for another's: the connection goes.
    fn broke(&mut self, error: &redis::RedisError) -> RedisError {
        let error = RedisError::of_client(&self.name, error);
        self.failed(error)
    }

    /// The connection goes, and the server rests for a while.
    pub(super) fn failed(&mut self, mut error: RedisError) -> RedisError {
        self.link = None;
        error.again_in = self.rest.failed();
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_longest_and_end_with_success() {
        let mut rest = Rest::default();
        let pauses: Vec<_> = (0..12).map(|_| rest.failed()).collect();
        assert!(pauses[0] < Duration::from_millis(51) && pauses[0] >= Duration::from_millis(25), "{pauses:?}");
        assert!(pauses[11] <= LONGEST && pauses[11] >= LONGEST / 2, "{pauses:?}");
        assert!(rest.left().is_some());
        rest.succeeded();
        assert_eq!(rest.left(), None);
    }
}
