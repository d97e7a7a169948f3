//! The cookies of one browser.

/// Cookies by name, as a browser keeps them for one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Jar(Vec<(String, String)>);

impl Jar {
    /// Takes what a `Set-Cookie` says.
    pub(crate) fn keep(&mut self, cookie: &str) {
        let Some((name, rest)) = cookie.split_once('=') else { return };
        let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
        self.lose(name);
        if !attributes.contains("Max-Age=0") {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Loses a cookie.
    pub(crate) fn lose(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The value of a cookie.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// The `Cookie` line to send, empty if there is nothing to send.
    pub(crate) fn line(&self) -> String {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) }
    }
}
