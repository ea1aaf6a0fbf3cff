//! HTTP in small: git's own backend behind it, or a handler that does what no honest server would.

use super::git::command;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn is_advertisement(&self) -> bool {
        self.method == "GET"
    }

    pub fn is_ls_refs(&self) -> bool {
        self.body_text().contains("command=ls-refs")
    }
}

type Handler = dyn Fn(&Request, &mut dyn Stream) -> std::io::Result<()> + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    /// `METHOD target` of each request, and whether it carried credentials.
    pub log: Arc<Mutex<Vec<(String, bool)>>>,
    /// Bytes of all answers.
    pub sent: Arc<Mutex<usize>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub fn start(
        handler: impl Fn(&Request, &mut dyn Stream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, handler)
    }

    pub fn start_with(
        tls: Option<Arc<rustls::ServerConfig>>,
        handler: impl Fn(&Request, &mut dyn Stream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            log: Arc::default(),
            sent: Arc::default(),
            stop: Arc::default(),
        };
        let (log, sent, stop) = (Arc::clone(&server.log), Arc::clone(&server.sent), Arc::clone(&server.stop));
        let handler: Arc<Handler> = Arc::new(handler);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (log, sent, handler, tls) =
                    (Arc::clone(&log), Arc::clone(&sent), Arc::clone(&handler), tls.clone());
                std::thread::spawn(move || {
                    let outcome = match tls {
                        None => answer(stream, &log, &sent, &*handler),
                        Some(config) => {
                            let session = rustls::ServerConnection::new(config).unwrap();
                            let mut stream = rustls::StreamOwned::new(session, stream);
                            let outcome = answer(&mut stream, &log, &sent, &*handler);
                            stream.conn.send_close_notify();
                            outcome.and(stream.flush())
                        }
                    };
                    drop(outcome);
                });
            }
        });
        server
    }

    /// Git's own backend for the repositories below `root`; with `login`, only for who says `Basic` it (base64 of name:password).
    pub fn git(root: &Path, login: Option<&str>) -> Self {
        let (root, login) = (root.to_owned(), login.map(|login| format!("Basic {login}")));
        Self::start(move |request, stream| git_backend(&root, login.as_deref(), request, stream))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn requests(&self, part: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|(line, _)| line.contains(part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

fn answer(
    stream: impl Stream,
    log: &Mutex<Vec<(String, bool)>>,
    sent: &Mutex<usize>,
    handler: &Handler,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let Some(request) = read_request(&mut reader)? else { return Ok(()) };
    let authorized = !request.header("authorization").is_empty();
    log.lock().unwrap().push((format!("{} {}", request.method, request.target), authorized));
    let mut counted = Counted { inner: reader.into_inner(), sent };
    handler(&request, &mut counted)?;
    counted.flush()
}

struct Counted<'a, S> {
    inner: S,
    sent: &'a Mutex<usize>,
}

impl<S: Read> Read for Counted<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl<S: Write> Write for Counted<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        *self.sent.lock().unwrap() += bytes.len();
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request { method, target, headers: Vec::new(), body: Vec::new() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => request.headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let length = request.header("content-length").parse().unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

pub fn git_backend(
    root: &Path,
    login: Option<&str>,
    request: &Request,
    stream: &mut dyn Stream,
) -> std::io::Result<()> {
    if login.is_some_and(|login| request.header("authorization") != login) {
        return head(stream, "401 Unauthorized", "text/plain\r\nWWW-Authenticate: Basic realm=\"test\"");
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut child = command("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs([
            ("GIT_PROJECT_ROOT", root.to_str().unwrap()),
            ("GIT_HTTP_EXPORT_ALL", "1"),
            ("PATH_INFO", path),
        ])
        .envs([("QUERY_STRING", query), ("REQUEST_METHOD", &request.method), ("REMOTE_ADDR", "127.0.0.1")])
        .envs([
            ("CONTENT_TYPE", request.header("content-type")),
            ("GIT_PROTOCOL", request.header("git-protocol")),
        ])
        .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("HOME", "/nonexistent"), ("GIT_CONFIG_COUNT", "1")])
        .envs([("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", "*")])
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    child.stdin.take().unwrap().write_all(&request.body)?;
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let headers = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = headers.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    write!(stream, "HTTP/1.1 {status}\r\n{headers}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&output[end + 4..])
}

pub fn head(stream: &mut dyn Stream, status: &str, content_type: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n")
}

pub const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
pub const RESULT: &str = "application/x-git-upload-pack-result";

pub fn pkt(line: impl AsRef<[u8]>) -> Vec<u8> {
    let line = line.as_ref();
    [format!("{:04x}", line.len() + 4).as_bytes(), line].concat()
}

/// What a server of protocol 2 says first.
pub fn capabilities() -> Vec<u8> {
    let lines =
        [pkt("# service=git-upload-pack\n"), b"0000".to_vec(), pkt("version 2\n"), pkt("agent=test\n")];
    let more =
        [pkt("ls-refs=unborn\n"), pkt("fetch=shallow\n"), pkt("object-format=sha1\n"), b"0000".to_vec()];
    [lines.concat(), more.concat()].concat()
}

/// A server of protocol 2 that has one branch, and says what it is told to a fetch.
pub fn with_pack(
    commit: &str,
    fetch: impl Fn(&mut dyn Stream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Server {
    let listing = [
        pkt(format!("{commit} HEAD symref-target:refs/heads/main\n")),
        pkt(format!("{commit} refs/heads/main\n")),
    ]
    .concat();
    Server::start(move |request, stream| {
        if request.is_advertisement() {
            head(stream, "200 OK", ADVERTISEMENT)?;
            return stream.write_all(&capabilities());
        }
        head(stream, "200 OK", RESULT)?;
        if request.is_ls_refs() {
            stream.write_all(&listing)?;
            return stream.write_all(b"0000");
        }
        stream.write_all(&pkt("packfile\n"))?;
        fetch(stream)
    })
}

/// A pack in side band 1.
pub fn send_pack(stream: &mut dyn Stream, pack: &[u8]) -> std::io::Result<()> {
    for chunk in pack.chunks(60_000) {
        stream.write_all(&pkt([b"\x01", chunk].concat()))?;
    }
    stream.write_all(b"0000")
}

/// All objects of a repository, as git packs them.
pub fn pack_of(path: &Path) -> Vec<u8> {
    let mut child = command("git")
        .args(["pack-objects", "--all", "--stdout", "-q"])
        .current_dir(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pack = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut pack).unwrap();
    assert!(child.wait().unwrap().success());
    pack
}

pub fn path_of(server_root: &Path, name: &str) -> PathBuf {
    server_root.join(name)
}
