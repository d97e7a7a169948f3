//! A browser that opens pages, and whose pages' scripts call and tell.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::jar::Jar;
use crate::support::meter::Meter;

/// Somebody's browser.
pub(crate) struct Browser {
    to: SocketAddr,
    agent: &'static str,
    jar: Jar,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

impl Browser {
    /// A person's.
    pub(crate) fn new(meter: &Meter) -> Self {
        Self { to: meter.address, agent: FIREFOX, jar: Jar::default() }
    }

    /// A search engine's.
    pub(crate) fn crawler(meter: &Meter) -> Self {
        Self { agent: CRAWLER, ..Self::new(meter) }
    }

    /// Has a cookie from elsewhere.
    pub(crate) fn cookie(&mut self, cookie: &str) {
        self.jar.keep(cookie);
    }

    /// Opens a page.
    pub(crate) fn page(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "Sec-Fetch-Dest: document\r\n", "")
    }

    /// Signs in, and lands on the first page.
    pub(crate) fn login(&mut self, _user: &str) {
        assert_eq!(self.call("POST", "/login").status, 302);
        self.page("/");
    }

    /// A script calls.
    pub(crate) fn call(&mut self, method: &str, target: &str) -> Answer {
        self.ask(method, target, "Sec-Fetch-Dest: empty\r\n", "")
    }

    /// The beacon tells.
    pub(crate) fn tell(&mut self, body: &str) -> Answer {
        self.tell_from("http://localhost", body)
    }

    /// The beacon of a page of this origin tells.
    pub(crate) fn tell_from(&mut self, origin: &str, body: &str) -> Answer {
        self.ask("POST", "/.portalmeter/action", &format!("Origin: {origin}\r\nSec-Fetch-Dest: empty\r\n"), body)
    }

    /// Asks, on a connection of its own.
    pub(crate) fn ask(&mut self, method: &str, target: &str, fields: &str, body: &str) -> Answer {
        let head = self.head(method, target, fields, body, "close");
        let answer = self.exchange(&format!("{head}{body}"));
        for line in answer.head.lines() {
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("set-cookie")
            {
                self.jar.keep(value);
            }
        }
        answer
    }

    /// Asks for a page in HTTP/1.0.
    pub(crate) fn version_10(&mut self, target: &str) -> Answer {
        let head = self.head("GET", target, "Sec-Fetch-Dest: document\r\n", "", "close");
        self.exchange(&head.replacen("HTTP/1.1", "HTTP/1.0", 1))
    }

    /// Tells on one connection, asks for a page behind that, and gives the statuses.
    pub(crate) fn in_a_row(&mut self, bodies: &[&str]) -> Vec<u16> {
        let origin = "Origin: http://localhost\r\n";
        let told = bodies
            .iter()
            .map(|body| self.head("POST", "/.portalmeter/action", origin, body, "keep-alive") + body)
            .collect::<String>();
        let page = self.head("GET", "/", "Sec-Fetch-Dest: document\r\n", "", "close");
        let all = self.raw(&format!("{told}{page}"));
        all.match_indices("HTTP/1.1 ").filter_map(|(at, _)| all.get(at + 9..at + 12)?.parse().ok()).collect()
    }

    fn head(&self, method: &str, target: &str, fields: &str, body: &str, connection: &str) -> String {
        format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {}\r\n{}{fields}Content-Length: {}\r\n\
             Connection: {connection}\r\n\r\n",
            self.agent,
            self.jar.line(),
            body.len()
        )
    }

    fn exchange(&self, request: &str) -> Answer {
        let all = self.raw(request);
        let (head, body) = all.split_once("\r\n\r\n").expect("an answer");
        let head = head.to_owned();
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { unchunked(body) } else { body.to_owned() };
        Answer { status: head[9..12].parse().unwrap(), head, body }
    }

    fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.to).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        String::from_utf8(all).unwrap()
    }
}

impl Answer {
    /// A field's value.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &rest[..size];
        body = &rest[size + 2..];
    }
    whole
}
