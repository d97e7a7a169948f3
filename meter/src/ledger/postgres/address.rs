//! Where the ledger is, from its URL, and how it is connected to.

use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::chain;
use super::tls::{Trust, connector};
use crate::ledger::LedgerError;

/// A Postgres server, as a URL names it.
pub(super) struct Address {
    config: Config,
    trust: Trust,
    connector: Option<MakeRustlsConnect>,
}

/// So long a connection may take, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(5);
/// A network that was cut is found out after half a minute.
const SILENT: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(15);
const INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: u32 = 3;

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`. All of the driver's parameters are understood,
    /// and `sslmode` and `sslrootcert` as below:
    ///
    /// - `disable`: never encrypted
    /// - `prefer` (default): encrypted if the server can, whatever its certificate
    /// - `require`, `verify-ca`, `verify-full`: encrypted, with a certificate for this host that the machine trusts,
    ///   or, with `sslrootcert`, that is signed by one of that file
    pub(super) fn parse(url: &str) -> Result<Self, LedgerError> {
        let wrong = |what: String| LedgerError::Address(what);
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong("it does not begin with postgres://".to_owned()));
        }
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots) = (None, None);
        let mut rest = Vec::new();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        for (pair, (key, value)) in pairs.zip(form_urlencoded::parse(query.as_bytes())) {
            match &*key {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => roots = Some(value.into_owned()).filter(|path| path != "system"),
                _ => rest.push(pair),
            }
        }
        let mut config: Config =
            format!("{place}?{}", rest.join("&")).parse().map_err(|error: postgres::Error| wrong(chain(&error)))?;
        let (mode, trust) = match (mode.as_deref(), roots) {
            (Some("disable"), _) => (SslMode::Disable, Trust::Anybody),
            (None | Some("prefer" | "allow"), None) => (SslMode::Prefer, Trust::Anybody),
            (None | Some("prefer" | "allow"), Some(file)) => (SslMode::Prefer, Trust::File(file)),
            (Some("require" | "verify-ca" | "verify-full"), None) => (SslMode::Require, Trust::Machine),
            (Some("require" | "verify-ca" | "verify-full"), Some(file)) => (SslMode::Require, Trust::File(file)),
            (Some(other), _) => {
                return Err(wrong(format!(
                    "sslmode `{other}` is none of disable, prefer, require, verify-ca and verify-full"
                )));
            }
        };
        config.ssl_mode(mode);
        patience(&mut config);
        Ok(Self { config, trust, connector: None })
    }

    /// Connects; the certificates are read at the first time.
    pub(super) fn connect(&mut self) -> Result<Client, LedgerError> {
        if self.config.get_ssl_mode() == SslMode::Disable {
            return Ok(self.config.connect(NoTls)?);
        }
        if self.connector.is_none() {
            self.connector = Some(connector(&self.trust)?);
        }
        match &self.connector {
            Some(connector) => Ok(self.config.connect(connector.clone())?),
            None => Ok(self.config.connect(NoTls)?),
        }
    }
}

fn patience(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENT);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(IDLE).keepalives_interval(INTERVAL).keepalives_retries(RETRIES);
    }
    if config.get_application_name().is_none() {
        config.application_name("portalmeter");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<(SslMode, Trust), String> {
        let address = Address::parse(&format!("postgres://meter:secret@db.example/usage{query}"));
        address.map(|address| (address.config.get_ssl_mode(), address.trust)).map_err(|error| error.to_string())
    }

    #[test]
    fn sslmode_says_whether_to_encrypt_and_whom_to_trust() {
        let file = || Trust::File("/etc/ca file.pem".to_owned());
        for (query, expected) in [
            ("", (SslMode::Prefer, Trust::Anybody)),
            ("?sslmode=disable", (SslMode::Disable, Trust::Anybody)),
            ("?sslmode=prefer", (SslMode::Prefer, Trust::Anybody)),
            ("?sslmode=require", (SslMode::Require, Trust::Machine)),
            ("?sslmode=verify-full&connect_timeout=3", (SslMode::Require, Trust::Machine)),
            ("?sslrootcert=/etc/ca%20file.pem&sslmode=verify-ca", (SslMode::Require, file())),
            ("?sslmode=require&sslrootcert=system", (SslMode::Require, Trust::Machine)),
        ] {
            assert_eq!(parsed(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn other_parameters_are_the_drivers() {
        let address = Address::parse("postgres://h/d?options=-c%20search_path%3Dmeter&connect_timeout=3").unwrap();
        assert_eq!(address.config.get_options(), Some("-c search_path=meter"));
        assert_eq!(address.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
    }

    #[test]
    fn what_is_no_address_is_told_without_its_password() {
        for (query, word) in
            [("?sslmode=always", "`always`"), ("?colour=red", "colour"), ("?connect_timeout=x", "connect")]
        {
            let said = parsed(query).unwrap_err();
            assert!(said.contains(word) && !said.contains("secret"), "{said}");
        }
        assert!(Address::parse("mysql://meter:secret@h/d").is_err());
    }
}
