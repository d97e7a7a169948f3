//! Instructions of a metered page without and with its engagement gathered, for callgrind to count:
//!
//! ```sh
//! cargo bench -p portalmeter-meter --bench instructions --no-run
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='instructions::main' target/release/deps/instructions-*
//! callgrind_annotate --inclusive=yes --tree=caller callgrind.out.* | grep -B4 '[*] .*Meter::take'
//! ```
//!
//! It names what `main` spent in `take` and in `take_and_gather`, for as many requests each.

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
        for asked in &asked {
            meter.take(asked, None);
        }
        for asked in &asked {
            meter.take_and_gather(asked);
        }
    }
    let gathered = meter.read_gathered();
    println!("{gathered} requests were gathered, and as many were not");
}
