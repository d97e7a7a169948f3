//! Encrypted connections, as `sslmode` asks for them, to a server with a certificate that no machine trusts.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use portalmeter_meter::ledger::postgres::PostgresLedger;
use portalmeter_meter::ledger::{Ledger, LedgerError};

use crate::support::postgres::Postgres;

/// A certificate that is its own issuer, for `localhost` and no other host.
fn certify(server: &Postgres) {
    let data = server.data();
    let [key, certificate] = ["server.key", "server.crt"].map(|name| data.join(name));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let owner = fs::metadata(&data).unwrap();
    for file in [&key, &certificate] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let config = data.join("postgresql.conf");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\nssl = on\n")).unwrap();
    server.stop();
    server.start_again();
}

/// Whether the ledger's connection is encrypted, or why there is none.
fn encrypted(server: &Postgres, host: &str, query: &str) -> Result<bool, LedgerError> {
    let url = format!("postgres://postgres@{host}:{}/postgres?{query}", server.port());
    let mut ledger = PostgresLedger::new(&url)?;
    ledger.ping()?;
    let asked = "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name = 'portalmeter'";
    let found = server.sql(asked) == "t";
    Ok(found)
}

#[test]
fn a_connection_is_encrypted_and_verified_as_its_url_asks() {
    let server = Postgres::start();
    certify(&server);
    let roots = format!("sslrootcert={}", readable_copy(&server.data().join("server.crt")).display());
    for (host, query, expected) in [
        ("127.0.0.1", "", true),
        ("127.0.0.1", "sslmode=prefer", true),
        ("127.0.0.1", "sslmode=disable", false),
        ("localhost", &format!("sslmode=verify-full&{roots}"), true),
        ("localhost", &format!("sslmode=require&{roots}"), true),
    ] {
        assert_eq!(encrypted(&server, host, query).unwrap(), expected, "{host} {query}");
    }
    for (host, query) in [
        ("localhost", "sslmode=require".to_owned()),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-full&{roots}")),
    ] {
        let refused = encrypted(&server, host, &query).unwrap_err();
        let said = refused.to_string();
        assert!(matches!(refused, LedgerError::Refused(_)) && said.contains("sslrootcert"), "{host} {query}: {said}");
    }
    let missing = encrypted(&server, "localhost", "sslmode=require&sslrootcert=/nowhere/ca.pem").unwrap_err();
    assert!(matches!(missing, LedgerError::Address(_)) && missing.to_string().contains("/nowhere/ca.pem"), "{missing}");
}

/// The server's folder is its own.
fn readable_copy(certificate: &Path) -> std::path::PathBuf {
    let copy = certificate.parent().unwrap().parent().unwrap().join("issuer.pem");
    fs::copy(certificate, &copy).unwrap();
    copy
}
