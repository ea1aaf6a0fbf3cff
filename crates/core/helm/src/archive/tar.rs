//! The tar format, as far as charts need it: ustar, the long names of GNU tar, and pax headers for names.

use super::{ArchiveError, ArchiveFile, ArchiveLimits};
use std::io::Read;
use std::sync::Arc;

const BLOCK: usize = 512;
/// Bytes of an extended header; names are all that we want of it.
const EXTENDED_BYTES: u64 = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// What pax and GNU headers say about the entry behind them.
#[derive(Default)]
struct Overrides {
    name: Option<String>,
    size: Option<u64>,
}

struct Reader<'a, R> {
    input: R,
    limits: &'a ArchiveLimits,
    /// Bytes that may still be read, headers and padding included.
    left: u64,
}

/// What stands on top of the names in an archive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Top {
    /// The chart's own directory, which is taken off.
    Chart,
    /// Nothing.
    Nothing,
}

/// Reads entries up to the end blocks.
pub(super) fn read_files(
    input: impl Read,
    limits: &ArchiveLimits,
    top: Top,
) -> Result<Vec<ArchiveFile>, ArchiveError> {
    // Headers and padding cost at most two blocks an entry.
    let overhead = (limits.entries as u64).saturating_add(2).saturating_mul(2 * BLOCK as u64);
    let mut reader = Reader { input, limits, left: limits.total_bytes.saturating_add(overhead) };
    let (mut files, mut content_left, mut entries) = (Vec::new(), limits.total_bytes, 0_usize);
    let mut overrides = Overrides::default();
    loop {
        let header = reader.block()?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(files);
        }
        entries += 1;
        if entries > limits.entries {
            return Err(ArchiveError::TooManyEntries(limits.entries));
        }
        check_sum(&header)?;
        let size = number(header.get(124..136).unwrap_or_default())?;
        let kind = header.get(156).copied().unwrap_or_default();
        match kind {
            b'x' => pax(&reader.extended(size)?, &mut overrides)?,
            b'g' => {
                let mut global = Overrides::default();
                pax(&reader.extended(size)?, &mut global)?;
                if global.name.is_some() || global.size.is_some() {
                    return Err(ArchiveError::Header("a global header with a name or a size"));
                }
            }
            b'L' => overrides.name = Some(text(&reader.extended(size)?)?),
            _ => {
                let said = std::mem::take(&mut overrides);
                let name = match said.name {
                    Some(name) => name,
                    None => header_name(&header)?,
                };
                if said.size.is_some_and(|said| said != size) {
                    return Err(ArchiveError::Header("two sizes for one entry"));
                }
                let directory = kind == b'5' || (matches!(kind, b'0' | 0) && name.ends_with('/'));
                if directory {
                    reader.skip(size)?;
                    continue;
                }
                check_kind(kind, &name)?;
                let path = match top {
                    Top::Chart => chart_path(&name, limits)?,
                    Top::Nothing => chart_path(&format!("tree/{name}"), limits)?,
                };
                if size > content_left {
                    return Err(ArchiveError::TotalTooLarge(limits.total_bytes));
                }
                if size > limits.file_bytes {
                    return Err(ArchiveError::FileTooLarge { name, limit: limits.file_bytes });
                }
                content_left -= size;
                let content = reader.content(size)?;
                let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content);
                files.push(ArchiveFile { name: path, content: Arc::from(content) });
            }
        }
    }
}

impl<R: Read> Reader<'_, R> {
    fn block(&mut self) -> Result<[u8; BLOCK], ArchiveError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        Ok(block)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        self.left = self
            .left
            .checked_sub(buffer.len() as u64)
            .ok_or(ArchiveError::TotalTooLarge(self.limits.total_bytes))?;
        let mut at = 0;
        while let Some(rest) = buffer.get_mut(at..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => return Err(ArchiveError::NoEnd),
                Ok(read) => at += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::Damaged(error.to_string())),
            }
        }
        Ok(())
    }

    /// The bytes of an entry; the padding behind them is passed over. Callers bound the size.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let Ok(bytes) = usize::try_from(size) else { return Err(ArchiveError::NoEnd) };
        let mut content = vec![0; bytes];
        self.fill(&mut content)?;
        let mut padding = [0; BLOCK];
        let rest = bytes.next_multiple_of(BLOCK) - bytes;
        self.fill(padding.get_mut(..rest).unwrap_or_default())?;
        Ok(content)
    }

    fn extended(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > EXTENDED_BYTES {
            return Err(ArchiveError::Header("an extended header of more than 1 MiB"));
        }
        self.content(size)
    }

    fn skip(&mut self, size: u64) -> Result<(), ArchiveError> {
        if size > 0 {
            return Err(ArchiveError::Header("a directory with content"));
        }
        Ok(())
    }
}

fn check_kind(kind: u8, name: &str) -> Result<(), ArchiveError> {
    let what = match kind {
        b'0' | b'7' | 0 => return Ok(()),
        b'1' => "hard link",
        b'2' => "symbolic link",
        b'3' | b'4' => "device",
        b'6' => "pipe",
        b'S' => "sparse file",
        _ => "special entry",
    };
    Err(ArchiveError::NotAFile { name: name.to_owned(), what })
}

/// The sum of all bytes, those of the sum itself taken as blanks. Old programs added signed bytes.
fn check_sum(header: &[u8; BLOCK]) -> Result<(), ArchiveError> {
    let want = number(header.get(148..156).unwrap_or_default())?;
    let (mut unsigned, mut signed) = (0_u64, 0_i64);
    for (at, byte) in header.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if want == unsigned || i64::try_from(want) == Ok(signed) {
        Ok(())
    } else {
        Err(ArchiveError::Header("the checksum does not match"))
    }
}

/// An octal number, or a base-256 one of GNU tar.
fn number(field: &[u8]) -> Result<u64, ArchiveError> {
    const OVERFLOW: ArchiveError = ArchiveError::Header("a number that does not fit");
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        if *first != 0x80 {
            return Err(ArchiveError::Header("a negative number or one that does not fit"));
        }
        return rest.iter().try_fold(0_u64, |sum, byte| {
            sum.checked_mul(256).and_then(|sum| sum.checked_add(u64::from(*byte))).ok_or(OVERFLOW)
        });
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end).unwrap_or_default();
    if rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return Err(ArchiveError::Header("something behind a number"));
    }
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' => {
            sum.checked_mul(8).and_then(|sum| sum.checked_add(u64::from(digit - b'0'))).ok_or(OVERFLOW)
        }
        _ => Err(ArchiveError::Header("a number that is none")),
    })
}

fn text(bytes: &[u8]) -> Result<String, ArchiveError> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let bytes = bytes.get(..end).unwrap_or_default();
    String::from_utf8(bytes.to_vec()).map_err(|_| ArchiveError::Header("a name that is not UTF-8"))
}

fn header_name(header: &[u8; BLOCK]) -> Result<String, ArchiveError> {
    let name = text(header.get(..100).unwrap_or_default())?;
    // GNU tar keeps other things where ustar has the prefix.
    let ustar = header.get(257..263) == Some(b"ustar\0");
    let prefix = if ustar { text(header.get(345..500).unwrap_or_default())? } else { String::new() };
    Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

/// Records of the form `LENGTH KEY=VALUE\n`.
fn pax(mut records: &[u8], overrides: &mut Overrides) -> Result<(), ArchiveError> {
    const BROKEN: ArchiveError = ArchiveError::Header("a broken pax record");
    while !records.is_empty() {
        let blank = records.iter().position(|byte| *byte == b' ').ok_or(BROKEN)?;
        let length = records.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok());
        let length: usize = length.and_then(|digits| digits.parse().ok()).ok_or(BROKEN)?;
        let record =
            records.get(blank + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or(BROKEN)?;
        records = records.get(length..).ok_or(BROKEN)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(BROKEN)?;
        let (key, value) = record.split_at_checked(equals).ok_or(BROKEN)?;
        let value = value.get(1..).unwrap_or_default();
        if key == b"path" {
            if value.contains(&0) {
                return Err(BROKEN);
            }
            overrides.name = Some(text(value)?);
        } else if key == b"size" {
            let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok());
            overrides.size = Some(size.ok_or(ArchiveError::Header("a size that is no number"))?);
        } else if key == b"linkpath" || key.starts_with(b"GNU.sparse.") {
            return Err(ArchiveError::Header("a link or a sparse file"));
        }
    }
    Ok(())
}

/// The name below the chart's directory. Archives made on Windows have backslashes.
fn chart_path(name: &str, limits: &ArchiveLimits) -> Result<String, ArchiveError> {
    let refuse = |reason| Err(ArchiveError::Name { name: shortened(name), reason });
    if name.len() > limits.name_bytes {
        return refuse("chart contains a file whose name is too long");
    }
    if name.chars().any(char::is_control) {
        return refuse("chart contains a file with control characters in its name");
    }
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let Some((top, rest)) = name.split_once(delimiter) else {
        return if name == "Chart.yaml" {
            refuse("chart yaml not in base directory")
        } else {
            refuse("chart illegally contains content outside the base directory")
        };
    };
    if top.is_empty() || rest.starts_with(['/', '\\']) {
        return refuse("chart illegally contains absolute paths");
    }
    if top == ".." {
        return refuse("chart illegally references parent directory");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split(['/', delimiter]) {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return refuse("chart illegally references parent directory");
                }
            }
            part => parts.push(part),
        }
    }
    let Some(first) = parts.first() else {
        return refuse("chart illegally contains content outside the base directory");
    };
    if first.starts_with("..") {
        return refuse("chart illegally references parent directory");
    }
    if first.len() == 2 && first.ends_with(':') && first.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return refuse("chart contains illegally named files");
    }
    if parts.len() > limits.depth {
        return refuse("chart contains a file too many directories deep");
    }
    if top == "Chart.yaml" {
        return refuse("chart yaml not in base directory");
    }
    Ok(parts.join("/"))
}

fn shortened(name: &str) -> String {
    const SHOWN: usize = 120;
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}
