//! Instructions of a metered page without and with its engagement gathered, for callgrind to count:
//!
//! ```sh
//! cargo bench -p portalmeter-meter --bench instructions --no-run
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*Meter*take' target/release/deps/instructions-*
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*Meter*take_and_gather' target/release/deps/instructions-*
//! ```
//!
//! What is collected, divided by what this prints, is the count of one request.

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use traffic::Meter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VISITORS: u32 = 500;
const TURNS: u32 = 10;

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn main() {
    let (meter, browsers) = Meter::visited(VISITORS);
    let asked: Vec<_> = browsers.iter().map(|browser| meter.asked(*browser)).collect();
    for _ in 0..TURNS {
        asked.iter().for_each(|asked| meter.take(asked, None));
        asked.iter().for_each(|asked| meter.take_and_gather(asked));
    }
    let gathered = meter.read_gathered();
    println!("{gathered} requests were gathered; as many, and the {} of the beginning, were not", VISITORS * 2);
}
