//! Git's packet lines: four hex digits of length, then the data; 0000 ends a message, 0001 parts it.

/// Longest line that git sends: 65520 bytes, its length included.
const MAX_LINE: usize = 65_520;
/// Data that goes into one side-band line.
pub(crate) const MAX_BAND: usize = MAX_LINE - 5;

/// One line of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Data(&'a [u8]),
    Delimiter,
    Flush,
}

impl Line<'_> {
    /// The text, without the line feed at its end.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Line::Data(data) => std::str::from_utf8(data).ok().map(|text| text.trim_end_matches('\n')),
            Line::Delimiter | Line::Flush => None,
        }
    }
}

/// Takes the next line off `input`; `None` at its end or where it is malformed.
pub(crate) fn next<'a>(input: &mut &'a [u8]) -> Option<Line<'a>> {
    let length = input.get(..4).and_then(|digits| std::str::from_utf8(digits).ok())?;
    let length = usize::from_str_radix(length, 16).ok()?;
    let (line, used) = match length {
        0 => (Line::Flush, 4),
        1 => (Line::Delimiter, 4),
        4..=MAX_LINE => (Line::Data(input.get(4..length)?), length),
        _ => return None,
    };
    *input = input.get(used..)?;
    Some(line)
}

pub(crate) fn put(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(format!("{:04x}", data.len() + 4).as_bytes());
    out.extend_from_slice(data);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, format!("{text}\n").as_bytes());
}

pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

pub(crate) fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_there_and_back() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, "command=ls-refs");
        delimiter(&mut bytes);
        flush(&mut bytes);
        let mut input = bytes.as_slice();
        assert_eq!(next(&mut input).unwrap().text(), Some("command=ls-refs"));
        assert_eq!(next(&mut input), Some(Line::Delimiter));
        assert_eq!(next(&mut input), Some(Line::Flush));
        assert_eq!(next(&mut input), None);
        for bad in ["zzzz", "0003", "00", "0010short", "fffff"] {
            assert_eq!(next(&mut bad.as_bytes()), None, "{bad}");
        }
    }
}
