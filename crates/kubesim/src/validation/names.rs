//! The syntaxes of names, labels and the like, with the server's words for what breaks them.

const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
     with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1123: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and \
     must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
     alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
     and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
     for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn too_long(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

fn is_word(text: &str, inner: impl Fn(u8) -> bool, edge: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|b| inner(*b))
        && bytes.first().is_some_and(|b| edge(*b))
        && bytes.last().is_some_and(|b| edge(*b))
}

fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

/// `a.b-c`, at most 253 bytes: most objects' names.
pub(crate) fn subdomain(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push(too_long(253));
    }
    if !text.split('.').all(|part| is_word(part, |b| lower(b) || b == b'-', lower)) {
        wrong.push(SUBDOMAIN.to_owned());
    }
    wrong
}

/// `a-b`, at most 63 bytes: namespaces, container names.
pub(crate) fn label_1123(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(too_long(63));
    }
    if !is_word(text, |b| lower(b) || b == b'-', lower) {
        let dots = subdomain(text).is_empty();
        wrong.push(if dots { "must not contain dots".to_owned() } else { LABEL_1123.to_owned() });
    }
    wrong
}

/// `a-b` that starts with a letter: services.
pub(crate) fn label_1035(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(too_long(63));
    }
    if !is_word(text, |b| lower(b) || b == b'-', lower) || !text.starts_with(|c: char| c.is_ascii_lowercase())
    {
        wrong.push(LABEL_1035.to_owned());
    }
    wrong
}

/// A name that is a segment of a path: roles and the like.
pub(crate) fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"].iter().filter(|c| text.contains(**c)).map(|c| format!("may not contain '{c}'")).collect()
}

/// `prefix/name`: keys of labels and annotations, finalizers.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                wrong.extend(subdomain(prefix).into_iter().map(|why| format!("prefix part {why}")));
            }
            *name
        }
        _ => {
            return vec![format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                QUALIFIED.trim_start_matches("name part ")
            )];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push(format!("name part {}", too_long(63)));
    }
    let edge = |b: u8| b.is_ascii_alphanumeric();
    if !is_word(name, |b| edge(b) || matches!(b, b'-' | b'_' | b'.'), edge) {
        wrong.push(QUALIFIED.to_owned());
    }
    wrong
}

/// The value of a label, empty or a word of at most 63 bytes.
pub(crate) fn label_value(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(too_long(63));
    }
    let edge = |b: u8| b.is_ascii_alphanumeric();
    let good = text.is_empty() || is_word(text, |b| edge(b) || matches!(b, b'-' | b'_' | b'.'), edge);
    (!good).then(|| VALUE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, good) in
            [("a", true), ("a.b-c", true), ("A", false), ("a..b", false), ("-a", false), ("", false)]
        {
            assert_eq!(subdomain(text).is_empty(), good, "{text}");
        }
        for (text, good) in
            [("a/b", true), ("b_c.D", true), ("/b", false), ("a/", false), ("a/b/c", false), ("é", false)]
        {
            assert_eq!(qualified_name(text).is_empty(), good, "{text}");
        }
        assert!(label_1035("1a").len() == 1 && label_1123("1a").is_empty());
        assert!(label_value("").is_none() && label_value("a b").is_some());
    }
}
