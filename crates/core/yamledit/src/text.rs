//! Lines and blanks of a text, by bytes. Lines end with LF, with or without a CR before it; where others are in use the edit is found
//! out by what is read afterwards.

/// A part of a text; nothing where the offsets are none of its.
pub(crate) fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// Offset of the first byte of the line that a byte is in.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    part(text, 0, offset).rfind('\n').map_or(0, |at| at + 1)
}

/// Offset of the end of the line that a byte is in, before its line break.
pub(crate) fn line_end(text: &str, offset: usize) -> usize {
    let end = part(text, offset, text.len()).find('\n').map_or(text.len(), |at| offset + at);
    end - usize::from(end > offset && part(text, 0, end).ends_with('\r'))
}

/// Offset of the line after the one that a byte is in; the end of the text where there is none.
pub(crate) fn next_line(text: &str, offset: usize) -> usize {
    part(text, offset, text.len()).find('\n').map_or(text.len(), |at| offset + at + 1)
}

/// Characters between the start of the line and a byte.
pub(crate) fn column(text: &str, offset: usize) -> usize {
    part(text, line_start(text, offset), offset).trim_start_matches('\u{feff}').chars().count()
}

/// Whether nothing but spaces stands before a byte on its line.
pub(crate) fn is_first_on_line(text: &str, offset: usize) -> bool {
    part(text, line_start(text, offset), offset)
        .trim_start_matches('\u{feff}')
        .bytes()
        .all(|byte| byte == b' ')
}

/// Passes blanks, line breaks and comments.
pub(crate) fn skip_trivia(text: &str, mut offset: usize) -> usize {
    loop {
        let rest = part(text, offset, text.len());
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        offset += blanks;
        if !rest.get(blanks..).unwrap_or_default().starts_with('#') {
            return offset;
        }
        offset = line_end(text, offset);
    }
}

/// The line break that a text uses: that of its first line.
pub(crate) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if part(text, 0, at).ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
