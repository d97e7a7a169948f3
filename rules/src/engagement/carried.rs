//! What came with an answer, by its headers alone: this is asked of every answer, and costs no allocation.

use crate::facts::Headers;

/// What came with an answer, beside pages and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carried {
    /// Nothing that is an action.
    #[default]
    Nothing,
    /// A PDF to look at.
    Pdf,
    /// A file to keep.
    Download,
}

/// What came with an answer. Of a file in parts only the first tells of it.
pub fn carried(status: u16, headers: &dyn Headers) -> Carried {
    let begins = match status {
        200 => true,
        206 => headers.first("content-range").is_some_and(|range| starts_with(range, b"bytes 0-")),
        _ => false,
    };
    if !begins {
        return Carried::Nothing;
    }
    if headers.first("content-disposition").is_some_and(is_attachment) {
        return Carried::Download;
    }
    headers.first("content-type").map_or(Carried::Nothing, by_type)
}

fn is_attachment(disposition: &[u8]) -> bool {
    let end = memchr::memchr(b';', disposition).unwrap_or(disposition.len());
    disposition[..end].trim_ascii().eq_ignore_ascii_case(b"attachment")
}

fn by_type(content_type: &[u8]) -> Carried {
    let end = memchr::memchr(b';', content_type).unwrap_or(content_type.len());
    let kind = content_type[..end].trim_ascii();
    if kind.eq_ignore_ascii_case(b"text/csv") {
        return Carried::Download;
    }
    let Some(kind) = starts_with(kind, b"application/").then(|| &kind[b"application/".len()..]) else {
        return Carried::Nothing;
    };
    if kind.eq_ignore_ascii_case(b"pdf") {
        return Carried::Pdf;
    }
    let whole = FILES.iter().any(|file| kind.eq_ignore_ascii_case(file.as_bytes()));
    let family = FAMILIES.iter().any(|family| starts_with(kind, family.as_bytes()));
    if whole || family { Carried::Download } else { Carried::Nothing }
}

fn starts_with(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// Types that no browser shows: archives, programs, documents of office suites.
const FILES: &[&str] = &[
    "zip",
    "octet-stream",
    "x-zip-compressed",
    "gzip",
    "x-gzip",
    "x-tar",
    "x-bzip2",
    "x-xz",
    "zstd",
    "x-7z-compressed",
    "vnd.rar",
    "x-rar-compressed",
    "msword",
    "rtf",
    "epub+zip",
    "java-archive",
    "x-msdownload",
    "x-msi",
    "x-apple-diskimage",
    "vnd.android.package-archive",
];

const FAMILIES: &[&str] = &["vnd.openxmlformats-officedocument.", "vnd.oasis.opendocument.", "vnd.ms-"];
