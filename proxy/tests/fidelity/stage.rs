//! A portal of rows, and the proxy before it.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::front;
use super::origin::Origin;
use crate::faults::meter::Running;

/// Both, until the test ends.
pub(crate) struct Stage {
    pub(crate) origin: Origin,
    pub(crate) proxy: SocketAddr,
    _running: Running,
    _folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let origin = Origin::start();
        let (folder, running) = front::before(origin.address, "");
        Self { origin, proxy: running.setup.proxy, _running: running, _folder: folder }
    }
}
