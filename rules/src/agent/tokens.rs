//! The words of the rule set: our own list, from what operators of bots publish about them.
//!
//! A change here changes bills: raise [`VERSION`] with it. No whole User-Agent belongs here, and no
//! word that could be a phone's model or an app's name unless its bounds rule that out.

use std::ops::Range;

use super::Category::{self, *};
use Bounds::*;

/// The day of the last change to any rule about agents, and its number on that day.
pub(super) const VERSION: &str = "2026-11-22.1";

/// Words of one category that must stand free in the same way.
pub(super) struct Group {
    pub(super) category: Category,
    pub(super) bounds: Bounds,
    pub(super) texts: &'static [&'static str],
}

/// What must stand around a word for it to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Anything.
    Inside,
    /// No letter or digit before it.
    Start,
    /// No letter after it.
    End,
    /// No letter or digit before it, no letter after it.
    Whole,
}

impl Bounds {
    /// Whether the word at `range` of `text` stands as it must.
    pub(super) fn hold(self, text: &[u8], range: Range<usize>) -> bool {
        let before = range.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let after = text.get(range.end).is_some_and(u8::is_ascii_alphabetic);
        match self {
            Inside => true,
            Start => !before,
            End => !after,
            Whole => !before && !after,
        }
    }
}

const fn group(category: Category, bounds: Bounds, texts: &'static [&'static str]) -> Group {
    Group { category, bounds, texts }
}

/// Parts of phones' and apps' names with a bot's word inside.
pub(super) const HUMAN: &[&str] = &[
    "cubot", "camscan", "newssapphire", "google/google", "google pixel", "googleapp/", "yandexsearch",
    "bsalsa.com", "safari technology preview",
    "metaiab facebook", "fbpageadmin", "gnews", "libhttp", 
];

/// Products that are bots.
pub(super) const TOKENS: &[Group] = &[
    group(Search, Inside, &[
        "Googlebot", "Google-InspectionTool", "Storebot-Google", "AdsBot-Google", "Mediapartners-Google", "APIs-Google",
        "DuplexWeb-Google", "GoogleProducer", "Google-Site-Verification", "Google-Safety", "Google-Adwords-Instant",
        "Google-Structured-Data-Testing-Tool", "Google-Shopping-Quality", "Google-Display-Ads-Bot", "Google-AMPHTML",
        "Google-Youtube-Links", "Google-Transparency-Report", "Google-Sites-Thumbnails", "Google Favicon",
        "Google-Ads-", "GoogleSecurityScanner", "AppEngine-Google", "bingbot", "adidxbot", "msnbot", "Yahoo! Slurp",
        "Yahoo-MMCrawler", "Yahoo! DE Slurp", "YahooSeeker", "YahooCacheSystem", "Y!J-", "YandexBot", "YandexImages",
        "YandexVideo", "YandexMobileBot", "YandexMetrika", "YandexAccessibilityBot", "YandexDirect", "YandexBlogs",
        "YandexNews", "YandexPagechecker", "YandexFavicons", "YandexWebmaster", "YandexCalendar", "YandexSitelinks",
        "YandexMarket", "YandexRenderResourcesBot", "YandexScreenshotBot", "YandexTurbo", "YandexVertis",
        "YandexOntoDB", "YandexRCA", "YandexUserproxy", "YandexMedia", "YandexAntivirus", "YandexForDomain",
        "YandexSpravBot", "YandexSearchShop", "YandexVerticals", "YandexTracker", "YandexTarikov", "Yandex.Translate",
        "Baiduspider", "Baidu-YunGuanCe", "Sogou web spider", "Sogou inst spider", "Sogou Pic Spider", "360Spider",
        "HaosouSpider", "YisouSpider", "Sosospider", "DuckDuckBot", "DuckDuckGo-Favicons-Bot", "SeznamBot",
        "Seznam screenshot", "Exabot", "Qwantbot", "Qwantify", "MojeekBot", "Gigabot", "Gigablast", "coccocbot",
        "NaverBot", "Daumoa", "Mail.RU_Bot", "StractBot", "marginalia", "NeevaBot", "yacybot", "Wotbox", "findxbot",
        "Cliqzbot", "Kagibot", "Rambler", "AltaVista", "FAST-WebCrawler", "FAST Enterprise", "Sidewinder/", "Istella",
        "OrangeBot", "ToutiaoSpider", "Infoseek", "AspiegelBot", "Ask Jeeves", "Teoma", "Bravebot", "PresearchBot",
        "Lycos_Spider", "Apache-Nutch", "Nutch", "Norconex", "Sphere Scout", "Startpagina", "Moreoverbot", "Entireweb",
        "WocBot", "SolomonoBot", "EtaoSpider", "JikeSpider", "EasouSpider", "Speedy Spider", "Accoona", "Scooter/",
    ]),
    group(Search, Whole, &["Yeti", "Daum", "Slurp", "Zyborg", "Plukkie", "Google-Extended", "Vagabondo", "Mnogosearch", "Larbin"]),
    group(AiTraining, Inside, &[
        "GPTBot", "ClaudeBot", "anthropic-ai", "Claude-Web", "CCBot", "Bytespider", "Amazonbot", "meta-externalagent",
        "FacebookBot", "GoogleOther", "Google-CloudVertexBot", "CloudVertexBot", "cohere-ai",
        "cohere-training-data-crawler", "DeepSeekBot", "PanguBot", "TikTokSpider", "AI2Bot", "Diffbot", "omgili",
        "webzio", "ImagesiftBot", "img2dataset", "LAIONDownloader", "laion-huggingface", "ICC-Crawler", "Timpibot",
        "VelenPublicWebCrawler", "ChatGLM-Spider", "TongyiBot", "YiyanBot", "SBIntuitionsBot", "Kangaroo Bot",
        "netEstate", "Panscient", "Brightbot", "FirecrawlAgent", "Firecrawl", "Crawl4AI", "Cotoyogi", 
        "aiHitBot", "ApifyBot", "Apify", "FriendlyCrawler", "Sidetrade indexer",
        "ISSCyberRiskCrawler", "Factset_spyderbot", "KunatoCrawler", "newsai", "TerraCotta", "Terra Cotta",
        "AIWebIndex", "AgentTimes", "GeistHaus", "CragCrawler", "Datenbank Crawler", "MyCentralAIScraper", "HenkBot",
        "Poseidon Research", "Thinkbot", "WRTNBot",
    ]),
    group(AiTraining, Whole, &["Awario", "Crawlspace", "YaK", "LCC"]),
    group(AiSearch, Inside, &[
        "OAI-SearchBot", "Claude-SearchBot", "PerplexityBot", "Applebot", "Amzn-SearchBot", "AzureAI-SearchBot",
        "DuckAssistBot", "YouBot", "PetalBot", "meta-webindexer", "amazon-kendra", "amazon-QBusiness", "bedrockbot",
        "ExaSearchBot", "LinkupBot", "TavilyBot", "iAskBot", "iaskspider", "PhindBot", "Andibot", "Querit",
        "Cloudflare-AutoRAG", "AddSearchBot", "Anomura", "atlassian-bot", "QualifiedBot", "LinerBot", "ZanistaBot",
        "Channel3Bot", "Poggio-Citations", "KlaviyoAIBot", "YandexAdditional", "Aranet-SearchBot", "bigsur.ai",
        "Google-Firebase", 
    ]),
    group(AiUser, Inside, &[
        "ChatGPT-User", "ChatGPT Agent", "ChatGPT/", "Claude-User", "Claude-Code", "Perplexity-User", "MistralAI-User",
        "meta-externalfetcher", "Amzn-User", "Kimi-User", "Shap-User", "ShapBot", "Google-NotebookLM", "NotebookLM",
        "GoogleAgent-URLContext", "GoogleAgent-Mariner", "Google-Agent", "Gemini-Deep-Research", "Google-Gemini-CLI",
        "kagi-fetcher", "NovaAct", "Manus-User", "TwinAgent", "AmazonBuyForMe", "Mozilla-Tabstack", "QuillBot",
        "Grok-", "Google-Read-Aloud", "Bard-", "DuckAssist",
    ]),
    group(AiUser, Whole, &["UseAI", "opencode", "Devin/", "OpenAI", "xAI-", "Operator/"]),
    group(Seo, Inside, &[
        "AhrefsBot", "AhrefsSiteAudit", "SemrushBot", "SiteAuditBot", "SplitSignalBot", "MJ12bot", "dotbot", "rogerbot",
        "BLEXBot", "DataForSeo", "SEOkicks", "serpstatbot", "Screaming Frog", "SearchmetricsBot", "XoviBot", "linkdex",
        "Sistrix", "OnCrawl", "DeepCrawl", "Lumar", "Botify", "Sitebulb", "BacklinkCrawler", "spbot", "LinkpadBot",
        "MegaIndex", "Cocolyzebot", "SeobilityBot", "ZoominfoBot", "Barkrowler", "GrapeshotCrawler", "proximic",
        "AdmantX", "comscore", "Seekport", "SEOlyticsCrawler", "SeoSiteCheckup", "WooRank", "Chrome-Lighthouse",
        "PageSpeed", "W3C_Validator", "W3C-checklink", "W3C_CSS_Validator", "W3C-mobileOK", "Validator.nu", "Nuhtml",
        "LinkChecker", "Xenu Link Sleuth", "Siteimprove", "Silktide", "DareBoost", "CriticalCSS", "SiteSucker", "Dragonfly", "BuiltWith", "Wappalyzer",
        "Monsidobot", "Cookiebot", "OneTrust", "Usercentrics", "TermlyBot", "Cookiehub", "ContentKing", "Ryte",
        "OpenLinkProfiler", "RankActive", "SerendeputyBot", "WebCEO",
        "SEO-", "SEOsearch", "Integralads", "IAS Crawler", "DoubleVerify", "AdBeat", "TTD-Content", "Cincraw",
        "Domain Re-Animator", "DomainStats", "DomainCrawler", "DomainAppender", "Dataprovider", "Netcraft",
    ]),
    group(Seo, Whole, &["ias-va", "ias-or", "ias-ie", "ias-sg", "ias_crawler", "weborama", "SEO", "Zoominfo", "Moatbot"]),
    group(Monitoring, Inside, &[
        "UptimeRobot", "Uptime-Kuma", "Pingdom", "Site24x7", "StatusCake", "kube-probe", "ELB-HealthChecker", "GoogleHC",
        "GoogleStackdriverMonitoring", "Consul Health Check", "Blackbox Exporter", "check_http",
        "Datadog", "DatadogSynthetics", "NewRelicPinger", "NewRelicSynthetics", "Dynatrace", "Ruxit", "Catchpoint",
        "GTmetrix", "PTST/", "WebPageTest", "SpeedCurve", "DebugBear", "Checkly", "BetterUptime",
        "Better Uptime", "Better Stack", "HetrixTools", "Freshping", "Oh Dear", "OhDear", "updown.io", "NodePing",
        "Nagios", "Zabbix", "Icinga", "PRTG", "Monit/", "Montastic", "Uptimia", "Uptime.com", "Hyperspin", "SiteUptime",
        "CopperEgg", "Panopta", "AlertSite", "ThousandEyes", "AppDynamics", "Sentry/",
        "SentryUptime", "Cloudflare-Healthchecks", "Cloudflare-Traffic-Manager", "Cloudflare-SmartTransit",
        "Cloudflare-SSLDetector", "Cloudflare Custom Hostname", "CloudFlare-AlwaysOnline", "Amazon-Route53-Health",
        "Amazon CloudFront", "Route53", "AzureTrafficManager", "Edge Health Probe", "HealthCheck", "Health-Check",
        "Health Check", "Varnish", "HAProxy", "Envoy/HC", "Grafana", "Prometheus", "InternetVista", "WormlyBot",
        "Wormly", "Monitis", "ServerDensity", "StatusOK", "StatusHub", "AppSignal", "Honeybadger", "Yottaa",
        "monitor.us", "WatchMouse", "Uptimebot", "Apex Ping", "dotcom-monitor", "Xymon", "RackspaceBot",
        "CloudWatchSynthetics", "AmazonCloudWatch", "Rackspace Monitoring", "LogicMonitor", "SolarWinds", "SiteScan",
        "GomezAgent", "Pingometer", "iplabel", "ip-label", "CloudflareDiagnostics", "PingAdmin", "Pulsetic", "OpenNMS", "Phabricator", "MonTools", "Instana",
    ]),
    group(LinkPreview, Inside, &[
        "facebookexternalhit", "facebookcatalog", "facebookplatform", "Facebot", "Twitterbot", "LinkedInBot", "Slackbot",
        "Slack-ImgProxy", "Discordbot", "TelegramBot", "SkypeUriPreview", "BingPreview", "MicrosoftPreview",
        "redditbot", "Pinterestbot", "Pinterest/0", "Embedly", "Iframely", "Google Web Preview", "GoogleImageProxy",
        "Google-PageRenderer", "YahooMailProxy", "Yahoo Link Preview", "vkShare", "OdklBot", 
        "Mastodon/", "Pleroma", "Misskey/", "Akkoma", "Friendica", "Lemmy/", "Cardyb", "Viberbot",
        "WeChatShareExtension", "Snap URL Preview", "KakaoTalk-Scrap", "LineSpider", "Line-Parts",
        "Nextcloud Server", "Zoombot", "Embed PHP Library", "XING-content", 
        "FlipboardProxy", "FlipboardRSS", "Quora Link Preview", "Quora-Bot", "outbrain", "Taboola", 
        "Microsoft URL Control", "ms-office", "Office Existence Discovery", "DuckDuckPreview", 
        "Jetslide", "Bitlybot", "Signal/Preview", "Synapse (bot", 
        "TweetmemeBot", "LinkArchiver", "urlpreview",
    ]),
    group(LinkPreview, Start, &["WhatsApp/2"]),
    group(HttpLibrary, Start, &[
        "curl", "libcurl", "PycURL", "Wget", "python-requests", "python-urllib", "Python/", "python-httpx", "aiohttp",
        "httplib2", "Go-http-client", "Go http package", "Go 1.1 package", "okhttp", "Java/", "Java1.",
        "Jakarta Commons-HttpClient", "Apache-HttpClient", "Apache-HttpAsyncClient", "AsyncHttpClient",
        "AHC/", "Jersey/", "RestTemplate", "ReactorNetty", "Vert.x", "axios", "node-fetch", "node.js", "undici",
        "superagent", "got (", "got/", "request.js", "Needle/", "Deno/", "Bun/", "LWP::", "lwp-",
        "WWW-Mechanize", "Mechanize", "Mojolicious", "PECL::HTTP", "PHP/", "PHPCrawl", "GuzzleHttp",
        "Guzzle", "Symfony HttpClient", "Zend_Http_Client", "Zend\\Http", "Snoopy", "Ruby", "rest-client", "Faraday",
        "Typhoeus", "httprb", "http.rb", "EventMachine", "hyper/", "reqwest", "ureq", "surf/", "isahc",
        "Dart/", "Embarcadero URI Client", "Indy Library", "Synapse", "WinHttp", "WinInet", "Microsoft-CryptoAPI",
        "Microsoft BITS", "WindowsPowerShell", "PowerShell/", "RestSharp", "Refit/", "Postman", "PostmanRuntime",
        "insomnia", "HTTPie", "xh/", "Paw/", "Alamofire", "CFNetwork", "fasthttp", "resty", "req/", "Finagle",
        "scalaj-http", "akka-http", "sttp", "Clojure", "clj-http", "aria2", "axel", "libfetch", "fetch lib",
        "lftp", "Lua-", "LuaSocket", "lua-resty-http", "Erlang", "hackney", "ibrowse/", "httpc", "ColdFusion",
        "CakePHP", "Drupal", "WordPress", "Joomla", "Typo3", "MagpieRSS", "SimplePie", "Laminas_Http_Client",
        "Boto", "aws-sdk", "aws-cli", "Azure-", "kubectl", "Helm/", "docker/", "containerd", "git/", "GitLab", "JGit",
        "Composer/", "npm/", "pip/", "Homebrew", "Cargo/", "apt-", "Debian APT", "Ansible", "Puppet", "Terraform",
        "Jenkins", "k6/", "JMeter", "Gatling", "hey/", "vegeta", "Locust", "ApacheBench", "Artillery", "Siege", "wrk/",
        "davfs2", "neon/", "gvfs", "cadaver", "Microsoft-WebDAV", "HTTP_Request", "HTTP Banner",
        "Sofa-", "unirest", "Nuxt", "Next.js", "Vercel", "cloudscraper", "cpp-httplib", "Boost.Beast", "libsoup",
        "POE-Component-Client", "HTTP-Tiny", "http-tiny", "MSXML", "XMLHTTP", "Xpcom", 
    ]),
    group(Scanner, Inside, &[
        "Nmap", "masscan", "zgrab", "CensysInspect", "Censys", "Shodan", "Expanse", "Nikto", "sqlmap", "WPScan",
        "Nessus", "OpenVAS", "Acunetix", "Netsparker", "Qualys", "Burp", "OWASP", "ZAP/", "dirbuster", "gobuster",
        "feroxbuster", "ffuf", "wfuzz", "nuclei", "httpx", "Arachni", "w3af", "skipfish", "Detectify", "Intruder",
        "Probely", "HackerOne", "BitSight", "SecurityScorecard", "SecurityTrails", "InternetMeasurement", "NetSystems",
        "l9explore", "l9tcpid", "LeakIX", "Palo Alto", "Xpanse", "RiskIQ", "PassiveTotal", "Sucuri", "SiteLock",
        "Quttera", "VirusTotal", "urlscan", "CheckMarkNetwork", "PhishTank", "SSL Labs", "SSLLabs", "testssl",
        "CloudMapping", "Project Discovery", "ProjectDiscovery", "TLS tester", "Fuzz Faster", "Hello, World",
        "Hello World", "WhatWeb", "WhatCMS", "CMSeeK", "Jorgee", "Morfeus", "ZmEu", "Muieblackcat", "DataCha0s",
        "fimap", "Havij", "Security.txt", "securitytxt", "MaxPoint", "Recorded Future", "RecordedFuture",
        "Barracuda", "TrendMicro", "BlueCoat", "Cyveillance", "ClamAV",
        "Copyscape", "Turnitin", "PlagScan", "TinEye", "Digimarc", "BrandVerity", "MarkMonitor", "PicScout", "Pixray",
        "Cloud mapping", "ModatScanner", "Onyphe", "CriminalIP", "BinaryEdge", "IPIP.NET", "Hadrian", "Hardenize", "xtate", "Stretchoid",
        "research-scan", "research scan", "HttpScan", "visionheight", "pathscan", "Gather Analyze Provide",
    ]),
    group(Headless, Inside, &[
        "HeadlessChrome", "HeadlessEdg", "HeadlessShell", "PhantomJS", "SlimerJS", "CasperJS", "Puppeteer", "Playwright",
        "Selenium", "WebDriver", "Cypress", "Electron/HTML", "HtmlUnit", "Splash", "Nightmare", "TestCafe", "Lightpanda",
        "wkhtmltopdf", "wkhtmltoimage", "WeasyPrint", "PrinceXML", "Prince/", "Prerender", "Rendertron", "Cloudinary",
        "Browsershot", "BrowserStack", "Sauce Labs", "Applitools", "Zombie.js", "jsdom", "Awesomium",
        "CutyCapt", "webkit2png", "WebThumb", "Screenshot", "ScreenShotAPI", "urlbox", "Thumbnail", "Thumbor",
        "Wkhtml", "Scrapy-splash", "Browserless", "EvoHtmlToPdf", "PDFCrowd", "HTML2PDF", "mPDF", "DOMPDF", "PDFreactor",
    ]),
    group(Feed, Inside, &[
        "FeedFetcher", "Feedly", "Feedbin", "Feedspot", "FeedBurner", "NewsBlur", "Inoreader", "Tiny Tiny RSS", "Miniflux",
        "FreshRSS", "Feedwind", "FeedValidator", "FeedDemon", "BazQux", "NetNewsWire", "NetVibes", "Bloglines",
        "Bloglovin", "SuperFeedr", "theoldreader", "The Old Reader", "Feedzirra", "Feedjira", "feedparser",
        "UniversalFeedParser", "Universal Feed Parser", "QuiteRSS", "Liferea", "Akregator",
        "Newsboat", "Newsbeuter", "rawdog", "rss2email", "Podcast", "Podbean", "Overcast", "AntennaPod", "gPodder",
        "iTMS", "Stitcher", "Blubrry", "Podchaser", "Podtrac", "Planet Venus",
        "Feedable", "Feedeen", "Feed Wrangler", "FeedHQ", "FeedPress", "Feed-", "Feeder.co", "Yahoo Pipes",
        "YahooFeedSeeker", "Google-Podcast", "GoogleFeed", "Windows-RSS-Platform", "Vienna/", "Winds:", "CommaFeed",
        "selfoss", "Stringer", "RSSingBot", "Kinja", "NewsGator", "NewsNow", "Awasu",
    ]),
    group(Archiver, Inside, &[
        "ia_archiver", "archive.org_bot", "Internet Archive", "Wayback", "heritrix", "archive.today", "ArchiveTeam",
        "ArchiveBot", "ArchiveBox", "HTTrack", "WebCopier", "WebZIP", "Offline Explorer", "WebStripper",
        "WebReaper", "BlackWidow", "Webarchive", "perma.cc", "NetCopy", "Offline Navigator",
        "Web Downloader", "WebCapture", "PageFreezer", "Smarsh", "MirrorWeb", "Hanzo", "Arquivo-web", "Nicecrawler",
        "SingleFile", "Wallabag", "PocketParser", "PocketImageCache", "Instapaper", "Pinboard", "Diigo",
        "Raindrop", "LinkWarden", "Linkding", "Zotero", "OCLC", "Webrecorder", "Browsertrix", "Grab-site", "UbiCrawler",
    ]),
    group(Other, Inside, &[
        "Scrapy", "colly", "Grub-client", "80legs", "008/", "Google-Apps-Script",
        "GoogleDocs", "GoogleAssociationService", "Google-Ad", "Google-Test", "CloudFlare-Prefetch",
        "IFTTT", "Zapier", "Integromat", "n8n", "Huginn", "Genieo", "OpenGraph", "Nimbostratus",
        "Mediatoolkit", "Meltwater", "Brandwatch", "magpie-crawler", "Trendiction", "TrendsmapResolver", "Talkwalker",
        "ScoutJet", "Cision", "Linguee", "Owlin", "Crowdsource", "Buck/", "Ezooms", "heartrails",
        "um-LN", "UnwindFetchor", "JobboerseBot", "Jooble", "AppInsights", "Hatena", "HatenaAntenna", "Livelap",
        "Bidtellect", "Adscanner", "AdsTxt", "adstxt", "ads.txt", "Criteo", "PaperLi", "ContextAd", "CrystalSemantics", "Datanyze", "Hotjar", "Marketgoo", "Scope3", "Geedo", "Nitro-Optimizer",
    ]),
];

/// Words that only bots use of themselves.
pub(super) const WORDS: &[Group] = &[
    group(Other, End, &["bot", "bots", "agent", ".com", ".org", "-google"]),
    group(Other, Inside, &[
        "crawl", "spider", "spyder", "scrape", "scraping", "harvest", "fetcher", "indexer", "ingest", "(at)", "http://", "https://", "classifier", "diagnostic", "transcoder", "www.",
        "[at]", "href=", "webmaster", "lookup", "extractor", "collector", "aggregat", "analyzer", "analyser", "parser",
        "agent/", "sitemap", "resolver", "verifier", "wordpress.com", 
    ]),
    group(Other, Start, &["google-"]),
    group(Other, Whole, &["fetch", "bot_", "probe", "researchscan", "data collection", "studies"]),
    group(Monitoring, Inside, &["monitor", "uptime", "checker", "pinger", "healthz", "benchmark", "synthetic"]),
    group(Monitoring, Whole, &["check", "ping"]),
    group(Scanner, Inside, &["scanner", "validator", "security", "vulnerab", "inspect", "pentest", "exploit"]),
    group(Scanner, Whole, &["scan", "scans"]),
    group(Headless, Inside, &["headless"]),
    group(Archiver, Inside, &["archive", "downloader", "site copy", ]),
    group(Feed, Inside, &["feedreader", "newsreader", "feed/"]),
    group(Feed, Whole, &["feeds", "feed", "rss"]),
    group(LinkPreview, Inside, &["preview", "thumbnail", "favicon", "unfurl", "oembed"]),
    group(HttpLibrary, Inside, &["httpclient", "http-client", "http_client", "http client", "httplib", "libwww", "urllib"]),
];
