//! DER, as much of it as certificates need.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0C;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// A value of a tag whose content is these pieces.
pub(crate) fn value(tag: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let content = pieces.concat();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(len) if len < 0x80 => out.push(len),
        _ => {
            let bytes: Vec<u8> =
                content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0));
            out.extend(bytes);
        }
    }
    out.extend(content);
    out
}

/// A positive INTEGER of big-endian bytes.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    value(INTEGER, &[sign, digits])
}

/// A BIT STRING whose last byte has so many bits that do not count.
pub(crate) fn bits(bytes: &[u8], unused: u8) -> Vec<u8> {
    value(BIT_STRING, &[&[unused], bytes])
}

/// One value of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'t> {
    pub(crate) tag: u8,
    pub(crate) content: &'t [u8],
    /// With tag and length.
    pub(crate) whole: &'t [u8],
}

/// Takes the first value from a text. `None` where there is none, or its length is not told in the shortest way or passes the end.
pub(crate) fn next<'t>(text: &mut &'t [u8]) -> Option<Item<'t>> {
    let all = *text;
    let [tag, first, rest @ ..] = all else { return None };
    let (len, content) = if first & 0x80 == 0 {
        (usize::from(*first), rest)
    } else {
        let (len, content) = rest.split_at_checked(usize::from(first & 0x7F).min(5))?;
        if len.is_empty() || len.len() > 4 {
            return None;
        }
        (len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), content)
    };
    let (content, after) = content.split_at_checked(len)?;
    *text = after;
    Some(Item { tag: *tag, content, whole: all.get(..all.len() - after.len())? })
}

/// Takes the first value, which must be of that tag.
pub(crate) fn expect<'t>(text: &mut &'t [u8], tag: u8) -> Option<Item<'t>> {
    next(text).filter(|item| item.tag == tag)
}
