//! One line of CSV, as Go's `encoding/csv` reads it with `TrimLeadingSpace`.

/// Fields of a line that is neither empty nor a comment.
///
/// **Shape**: blanks before a field go, blanks after it stay; `"…"` may hold commas, and `""` for one quote; a quote inside of a plain
/// field, or text after a closing quote, is an error.
pub(crate) fn fields(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, more) = match rest.split_once(',') {
                Some((field, more)) => (field, Some(more)),
                None => (rest, None),
            };
            if field.contains('"') {
                return Err("a quote inside of a field that does not begin with one");
            }
            fields.push(field.to_owned());
            match more {
                Some(more) => rest = more,
                None => return Ok(fields),
            }
            continue;
        };
        let (field, more) = unquote(quoted)?;
        fields.push(field);
        match more {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

/// What stands up to the closing quote, and what follows the comma after it.
fn unquote(text: &str) -> Result<(String, Option<&str>), &'static str> {
    let (mut field, mut rest) = (String::new(), text);
    loop {
        let (part, after) = rest.split_once('"').ok_or("a quote that does not end")?;
        field.push_str(part);
        if let Some(more) = after.strip_prefix('"') {
            field.push('"');
            rest = more;
        } else if after.is_empty() {
            return Ok((field, None));
        } else if let Some(more) = after.strip_prefix(',') {
            return Ok((field, Some(more)));
        } else {
            return Err("text after a closing quote");
        }
    }
}

/// Writes fields as a line of a policy.
pub(crate) fn line(fields: &[&str]) -> String {
    let mut out = String::new();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if field.contains([',', '"', '#']) || field.trim() != *field {
            out.extend(["\"", &field.replace('"', "\"\""), "\""]);
        } else {
            out.push_str(field);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_go_reads_them() {
        for (text, expected) in [
            ("p, a,b ,  c", Ok(vec!["p", "a", "b ", "c"])),
            ("g, \"CN=a,OU=b\", role:x", Ok(vec!["g", "CN=a,OU=b", "role:x"])),
            ("\"a\"\"b\"", Ok(vec!["a\"b"])),
            ("a,", Ok(vec!["a", ""])),
            ("a\"b", Err("a quote inside of a field that does not begin with one")),
            ("\"a\" ,b", Err("text after a closing quote")),
            ("\"a", Err("a quote that does not end")),
        ] {
            let expected = expected.map(|fields| fields.into_iter().map(str::to_owned).collect());
            assert_eq!(fields(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for names in [["p", "a,b"], ["g", "say \"hi\""], ["g", " a "], ["g", "plain"]] {
            assert_eq!(fields(&line(&names)), Ok(names.map(str::to_owned).to_vec()), "{names:?}");
        }
    }
}
