//! A portal, and a proxy before it that trusts nobody.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::origin::Origin;
use crate::faults::meter::{Options, Running, Setup};

/// A portal `portal.test` and the proxy before it, until the test ends.
pub(crate) struct Stage {
    pub(crate) origin: Origin,
    pub(crate) proxy: SocketAddr,
    pub(crate) running: Running,
    _folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let origin = Origin::start();
        let (folder, running) = before(origin.address, "");
        Self { origin, proxy: running.setup.proxy, running, _folder: folder }
    }
}

/// A proxy before a portal, with more configuration at its end.
pub(crate) fn before(portal: SocketAddr, more: &str) -> (TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let options =
        Options { trusted: "192.0.2.0/24", hosts: "portal.test", portal: more, ..Options::of(portal, &data_dir) };
    let running = Setup::new(folder.path(), &options).start();
    (folder, running)
}
