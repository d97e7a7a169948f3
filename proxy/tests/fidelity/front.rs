//! A proxy before a portal `portal.test`, which trusts nobody.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::faults::meter::{Options, Running, Setup};

/// Starts one, with more configuration at its end; it keeps its data in the folder.
pub(crate) fn before(portal: SocketAddr, more: &str) -> (TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let options =
        Options { trusted: "192.0.2.0/24", hosts: "portal.test", portal: more, ..Options::of(portal, &data_dir) };
    let running = Setup::new(folder.path(), &options).start();
    (folder, running)
}
