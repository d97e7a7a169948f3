//! A browser like every other one behind the same address: only its cookies tell it apart.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::support::exchange::Message;
use crate::support::jar::Jar;
use crate::support::meter::Meter;

/// Somebody's browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    to: SocketAddr,
    /// What it sends back; whoever refuses cookies loses them here.
    pub(crate) jar: Jar,
    refuses: bool,
    sso: Option<&'static str>,
}

/// The fields of a page that somebody opened.
pub(crate) const PAGE: &str = "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n";
/// The fields of a call by a script or a service worker.
pub(crate) const CALL: &str = "Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n";
/// The fields of a page in a frame.
pub(crate) const FRAME: &str = "Sec-Fetch-Dest: iframe\r\nSec-Fetch-Mode: navigate\r\n";

impl Browser {
    /// A browser that keeps cookies.
    pub(crate) fn new(meter: &Meter) -> Self {
        Self { to: meter.address, jar: Jar::default(), refuses: false, sso: None }
    }

    /// So many of them.
    pub(crate) fn crowd(meter: &Meter, many: usize) -> Vec<Self> {
        (0..many).map(|_| Self::new(meter)).collect()
    }

    /// The same, but it refuses cookies.
    pub(crate) fn refusing(self) -> Self {
        Self { refuses: true, ..self }
    }

    /// The same, but signed in without any cookie.
    pub(crate) fn signed_in(self, user: &'static str) -> Self {
        Self { sso: Some(user), ..self }
    }

    /// Opens the home page.
    pub(crate) fn page(&mut self) {
        self.visit("/");
    }

    /// Opens a page.
    pub(crate) fn visit(&mut self, path: &str) {
        assert_eq!(self.get(path, PAGE), 200);
    }

    /// A script asks for something.
    pub(crate) fn call(&mut self) {
        assert_eq!(self.get("/api/tickets", CALL), 200);
    }

    /// Signs in by a form, and lands on a page.
    pub(crate) fn login(&mut self, user: &str) {
        assert_eq!(self.take("POST", &format!("/login?user={user}"), PAGE), 302);
        self.page();
    }

    /// Signs out, and lands on a page.
    pub(crate) fn logout(&mut self) {
        assert_eq!(self.take("POST", "/logout", PAGE), 302);
        self.page();
    }

    /// Asks with further header fields; the status.
    pub(crate) fn get(&mut self, path: &str, fields: &str) -> u16 {
        self.take("GET", path, fields)
    }

    /// Asks, and keeps the cookies of the answer; the status.
    pub(crate) fn take(&mut self, method: &str, path: &str, fields: &str) -> u16 {
        let answer = self.ask(method, path, fields);
        self.keep(&answer);
        answer.word(1).parse().unwrap()
    }

    /// Asks, and leaves the answer where it is.
    pub(crate) fn ask(&self, method: &str, path: &str, fields: &str) -> Message {
        let mut stream = TcpStream::connect(self.to).unwrap();
        let sso = self.sso.map(|user| format!("X-Sso: {user}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
             Accept-Language: de\r\n{fields}{sso}{}Content-Length: 0\r\nConnection: close\r\n\r\n",
            self.jar.line()
        );
        stream.write_all(request.as_bytes()).unwrap();
        Message::read(&stream).expect("an answer")
    }

    /// Keeps the cookies of these answers, which arrive in this order.
    pub(crate) fn keep_all(&mut self, answers: &[Message]) {
        for answer in answers {
            self.keep(answer);
        }
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, answer: &Message) {
        if !self.refuses {
            answer.all("set-cookie").for_each(|cookie| self.jar.keep(cookie));
        }
    }
}
