//! The journals of many nodes, live, dead and archived, as one: in order of time, as far as each of them is.
//!
//! A few entries are in memory, and the segments of the nodes that were alive at the time are open.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use portalmeter_rules::time::Millis;

use super::reader::{Damage, parse_node, segments};
use super::segment::Segment;
use crate::store::NodeId;

/// What an entry is read as: its number, when it was, and what it says.
pub type Decode<'a, T> = &'a dyn Fn(&[u8]) -> Option<(u64, Millis, T)>;

/// Journals of nodes.
pub struct InOrder<'a, T> {
    decode: Decode<'a, T>,
    folders: Vec<PathBuf>,
    nodes: Vec<Node>,
    /// The next entry of each node that is being read, earliest first; then of those that are not yet.
    next: BinaryHeap<Reverse<(Millis, usize)>>,
    ready: BTreeMap<usize, (u64, T)>,
    about: About,
}

/// What was found about the journals beside their entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Nodes.
    pub nodes: u64,
    /// Entries read.
    pub entries: u64,
    /// Entries that could not be read.
    pub unreadable: u64,
    /// What else was in the segments.
    pub damage: Damage,
    /// Entries that are missing between others of their node, and when that was.
    pub gaps: Vec<Gap>,
    /// When the first entries were that have none of their node before them, although there were some.
    pub cut: Option<Millis>,
    /// The first entry of all.
    pub first: Option<Millis>,
}

/// Entries that are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub node: NodeId,
    /// The last before them.
    pub after: u64,
    /// The first behind them.
    pub before: u64,
    /// When the last before them was.
    pub from: Millis,
    /// When the first behind them was.
    pub upto: Millis,
}

/// A node's segments, in order.
struct Node {
    id: NodeId,
    segments: Vec<PathBuf>,
    /// Which of them is read.
    at: usize,
    open: Option<Segment>,
    last: Option<(u64, Millis)>,
}

impl<'a, T> InOrder<'a, T> {
    /// The journals in these folders: a folder of segments, archived or of one node, or a folder of such folders.
    pub fn find(folders: &[PathBuf], decode: Decode<'a, T>) -> io::Result<Self> {
        let mut found: BTreeMap<[u8; 8], BTreeMap<String, PathBuf>> = BTreeMap::new();
        for folder in folders {
            collect(folder, &mut found)?;
        }
        let node = |(id, segments): ([u8; 8], BTreeMap<String, PathBuf>)| Node {
            id: NodeId(id),
            segments: segments.into_values().collect(),
            at: 0,
            open: None,
            last: None,
        };
        let nodes: Vec<Node> = found.into_iter().map(node).collect();
        let about = About { nodes: nodes.len() as u64, ..About::default() };
        let folders = folders.to_vec();
        let mut all = Self { decode, folders, nodes, next: BinaryHeap::new(), ready: BTreeMap::new(), about };
        for number in 0..all.nodes.len() {
            all.peek(number)?;
        }
        Ok(all)
    }

    /// What was found about them, once all is read.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// When a node's first entry was, whose segment is not kept open for that.
    fn peek(&mut self, number: usize) -> io::Result<()> {
        self.read(number)?;
        let Some(node) = self.nodes.get_mut(number) else { return Ok(()) };
        if let Some((first, at)) = node.last {
            self.about.first = Some(self.about.first.map_or(at, |earliest| earliest.min(at)));
            if first > 1 {
                self.about.cut = self.about.cut.max(Some(at));
            }
        }
        // It is opened again when its turn comes, and what was read is skipped.
        node.open = None;
        Ok(())
    }

    /// Reads a node's next entry.
    fn read(&mut self, number: usize) -> io::Result<()> {
        let Some(node) = self.nodes.get_mut(number) else { return Ok(()) };
        loop {
            let Some(path) = node.segments.get(node.at) else { return Ok(()) };
            let segment = match &mut node.open {
                Some(segment) => segment,
                None => node.open.insert(open(path, node.id, &self.folders, &mut self.about.damage)?),
            };
            let Some(bytes) = segment.next(&mut self.about.damage)? else {
                (node.open, node.at) = (None, node.at + 1);
                continue;
            };
            let Some((entry, at, content)) = (self.decode)(bytes) else {
                self.about.unreadable += 1;
                continue;
            };
            if let Some((last, from)) = node.last
                && entry > last + 1
            {
                self.about.gaps.push(Gap { node: node.id, after: last, before: entry, from, upto: at });
            }
            if node.last.is_some_and(|(last, _)| entry <= last) {
                // It is in two segments: one was copied while it was read.
                continue;
            }
            node.last = Some((entry, at));
            self.next.push(Reverse((at, number)));
            self.ready.insert(number, (entry, content));
            return Ok(());
        }
    }
}

impl<T> Iterator for InOrder<'_, T> {
    type Item = io::Result<(NodeId, u64, T)>;

    /// The next entry of all.
    fn next(&mut self) -> Option<Self::Item> {
        while let Some(Reverse((_, number))) = self.next.pop() {
            let ready = self.ready.remove(&number);
            if let Err(error) = self.read(number) {
                return Some(Err(error));
            }
            if let (Some((entry, content)), Some(node)) = (ready, self.nodes.get(number)) {
                self.about.entries += 1;
                return Some(Ok((node.id, entry, content)));
            }
        }
        None
    }
}

/// Opens a segment, which may have been archived meanwhile.
fn open(path: &Path, node: NodeId, folders: &[PathBuf], damage: &mut Damage) -> io::Result<Segment> {
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match Segment::open(path, damage) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = format!("{node}-{}", path.file_name().unwrap_or_default().to_string_lossy());
            let moved = folders.iter().map(|folder| folder.join(&name)).find(|path| path.exists());
            moved.map_or(Err(at(error)), |path| Segment::open(&path, damage))
        }
        opened => opened.map_err(at),
    }
}

/// The segments in a folder, by node and number.
fn collect(folder: &Path, found: &mut BTreeMap<[u8; 8], BTreeMap<String, PathBuf>>) -> io::Result<()> {
    let name = |path: &Path| path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    let of_folder = parse_node(folder.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    for path in segments(folder).map_err(at)? {
        // Archived segments are named after their node, others lie in its folder.
        let stem = name(&path);
        let (node, number) = match stem.split_once('-') {
            Some((node, number)) => (parse_node(node), number.to_owned()),
            None => (of_folder, stem),
        };
        if let Some(node) = node {
            found.entry(node.0).or_default().insert(number, path);
        }
    }
    for entry in fs::read_dir(folder).map_err(at)? {
        let path = entry?.path();
        if path.is_dir() && parse_node(&name(&path)).is_some() {
            collect(&path, found)?;
        }
    }
    Ok(())
}
