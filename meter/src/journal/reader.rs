//! Reading journals of processes that are gone, and removing what is no longer needed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::segment::Segment;
use super::{ACKNOWLEDGED, Acknowledged, LOCK, POLICIES, SEGMENT};
use crate::observation::Stamp;
use crate::policy::Policy;
use crate::store::NodeId;

/// A journal that no process writes any more.
#[derive(Debug)]
pub struct Dead {
    /// Whose it was.
    pub node: NodeId,
    folder: PathBuf,
    _lock: File,
}

/// The journals below `dir` whose processes are gone.
pub fn dead(dir: &Path) -> io::Result<Vec<Dead>> {
    let mut dead = Vec::new();
    for (node, folder) in nodes(dir)? {
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
        if lock.try_lock().is_ok() {
            dead.push(Dead { node, folder, _lock: lock });
        }
    }
    Ok(dead)
}

fn nodes(dir: &Path) -> io::Result<Vec<(NodeId, PathBuf)>> {
    let mut nodes = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(nodes),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(node) = name.to_str().and_then(parse_node).filter(|_| entry.path().is_dir()) {
            nodes.push((node, entry.path()));
        }
    }
    nodes.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(nodes)
}

pub(super) fn parse_node(name: &str) -> Option<NodeId> {
    let number = u64::from_str_radix(name, 16).ok().filter(|_| name.len() == 16)?;
    Some(NodeId(number.to_be_bytes()))
}

/// What reading a journal met beside entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Bytes behind the last whole entry of a segment: cut off by a crash.
    pub torn_bytes: u64,
    /// Bytes before a whole entry that are none: damaged.
    pub damaged_bytes: u64,
    /// Files that are no segments.
    pub foreign: u64,
}

impl Dead {
    /// Gives every whole entry to `entry`, in order.
    pub fn read(&self, entry: &mut dyn FnMut(&[u8])) -> io::Result<Damage> {
        read_folder(&self.folder, entry)
    }

    /// What the node knew to be committed.
    pub fn acknowledged(&self) -> Acknowledged {
        acknowledged(&self.folder)
    }

    /// The policies that its entries name.
    pub fn policies(&self) -> Vec<Stamp> {
        policies(&self.folder)
    }
}

/// Gives every whole entry of a node's folder to `entry`, in order, be it written at this moment.
pub fn read_folder(folder: &Path, entry: &mut dyn FnMut(&[u8])) -> io::Result<Damage> {
    let mut damage = Damage::default();
    for path in segments(folder)? {
        read_segment(&path, entry, &mut damage)?;
    }
    Ok(damage)
}

/// Whose segment a file is, by the name of its folder, or its own in an archive.
pub fn node_of(segment: &Path) -> Option<NodeId> {
    let folder = segment.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let archived = || segment.file_name()?.to_str()?.split_once('-').and_then(|(node, _)| parse_node(node));
    folder.and_then(parse_node).or_else(archived)
}

/// Whether a process writes the journal in this folder at this moment.
pub fn is_being_written(folder: &Path) -> bool {
    File::options().write(true).open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err())
}

/// What the node of a folder knew to be committed.
pub fn acknowledged(folder: &Path) -> Acknowledged {
    Acknowledged::read(&fs::read_to_string(folder.join(ACKNOWLEDGED)).unwrap_or_default())
}

/// The policies that the entries in a node's folder name.
pub fn policies(folder: &Path) -> Vec<Stamp> {
    let text = fs::read_to_string(folder.join(POLICIES)).unwrap_or_default();
    text.lines().filter_map(Policy::from_text).map(Stamp::new).collect()
}

/// The segments in a folder, in the order of their names, which is that of their entries.
pub fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut segments = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == SEGMENT) {
            segments.push(path);
        }
    }
    segments.sort();
    Ok(segments)
}

/// Gives every whole entry of one segment to `entry`, in order, and notes what else is in it.
pub fn read_segment(path: &Path, entry: &mut dyn FnMut(&[u8]), damage: &mut Damage) -> io::Result<()> {
    let mut segment = Segment::open(path, damage)?;
    while let Some(payload) = segment.next(damage)? {
        entry(payload);
    }
    Ok(())
}

/// What becomes of segments that are no longer needed.
#[derive(Debug, Clone)]
pub struct Retention {
    /// How long a segment is kept after its last write.
    pub keep: Duration,
    /// Where it goes then; absent: nowhere.
    pub archive: Option<PathBuf>,
    /// How long it stays there.
    pub archive_keep: Duration,
}

/// Removes or archives segments last written more than `keep` before `now`; returns their bytes.
///
/// To be called only when everything in them is committed.
pub fn tidy(dir: &Path, retention: &Retention, now: SystemTime) -> io::Result<u64> {
    let old = |path: &Path, keep: Duration| -> io::Result<Option<u64>> {
        let about = fs::metadata(path)?;
        let age = now.duration_since(about.modified()?).unwrap_or_default();
        Ok((age > keep).then_some(about.len()))
    };
    let mut freed = 0;
    for (node, folder) in nodes(dir)? {
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
        let gone = lock.try_lock().is_ok();
        let mut closed = segments(&folder)?;
        if !gone {
            // The last one is being written, however long ago the last page was.
            closed.pop();
        }
        for path in closed {
            let Some(bytes) = old(&path, retention.keep)? else { continue };
            match (&retention.archive, path.file_name()) {
                (Some(archive), Some(name)) => {
                    fs::create_dir_all(archive)?;
                    put_away(&path, &archive.join(format!("{node}-{}", name.to_string_lossy())))?;
                }
                _ => fs::remove_file(&path)?,
            }
            freed += bytes;
        }
        if gone && segments(&folder)?.is_empty() {
            fs::remove_dir_all(&folder)?;
        }
    }
    if let Some(archive) = &retention.archive
        && archive.exists()
    {
        for path in segments(archive)? {
            if old(&path, retention.archive_keep)?.is_some() {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(freed)
}

/// Moves a segment, to another file system if need be.
fn put_away(path: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(path, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        done => return done,
    }
    let draft = to.with_extension("draft");
    fs::copy(path, &draft)?;
    fs::rename(&draft, to)?;
    fs::remove_file(path)
}

/// Bytes of all segments below `dir`.
pub(crate) fn bytes_below(dir: &Path) -> u64 {
    let folders = nodes(dir).unwrap_or_default();
    let files = folders.iter().flat_map(|(_, folder)| segments(folder).unwrap_or_default());
    files.filter_map(|path| fs::metadata(path).ok()).map(|about| about.len()).sum()
}
