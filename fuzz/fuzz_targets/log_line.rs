//! An access log: as JSON lines, as `combined`, and as whichever it looks like.
//!
//! Input: the log.

#![no_main]

use std::io::{Cursor, Read};
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use portalmeter::fuzz::{LogLine, Meter, read_log};

thread_local! {
    static METER: Meter = {
        let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/portals"));
        Meter::new(include_str!("../portals/log.toml"), dir, b"a secret of thirty-two bytes, say").map_or_else(|told| panic!("{told:?}"), |made| made.0)
    };
}

fuzz_target!(|log: &[u8]| {
    let looks_like_json = filled(log).next().is_some_and(|line| line.starts_with(b"{"));
    let auto = read_log(Cursor::new(log.to_vec()), None);
    for jsonl in [false, true] {
        let lines = read_log(Cursor::new(log.to_vec()), Some(jsonl));
        assert_eq!(lines.len(), filled(log).count());
        for (line, alone) in lines.iter().zip(filled(log)) {
            // A byte order mark is only one at the very beginning.
            if !alone.starts_with(b"\xef\xbb\xbf") {
                let read = read_log(Cursor::new(alone.to_vec()), Some(jsonl));
                assert_eq!(read, std::slice::from_ref(line), "the lines before change what a line says");
            }
            check(line);
        }
        assert_eq!(
            read_log(Sips(Cursor::new(log.to_vec())), Some(jsonl)),
            lines,
            "it matters how much is read at once"
        );
        if jsonl == looks_like_json {
            assert_eq!(auto, lines);
        }
        METER.with(|meter| meter.fresh().replay(Cursor::new(log.to_vec()), Some(jsonl)).usage());
    }
});

/// The lines with anything in them, as the reader sees them.
fn filled(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    let blank = |byte: &u8| *byte <= b' ';
    let log = log.strip_prefix(b"\xef\xbb\xbf").unwrap_or(log);
    log.split(|&byte| byte == b'\n')
        .map(move |line| {
            let start = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
            let end = line.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
            &line[start..end]
        })
        .filter(|line| !line.is_empty())
}

fn check(line: &LogLine) {
    match line {
        LogLine::Read { at, method, host, target, status, told, kept } => {
            assert!((-86_400_000..253_370_764_800_000).contains(at), "{at}");
            assert!(
                !method.is_empty() && method.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            );
            assert!(host.as_ref().is_none_or(|host| *host == host.to_ascii_lowercase()), "{host:?}");
            assert!(target.starts_with(b"/") && (100..1000).contains(status));
            assert_eq!(told, kept, "a line that is kept says something else");
        }
        LogLine::Skipped(why) => assert!(!why.is_empty() && !why.contains(char::is_control), "{why:?}"),
    }
}

/// Seven bytes at a time.
struct Sips(Cursor<Vec<u8>>);

impl Read for Sips {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(7);
        self.0.read(&mut buffer[..most])
    }
}
