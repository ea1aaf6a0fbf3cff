use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Runs `"$@"` for as long as this shell's standard input is open. The kernel closes it when the test's process
/// ends in whatever way, so nothing outlives a killed test.
const GUARD: &str = r#"log=$1; shift
"$@" </dev/null >>"$log" 2>&1 &
child=$!
echo $child
read -r _
kill -KILL $child 2>/dev/null
wait $child 2>/dev/null"#;

/// Ticks a second in `/proc/<pid>/stat`: `sysconf(_SC_CLK_TCK)` is 100 on every Linux that tests run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A program that ends with this value, or with the test's process, whichever is first.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    pid: u32,
    guard: Process,
    leash: Option<ChildStdin>,
    log: PathBuf,
}

impl Child {
    /// Starts `program`; its output is appended to `<dir>/<name>.log`.
    pub fn start(name: &'static str, program: &Path, args: &[String], dir: &Path) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(&log)
            .arg(program)
            .args(args)
            .current_dir(dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let leash = guard.stdin.take();
        let stdout = guard.stdout.take().context("the guard has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let pid = line.trim().parse().with_context(|| format!("{name}: the guard printed {line:?}"))?;
        Ok(Self { name, pid, guard, leash, log })
    }

    /// An error with the end of its log where the program has ended by itself.
    pub fn check_running(&self) -> Result<()> {
        // A dead child of the guard stays a zombie until the guard waits for it.
        let state = stat(self.pid).and_then(|fields| fields.first().cloned());
        match state.as_deref() {
            None | Some("Z" | "X") => bail!("{} has ended; its last lines:\n{}", self.name, self.log_tail()),
            Some(_) => Ok(()),
        }
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// User and system CPU time so far, in seconds; 0 where the kernel does not say.
    pub fn cpu_seconds(&self) -> f64 {
        let ticks =
            |fields: &[String], i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        stat(self.pid).map_or(0.0, |fields| (ticks(&fields, 11) + ticks(&fields, 12)) / TICKS_PER_SECOND)
    }

    /// Holds it up where it stands, or lets it go on.
    pub fn hold(&self, held: bool) -> Result<()> {
        let signal = if held { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill").args([signal, &self.pid.to_string()]).status()?;
        ensure!(sent.success(), "{} did not get its signal {signal}", self.name);
        Ok(())
    }

    /// The last 4 KiB of its output.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let from = text.len().saturating_sub(4096);
        String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.leash.take());
        // The guard kills and reaps the program, then ends; there is nobody to report a failure to.
        self.guard.wait().ok();
    }
}

/// The fields of `/proc/<pid>/stat` after the name in parentheses; the first is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_its_value() {
        let dir = tempfile::tempdir().unwrap();
        let child = Child::start("sleeper", Path::new("sleep"), &["1000".to_owned()], dir.path()).unwrap();
        let pid = child.pid;
        child.check_running().unwrap();
        drop(child);
        assert!(stat(pid).is_none(), "the program outlived its value");
    }

    #[test]
    fn an_early_end_shows_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let args = ["-c".to_owned(), "echo port taken; exit 3".to_owned()];
        let child = Child::start("server", Path::new("sh"), &args, dir.path()).unwrap();
        let error = loop {
            if let Err(error) = child.check_running() {
                break error.to_string();
            }
            std::thread::yield_now();
        };
        assert!(error.contains("server has ended") && error.contains("port taken"), "{error}");
    }
}
