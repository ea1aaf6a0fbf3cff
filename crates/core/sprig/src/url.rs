//! URLs as Go's `net/url` (1.26) reads and writes them.

use std::net::Ipv6Addr;

/// A URL in its parts, decoded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Vec<u8>,
    pub(crate) opaque: Vec<u8>,
    /// User name, and password where there is one.
    pub(crate) user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) fragment: Vec<u8>,
}

/// Where a text stands decides what is escaped in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

fn is_plain(byte: u8, place: Place) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return true;
    }
    match place {
        Place::Host | Place::Zone => b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Place::Path => b"$&+,/:;=@".contains(&byte),
        Place::User => b"$&+,;=".contains(&byte),
        Place::Fragment => b"$&+,/:;=?@!()*".contains(&byte),
    }
}

fn escape(text: &[u8], place: Place, out: &mut Vec<u8>) {
    for byte in text {
        if is_plain(*byte, place) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, String> {
    let invalid = |part: &[u8]| format!("invalid URL escape {}", gotemplate::format::quoted(part));
    let in_host = matches!(place, Place::Host | Place::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            if in_host && first.is_ascii() && !is_plain(*first, place) {
                let shown = gotemplate::format::quoted(&[*first]);
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(*first);
            continue;
        }
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        let (Some(high), Some(low)) = (after.first().and_then(hex), after.get(1).and_then(hex)) else {
            let mut part = vec![b'%'];
            part.extend(after.iter().take(2));
            return Err(invalid(&part));
        };
        let whole = [b'%', after.first().copied().unwrap_or(0), after.get(1).copied().unwrap_or(0)];
        let byte = u8::try_from(high << 4 | low).unwrap_or(0);
        let percent = whole == *b"%25";
        let refused = match place {
            Place::Host => high < 8 && !percent,
            Place::Zone => !percent && byte != b' ' && !is_plain(byte, Place::Host),
            _ => false,
        };
        if refused {
            return Err(invalid(&whole));
        }
        out.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(out)
}

fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (text.get(..place).unwrap_or_default(), text.get(place + 1..)),
        None => (text, None),
    }
}

/// `url.Parse`. **Errors**: Go's text, with `parse "…": ` before.
pub(crate) fn parse(text: &[u8]) -> Result<Url, String> {
    let (front, fragment) = cut(text, b'#');
    let place = |text: &[u8], error: String| format!("parse {}: {error}", gotemplate::format::quoted(text));
    let mut url = parse_front(front).map_err(|error| place(front, error))?;
    url.fragment =
        unescape(fragment.unwrap_or_default(), Place::Fragment).map_err(|error| place(text, error))?;
    Ok(url)
}

fn parse_front(text: &[u8]) -> Result<Url, String> {
    let mut url = Url::default();
    if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Err("net/url: invalid control character in URL".into());
    }
    if text == b"*" {
        url.path = b"*".to_vec();
        return Ok(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = cut(rest, b'?');
    url.query = query.unwrap_or_default().to_vec();
    let has_scheme = !scheme.is_empty();
    if !rest.starts_with(b"/") {
        if has_scheme {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    let mut path = rest;
    if (has_scheme || !rest.starts_with(b"///"))
        && let Some(after) = rest.strip_prefix(b"//")
    {
        let end = after.iter().position(|byte| *byte == b'/').unwrap_or(after.len());
        let (authority, after) = after.split_at(end);
        parse_authority(authority, &mut url)?;
        path = after;
    }
    url.path = unescape(path, Place::Path)?;
    Ok(url)
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default())),
            _ => break,
        }
    }
    Ok((b"", text))
}

fn parse_authority(authority: &[u8], url: &mut Url) -> Result<(), String> {
    let at = authority.iter().rposition(|byte| *byte == b'@');
    let host = at.map_or(authority, |at| authority.get(at + 1..).unwrap_or_default());
    url.host = parse_host(&url.scheme, host)?;
    let Some(userinfo) = at.and_then(|at| authority.get(..at)) else { return Ok(()) };
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !userinfo.iter().all(fine) {
        return Err("net/url: invalid userinfo".into());
    }
    let (name, password) = cut(userinfo, b':');
    let password = password.map(|password| unescape(password, Place::User)).transpose()?;
    url.user = Some((unescape(name, Place::User)?, password));
    Ok(())
}

fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    let bad_port = |port: &[u8]| format!("invalid port {} after host", gotemplate::format::quoted(port));
    match host.iter().rposition(|byte| *byte == b'[') {
        Some(0) => {}
        Some(_) => return Err("invalid IP-literal".into()),
        None => {
            let first = host.iter().position(|byte| *byte == b':');
            let last = host.iter().rposition(|byte| *byte == b':');
            let strict = scheme == b"http" || scheme == b"https";
            let port = if strict { first } else { last }.and_then(|at| host.get(at..)).unwrap_or_default();
            return if is_port(port) { unescape(host, Place::Host) } else { Err(bad_port(port)) };
        }
    }
    let close = host.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
    let (literal, port) = (host.get(1..close).unwrap_or_default(), host.get(close + 1..).unwrap_or_default());
    if !is_port(port) {
        return Err(bad_port(port));
    }
    let zone = literal.windows(3).position(|window| window == b"%25").unwrap_or(literal.len());
    let (address, zone) = literal.split_at(zone);
    let address = unescape(address, Place::Host)?;
    let name = [address.clone(), unescape(zone, Place::Zone)?].concat();
    let text = String::from_utf8_lossy(&address);
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".into());
    }
    if text.parse::<Ipv6Addr>().is_err() {
        let shown = gotemplate::format::quoted(&name);
        return Err(format!("invalid host: ParseAddr({shown}): unable to parse IP"));
    }
    Ok([b"[", name.as_slice(), b"]", port].concat())
}

impl Url {
    /// The host without port and brackets.
    pub(crate) fn hostname(&self) -> &[u8] {
        let host = self.host.as_slice();
        let colon = host.iter().rposition(|byte| *byte == b':');
        let host = match colon.map(|at| host.split_at(at)) {
            Some((name, port)) if is_port(port) => name,
            _ => host,
        };
        host.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(host)
    }

    /// `name:password`, escaped.
    pub(crate) fn userinfo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some((name, password)) = &self.user {
            escape(name, Place::User, &mut out);
            if let Some(password) = password {
                out.push(b':');
                escape(password, Place::User, &mut out);
            }
        }
        out
    }

    /// `URL.String`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            let authority = !self.host.is_empty() || self.user.is_some();
            if authority || (!self.scheme.is_empty() && !self.path.is_empty()) {
                out.extend_from_slice(b"//");
            }
            if self.user.is_some() {
                out.extend(self.userinfo());
                out.push(b'@');
            }
            escape(&self.host, Place::Host, &mut out);
            if !self.host.is_empty() && !self.path.is_empty() && !self.path.starts_with(b"/") {
                out.push(b'/');
            }
            if out.is_empty() && cut(&self.path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            if self.path == b"*" {
                out.push(b'*');
            } else {
                escape(&self.path, Place::Path, &mut out);
            }
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            escape(&self.fragment, Place::Fragment, &mut out);
        }
        out
    }
}
