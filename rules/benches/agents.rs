//! What it costs to judge a User-Agent that was never seen before: browsers', bots', noise.
//!
//! Each round judges the next of 4,096, twice as many as are remembered. None of the kinds may cost
//! five times another, and none more than 400 ns in the median: whoever sends the worst of them
//! would otherwise slow down everybody else.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use portalmeter_rules::agent::Agents;

const MANY: u64 = 4096;

/// A kind of User-Agents, and how to make the one of a number.
type Kind = (&'static str, fn(u64) -> Vec<u8>);

fn judge(criterion: &mut Criterion) {
    let agents = Agents::builtin();
    let mut group = criterion.benchmark_group("agents");
    let kinds: [Kind; 6] = [
        ("browsers", browser),
        ("phones", phone),
        ("in apps", in_app),
        ("bots", bot),
        ("random bytes", noise),
        ("8 KiB", long),
    ];
    for (name, make) in kinds {
        let texts: Vec<_> = (0..MANY).map(make).collect();
        let mut next = texts.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| agents.classify(black_box(next.next().map_or(&[], Vec::as_slice)), None));
        });
    }
    group.finish();
}

fn browser(number: u64) -> Vec<u8> {
    let (major, patch) = (80 + number % 70, number);
    match number % 4 {
        0 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.{patch} Safari/537.36"
        ),
        1 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36 Edg/{major}.0.0.{patch}"
        ),
        2 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{patch} Safari/605.1.15"
        ),
        _ => format!("Mozilla/5.0 (X11; Linux x86_64; rv:{major}.{patch}) Gecko/20100101 Firefox/{major}.{patch}"),
    }
    .into_bytes()
}

fn phone(number: u64) -> Vec<u8> {
    let major = 80 + number % 70;
    format!(
        "Mozilla/5.0 (Linux; Android 14; SM-{number:X}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Mobile Safari/537.36"
    )
    .into_bytes()
}

fn in_app(number: u64) -> Vec<u8> {
    format!(
        "Mozilla/5.0 (Linux; Android 14; SM-S{number}B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0.6778.39 Mobile Safari/537.36 Instagram 313.0.0.26.328 Android (33/13; 480dpi; 1080x2252; samsung; SM-S{number}B; dm3q; qcom; de_DE; {number})"
    )
    .into_bytes()
}

fn bot(number: u64) -> Vec<u8> {
    let version = number / 8;
    match number % 8 {
        0 => format!("Mozilla/5.0 (compatible; Acme{number}Bot/{version}; +https://acme.example/bot)"),
        1 => format!(
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.{number} Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        ),
        2 => format!("python-requests/2.{version}"),
        3 => format!("Acme{number} Fetcher {version}"),
        4 => format!(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.{number} Safari/537.36"
        ),
        5 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 AcmeTest/{number}"
        ),
        6 => format!("Mozilla/5.0 (Acme {number})"),
        _ => format!("curl/8.{version}"),
    }
    .into_bytes()
}

/// As long as a browser's, of bytes that a header may have.
fn noise(number: u64) -> Vec<u8> {
    random(number, 120)
}

fn long(number: u64) -> Vec<u8> {
    let mut text = b"Mozilla/5.0 (".to_vec();
    text.extend(random(number, 8 * 1024));
    text
}

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b' ' + (state >> 32) as u8 % 95
    };
    (0..length).map(|_| next()).collect()
}

criterion_group!(benches, judge);
criterion_main!(benches);
