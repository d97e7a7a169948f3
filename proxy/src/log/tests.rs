//! Whole logs in, lines out.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::why::Why;
use super::*;

/// Remembers what it is told.
#[derive(Default)]
struct Notes {
    lines: Vec<String>,
    skipped: Vec<(u64, Why)>,
    progress: Vec<u64>,
    enough: Option<usize>,
}

impl Listener for Notes {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        self.lines.push(written(line));
        if self.enough == Some(self.lines.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn skipped(&mut self, skipped: &Skipped<'_>) {
        assert!(!skipped.to_string().is_empty());
        self.skipped.push((skipped.number, skipped.why.clone()));
    }

    fn progress(&mut self, bytes: u64) {
        self.progress.push(bytes);
    }
}

/// A line as the golden files write it.
fn written(line: &Line<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', "\\n");
    let at = jiff::Timestamp::from_millisecond(line.at).unwrap();
    let mut out = format!("{at} {} {} {} {}", line.client, text(line.method), text(line.target), line.status);
    for (name, value) in [("host", line.host.map(str::as_bytes)), ("user", line.remote_user)] {
        if let Some(value) = value {
            write!(out, " {name}={}", text(value)).unwrap();
        }
    }
    for (mark, fields) in [('>', line.request_headers), ('<', line.response_headers)] {
        for (name, value) in fields.iter() {
            write!(out, " {mark} {}: {}", text(name), text(value)).unwrap();
        }
    }
    out
}

fn read_files(files: &[impl AsRef<Path>], format: Format) -> (Notes, Totals) {
    let inputs: Vec<_> = files.iter().map(|file| Input::File(file.as_ref().into())).collect();
    let mut notes = Notes::default();
    let totals = each_line(&inputs, format, &mut notes).unwrap();
    assert_eq!((totals.lines, totals.skipped), (notes.lines.len() as u64, notes.skipped.len() as u64));
    assert_eq!(totals.bytes, notes.progress.last().copied().unwrap_or_default());
    (notes, totals)
}

/// Reads `log` from a file of this name.
fn read(name: &str, log: &[u8], format: Format) -> (Notes, Totals) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    fs::write(&file, log).unwrap();
    read_files(&[file], format)
}

fn check_golden(golden: &str, format: Format) {
    let rows: Vec<_> = golden.lines().filter(|row| !row.is_empty() && !row.starts_with('#')).collect();
    for pair in rows.chunks(2) {
        let [line, wanted] = pair else { panic!("a line without its outcome: {pair:?}") };
        let (notes, _) = read("access", line.as_bytes(), format);
        if let Some(wanted) = wanted.strip_prefix("=> ") {
            assert_eq!(notes.lines, [wanted], "{line}\n{:?}", notes.skipped);
        } else {
            let wanted = wanted.strip_prefix("!> ").unwrap();
            let why = notes.skipped.first().map(|(_, why)| why.to_string()).unwrap_or_default();
            assert!(why.contains(wanted), "{line}\nwanted: {wanted}\ngot:    {why} {:?}", notes.lines);
            assert!(notes.lines.is_empty());
        }
    }
}

#[test]
fn combined_lines_are_read_as_the_golden_file_says() {
    check_golden(include_str!("golden/combined.txt"), Format::Combined);
}

#[test]
fn json_lines_are_read_as_the_golden_file_says() {
    check_golden(include_str!("golden/jsonl.txt"), Format::Jsonl);
}

fn combined(client: u8, second: usize, path: &str) -> String {
    let (minute, second) = (second / 60 % 60, second % 60);
    format!(
        "203.0.113.{client} - - [12/Mar/2026:23:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" 200 1 \"-\" \"a\"\n"
    )
}

fn gzip(log: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(log).unwrap();
    encoder.finish().unwrap()
}

fn paths(notes: &Notes) -> Vec<&str> {
    notes.lines.iter().map(|line| line.split(' ').nth(3).unwrap()).collect()
}

#[test]
fn a_log_settles_on_the_format_of_its_first_line() {
    let json = r#"{"time":1,"client":"203.0.113.9","method":"GET","path":"/x","status":200}"#;
    let plain = combined(1, 0, "/y");
    let (notes, totals) = read("a", format!("\n \r\n{json}\n{plain}").as_bytes(), Format::Auto);
    assert_eq!((totals.lines, totals.skipped, notes.skipped[0].0), (1, 1, 4));
    let (notes, totals) = read("a", format!("{plain}{json}").as_bytes(), Format::Auto);
    assert_eq!((totals.lines, totals.skipped, notes.skipped[0].0), (1, 1, 2));
    assert!(notes.skipped[0].1.hint().unwrap().contains("JSON"));
}

#[test]
fn headers_are_found_in_any_case() {
    struct Look;
    impl Listener for Look {
        fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
            let request = line.request();
            assert_eq!(request.user_agent(), b"M");
            assert!(request.https && request.trusted_peer);
            assert!(!request.headers.has("cookie"));
            let mut cookies = Vec::new();
            line.response().headers.each("set-cookie", &mut |value| cookies.push(value));
            assert_eq!(cookies, [b"a", b"b"]);
            ControlFlow::Continue(())
        }
        fn skipped(&mut self, skipped: &Skipped<'_>) {
            panic!("{skipped}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let line = r#"{"time":1,"client":"::1","method":"GET","path":"/","status":200,"request_headers":{"USER-agent":"M","X-Forwarded-Proto":"HTTPS","Cookie":"-"},"response_headers":{"Set-Cookie":["a","b"]}}"#;
    fs::write(&file, line).unwrap();
    assert_eq!(each_line(&[Input::File(file)], Format::Auto, &mut Look).unwrap().lines, 1);
}

#[test]
fn a_compressed_log_is_the_log_by_magic_or_by_name() {
    let log: String = (0..5000).map(|n| combined(1, n, &format!("/{n}"))).collect();
    let (head, tail) = log.as_bytes().split_at(log.len() / 2 + 11);
    let plain = read("a", log.as_bytes(), Format::Auto).0.lines;
    assert_eq!(plain.len(), 5000);
    let members = [gzip(head), gzip(tail)].concat();
    let frames = [zstd::encode_all(head, 1).unwrap(), zstd::encode_all(tail, 1).unwrap()].concat();
    for (name, packed) in [("a.gz", &members), ("a", &members), ("a.zst", &frames), ("a.log.GZ", &frames)] {
        let (notes, totals) = read(name, packed, Format::Auto);
        assert!(notes.lines == plain && totals.failed.is_empty(), "{name}");
        assert_eq!(totals.bytes, packed.len() as u64);
    }
    assert!(read("a.gz", b"", Format::Auto).1.failed.is_empty());
    assert_eq!(read("a.gz", log.as_bytes(), Format::Auto).1.failed.len(), 1);
}

#[test]
fn a_compressed_log_cut_short_keeps_its_whole_lines_and_says_so() {
    let log: String = (0..300).map(|n| combined(1, n, &format!("/{n}"))).collect();
    let plain = read("a", log.as_bytes(), Format::Auto).0.lines;
    for (name, packed) in [("a.gz", gzip(log.as_bytes())), ("a.zst", zstd::encode_all(log.as_bytes(), 1).unwrap())] {
        for length in 1..packed.len() {
            let (notes, totals) = read(name, &packed[..length], Format::Auto);
            assert_eq!((totals.failed.len(), totals.skipped), (1, 0), "{name} of {length} bytes");
            assert_eq!(notes.lines, plain[..notes.lines.len()]);
        }
    }
}

#[test]
fn a_bomb_is_one_long_line() {
    let (_, totals) = read("a.gz", &gzip(&vec![0; 50_000_000]), Format::Auto);
    assert_eq!((totals.lines, totals.skipped), (0, 1));
}

#[test]
fn one_broken_log_does_not_keep_the_others_from_being_read() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut.gz"));
    fs::write(&whole, combined(1, 0, "/a")).unwrap();
    fs::write(&cut, &gzip(combined(1, 0, "/b").as_bytes())[..20]).unwrap();
    let (notes, totals) = read_files(&[cut, whole], Format::Auto);
    assert_eq!(paths(&notes), ["/a"]);
    assert!(totals.failed[0].to_string().contains("cut.gz"));
}

#[test]
fn a_log_that_cannot_be_opened_ends_the_run_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::write(&log, combined(1, 0, "/a")).unwrap();
    for missing in [dir.path().join("none"), dir.path().into()] {
        let mut notes = Notes::default();
        let error = each_line(&[Input::File(log.clone()), Input::File(missing)], Format::Auto, &mut notes);
        assert!(matches!(error, Err(LogError::Open { .. })) && notes.lines.is_empty());
    }
    let twice = each_line(&[Input::Stdin, Input::Stdin], Format::Auto, &mut Notes::default());
    assert!(matches!(twice, Err(LogError::StandardInputTwice)));
}

#[test]
fn logs_are_merged_by_time_and_each_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let logs = [
        [(0, "/a0"), (5, "/a5"), (2, "/a2"), (9, "/a9")].as_slice(),
        &[(1, "/b1"), (5, "/b5"), (8, "/b8")],
        &[],
        &[(0, "/d0"), (10, "/d10")],
    ];
    let files: Vec<_> = logs
        .iter()
        .enumerate()
        .map(|(n, log)| {
            let file = dir.path().join(n.to_string());
            fs::write(&file, log.iter().map(|(second, path)| combined(1, *second, path)).collect::<String>()).unwrap();
            file
        })
        .collect();
    let (notes, _) = read_files(&files, Format::Auto);
    assert_eq!(paths(&notes), ["/a0", "/d0", "/b1", "/a5", "/a2", "/b5", "/b8", "/a9", "/d10"]);
}

#[test]
fn a_listener_that_has_enough_is_told_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    fs::write(&file, (0..10).map(|n| combined(1, n, "/x")).collect::<String>()).unwrap();
    for inputs in [vec![Input::File(file.clone())], vec![Input::File(file.clone()), Input::File(file)]] {
        let mut notes = Notes { enough: Some(3), ..Notes::default() };
        assert_eq!(each_line(&inputs, Format::Auto, &mut notes).unwrap().lines, 3);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_taken_as_they_are() {
    let (notes, _) = read(
        "a",
        b"203.0.113.9 - \xff [12/Mar/2026:23:40:00 +0000] \"GET /\xfe\0 HTTP/1.1\" 200 1 \"-\" \"\xfd\"\r",
        Format::Auto,
    );
    assert_eq!(
        notes.lines,
        ["2026-03-12T23:40:00Z 203.0.113.9 GET /\u{fffd}\0 200 user=\u{fffd} > user-agent: \u{fffd}"]
    );
    let (notes, _) = read("a", b"{\"time\":1,\"client\":\"\xff\"}", Format::Auto);
    assert!(matches!(notes.skipped[0].1, Why::Json { .. }));
}

/// A generator that gives the same numbers for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// Real lines with bytes changed, dropped, doubled and moved, and plain noise.
fn garbage(dice: &mut Dice) -> Vec<u8> {
    const SPICE: &[u8] = b"\"\\[] {}:,-/x0\0\xff\r\xf0";
    let golden = [include_str!("golden/combined.txt"), include_str!("golden/jsonl.txt")][dice.below(2)];
    let rows: Vec<_> = golden.lines().collect();
    let mut line = rows[dice.below(rows.len())].as_bytes().to_vec();
    if dice.below(10) == 0 {
        line = (0..dice.below(200)).map(|_| dice.below(256) as u8).collect();
    }
    for _ in 0..dice.below(6) {
        let at = dice.below(line.len() + 1);
        match dice.below(5) {
            0 => line.truncate(at),
            1 => line.insert(at, SPICE[dice.below(SPICE.len())]),
            2 => line.insert(at, dice.below(256) as u8),
            3 if at < line.len() => drop(line.remove(at)),
            _ => line.rotate_left(at),
        }
    }
    line
}

#[test]
fn garbage_never_panics_and_every_line_is_accounted_for() {
    for seed in 0..40 {
        let dice = &mut Dice(seed);
        let log = (0..500).map(|_| garbage(dice)).collect::<Vec<_>>().join(&b'\n');
        let whole = log.split(|byte| *byte == b'\n').filter(|line| line.iter().any(|byte| *byte > b' ')).count();
        for format in [Format::Auto, Format::Combined, Format::Jsonl] {
            let (_, totals) = read("a", &log, format);
            assert_eq!((totals.lines + totals.skipped) as usize, whole, "seed {seed}");
        }
    }
}
