//! `WWW-Authenticate`: what a registry wants to know of us.

/// A way to say who one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password in the request.
    Basic,
    /// A token, from a server at `realm`.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// The first challenge of a header that we know.
pub(super) fn parse(header: &str) -> Option<Challenge> {
    let mut rest = header.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        let (scheme, after) = rest.split_at_checked(end)?;
        let (parameters, next) = parameters(after);
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        let value = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = value("realm")
        {
            return Some(Challenge::Bearer { realm, service: value("service"), scope: value("scope") });
        }
        rest = next.trim_start_matches([' ', ',']);
    }
    None
}

/// `a="b", c=d` and what comes after it.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches([' ', ',']);
        let Some((key, after)) = trimmed.split_once('=') else { return (found, rest) };
        if key.is_empty() || key.contains([' ', ',', '"']) {
            return (found, rest);
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find([' ', ',']).unwrap_or(after.len());
                let (value, after) = after.split_at_checked(end).unwrap_or((after, ""));
                (value.to_owned(), after)
            }
        };
        found.push((key.to_owned(), value));
        rest = after;
    }
}

fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::{Challenge, parse};

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
                scope: scope.map(str::to_owned),
            })
        };
        let rows = [
            (r#"Basic realm="x""#, Some(Challenge::Basic), "basic"),
            ("basic", Some(Challenge::Basic), "no parameters"),
            (
                r#"Bearer realm="https://auth.example/token",service="reg.example",scope="repository:a/b:pull,push""#,
                bearer("https://auth.example/token", Some("reg.example"), Some("repository:a/b:pull,push")),
                "as the specification has it",
            ),
            (
                r#"BEARER Realm=https://a/t , service="q\"x""#,
                bearer("https://a/t", Some("q\"x"), None),
                "loosely",
            ),
            (r#"Negotiate, Bearer realm="r""#, bearer("r", None, None), "after one that is not known"),
            (r#"Digest realm="a", nonce="b", Basic realm="c""#, Some(Challenge::Basic), "after parameters"),
            (r#"Bearer service="x""#, None, "no realm"),
            ("", None, "nothing"),
            ("=,=,=\"", None, "noise"),
            (r#"Bearer realm="open"#, bearer("open", None, None), "an open quote"),
        ];
        for (header, expected, why) in rows {
            assert_eq!(parse(header), expected, "{why}");
        }
    }
}
