//! The words of the column *what*: what somebody did, and the requests that make it.
//!
//! A step is a deed and, after semicolons, what is special about it this time.

/// One request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Milliseconds after the step's own time.
    pub(crate) after: i64,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    /// The user a combined log names.
    pub(crate) user: Option<String>,
    pub(crate) sent: Vec<(String, String)>,
    pub(crate) answered: Vec<(String, String)>,
}

/// A person's browser, unless a step says otherwise.
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
/// A search engine's crawler.
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

impl Exchange {
    fn new(method: &str, path: &str) -> Self {
        Self {
            after: 0,
            client: String::new(),
            method: method.to_owned(),
            host: String::new(),
            path: path.to_owned(),
            status: 200,
            user: None,
            sent: vec![pair("User-Agent", FIREFOX)],
            answered: vec![pair("Content-Type", "text/html; charset=utf-8")],
        }
    }

    fn send(&mut self, name: &str, value: &str) {
        set(&mut self.sent, name, value);
    }

    fn answer(&mut self, name: &str, value: &str) {
        set(&mut self.answered, name, value);
    }

    fn json(mut self) -> Self {
        self.answer("Content-Type", "application/json");
        self.send("Sec-Fetch-Dest", "empty");
        self
    }

    fn is(mut self, signed_in: &str) -> Self {
        self.answer("X-Signed-In", signed_in);
        self
    }

    fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// The requests of a deed. `page` is the path of a page where the step names none.
pub(crate) fn exchanges(deed: &str, page: &str) -> Result<Vec<Exchange>, String> {
    let one = |exchange: Exchange| Ok(vec![exchange]);
    match deed {
        "page" => one(Exchange::new("GET", page)),
        "guest page" => one(Exchange::new("GET", page).is("false")),
        "page signed in" => one(Exchange::new("GET", page).is("true")),
        "crawler page" => {
            let mut exchange = Exchange::new("GET", page).is("false");
            exchange.send("User-Agent", CRAWLER);
            one(exchange)
        }
        "login page" => one(Exchange::new("GET", "/login").is("false")),
        "logout" => one(Exchange::new("POST", "/logout").with_status(302)),
        "poll" => one(Exchange::new("GET", "/poll").json()),
        "call" => one(Exchange::new("GET", &format!("{page}/list")).json()),
        _ => {
            if let Some(who) = deed.strip_prefix("page as ") {
                return one(signed_in(page, who));
            }
            if let Some(who) = deed.strip_prefix("login as ") {
                // The form's answer leads to a page.
                let form = Exchange::new("POST", "/login").with_status(302);
                return Ok(vec![form, Exchange { after: 200, ..signed_in(page, who) }]);
            }
            match deed.split_once(' ') {
                Some((method, path))
                    if path.starts_with('/') && method.bytes().all(|byte| byte.is_ascii_uppercase()) =>
                {
                    one(Exchange::new(method, path))
                }
                _ => Err(format!("nobody knows what `{deed}` is")),
            }
        }
    }
}

/// A page as somebody: `ann`, or `ann (role, role)`.
fn signed_in(page: &str, who: &str) -> Exchange {
    let (user, roles) = who.split_once(" (").map_or((who, ""), |(user, roles)| (user, roles.trim_end_matches(')')));
    let mut exchange = Exchange { user: Some(user.to_owned()), ..Exchange::new("GET", page).is("true") };
    exchange.answer("X-User", user);
    if !roles.is_empty() {
        exchange.answer("X-Roles", roles);
    }
    exchange
}

/// Makes an exchange special.
pub(crate) fn refine(exchange: &mut Exchange, detail: &str) -> Result<(), String> {
    let (word, rest) = detail.split_once(' ').unwrap_or((detail, ""));
    match (word, rest) {
        ("at", path) => path.clone_into(&mut exchange.path),
        ("on", portal) => exchange.host = host(portal),
        ("status", status) => exchange.status = status.parse().map_err(|_| format!("`{status}` is not a status"))?,
        ("address", address) => address.clone_into(&mut exchange.client),
        ("agent", agent) => exchange.send("User-Agent", agent),
        ("cookie", cookie) => exchange.send("Cookie", cookie),
        ("and", cookie) => {
            let before = exchange.sent.iter().find(|(name, _)| name == "Cookie").map(|(_, value)| format!("{value}; "));
            exchange.send("Cookie", &(before.unwrap_or_default() + cookie.trim_start_matches("cookie ")));
        }
        ("no", "cookie") => exchange.sent.retain(|(name, _)| name != "Cookie"),
        ("given", cookie) => exchange.answered.push(pair("Set-Cookie", &format!("{cookie}; Path=/; HttpOnly"))),
        ("deletes", cookie) => exchange.answered.push(pair("Set-Cookie", &format!("{cookie}=; Path=/; Max-Age=0"))),
        ("sent", field) => {
            let (name, value) = field.split_once(": ").ok_or("a field is `Name: value`")?;
            exchange.send(name, value);
        }
        ("answered", field) => {
            let (name, value) = field.split_once(": ").ok_or("a field is `Name: value`")?;
            exchange.answer(name, value);
        }
        _ => return Err(format!("nobody knows what `{detail}` is")),
    }
    Ok(())
}

/// The host of a portal by its name, or a host as it stands.
pub(crate) fn host(portal: &str) -> String {
    if portal.contains('.') { portal.to_owned() } else { format!("{portal}.example.com") }
}

fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    fields.retain(|(known, _)| known != name);
    fields.push(pair(name, value));
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
