//! Upper, lower and title case of single characters, as Go's `unicode` has them: one character gives one.
//! (Rust's own follow the full mappings, where `ß` becomes `SS`.)

/// `unicode.ToUpper`.
pub(crate) fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => match c {
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => moved(c, 8),
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => moved(c, 9),
            _ => c,
        },
    }
}

/// `unicode.ToLower`.
pub(crate) fn lower(c: char) -> char {
    // The dotted I is the only one with more than one character in lower case.
    c.to_lowercase().next().unwrap_or(c)
}

/// `unicode.ToTitle`.
pub(crate) fn title(c: char) -> char {
    match c {
        '\u{01C4}'..='\u{01C6}' => '\u{01C5}',
        '\u{01C7}'..='\u{01C9}' => '\u{01C8}',
        '\u{01CA}'..='\u{01CC}' => '\u{01CB}',
        '\u{01F1}'..='\u{01F3}' => '\u{01F2}',
        '\u{10D0}'..='\u{10FF}' => c,
        _ => upper(c),
    }
}

fn moved(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

/// `unicode.IsUpper`: the letters of category Lu.
pub(crate) fn is_upper(c: char) -> bool {
    // Rust's also counts other letters and symbols that look like capitals.
    c.is_uppercase()
        && !matches!(c, '\u{2160}'..='\u{216F}' | '\u{24B6}'..='\u{24CF}' | '\u{1F130}'..='\u{1F189}')
}

/// `unicode.IsLower`: the letters of category Ll.
pub(crate) fn is_lower(c: char) -> bool {
    let other = matches!(c, 'ª' | 'º' | '\u{02B0}'..='\u{02B8}' | '\u{02C0}' | '\u{02C1}' | '\u{02E0}'..='\u{02E4}'
        | '\u{0345}' | '\u{037A}' | '\u{1D2C}'..='\u{1D6A}' | '\u{1D78}' | '\u{1D9B}'..='\u{1DBF}' | '\u{2071}'
        | '\u{207F}' | '\u{2090}'..='\u{209C}' | '\u{2170}'..='\u{217F}' | '\u{24D0}'..='\u{24E9}' | '\u{2C7C}' | '\u{2C7D}');
    c.is_lowercase() && !other
}

/// `unicode.IsTitle`.
pub(crate) fn is_title(c: char) -> bool {
    matches!(c, '\u{01C5}' | '\u{01C8}' | '\u{01CB}' | '\u{01F2}' | '\u{1F88}'..='\u{1F8F}' | '\u{1F98}'..='\u{1F9F}'
        | '\u{1FA8}'..='\u{1FAF}' | '\u{1FBC}' | '\u{1FCC}' | '\u{1FFC}')
}
