//! A seeded access log in the combined format: people and bots on a portal, and what logs hold beside them.
//!
//! Nothing in it is copied from anywhere: addresses are drawn, User-Agents are put together.

use std::io::{self, Write};

/// What log to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// The same seed makes the same log.
    pub(crate) seed: u64,
    /// How many lines it has.
    pub(crate) lines: u64,
    /// How many visitors come and go side by side.
    pub(crate) visitors: usize,
    /// Over how many days, of which the first is 2026-03-01.
    pub(crate) days: u64,
}

/// Writes the log. Its lines are in order of time.
pub(crate) fn write(traffic: Traffic, out: &mut impl Write) -> io::Result<()> {
    let mut dice = Dice(traffic.seed);
    let mut there: Vec<Visitor> = (0..traffic.visitors).map(|_| Visitor::new(&mut dice)).collect();
    for line in 0..traffic.lines {
        let second = line * traffic.days * 86_400 / traffic.lines;
        let time = format!(
            "{:02}/Mar/2026:{:02}:{:02}:{:02} +0000",
            1 + second / 86_400,
            second / 3_600 % 24,
            second / 60 % 60,
            second % 60
        );
        if dice.of(1_000) == 0 {
            writeln!(out, "{}", broken(&time, &mut dice))?;
            continue;
        }
        let place = dice.of(there.len() as u64) as usize;
        if dice.of(REQUESTS) == 0 {
            there[place] = Visitor::new(&mut dice);
        }
        let Visitor { address, user, agent } = &there[place];
        let (asked, status, size) = request(&mut dice);
        writeln!(out, "{address} - {user} [{time}] \"{asked} HTTP/1.1\" {status} {size} \"{REFERER}\" \"{agent}\"")?;
    }
    Ok(())
}

/// A visitor asks this often, on average.
const REQUESTS: u64 = 16;
const REFERER: &str = "https://support.example.com/csp?id=home";

struct Visitor {
    address: String,
    user: String,
    agent: String,
}

impl Visitor {
    fn new(dice: &mut Dice) -> Self {
        let byte = |dice: &mut Dice| 1 + dice.of(254);
        let address = match dice.of(10) {
            0 => format!("2001:db8:{:x}:{:x}::{:x}", dice.of(65_536), dice.of(65_536), 1 + dice.of(9)),
            _ => format!("{}.{}.{}.{}", 11 + dice.of(80), byte(dice), byte(dice), byte(dice)),
        };
        let user = if dice.of(5) == 0 { format!("user{}", dice.of(50_000)) } else { "-".to_owned() };
        match dice.of(20) {
            0 => Self { address, user: "-".to_owned(), agent: bot(dice) },
            _ => Self { address, user, agent: browser(dice) },
        }
    }
}

fn browser(dice: &mut Dice) -> String {
    // Chrome has shown nothing but its major version for years.
    let chrome = format!("{}.0.0.0", 120 + dice.of(26));
    let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
    match dice.of(10) {
        0..=3 => format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/{chrome} Safari/537.36"),
        4 => format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/{chrome} Safari/537.36 Edg/{chrome}"),
        5 => {
            let version = 120 + dice.of(26);
            format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        }
        6 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_{}) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/{}.{} Safari/605.1.15",
            dice.of(8),
            16 + dice.of(3),
            dice.of(7)
        ),
        7 | 8 => format!(
            "Mozilla/5.0 (Linux; Android {}; Model {}{}) {webkit} Chrome/{chrome} Mobile Safari/537.36",
            10 + dice.of(6),
            char::from(b'A' + dice.of(26) as u8),
            100 + dice.of(900)
        ),
        _ => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {}_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/{}.0 Mobile/15E148 Safari/604.1",
            16 + dice.of(3),
            dice.of(7),
            16 + dice.of(3)
        ),
    }
}

fn bot(dice: &mut Dice) -> String {
    let version = format!("{}.{}", 1 + dice.of(9), dice.of(20));
    match dice.of(5) {
        0 => format!("Mozilla/5.0 (compatible; Googlebot/{version}; +http://www.google.com/bot.html)"),
        1 => format!("Mozilla/5.0 (compatible; ExampleCrawler/{version}; +https://crawler.example/about)"),
        2 => format!("curl/8.{version}"),
        3 => format!("python-requests/2.{version}"),
        _ => "-".to_owned(),
    }
}

fn request(dice: &mut Dice) -> (String, u16, u64) {
    let size = 200 + dice.of(90_000);
    match dice.of(100) {
        0..=21 => (format!("GET /csp?id=kb_article&sys_id={:012x}", dice.of(1 << 40)), 200, size),
        22..=25 => ("GET /csp?id=home".to_owned(), 304, 0),
        26..=27 => (format!("GET /csp/articles/{}.html", dice.of(5_000)), 200, size),
        28 => (format!("GET /old/{}", dice.of(5_000)), 302, 0),
        29 => (format!("GET /csp/missing/{}", dice.of(5_000)), 404, 512),
        30 => ("GET /login".to_owned(), 200, size),
        31 => ("GET /logout".to_owned(), 302, 0),
        32 => ("HEAD /csp".to_owned(), 200, 0),
        33..=47 => (format!("POST /api/now/table/{}", dice.of(40)), 201, 900),
        48..=55 => ("GET /api/poll/messages".to_owned(), 200, 17),
        56..=75 => (format!("GET /scripts/app.{:08x}.js", dice.of(300)), 200, size),
        76..=88 => (format!("GET /images/{}.png?v={}", dice.of(2_000), dice.of(9)), 200, size),
        _ => (format!("GET /styles/theme.{:08x}.css", dice.of(80)), 304, 0),
    }
}

/// A line that no reader can make sense of.
fn broken(time: &str, dice: &mut Dice) -> String {
    match dice.of(5) {
        0 => format!("203.0.113.9 - - [{time}] \"\\x16\\x03\\x01\\x02\" 400 226 \"-\" \"-\""),
        1 => format!("crawler.example.net - - [{time}] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\""),
        2 => format!("203.0.113.9 - - [{time}] \"GET /csp"),
        3 => "203.0.113.9 - - [31/Feb/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1".to_owned(),
        _ => "\u{1}\u{2}\u{fffd} log rotated".to_owned(),
    }
}

/// `splitmix64`.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn of(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}
