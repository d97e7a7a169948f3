//! A full, a read-only and a stalled disk: traffic goes on, counting goes on in memory, readiness says so,
//! nothing already counted is lost, and when the disk is back the counts are right.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

mod faults {
    pub(crate) mod crowd;
    pub(crate) mod meter;
    pub(crate) mod mount;
    pub(crate) mod origin;
    pub(crate) mod wire;
}

use std::fs;
use std::path::Path;
use std::time::Duration;

use faults::crowd::Truth;
use faults::meter::{Counted, Options, Running, Setup, until};
use faults::mount::Mount;
use faults::origin::Origin;

/// A page that waits for a disk shows in the middle, not only in the slowest few.
const QUICK: Duration = Duration::from_millis(100);
const DRAIN: &str = "2s";
/// `drain`, and what it takes to write out what there is.
const GONE: Duration = Duration::from_secs(8);

fn setup(dir: &Path, mount: &Mount) -> Setup {
    let origin = Origin::of_pages();
    let data_dir = mount.at.join("data");
    Setup::new(dir, &Options { drain: DRAIN, ..Options::of(origin.address, &data_dir) })
}

/// Visits until journal and store have both noticed; every visitor gets a page, and quickly.
fn visits_until_it_hurts(running: &Running, truth: &Truth) {
    truth.forget_waits();
    until("journal and store notice", || {
        truth.visits(running.setup.proxy, 50);
        running.metric("journal_ok") == 0 && running.metric("store_ok") == 0
    });
    truth.visits(running.setup.proxy, 200);
    let [middle, most, longest] = truth.waits();
    println!("while the disk takes nothing: median {middle:?}, p99 {most:?}, longest {longest:?}");
    assert!(most < QUICK, "p99 {most:?}");
    assert!(running.is_degraded_by("journal"), "{:?}", running.readiness());
    assert!(running.is_degraded_by("store"), "{:?}", running.readiness());
}

#[test]
fn on_a_full_disk_traffic_and_counting_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(dir.path(), "8m") else { return };
    let setup = setup(dir.path(), &mount);
    let truth = Truth::default();
    let running = setup.start();
    truth.visits(setup.proxy, 100);
    assert_eq!(running.settled(), Counted::guests(100));

    let ballast = mount.fill();
    visits_until_it_hurts(&running, &truth);
    let counted = setup.counted().guest;
    assert!((100..=truth.sent()).contains(&counted), "{counted}");

    fs::remove_file(ballast).unwrap();
    until("it is ready again", || running.is_ready());
    assert_eq!(running.settled(), Counted::guests(truth.received()));
    assert_eq!(running.metric("observations_lost_total") + running.metric("journal_lost_total"), 0);

    // What waited in memory is on disk now: a kill loses nothing.
    running.kill();
    let running = setup.start();
    assert_eq!(setup.counted().guest, truth.received());
    truth.visits(setup.proxy, 10);
    assert_eq!(running.settled(), Counted::guests(truth.received()));
    running.kill();
}

#[test]
fn killed_on_a_full_disk_it_keeps_what_was_counted() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(dir.path(), "8m") else { return };
    let setup = setup(dir.path(), &mount);
    let truth = Truth::default();
    let running = setup.start();
    truth.visits(setup.proxy, 100);
    running.settled();
    let ballast = mount.fill();
    visits_until_it_hurts(&running, &truth);
    let counted = setup.counted().guest;
    running.kill();

    // On a disk without room it starts, or says in a sentence why not.
    let mut running = setup.spawn();
    until("it starts or ends", || running.is_ready() || running.has_ended());
    println!("on a full disk it {}: {}", if running.has_ended() { "ends" } else { "starts" }, setup.log());
    running.kill();

    fs::remove_file(ballast).unwrap();
    let running = setup.start();
    let after = setup.counted().guest;
    assert!((counted.max(100)..=truth.sent()).contains(&after), "{counted} before, {after} after");
    let before = truth.received();
    truth.visits(setup.proxy, 50);
    assert_eq!(running.settled().guest, after + truth.received() - before);
    running.kill();
}

#[test]
fn asked_to_end_on_a_full_disk_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(dir.path(), "8m") else { return };
    let setup = setup(dir.path(), &mount);
    let truth = Truth::default();
    let running = setup.start();
    truth.visits(setup.proxy, 100);
    running.settled();
    let ballast = mount.fill();
    visits_until_it_hurts(&running, &truth);
    running.signal("-TERM");
    let (status, took) = running.end();
    println!("ended after {took:?}: {status}");
    assert!(took < GONE, "{took:?}");
    assert!(!status.success(), "what could not be written is lost, and its exit code is silent about it");
    fs::remove_file(ballast).unwrap();
    let running = setup.start();
    assert!((100..=truth.sent()).contains(&setup.counted().guest));
    running.kill();
}

#[test]
fn on_a_read_only_disk_traffic_and_counting_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::ext4(dir.path()) else { return };
    let setup = setup(dir.path(), &mount);
    let truth = Truth::default();
    let running = setup.start();
    truth.visits(setup.proxy, 100);
    assert_eq!(running.settled(), Counted::guests(100));

    // Remounting is refused while files are open for writing; ext4 refuses writes to what is immutable, open or not.
    let data = mount.at.join("data");
    if !Mount::harden(&data, true) {
        println!("skipped: chattr +i is not permitted here");
        return;
    }
    visits_until_it_hurts(&running, &truth);
    assert!(Mount::harden(&data, false));
    until("it is ready again", || running.is_ready());
    assert_eq!(running.settled(), Counted::guests(truth.received()));
    running.kill();
    let running = setup.start();
    assert_eq!(setup.counted().guest, truth.received());
    running.kill();
}

#[test]
fn a_stalled_disk_holds_a_page_no_longer_than_max_wait() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut mount) = Mount::ext4(dir.path()) else { return };
    let setup = setup(dir.path(), &mount);
    let truth = Truth::default();
    let running = setup.start();
    truth.visits(setup.proxy, 100);
    assert_eq!(running.settled(), Counted::guests(100));

    if !mount.freeze() {
        println!("skipped: fsfreeze is not permitted here");
        return;
    }
    truth.forget_waits();
    truth.visits(setup.proxy, 300);
    let [middle, most, longest] = truth.waits();
    println!("while the disk stalls: median {middle:?}, p99 {most:?}, longest {longest:?}");
    assert!(most < QUICK, "p99 {most:?}");
    assert!(running.is_degraded_by("journal"), "{:?}", running.readiness());
    assert_eq!(running.metric("journal_stalled"), 1);

    mount.thaw();
    until("it is ready again", || running.is_ready());
    assert_eq!(running.settled(), Counted::guests(truth.received()));
    running.kill();
    let running = setup.start();
    assert_eq!(setup.counted().guest, truth.received());
    running.kill();
}
