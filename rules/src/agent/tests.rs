use proptest::prelude::*;

use super::*;

/// A browser's User-Agent with something put at its end.
fn browser(end: &str) -> String {
    format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) {end} Safari/537.36")
}

fn phone(model: &str) -> String {
    format!(
        "Mozilla/5.0 (Linux; Android 12; {model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
    )
}

fn rule(user_agent: impl AsRef<[u8]>) -> String {
    let bot = Agents::builtin().classify(user_agent.as_ref(), None);
    bot.map_or_else(|| "human".to_owned(), |bot| bot.rule.to_string())
}

fn patterns(texts: &[&str]) -> Patterns {
    Patterns::new(texts.iter().map(|text| Pattern::agent(text).unwrap()).collect()).unwrap()
}

struct Hint(&'static str);

impl Headers for Hint {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        if name == "sec-ch-ua" {
            visit(self.0.as_bytes());
        }
    }
}

#[test]
fn a_crawler_is_named() {
    let bot =
        Agents::builtin().classify(b"Mozilla/5.0 (compatible; googlebot/2.1; +http://example.com)", None).unwrap();
    assert_eq!((&*bot.name, bot.category, &*bot.rule), ("Googlebot", Category::Search, "agent:token:Googlebot"));
}

#[test]
fn records_keep_the_version_of_the_rules() {
    let bot = Agents::builtin().classify(b"curl/8.9.1", None).unwrap();
    assert_eq!(*bot.rule_of_version, *format!("{}@{}", bot.rule, Agents::version()));
}

#[test]
fn an_assistant_that_fetches_for_a_person_has_a_category_of_its_own() {
    let bot = Agents::builtin().classify(browser("compatible; ChatGPT-User/1.0;").as_bytes(), None).unwrap();
    assert_eq!(bot.category, Category::AiUser);
}

#[test]
fn an_unknown_crawler_is_known_by_its_words() {
    assert_eq!(rule(browser("AcmeBot/1.0")), "agent:word:bot");
    assert_eq!(rule(browser("acme (+https://acme.example)")), "agent:word:https://");
    assert_eq!(rule(browser("acme ops@acme.example")), "agent:shape:address");
    assert_eq!(rule("Mozilla/5.0 (compatible; Acme/1.0)"), "agent:shape:compatible");
}

#[test]
fn an_empty_user_agent_is_a_bot() {
    assert_eq!(rule(""), "agent:shape:empty");
    assert_eq!(rule("-"), "agent:shape:empty");
}

#[test]
fn what_is_no_browser_is_a_bot() {
    assert_eq!(rule("AcmeSync 3"), "agent:shape:no-browser");
    assert_eq!(rule("Mozilla/5.0"), "agent:shape:no-browser");
}

#[test]
fn a_browser_is_human() {
    assert_eq!(rule(browser("Chrome/131.0.0.0")), "human");
    assert_eq!(rule("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "human");
    assert_eq!(rule("Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18"), "human");
}

#[test]
fn a_browser_inside_an_app_is_human() {
    assert_eq!(rule("[FBAN/FB4A;FBAV/500.0.0.1;FBDV/Pixel 9]"), "human");
    assert_eq!(rule(phone("Pixel 9; wv") + " Instagram 350.0.0.1 Android"), "human");
    assert_eq!(rule(phone("RMX3998 Build/AP3A.240617.008; wv") + " [FB_IAB/FB4A]"), "human");
}

#[test]
fn a_cubot_phone_is_human() {
    assert_eq!(rule(phone("CUBOT NOTE 20")), "human");
    assert_eq!(rule(browser("Cubot")), "human");
}

#[test]
fn a_phone_may_be_called_spider() {
    assert_eq!(rule(phone("Spider 8")), "human");
    assert_eq!(rule(phone("Nexus 5X") + " (compatible; Googlebot/2.1)"), "agent:token:Googlebot");
}

#[test]
fn a_phone_in_an_apps_words_may_be_called_spider_too() {
    let instagram = " Instagram 350.0.0.1 Android (34/14; 480dpi; 1080x2252; Spider; Xbot; x; y; de_DE; 1)";
    assert_eq!(rule(phone("X; wv") + instagram), "human");
    assert_eq!(rule(phone("X; wv") + " [FB_IAB/FB4A;FBAV/500.0;FBCR/Spider Mobile;]"), "human");
}

#[test]
fn an_app_on_a_phone_may_be_about_security() {
    assert_eq!(rule(phone("X; wv") + " AcmeSecurity/1.0"), "human");
    assert_eq!(rule(browser("AcmeSecurity/1.0")), "agent:word:security");
}

#[test]
fn a_tool_that_drives_a_browser_at_a_desk_is_a_bot() {
    assert_eq!(rule(browser("Chrome/131.0.0.0") + " AcmeTest/1.0"), "agent:shape:product");
    assert_eq!(rule(browser("Chrome/131.0.0.0") + " Edg/131.0.0.0"), "human");
    assert_eq!(rule(phone("X") + " AcmeTest/1.0"), "human");
}

#[test]
fn an_attack_is_a_scanner() {
    let bot = Agents::builtin().classify((browser("Chrome/131.0.0.0") + "${jndi:ldap://x}").as_bytes(), None).unwrap();
    assert_eq!(bot.category, Category::Scanner);
}

#[test]
fn chrome_400_is_human() {
    assert_eq!(rule(browser("Chrome/400.0.12345.6789")), "human");
}

#[test]
fn a_chrome_that_never_shipped_is_a_bot() {
    assert_eq!(rule(browser("Chrome/56.0.1535.1682")), "agent:forged-chrome");
}

#[test]
fn a_headless_chrome_is_a_bot_by_its_name_or_by_its_hint() {
    assert_eq!(rule(browser("HeadlessChrome/131.0.0.0")), "agent:token:HeadlessChrome");
    let agents = Agents::builtin();
    let chrome = browser("Chrome/131.0.0.0");
    let bot = agents.classify(chrome.as_bytes(), Some(&Hint(r#""HeadlessChrome";v="131""#))).unwrap();
    assert_eq!((&*bot.rule, bot.category), ("agent:hint:HeadlessChrome", Category::Headless));
    assert_eq!(agents.classify(chrome.as_bytes(), Some(&Hint(r#""Google Chrome";v="131""#))), None);
}

#[test]
fn allow_wins_over_everything() {
    let options = AgentOptions { allow: patterns(&["acme*"]), add: patterns(&["acme*"]), ..AgentOptions::default() };
    assert_eq!(Agents::new(options).classify(b"AcmeBot/1.0", None), None);
}

#[test]
fn an_added_agent_is_a_bot_under_the_name_of_its_pattern() {
    let options = AgentOptions {
        add: patterns(&["*acmeprobe*"]),
        human_categories: BTreeSet::from([Category::Other]),
        ..AgentOptions::default()
    };
    let bot = Agents::new(options).classify(browser("AcmeProbe/2").as_bytes(), None).unwrap();
    assert_eq!((&*bot.name, &*bot.rule), ("*acmeprobe*", "agent:add:*acmeprobe*"));
}

#[test]
fn a_human_category_is_human() {
    let human_categories = BTreeSet::from([Category::AiUser]);
    let agents = Agents::new(AgentOptions { human_categories, ..AgentOptions::default() });
    assert_eq!(agents.classify(b"Mozilla/5.0 (compatible; Claude-User/1.0)", None), None);
    assert!(agents.classify(b"Mozilla/5.0 (compatible; ClaudeBot/1.0)", None).is_some());
}

#[test]
fn what_is_longer_than_a_kibibyte_is_no_browsers() {
    let browser = browser("Chrome/131.0.0.0");
    assert_eq!(rule(browser.clone() + &" ".repeat(1024 - browser.len())), "human");
    assert_eq!(rule(browser.clone() + &" ".repeat(1025 - browser.len())), "agent:shape:too-long");
    let allow = AgentOptions { allow: patterns(&["mozilla*"]), ..AgentOptions::default() };
    assert_eq!(Agents::new(allow).classify((browser + &" ".repeat(8_000)).as_bytes(), None), None);
}

#[test]
fn agents_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    shared(&Agents::builtin());
}

#[test]
fn the_version_is_a_day_and_a_number() {
    let (day, number) = Agents::version().split_once('.').unwrap();
    assert_eq!(day.len(), "2026-11-22".len());
    assert!(number.parse::<u32>().is_ok());
}

proptest! {
    #[test]
    fn no_bytes_can_break_it(start in "(Mozilla/5.0 )?(\\((Linux; Android)?)?(Chrome/5.0.1.)?", noise: Vec<u8>) {
        static AGENTS: std::sync::LazyLock<Agents> = std::sync::LazyLock::new(Agents::builtin);
        let mut text = start.into_bytes();
        text.extend(noise);
        let _ = AGENTS.classify(&text, None);
    }
}
