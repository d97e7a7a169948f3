//! A portal with the meter before it, in a folder of their own.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::meter::{Counted, Options, Running, Setup, free_address, until};
use super::origin::Origin;
use super::wire::{Answer, Wire};

/// What is special about a stage.
pub(crate) struct Given<'g> {
    pub(crate) portal: &'g str,
    pub(crate) files: &'g [(&'g str, &'g str)],
    pub(crate) trusted: &'g str,
    pub(crate) hosts: &'g str,
    pub(crate) drain: &'g str,
    /// Lines of the server's table.
    pub(crate) server: &'g str,
    /// Lines of the journal's table.
    pub(crate) journal: &'g str,
    /// Name and port of the upstream, if it is not the origin's address.
    pub(crate) upstream: &'g str,
    /// Another upstream.
    pub(crate) also: &'g str,
}

impl Default for Given<'_> {
    fn default() -> Self {
        Self {
            portal: "",
            files: &[],
            trusted: "127.0.0.0/8",
            hosts: "*",
            drain: "5s",
            server: "",
            journal: "",
            upstream: "",
            also: "",
        }
    }
}

/// A running meter before a running portal.
pub(crate) struct Stage {
    pub(crate) running: Running,
    pub(crate) setup: Setup,
    pub(crate) origin: Origin,
    dir: TempDir,
}

impl Stage {
    /// Before a portal of pages.
    pub(crate) fn new(given: &Given<'_>) -> Self {
        Self::before(Origin::of_pages(), given)
    }

    pub(crate) fn before(origin: Origin, given: &Given<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in given.files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let Given { portal, trusted, hosts, drain, server, journal, upstream, also, .. } = given;
        let data_dir = dir.path().join("data");
        let options = Options {
            trusted,
            drain,
            hosts,
            portal,
            server,
            journal,
            named: upstream,
            also,
            ..Options::of(origin.address, &data_dir)
        };
        let setup = Setup::new(dir.path(), &options);
        Self { running: setup.start(), setup, origin, dir }
    }

    pub(crate) fn proxy(&self) -> SocketAddr {
        self.setup.proxy
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, request: &[u8]) -> Answer {
        Wire::to(self.proxy()).unwrap().ask(request).unwrap()
    }

    /// What is counted once nothing waits any more.
    pub(crate) fn settled(&self) -> Counted {
        until("nothing waits", || self.running.metric("commit_backlog") == 0);
        self.setup.counted()
    }

    /// Starts again with a portal that nobody is.
    pub(crate) fn point_nowhere(&mut self) {
        let data_dir = self.dir.path().join("nowhere");
        self.setup = Setup::new(self.dir.path(), &Options::of(free_address(), &data_dir));
        self.running = self.setup.start();
    }

    /// Another one on the same data.
    pub(crate) fn sibling(&self) -> Setup {
        self.another(&self.dir.path().join("data"))
    }

    /// Another one with data of its own, on an address that is taken.
    pub(crate) fn stranger_on(&self, taken: SocketAddr) -> Setup {
        let setup = self.another(&self.dir.path().join("elsewhere"));
        let free = if taken == self.setup.proxy { setup.proxy } else { setup.admin };
        let text = fs::read_to_string(&setup.config).unwrap().replace(&free.to_string(), &taken.to_string());
        fs::write(&setup.config, text).unwrap();
        setup
    }

    fn another(&self, data_dir: &std::path::Path) -> Setup {
        let folder = self.dir.path().join("another");
        fs::create_dir_all(&folder).unwrap();
        Setup::new(&folder, &Options::of(self.origin.address, data_dir))
    }
}

/// A page asked for by visitor `number`, with more header lines, each ending in CR LF.
pub(crate) fn get(number: u8, path: &str, fields: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: 20.0.0.{number}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\n\
         Accept: text/html\r\nAccept-Language: en\r\n{fields}\r\n"
    )
    .into_bytes()
}
