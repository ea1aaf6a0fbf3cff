//! Files of this machine, packed for a server.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::Failure;

/// Most bytes of an archive, as a server takes them.
const MOST_BYTES: usize = 100 << 20;

/// A directory as a compressed archive: plain files whose names fit one of the patterns (`*` stands for anything), with paths from the
/// directory on. Links, and what git keeps for itself, are left out.
///
/// **Errors**: nothing fits, something cannot be read, or all of it is more than a server takes.
pub(super) fn pack(directory: &Path, patterns: &[&str]) -> Result<Vec<u8>, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::usage(format!("the directory {} cannot be packed", directory.display())).because(error)
    };
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    builder.follow_symlinks(false);
    let (mut count, mut open) = (0_usize, vec![directory.to_owned()]);
    while let Some(folder) = open.pop() {
        let mut entries = std::fs::read_dir(&folder)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .map_err(|error| failed(&error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(|error| failed(&error))?;
            let (path, name) = (entry.path(), entry.file_name());
            if kind.is_dir() && name != ".git" {
                open.push(path);
            } else if kind.is_file() && patterns.iter().any(|pattern| fits(pattern, &name.to_string_lossy()))
            {
                let inside = path.strip_prefix(directory).unwrap_or(&path);
                builder.append_path_with_name(&path, inside).map_err(|error| failed(&error))?;
                count += 1;
            }
            if builder.get_ref().get_ref().len() > MOST_BYTES {
                return Err(Failure::usage(format!(
                    "the directory {} has more than {MOST_BYTES} bytes, packed",
                    directory.display()
                )));
            }
        }
    }
    if count == 0 {
        let what =
            format!("no files to send: none in {} is called {}", directory.display(), patterns.join(" or "));
        return Err(Failure::invalid(what));
    }
    let encoder = builder.into_inner().map_err(|error| failed(&error))?;
    let mut bytes = encoder.finish().map_err(|error| failed(&error))?;
    bytes.flush().map_err(|error| failed(&error))?;
    Ok(bytes)
}

/// Whether a name is what a pattern says.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == name };
    name.strip_prefix(before).is_some_and(|name| {
        name.char_indices()
            .map(|(at, _)| at)
            .chain([name.len()])
            .any(|at| fits(rest, name.get(at..).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_fit_are_packed() {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in
            [("a/b.yaml", "x: 1"), ("c.txt", "no"), (".git/config.yaml", "no"), ("d.json", "{}")]
        {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let names = |patterns: &[&str]| -> Vec<String> {
            let bytes = pack(home.path(), patterns).unwrap();
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
            let entries = archive.entries().unwrap();
            entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
        };
        assert_eq!(names(&["*.yaml", "*.json"]), ["d.json", "a/b.yaml"]);
        assert_eq!(names(&["*"]), ["c.txt", "d.json", "a/b.yaml"]);
        assert!(pack(home.path(), &["*.toml"]).unwrap_err().what.starts_with("no files to send"));
    }

    #[test]
    fn a_star_is_anything() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a*c", "abc", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
