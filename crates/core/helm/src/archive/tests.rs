//! Archives as strangers make them.

use super::{Archive, ArchiveError, ArchiveLimits, ArchiveStore};
use filetree::{FileTree, TreePath};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::sync::Arc;

const END: [u8; 1024] = [0; 1024];

/// One ustar entry: header, content, padding.
pub(crate) fn entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    sized(kind, name, content, &format!("{:011o}\0", content.len()))
}

fn sized(kind: u8, name: &str, content: &[u8], size: &str) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(size.as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = header.to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A chart archive of plain files.
pub(crate) fn tgz(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar: Vec<u8> =
        files.iter().flat_map(|(name, content)| entry(b'0', name, content.as_bytes())).collect();
    tar.extend(END);
    gzip(&tar)
}

fn read(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    Archive::read(bytes, &ArchiveLimits::default())
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes)
        .map_or_else(|error| error.to_string(), |archive| format!("read {} files", archive.files().len()))
}

#[test]
fn names_stay_below_the_chart() {
    // (row, name, what becomes of it)
    let rows = [
        ("plain", "c/templates/a.yaml", "templates/a.yaml"),
        ("windows", r"c\templates\a.yaml", "templates/a.yaml"),
        ("a detour that stays", "c/x/../a.yaml", "a.yaml"),
        ("A13 above", "../x", "chart illegally references parent directory: \"../x\""),
        ("A13 absolute", "/x", "chart illegally contains absolute paths: \"/x\""),
        ("A13 climbs out", "a/../../x", "chart illegally references parent directory: \"a/../../x\""),
        ("A13 backslash first", r"\x", r#"chart illegally contains absolute paths: "\\x""#),
        (
            "A13 backslash climbs",
            r"a\..\..\x",
            r#"chart illegally references parent directory: "a\\..\\..\\x""#,
        ),
        ("absolute below", "c//etc/passwd", "chart illegally contains absolute paths: \"c//etc/passwd\""),
        ("drive", "c/d:/x", "chart contains illegally named files: \"c/d:/x\""),
        ("dots as a name", "c/..x", "chart illegally references parent directory: \"c/..x\""),
        ("no directory", "Chart.yaml", "chart yaml not in base directory: \"Chart.yaml\""),
        ("nothing left", "c/.", "chart illegally contains content outside the base directory: \"c/.\""),
        ("newline", "c/a\nb", "chart contains a file with control characters in its name: \"c/a\\nb\""),
    ];
    for (row, name, want) in rows {
        let got = read(&tgz(&[(name, "x")]));
        let got = got.map_or_else(|error| error.to_string(), |archive| archive.files()[0].name.clone());
        assert_eq!(got, want, "{row}");
    }
}

#[test]
fn a14_only_regular_files() {
    let rows = [
        (b'1', "hard link"),
        (b'2', "symbolic link"),
        (b'3', "device"),
        (b'4', "device"),
        (b'6', "pipe"),
        (b'S', "sparse file"),
    ];
    for (kind, what) in rows {
        let mut tar = entry(kind, "c/x", b"");
        tar.extend(END);
        assert_eq!(
            refusal(&gzip(&tar)),
            format!("chart archive holds \"c/x\", which is a {what} and not a regular file")
        );
    }
}

#[test]
fn a15_bombs_stop_at_the_cap() {
    let limits = ArchiveLimits { total_bytes: 64 << 10, file_bytes: 32 << 10, ..ArchiveLimits::default() };
    let large = "x".repeat(33 << 10);
    let got = Archive::read(&tgz(&[("c/a", large.as_str())]), &limits).unwrap_err();
    assert_eq!(got.to_string(), "decompressed chart file \"c/a\" is larger than the maximum file size 32768");
    let fits = "x".repeat(30 << 10);
    let three = [("c/a", fits.as_str()), ("c/b", fits.as_str()), ("c/c", fits.as_str())];
    let got = Archive::read(&tgz(&three), &limits).unwrap_err();
    assert_eq!(got, ArchiveError::TotalTooLarge(64 << 10));
    // The gzip stream goes on behind the end of the tar.
    let mut tar = entry(b'0', "c/a", b"x");
    tar.extend(END);
    tar.resize(tar.len() + (65 << 10), 0);
    assert_eq!(Archive::read(&gzip(&tar), &limits).unwrap_err(), ArchiveError::TotalTooLarge(64 << 10));
}

#[test]
fn a16_counts_and_depths() {
    let limits = ArchiveLimits { entries: 10, depth: 10, ..ArchiveLimits::default() };
    let many: Vec<(String, String)> = (0..11).map(|n| (format!("c/{n}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(Archive::read(&tgz(&many), &limits).unwrap_err(), ArchiveError::TooManyEntries(10));
    let deep = format!("c/{}x", "d/".repeat(10));
    let got = Archive::read(&tgz(&[(&deep, "")]), &limits).unwrap_err().to_string();
    assert!(got.starts_with("chart contains a file too many directories deep"), "{got}");
}

#[test]
fn a17_sizes_that_disagree() {
    let pax = |record: &str| {
        let record = format!("{} {record}\n", record.len() + 4);
        let mut tar = entry(b'x', "c/x", record.as_bytes());
        tar.extend(entry(b'0', "c/a", b"abc"));
        tar.extend(END);
        gzip(&tar)
    };
    let with_size = |size: &str| {
        let mut tar = sized(b'0', "c/a", b"abc", size);
        tar.extend(END);
        gzip(&tar)
    };
    let rows = [
        ("pax size, another", pax("size=99999"), "archive/tar: invalid tar header: two sizes for one entry"),
        ("pax size, the same", pax("size=000003"), "read 1 files"),
        ("pax link", pax("linkpath=z"), "archive/tar: invalid tar header: a link or a sparse file"),
        ("pax negative", pax("size=-0003"), "archive/tar: invalid tar header: a size that is no number"),
        ("negative", with_size("-0000000003\0"), "archive/tar: invalid tar header: a number that is none"),
        ("no octal", with_size("99999999999\0"), "archive/tar: invalid tar header: a number that is none"),
        (
            "8 GiB",
            with_size("77777777777\0"),
            "decompressed chart is larger than the maximum file size 104857600",
        ),
        ("no end", gzip(&entry(b'0', "c/a", b"abc")), "the archive ends without its end blocks"),
        ("nothing", gzip(&END), "no files in chart archive"),
        ("no header", gzip(&[7; 1024]), "archive/tar: invalid tar header: a number that is none"),
    ];
    for (row, bytes, want) in rows {
        assert_eq!(refusal(&bytes), want, "{row}");
    }
    let mut tar = entry(b'0', "c/a", b"abc");
    tar[3] = b'z';
    tar.extend(END);
    assert_eq!(refusal(&gzip(&tar)), "archive/tar: invalid tar header: the checksum does not match");
}

#[test]
fn a18_one_whole_gzip_stream() {
    let one = tgz(&[("c/a", "x")]);
    let mut thousand = one.clone();
    for _ in 1..1000 {
        thousand.extend_from_slice(&one);
    }
    assert!(refusal(&thousand).ends_with("bytes follow the end of the gzip stream"));
    assert_eq!(refusal(&gzip(&one)), "the archive ends without its end blocks");
    for cut in [one.len() / 2, one.len() - 1] {
        let got = refusal(&one[..cut]);
        assert!(got.starts_with("the gzip stream is damaged or cut off"), "cut at {cut}: {got}");
    }
    assert_eq!(refusal(b"plain"), "gzip: invalid header");
}

#[test]
fn long_names_and_directories() {
    let long = format!("c/{}a.yaml", "directory/".repeat(12));
    let below = long.strip_prefix("c/").unwrap();
    let record = format!("path={long}");
    let mut tar = entry(b'5', "c/", b"");
    tar.extend(entry(b'x', "pax", format!("{} {record}\n", record.len() + 5).as_bytes()));
    tar.extend(entry(b'0', "c/short", b"pax"));
    tar.extend(entry(b'L', "././@LongLink", format!("{long}2\0").as_bytes()));
    tar.extend(entry(b'0', "c/short", "\u{feff}gnu".as_bytes()));
    tar.extend(END);
    let archive = read(&gzip(&tar)).unwrap();
    let names: Vec<&str> = archive.files().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, [below, &format!("{below}2")]);
    assert_eq!(&**archive.get(&format!("{below}2")).unwrap(), b"gnu");
}

#[test]
fn an_archive_is_a_tree() {
    let archive = read(&tgz(&[
        ("c/Chart.yaml", "1"),
        ("c/files/a", "2"),
        ("c/files/a", "3"),
        ("c/x", ""),
        ("c/x/y", "4"),
    ]));
    let store = ArchiveStore::new(&archive.unwrap()).unwrap();
    let tree = FileTree::new(Arc::new(store), filetree::Limits::default());
    let path = |text| TreePath::parse(text).unwrap();
    assert_eq!(&*tree.read(&path("files/a")).unwrap(), b"3");
    let names: Vec<String> = tree.list(&path("")).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["Chart.yaml", "files", "x"]);
    assert_eq!(&*tree.read(&path("x/y")).unwrap(), b"4");
    assert!(tree.kind(&path("nope")).unwrap().is_none());
}
