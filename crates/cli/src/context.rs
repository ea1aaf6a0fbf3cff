//! Where a command runs, and for whom it prints.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use charts::Proxies;
use jiff::Timestamp;

/// Whose conventions hold: exit codes, colours, the form of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Ours: symbols, colours on a terminal, an exit code for each kind of failure.
    #[default]
    Native,
    /// The peer's, when called as `argocd`: plain tables, errors as lines of JSON, its exit codes.
    Argocd,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that has them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown, on the error stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ProgressChoice {
    /// A live region on a terminal, a line for each change elsewhere.
    #[default]
    Auto,
    /// A line for each change.
    Plain,
    /// Nothing.
    None,
    /// A line of JSON for each change.
    Json,
}

/// What the streams of this process lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether the result goes to a terminal.
    pub stdout: bool,
    /// Whether progress and errors go to a terminal.
    pub stderr: bool,
    /// Whether answers come from a terminal.
    pub stdin: bool,
    /// Whether the environment wants colours (`Some(false)`: `NO_COLOR`, `TERM=dumb`; `Some(true)`: `CLICOLOR_FORCE`).
    pub color: Option<bool>,
    /// Whether a cursor can be moved: not in CI, not on a dumb terminal.
    pub moves: bool,
    /// Whether the locale knows more than ASCII.
    pub unicode: bool,
    /// Width in columns, where it is known.
    pub columns: Option<usize>,
}

impl Terminal {
    /// Asks the operating system what the streams are, and the environment, through `variable`, how to use them.
    ///
    /// **Source**: `NO_COLOR` (no-color.org), `CLICOLOR_FORCE` (bixense.com/clicolors), `TERM`, `CI`, and the first
    /// of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        use std::io::IsTerminal;
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let color = if set("NO_COLOR").is_some() {
            Some(false)
        } else if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            Some(true)
        } else {
            dumb.then_some(false)
        };
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
        Self {
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            stdin: std::io::stdin().is_terminal(),
            color,
            moves: !dumb && set("CI").is_none(),
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
            columns: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        }
    }
}

/// Who is asked.
#[derive(Clone)]
pub enum Connection {
    /// The cluster's own API, with the user's rights there.
    Cluster(kube::Client),
    /// An API server.
    Server {
        /// The connection.
        remote: remote::Remote,
        /// Where it was found, as in `https://argocd.example.com`.
        url: String,
    },
}

/// For whom a command prints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Face {
    /// Whose conventions hold.
    pub style: Style,
    /// What the streams lead to.
    pub terminal: Terminal,
    /// When to use colours.
    pub color: ColorChoice,
}

/// Where a command runs.
#[derive(Clone)]
pub struct Context {
    /// Who is asked.
    pub connection: Connection,
    /// Namespace of the Applications and the settings, in the cluster.
    pub namespace: String,
    /// Whose conventions hold.
    pub style: Style,
    /// Where git objects are kept, for `diff` and `manifests`.
    pub data_dir: PathBuf,
    /// Whether `file://` repositories may be read.
    pub allow_file: bool,
    /// Ways out for repositories whose Secret names no proxy.
    pub proxies: Proxies,
    /// Programs that cluster Secrets may name to get credentials from.
    pub credential_programs: Vec<String>,
    /// What the environment says of AWS, for clusters of EKS.
    pub aws: applications::AwsEnvironment,
    /// Who asks: goes on record in `operation.initiatedBy`.
    pub user: String,
    /// The program, and its flags, in which specifications are edited.
    pub editor: String,
    /// What the streams lead to.
    pub terminal: Terminal,
    /// When to use colours.
    pub color: ColorChoice,
    /// How progress is shown.
    pub progress: ProgressChoice,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Context {
    /// A context with our own conventions and no terminal.
    pub fn new(connection: Connection, namespace: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            connection,
            namespace: namespace.into(),
            style: Style::Native,
            data_dir: data_dir.into(),
            allow_file: false,
            proxies: Proxies::default(),
            credential_programs: Vec::new(),
            aws: applications::AwsEnvironment::default(),
            user: String::new(),
            editor: "vi".to_owned(),
            terminal: Terminal::default(),
            color: ColorChoice::Auto,
            progress: ProgressChoice::Auto,
            clock: Arc::new(Timestamp::now),
        }
    }

    /// How the controller's own functions run here.
    pub(crate) fn controller_options(&self) -> applications::Options {
        applications::Options {
            proxies: self.proxies.clone(),
            credential_programs: self.credential_programs.clone(),
            aws: self.aws.clone(),
            ..applications::Options::new(self.namespace.clone(), "capstan-cli")
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn face(&self) -> Face {
        Face { style: self.style, terminal: self.terminal.clone(), color: self.color }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("namespace", &self.namespace)
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_over_colours_and_symbols() {
        for (reason, variables, color, moves, unicode) in [
            ("nothing set", &[][..], None, true, false),
            ("no-color.org", &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], Some(false), true, false),
            ("an empty NO_COLOR counts for nothing", &[("NO_COLOR", "")], None, true, false),
            ("forced", &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], Some(true), false, false),
            ("forced off", &[("CLICOLOR_FORCE", "0")], None, true, false),
            ("a dumb terminal", &[("TERM", "dumb"), ("LANG", "de_DE.UTF-8")], Some(false), false, true),
            ("the first locale wins", &[("LC_ALL", "C"), ("LANG", "en_US.utf8")], None, true, false),
            ("CI has no cursor", &[("CI", "true"), ("LC_CTYPE", "C.UTF-8")], None, false, true),
        ] {
            let find =
                |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            let terminal = Terminal::detect(find);
            assert_eq!(
                (terminal.color, terminal.moves, terminal.unicode),
                (color, moves, unicode),
                "{reason}"
            );
        }
    }
}
