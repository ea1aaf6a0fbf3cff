//! The file in which servers, tokens and contexts are kept; the peer's client has it, too.
//!
//! **Shape**: YAML as the peer writes it, sorted by key. What we do not know in it stays.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use net::Secret;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Kind};

/// Longest file that is read, in bytes.
const FILE_BYTES: usize = 4 << 20;

/// The file, as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Contexts {
    path: PathBuf,
    value: Map<String, Value>,
}

/// A context with its server and its user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// The server's entry.
    pub(crate) server: Value,
    pub(crate) token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
}

impl Named {
    /// The server's address.
    pub(crate) fn address(&self) -> &str {
        self.text("server")
    }

    /// A text of the server's entry.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.server[field].as_str().unwrap_or_default()
    }

    /// A switch of the server's entry.
    pub(crate) fn is(&self, field: &str) -> bool {
        self.server[field].as_bool().unwrap_or_default()
    }
}

/// Where the file is: a flag, else `ARGOCD_CONFIG_DIR`, `~/.argocd` where there is one, `XDG_CONFIG_HOME`, `~/.config`.
///
/// **Errors**: nothing says where a home is.
pub(crate) fn path(flag: Option<&str>, variable: fn(&str) -> Option<String>) -> Result<PathBuf, Failure> {
    match flag {
        Some(path) => Ok(path.into()),
        None => Ok(folder(variable)?.join("config")),
    }
}

/// The folder of the file, whatever a flag says; what lies beside it is kept here.
pub(crate) fn folder(variable: fn(&str) -> Option<String>) -> Result<PathBuf, Failure> {
    let set = |name: &str| variable(name).filter(|text| !text.is_empty());
    if let Some(folder) = set("ARGOCD_CONFIG_DIR") {
        return Ok(folder.into());
    }
    let home = set("HOME").map(PathBuf::from).ok_or_else(|| {
        Failure::usage("there is no place for the file of contexts")
            .cause("HOME is not set")
            .next("name the file: --config FILE")
            .peer("$HOME is not defined", 20)
    })?;
    let legacy = home.join(".argocd");
    Ok(match set("XDG_CONFIG_HOME") {
        _ if legacy.exists() => legacy,
        Some(folder) => PathBuf::from(folder).join("argocd"),
        None => home.join(".config/argocd"),
    })
}

impl Contexts {
    /// Reads the file; `None` where there is none.
    ///
    /// **Errors**: others may read it, it is no YAML of this shape, or its current context is not there.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path).because(&error)),
        };
        private(path)?;
        if text.len() > FILE_BYTES {
            return Err(unreadable(path).cause(format!("it is longer than {FILE_BYTES} bytes")));
        }
        let value = match goyaml::parse_one(&text, &goyaml::Limits::default()) {
            Ok(Value::Object(value)) => value,
            Ok(Value::Null) => Map::new(),
            Ok(_) => return Err(unreadable(path).cause("it is no map")),
            Err(error) => return Err(unreadable(path).because(&error)),
        };
        let contexts = Self { path: path.to_owned(), value };
        contexts.check()?;
        Ok(Some(contexts))
    }

    /// The file, or an empty one that is not written yet.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self::read(path)?.unwrap_or_else(|| Self { path: path.to_owned(), value: Map::new() }))
    }

    /// Whether the current context, if there is one, is whole.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.current().is_empty() {
            return Ok(());
        }
        self.resolve(None).map(drop).map_err(|failure| {
            let said = format!("local config invalid: {}", failure.what);
            Failure::invalid(said.clone())
                .next(format!("mend {}, or remove it and log in again", self.path.display()))
                .peer(said, 20)
        })
    }

    /// The name of the current context; empty where there is none.
    pub(crate) fn current(&self) -> &str {
        self.value.get("current-context").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether questions may be asked that a flag would answer.
    pub(crate) fn prompts(&self) -> bool {
        self.value.get("prompts-enabled").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The names of all contexts.
    pub(crate) fn names(&self) -> Vec<String> {
        self.list("contexts").iter().filter_map(|entry| Some(entry["name"].as_str()?.to_owned())).collect()
    }

    /// A context by its name, else the current one.
    ///
    /// **Errors**: it is not there, or its server or user is not.
    pub(crate) fn resolve(&self, name: Option<&str>) -> Result<Named, Failure> {
        let name = name.filter(|name| !name.is_empty()).unwrap_or(self.current());
        let lacks =
            |what: String| Failure::new(Kind::NotFound, what).next("see which there are: capstan context");
        if name.is_empty() {
            return Err(lacks("local config: current-context unset".to_owned()));
        }
        let context = self
            .find("contexts", "name", name)
            .ok_or_else(|| lacks(format!("Context '{name}' undefined")))?;
        let [server, user] = ["server", "user"].map(|field| context[field].as_str().unwrap_or_default());
        let found = self.find("servers", "server", server);
        let found = found.ok_or_else(|| lacks(format!("Server '{server}' undefined")))?;
        let user =
            self.find("users", "name", user).ok_or_else(|| lacks(format!("User '{user}' undefined")))?;
        let secret = |field: &str| user[field].as_str().filter(|text| !text.is_empty()).map(Secret::new);
        Ok(Named {
            name: name.to_owned(),
            server: found.clone(),
            token: secret("auth-token"),
            refresh_token: secret("refresh-token"),
        })
    }

    /// The context of a server, by its address.
    pub(crate) fn of_server(&self, address: &str) -> Option<Named> {
        let context = self.find("contexts", "server", address)?;
        self.resolve(context["name"].as_str()).ok()
    }

    /// Makes a context the current one.
    pub(crate) fn switch(&mut self, name: &str) {
        self.value.insert("current-context".to_owned(), json!(name));
    }

    /// Says whether questions may be asked.
    pub(crate) fn set_prompts(&mut self, enabled: bool) {
        self.value.insert("prompts-enabled".to_owned(), json!(enabled));
    }

    /// Sets these fields of a server; `null` and `false` go, what else it has stays.
    pub(crate) fn put_server(&mut self, server: Value) {
        self.put("servers", "server", server);
    }

    /// Sets the tokens of a user.
    pub(crate) fn put_user(&mut self, name: &str, token: Option<&Secret>, refresh: Option<&Secret>) {
        let exposed = |secret: Option<&Secret>| secret.map(|secret| secret.expose().to_owned());
        let user = json!({"name": name, "auth-token": exposed(token), "refresh-token": exposed(refresh)});
        self.put("users", "name", user);
    }

    /// Whether there is a user of this name.
    pub(crate) fn has_user(&self, name: &str) -> bool {
        self.find("users", "name", name).is_some()
    }

    /// Sets a context, whose user has its name.
    pub(crate) fn put_context(&mut self, name: &str, server: &str) {
        self.put("contexts", "name", json!({"name": name, "server": server, "user": name}));
    }

    /// Removes a context, its user and its server; whether there was one.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let Some(context) = self.find("contexts", "name", name) else { return false };
        let server = context["server"].as_str().unwrap_or_default().to_owned();
        for (list, key, value) in
            [("contexts", "name", name), ("users", "name", name), ("servers", "server", &server)]
        {
            self.list_mut(list).retain(|entry| entry[key] != value);
        }
        if self.current() == name {
            self.switch("");
        }
        true
    }

    /// Writes the file, for its owner alone; without servers it is removed.
    ///
    /// **Errors**: it cannot be written; then what was there is there still.
    pub(crate) fn write(&mut self) -> Result<(), Failure> {
        // The peer's client always has these.
        self.value.entry("current-context").or_insert_with(|| json!(""));
        self.value.entry("prompts-enabled").or_insert(Value::Bool(false));
        for list in ["contexts", "servers", "users"] {
            self.list_mut(list);
        }
        let text = goyaml::to_string(&Value::Object(self.value.clone()));
        let failed = |error: &std::io::Error| {
            Failure::new(Kind::Other, format!("{} cannot be written", self.path.display())).because(error)
        };
        // What a link leads to is written, not the link.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
        file.persist(&path).map_err(|error| failed(&error.error))?;
        Ok(())
    }

    /// Removes the file where no server is left, else writes it.
    pub(crate) fn write_or_remove(&mut self) -> Result<(), Failure> {
        if !self.list("servers").is_empty() {
            return self.write();
        }
        std::fs::remove_file(&self.path).map_err(|error| {
            Failure::new(Kind::Other, format!("{} cannot be removed", self.path.display())).because(&error)
        })
    }

    fn list(&self, name: &str) -> &[Value] {
        self.value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn list_mut(&mut self, name: &str) -> &mut Vec<Value> {
        let list = self.value.entry(name).or_insert(Value::Null);
        if !list.is_array() {
            *list = json!([]);
        }
        match list {
            Value::Array(list) => list,
            _ => unreachable!("it was made a list"),
        }
    }

    fn find(&self, list: &str, key: &str, value: &str) -> Option<&Value> {
        self.list(list).iter().find(|entry| entry[key] == value)
    }

    fn put(&mut self, list: &str, key: &str, fields: Value) {
        let Value::Object(fields) = fields else { return };
        let list = self.list_mut(list);
        let at = list.iter().position(|entry| Some(&entry[key]) == fields.get(key)).unwrap_or(list.len());
        if at == list.len() {
            list.push(json!({}));
        }
        let Some(entry) = list.get_mut(at).and_then(Value::as_object_mut) else { return };
        for (field, value) in fields {
            match value {
                Value::Null | Value::Bool(false) => drop(entry.remove(&field)),
                value => drop(entry.insert(field, value)),
            }
        }
    }
}

fn unreadable(path: &Path) -> Failure {
    Failure::invalid(format!("the contexts in {} cannot be read", path.display()))
}

/// Tokens are in it: as in the peer, nobody else may read it.
#[cfg(unix)]
fn private(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        std::fs::metadata(path).map_err(|error| unreadable(path).because(&error))?.permissions().mode()
            & 0o777;
    if [0o600, 0o400].contains(&mode) {
        return Ok(());
    }
    let letters: String =
        (0..9).map(|bit| if mode & (0o400 >> bit) == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] }).collect();
    let said = format!(
        "config file has incorrect permission flags -{letters}, change the file permission either to 0400 or 0600"
    );
    Err(unreadable(path)
        .cause("others may read it, and it has tokens in it")
        .next(format!("chmod 600 {}", path.display()))
        .peer(said, 20))
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
contexts:
- name: a
  server: a:443
  user: a
current-context: a
later: {x: 1}
servers:
- grpc-web-root-path: \"\"
  new-field: 5
  plain-text: true
  server: a:443
users:
- auth-token: t
  name: a
";

    fn write(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn what_is_not_known_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        write(&path, FILE);
        let mut contexts = Contexts::read(&path).unwrap().unwrap();
        let named = contexts.resolve(None).unwrap();
        assert_eq!((named.address(), named.is("plain-text"), named.token.is_some()), ("a:443", true, true));
        contexts.put_server(json!({"server": "a:443", "plain-text": false, "grpc-web-root-path": ""}));
        contexts.put_server(json!({"server": "b", "insecure": true, "grpc-web-root-path": ""}));
        contexts.put_user("b", Some(&Secret::new("u")), None);
        contexts.put_context("b", "b");
        contexts.switch("b");
        contexts.write().unwrap();
        let expected = "\
contexts:
- name: a
  server: a:443
  user: a
- name: b
  server: b
  user: b
current-context: b
later:
  x: 1
prompts-enabled: false
servers:
- grpc-web-root-path: \"\"
  new-field: 5
  server: a:443
- grpc-web-root-path: \"\"
  insecure: true
  server: b
users:
- auth-token: t
  name: a
- auth-token: u
  name: b
";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        assert!(private(&path).is_ok());
        assert!(contexts.remove("b") && !contexts.remove("b"));
        assert_eq!((contexts.current(), contexts.names().len()), ("", 1));
        assert!(contexts.remove("a"));
        contexts.write_or_remove().unwrap();
        assert!(Contexts::read(&path).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        for (text, mode, said) in [
            (FILE, 0o644, "config file has incorrect permission flags -rw-r--r--, change"),
            ("current-context: b\n", 0o600, "local config invalid: Context 'b' undefined"),
            (
                "contexts: [{name: b, server: s}]\ncurrent-context: b\n",
                0o600,
                "local config invalid: Server 's' undefined",
            ),
            ("- a\n", 0o600, "it is no map"),
        ] {
            write(&path, text);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let failure = Contexts::read(&path).unwrap_err();
            assert!(format!("{failure:?}").contains(said), "{failure:?}");
        }
    }
}
