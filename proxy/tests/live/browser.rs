//! A browser: it keeps its cookies, and asks for one thing at a time.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::support::exchange::Message;
use crate::support::jar::Jar;
use crate::support::meter::Meter;

/// Somebody's browser.
pub(crate) struct Browser {
    to: SocketAddr,
    home: &'static str,
    agent: &'static str,
    cookies: Option<Jar>,
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const ANDROID: &str = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0";
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

impl Browser {
    /// A person's browser.
    pub(crate) fn new(meter: &Meter) -> Self {
        Self { to: meter.address, home: meter.home, agent: FIREFOX, cookies: Some(Jar::default()) }
    }

    /// A person's phone.
    pub(crate) fn phone(meter: &Meter) -> Self {
        Self { agent: ANDROID, ..Self::new(meter) }
    }

    /// A search engine's, which keeps no cookies.
    pub(crate) fn crawler(meter: &Meter) -> Self {
        Self { agent: CRAWLER, cookies: None, ..Self::new(meter) }
    }

    /// The same browser, when the portal is found elsewhere.
    pub(crate) fn moved_to(&mut self, meter: &Meter) {
        self.to = meter.address;
    }

    /// Opens a page.
    pub(crate) fn page(&mut self) {
        assert_eq!(self.page_at(self.home), 200);
    }

    /// Opens the page at a path; its status.
    pub(crate) fn page_at(&mut self, path: &str) -> u16 {
        self.ask("GET", path)
    }

    /// Signs in, and lands on a page.
    pub(crate) fn login(&mut self, user: &str) {
        assert_eq!(self.ask("POST", &format!("/login?user={user}")), 302);
        self.page();
    }

    /// Signs out.
    pub(crate) fn logout(&mut self) {
        assert_eq!(self.ask("POST", "/logout"), 302);
    }

    fn ask(&mut self, method: &str, path: &str) -> u16 {
        let mut stream = TcpStream::connect(self.to).unwrap();
        let cookie = self.cookies.as_ref().map(Jar::line).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {}\r\nSec-Fetch-Dest: document\r\n{cookie}\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            self.agent
        );
        stream.write_all(request.as_bytes()).unwrap();
        let answer = Message::read(&stream).expect("an answer");
        if let Some(jar) = &mut self.cookies {
            answer.all("set-cookie").for_each(|cookie| jar.keep(cookie));
        }
        answer.word(1).parse().unwrap()
    }
}
