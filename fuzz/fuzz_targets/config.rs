//! A configuration: refused with problems that can be printed, or able to run.
//!
//! Input: the file's text. Relative paths lie in `fuzz/portals`.

#![no_main]

use std::path::Path;

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use portalmeter::fuzz::{Meter, Passed};
use portalmeter_meter::offline::Offline;

fuzz_target!(|text: &str| {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/portals"));
    match Meter::new(text, dir, b"a secret of thirty-two bytes, say") {
        Ok((meter, told)) => {
            assert!(told.iter().all(|words| !words.is_empty()));
            runs(&meter);
        }
        Err(told) => assert!(told.iter().all(|words| !words.is_empty())),
    }
});

fn runs(meter: &Meter) {
    let mut request = HeaderMap::new();
    request.insert(
        "user-agent",
        http::HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"),
    );
    let mut response = HeaderMap::new();
    response.insert("content-type", http::HeaderValue::from_static("text/html"));
    let mut sink = Offline::new(meter.memory());
    for (at, target) in
        [(1_773_306_000_000, "/"), (1_773_306_001_000, "/embed/chat/open"), (1_773_306_002_000, "/logout")]
    {
        let passed = Passed {
            at,
            peer: [203, 0, 113, 9].into(),
            method: "GET",
            authority: "support.example.com:8080",
            target: target.as_bytes(),
            request: &request,
            status: 200,
            response: &response,
        };
        meter.take(&passed, &mut sink);
    }
    sink.usage();
}
