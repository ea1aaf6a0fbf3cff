use super::GeneratorArgs;

/// Why the sources of a generator cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError<E: std::error::Error + 'static> {
    /// A file cannot be read.
    #[error("{field}: [{}]: {source}", .entries.join(" "))]
    File {
        /// `env source files` or `file sources`.
        field: &'static str,
        /// All entries of the field.
        entries: Vec<String>,
        /// Why not.
        source: E,
    },
    /// An entry of `files` is neither `path` nor `key=path`.
    #[error("file sources: [{}]: {reason}", .entries.join(" "))]
    FileSource {
        /// All entries.
        entries: Vec<String>,
        /// What is wrong with one.
        reason: String,
    },
    /// An entry of `literals` is not `key=value`.
    #[error("literal sources [{}]: invalid literal source {entry}, expected key=value", .entries.join(" "))]
    Literal {
        /// All entries.
        entries: Vec<String>,
        /// The one.
        entry: String,
    },
    /// A line of an env file is not UTF-8.
    #[error("env source files: [{}]: line {line} has invalid utf8 bytes", .entries.join(" "))]
    NotUtf8 {
        /// All entries.
        entries: Vec<String>,
        /// The line, from 1.
        line: usize,
    },
}

/// Bytes of a line of an env file, with its end, from which on the peer's reader stops in silence.
const MAX_LINE: usize = 64 * 1024;

/// Keys and values of an entry: from env files, then literals, then files, each in the order written; keys may repeat.
///
/// **Source**: kustomize `kv`, api v0.21.2.
pub(crate) fn pairs<E: std::error::Error + 'static>(
    args: &GeneratorArgs,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<Vec<(String, Vec<u8>)>, SourceError<E>> {
    let mut read = |field: &'static str, path: &str, entries: &[String]| {
        read(path).map_err(|source| SourceError::File { field, entries: entries.to_vec(), source })
    };
    let mut result = Vec::new();
    for path in &args.envs {
        let content = read("env source files", path, &args.envs)?;
        let lines = env_lines(&content);
        let lines = lines.map_err(|line| SourceError::NotUtf8 { entries: args.envs.clone(), line })?;
        result.extend(lines.into_iter().map(|(key, value)| (key, value.into_bytes())));
    }
    for literal in &args.literals {
        match literal.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                result.push((key.to_owned(), unquoted(value).as_bytes().to_vec()));
            }
            _ => {
                return Err(SourceError::Literal { entries: args.literals.clone(), entry: literal.clone() });
            }
        }
    }
    for source in &args.files {
        let named = file_source(source);
        let (key, path) =
            named.map_err(|reason| SourceError::FileSource { entries: args.files.clone(), reason })?;
        result.push((key.to_owned(), read("file sources", path, &args.files)?));
    }
    Ok(result)
}

/// The lines of an env file. A byte order mark before the first, blanks before the key, empty lines and those that
/// begin with `#` do not count; a line without `=` is a key with an empty value. `Err` is the line that is not UTF-8.
fn env_lines(content: &[u8]) -> Result<Vec<(String, String)>, usize> {
    let mut result = Vec::new();
    let ends_with_newline = content.ends_with(b"\n");
    let body = content.strip_suffix(b"\n").unwrap_or(content);
    if body.is_empty() && !ends_with_newline {
        return Ok(result);
    }
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if line.len() >= MAX_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = str::from_utf8(line).map_err(|_| at + 1)?;
        let line = if at == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !line.starts_with('#') && !key.is_empty() {
            result.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(result)
}

/// A value without the quotes that begin and end it.
fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

/// Key and path of `path` or `key=path`; without a key it is the last part of the path.
fn file_source(source: &str) -> Result<(&str, &str), String> {
    match source.split_once('=') {
        None => Ok((base(source), source)),
        Some((_, path)) if path.contains('=') => {
            Err(format!("source {source:?} key name or file path contains '='"))
        }
        Some(("", path)) => Err(format!("missing key name for file path {path:?} in source {source:?}")),
        Some((key, "")) => Err(format!("missing file path for key name {key:?} in source {source:?}")),
        Some(split) => Ok(split),
    }
}

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}
