//! The journal: every page and logout is on disk before its headers leave.
//!
//! Requests append to a buffer; one thread writes it out, so that a disk that stalls stalls that
//! thread and no request. Only who waits for an entry wakes that thread, once the requests that are
//! ready beside it have appended theirs; an entry that nobody waits for is written a little later.
//! What cannot be written stays in the buffer, up to its bound, and is written when the disk is
//! back; a torn tail is cut when the journal is read again.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portalmeter_rules::time::{Millis, instant};
use tokio::sync::watch;

use crate::observation::Stamp;
use crate::store::NodeId;

pub mod adopt;
pub mod in_order;
pub mod reader;
mod room;
pub(crate) mod segment;

pub use room::{REMEDY, Room};

/// Bounds of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segments together; beyond, entries are not journaled, and counted as such.
    pub disk: u64,
    /// Bytes waiting to be written.
    pub buffer: usize,
    /// Bytes of a segment.
    pub segment: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { disk: 10 << 30, buffer: 64 << 20, segment: 64 << 20 }
    }
}

/// How a journal fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the last write failed, if it did.
    pub failure: Option<String>,
    /// Bytes on disk.
    pub disk: u64,
    /// So many there may be.
    pub bound: u64,
    /// Bytes waiting to be written.
    pub waiting: u64,
    /// Entries that were not journaled because a bound was reached.
    pub lost: u64,
    /// A page had to leave before it was written.
    pub stalled: bool,
}

impl Health {
    /// What is left of the bound.
    pub fn room(&self) -> Room {
        Room::of(self.disk, self.bound)
    }
}

/// A journal that is being written.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<bool>>>,
}

struct Shared {
    dir: PathBuf,
    node: NodeId,
    /// The folder is ours while this is locked.
    held: Mutex<Option<File>>,
    /// What was put down of policies.
    policies: Mutex<String>,
    limits: Limits,
    buffer: Mutex<Buffer>,
    filled: Condvar,
    written: watch::Sender<u64>,
    failure: Mutex<Option<String>>,
    disk: AtomicU64,
    said: room::Said,
    lost: AtomicU64,
    stalled: AtomicBool,
    /// Somebody removed what was written.
    removed: AtomicBool,
    /// The segment that is being written, to be synced beside the writing.
    open: Mutex<Option<Arc<File>>>,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    upto: u64,
    writing: usize,
    /// The writer sleeps, and nobody has woken it yet: to do so costs a system call.
    asleep: bool,
    ends: bool,
}

/// What each entry begins with: its length and its checksum.
const FRAME: usize = 8;
/// What a segment begins with.
const MAGIC: &[u8; 8] = b"pmjrnl\x00\x02";
/// No entry is longer than this.
const LONGEST: usize = 64 << 10;
const RETRY: Duration = Duration::from_millis(250);
/// What nobody waits for is written at the latest after this.
const STRAGGLERS: Duration = Duration::from_millis(100);

/// How often what was written is synced.
const SYNC: Duration = Duration::from_secs(1);

/// The file that a live process holds locked in its node's folder.
pub(crate) const LOCK: &str = "lock";
/// The file that says up to which of its entries a node knows to be committed.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged";

/// Up to which of its entries a node knew to be committed, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// The last entry.
    pub upto: u64,
    /// When it was committed, by the store's clock.
    pub at: Millis,
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.upto, self.at)
    }
}

impl Acknowledged {
    /// What was put down in this text; nothing is committed where it cannot be read.
    fn read(text: &str) -> Self {
        let mut words = text.split_ascii_whitespace();
        let upto = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
        Self { upto, at: words.next().and_then(instant).unwrap_or_default() }
    }
}

/// The file with the policies that a node's entries name, a line each.
pub(crate) const POLICIES: &str = "policies";
/// How a segment's file name ends.
pub(crate) const SEGMENT: &str = "journal";

impl Journal {
    /// Begins a journal for `node` in its own folder below `dir`.
    pub fn create(dir: &Path, node: NodeId, limits: Limits) -> io::Result<Self> {
        let folder = dir.join(node.to_string());
        let held = hold(&folder)?;
        let shared = Arc::new(Shared {
            disk: AtomicU64::new(reader::bytes_below(dir)),
            said: room::Said::default(),
            dir: folder,
            held: Mutex::new(Some(held)),
            policies: Mutex::default(),
            node,
            limits,
            buffer: Mutex::default(),
            filled: Condvar::new(),
            written: watch::Sender::new(0),
            failure: Mutex::default(),
            lost: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            removed: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let to_sync = Arc::downgrade(&shared);
        std::thread::Builder::new().name("journal-sync".to_owned()).spawn(move || sync_now_and_then(&to_sync))?;
        let writer = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
                let wrote = write_until_ended(&shared);
                drop(lock(&shared.held).take());
                wrote
            })?
        };
        Ok(Self { shared, writer: Mutex::new(Some(writer)) })
    }

    /// Whose journal it is.
    pub fn node(&self) -> NodeId {
        self.shared.node
    }

    /// Where its segments are.
    pub fn folder(&self) -> &Path {
        &self.shared.dir
    }

    /// Gives every whole entry that it holds to `entry`, in order. One that somebody removed holds none.
    pub fn read(&self, entry: &mut dyn FnMut(&[u8])) -> io::Result<reader::Damage> {
        match reader::read_folder(&self.shared.dir, entry) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.shared.tell_removed();
                Ok(reader::Damage::default())
            }
            read => read,
        }
    }

    /// Puts down the policies that its entries will name.
    pub fn know(&self, stamps: &[Stamp]) -> io::Result<()> {
        let text: String = stamps.iter().map(|stamp| stamp.policy.to_text() + "\n").collect();
        let put_down = self.shared.put_down(POLICIES, &text);
        *lock(&self.shared.policies) = text;
        put_down
    }

    /// Puts down what is committed.
    pub fn acknowledge(&self, acknowledged: Acknowledged) -> io::Result<()> {
        self.shared.put_down(ACKNOWLEDGED, &acknowledged.to_string())
    }

    /// Appends entry `number`, which `write` puts into the buffer. Numbers only grow.
    pub fn append(&self, number: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let shared = &*self.shared;
        let mut buffer = lock(&shared.buffer);
        let full = buffer.bytes.len() >= shared.limits.buffer
            || shared.disk.load(Ordering::Relaxed) + buffer.bytes.len() as u64 >= shared.limits.disk;
        if full {
            shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let start = buffer.bytes.len();
        buffer.bytes.extend_from_slice(&[0; FRAME]);
        write(&mut buffer.bytes);
        let length = buffer.bytes.len() - start - FRAME;
        if length > LONGEST {
            buffer.bytes.truncate(start);
            shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let checksum = crc32fast::hash(&buffer.bytes[start + FRAME..]);
        buffer.bytes[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
        buffer.bytes[start + 4..start + FRAME].copy_from_slice(&checksum.to_le_bytes());
        buffer.upto = number;
    }

    /// Waits until entry `number` is written, at most `max_wait`; after that pages no longer wait
    /// until the disk is back.
    pub async fn written(&self, number: u64, max_wait: impl Future<Output = ()>) {
        let mut written = self.shared.written.subscribe();
        if *written.borrow_and_update() >= number || self.shared.stalled.load(Ordering::Relaxed) {
            return;
        }
        tokio::task::yield_now().await;
        self.shared.wake();
        let reached = written.wait_for(|upto| *upto >= number);
        tokio::select! {
            _ = reached => return,
            () = max_wait => {}
        }
        // While `upto` is borrowed the writer cannot say that it is written, and only after that
        // does it call the stall off.
        let upto = self.shared.written.borrow();
        if *upto < number {
            self.shared.stalled.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until entry `number`, and what was journaled before, is written, at most so long; says whether it is. What
    /// was not journaled at a bound is not waited for. Blocks: not for requests.
    #[expect(clippy::disallowed_methods, reason = "how long a disk takes is no event's time")]
    pub fn wait_written(&self, number: u64, at_most: Duration) -> bool {
        let (begun, number) = (Instant::now(), number.min(lock(&self.shared.buffer).upto));
        while *self.shared.written.borrow() < number {
            if begun.elapsed() > at_most || lock(&self.writer).is_none() {
                return false;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        true
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        let shared = &*self.shared;
        let disk = shared.disk.load(Ordering::Relaxed);
        let waiting = {
            let buffer = lock(&shared.buffer);
            buffer.bytes.len() + buffer.writing
        };
        Health {
            failure: lock(&shared.failure).clone(),
            disk,
            bound: shared.limits.disk,
            waiting: waiting as u64,
            lost: shared.lost.load(Ordering::Relaxed),
            stalled: shared.stalled.load(Ordering::Relaxed),
        }
    }

    /// Tells it how many bytes were removed from its folder's siblings and old segments.
    pub fn freed(&self, bytes: u64) {
        let shrink = |disk: u64| Some(disk.saturating_sub(bytes));
        let _ = self.shared.disk.fetch_update(Ordering::Relaxed, Ordering::Relaxed, shrink);
        self.shared.note_room();
    }

    /// Writes what waits and ends. Says whether all of it could be written, and is there.
    pub fn close(&self) -> bool {
        lock(&self.shared.buffer).ends = true;
        self.shared.filled.notify_one();
        let Some(writer) = lock(&self.writer).take() else { return true };
        let wrote = writer.join().unwrap_or_else(|_| {
            tracing::error!("the journal's thread panicked");
            false
        });
        wrote && self.shared.dir.is_dir() && !self.shared.removed.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn put_down(&self, name: &str, text: &str) -> io::Result<()> {
        let draft = self.dir.join(format!("{name}.draft"));
        fs::write(&draft, text)?;
        fs::rename(draft, self.dir.join(name))
    }

    /// Begins a segment, in a new folder if somebody removed ours.
    fn begin(&self, number: u64) -> io::Result<Segment> {
        match Segment::create(&self.dir, number) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *lock(&self.held) = Some(hold(&self.dir)?);
                self.put_down(POLICIES, &lock(&self.policies))?;
                Segment::create(&self.dir, number)
            }
            begun => begun,
        }
    }

    fn tell_removed(&self) {
        tracing::error!(folder = %self.dir.display(), "the journal was removed under us: what only it held is lost; what waits in memory is committed, and pages are journaled anew");
    }

    fn note_room(&self) {
        self.said.note(self.disk.load(Ordering::Relaxed), self.limits.disk);
    }

    fn wake(&self) {
        if std::mem::take(&mut lock(&self.buffer).asleep) {
            self.filled.notify_one();
        }
    }
}

/// A segment that is being written.
struct Segment {
    file: File,
    length: u64,
}

/// Says whether everything could be written.
fn write_until_ended(shared: &Shared) -> bool {
    let mut segment: Option<Segment> = None;
    let mut bytes = Vec::new();
    loop {
        let upto = {
            let mut buffer = lock(&shared.buffer);
            while buffer.bytes.is_empty() && !buffer.ends {
                buffer.asleep = true;
                buffer = shared.filled.wait_timeout(buffer, STRAGGLERS).unwrap_or_else(PoisonError::into_inner).0;
            }
            if buffer.bytes.is_empty() {
                return true;
            }
            std::mem::swap(&mut buffer.bytes, &mut bytes);
            buffer.asleep = false;
            buffer.writing = bytes.len();
            buffer.upto
        };
        while let Err(error) = write(shared, &mut segment, &bytes, upto) {
            fail(shared, &error);
            let buffer = lock(&shared.buffer);
            if buffer.ends {
                tracing::error!(bytes = bytes.len(), "the journal ends with entries that could not be written");
                return false;
            }
            drop(shared.filled.wait_timeout(buffer, RETRY));
        }
        succeed(shared, upto, bytes.len());
        bytes.clear();
    }
}

fn write(shared: &Shared, segment: &mut Option<Segment>, bytes: &[u8], upto: u64) -> io::Result<()> {
    if segment.as_ref().is_some_and(|segment| segment.length >= shared.limits.segment) {
        *segment = None;
    }
    if segment.as_ref().is_some_and(Segment::is_removed) {
        shared.tell_removed();
        shared.removed.store(true, Ordering::Relaxed);
        *segment = None;
    }
    let open = if let Some(open) = segment {
        open
    } else {
        let created = segment.insert(shared.begin(upto)?);
        *lock(&shared.open) = created.file.try_clone().ok().map(Arc::new);
        created
    };
    if let Err(error) = open.file.write_all(bytes) {
        // What was written of it is cut off, so that it can be written again in one piece. Where even
        // that fails, the segment ends here: nothing may be written behind what is torn.
        let cut = open.file.set_len(open.length).and_then(|()| open.file.seek(SeekFrom::Start(open.length)));
        if cut.is_err() {
            *segment = None;
        }
        return Err(error);
    }
    open.length += bytes.len() as u64;
    Ok(())
}

/// What was written survives the process at once, and the machine's power after about a second.
fn sync_now_and_then(journal: &Weak<Shared>) {
    let mut synced = 0;
    loop {
        std::thread::park_timeout(SYNC);
        let Some(shared) = journal.upgrade() else { return };
        let (written, open) = (shared.disk.load(Ordering::Relaxed), lock(&shared.open).clone());
        drop(shared);
        if written != synced
            && let Some(file) = open
        {
            synced = written;
            if let Err(error) = file.sync_data() {
                tracing::warn!(%error, "the journal could not be synced");
            }
        }
    }
}

impl Segment {
    /// A segment is named after the last entry of its first write: names grow as entries do.
    fn create(dir: &Path, number: u64) -> io::Result<Self> {
        let path = dir.join(format!("{number:016x}.{SEGMENT}"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        file.write_all(MAGIC)?;
        Ok(Self { file, length: MAGIC.len() as u64 })
    }

    /// Whether somebody removed it under us.
    fn is_removed(&self) -> bool {
        self.file.metadata().is_ok_and(|about| about.nlink() == 0)
    }
}

/// Makes a node's folder, and locks it for as long as the file lives.
fn hold(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let held = File::create(folder.join(LOCK))?;
    held.lock()?;
    Ok(held)
}

fn fail(shared: &Shared, error: &io::Error) {
    let mut failure = lock(&shared.failure);
    if failure.is_none() {
        tracing::error!(%error, "the journal cannot be written; pages are counted in memory until it can");
    }
    *failure = Some(error.to_string());
    shared.stalled.store(true, Ordering::Relaxed);
}

fn succeed(shared: &Shared, upto: u64, bytes: usize) {
    if lock(&shared.failure).take().is_some() {
        tracing::info!("the journal is written again");
    }
    shared.disk.fetch_add(bytes as u64, Ordering::Relaxed);
    shared.note_room();
    lock(&shared.buffer).writing = 0;
    shared.written.send_replace(upto);
    shared.stalled.store(false, Ordering::Relaxed);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
