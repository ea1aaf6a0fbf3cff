//! Completion in shells: the words and flags of the command line, and the names of applications as they are now.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, Command};

use crate::app;

/// How long somebody waits for names who has pressed a key.
const PATIENCE: Duration = Duration::from_millis(500);

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    /// `source <(capstan completion bash)`
    Bash,
    /// `capstan completion zsh > "${fpath[1]}/_capstan"`
    Zsh,
    /// `capstan completion fish > ~/.config/fish/completions/capstan.fish`
    Fish,
}

/// `completion`
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArguments {
    /// The shell
    shell: Shell,
}

/// `__complete`: what a shell asks.
#[derive(Debug, clap::Args)]
pub(crate) struct CompleteArguments {
    /// The words after the program's name, the last of which is being typed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Prints what a shell has to know to ask this program.
pub(crate) fn script(arguments: &CompletionArguments, program: &str) -> ExitCode {
    let script = match arguments.shell {
        Shell::Bash => {
            "_PROGRAM() {
  local IFS=$'\\n'
  COMPREPLY=($(PROGRAM __complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))
}
complete -o default -F _PROGRAM PROGRAM
"
        }
        Shell::Zsh => {
            "#compdef PROGRAM
_PROGRAM() {
  local -a found
  found=(${(f)\"$(PROGRAM __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"})
  if (( $#found )); then compadd -- $found; else _files; fi
}
if [ \"$funcstack[1]\" = \"_PROGRAM\" ]; then _PROGRAM; else compdef _PROGRAM PROGRAM; fi
"
        }
        Shell::Fish => {
            "complete -c PROGRAM -f -a '(PROGRAM __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
"
        }
    };
    say(&script.replace("PROGRAM", program));
    ExitCode::SUCCESS
}

/// Prints what the last word may become, one a line. Whoever waits for names does so no longer than [`PATIENCE`].
pub(crate) async fn complete(mut root: Command, arguments: CompleteArguments) -> ExitCode {
    root.build();
    let found = find(&root, &arguments.words);
    let mut all = found.words;
    if found.names {
        let names = tokio::time::timeout(PATIENCE, app::names(globals(&root, &arguments.words))).await;
        let typed = arguments.words.last().map_or("", String::as_str);
        let names = names.unwrap_or_default().into_iter();
        all.extend(names.filter(|name| name.starts_with(typed) && !arguments.words.contains(name)));
    }
    let text: String = all.iter().map(|word| format!("{word}\n")).collect();
    say(&text);
    ExitCode::SUCCESS
}

/// What a word may become.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    words: Vec<String>,
    /// Also names of applications.
    names: bool,
}

fn find(root: &Command, words: &[String]) -> Found {
    let Some((typed, before)) = words.split_last() else { return Found::default() };
    let (command, path, pending) = walk(root, before);
    let fits = |word: &String| word.starts_with(typed.as_str());
    if let Some(flag) = pending {
        let values = flag.get_possible_values().into_iter().map(|value| value.get_name().to_owned());
        return Found { words: values.filter(fits).collect(), names: false };
    }
    if typed.starts_with('-') {
        let flags = command.get_arguments().filter(|flag| !flag.is_hide_set());
        let flags = flags.filter_map(|flag| flag.get_long()).map(|long| format!("--{long}"));
        return Found { words: flags.filter(fits).collect(), names: false };
    }
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let words: Vec<String> = below.map(|below| below.get_name().to_owned()).filter(fits).collect();
    let takes_name = command.get_positionals().any(|arg| matches!(arg.get_id().as_str(), "name" | "names"));
    let names = path.first() == Some(&"app") && takes_name && path.get(1) != Some(&"create");
    Found { words, names }
}

/// The command that words lead to, and the flag whose value comes next.
fn walk<'a>(root: &'a Command, words: &[String]) -> (&'a Command, Vec<&'a str>, Option<&'a Arg>) {
    let (mut command, mut path, mut pending) = (root, Vec::new(), None);
    for word in words {
        if pending.take().is_some() {
            continue;
        }
        if word.starts_with('-') {
            pending =
                flag(command, word).filter(|flag| flag.get_action().takes_values() && !word.contains('='));
            // A switch with a value of its own takes it behind a `=`.
            pending = pending.filter(|flag: &&Arg| !flag.is_require_equals_set());
        } else if let Some(below) = command.find_subcommand(word) {
            path.push(below.get_name());
            command = below;
        }
    }
    (command, path, pending)
}

fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.split('=').next().unwrap_or_default();
    let is = |flag: &&Arg| match (name.strip_prefix("--"), name.strip_prefix('-')) {
        (Some(long), _) => flag.get_long() == Some(long),
        (None, Some(short)) => flag.get_short().is_some_and(|own| short.len() == 1 && short.starts_with(own)),
        (None, None) => false,
    };
    command.get_arguments().find(is)
}

/// The flags that say where applications are.
fn globals(root: &Command, words: &[String]) -> Vec<OsString> {
    const WHERE: [&str; 14] = [
        "server",
        "auth-token",
        "config",
        "argocd-context",
        "kubeconfig",
        "kube-context",
        "controller-namespace",
        "plaintext",
        "insecure",
        "grpc-web",
        "core",
        "port-forward",
        "port-forward-namespace",
        "server-name",
    ];
    let mut kept = Vec::new();
    let mut takes = false;
    for (index, word) in words.iter().enumerate() {
        if std::mem::take(&mut takes) {
            kept.push(word.into());
            continue;
        }
        let name = word.strip_prefix("--").map(|name| name.split('=').next().unwrap_or_default());
        if name.is_some_and(|name| WHERE.contains(&name)) {
            kept.push(word.into());
            let (command, ..) = walk(root, &words[..index]);
            takes = flag(command, word).is_some_and(|flag| {
                flag.get_action().takes_values() && !flag.is_require_equals_set() && !word.contains('=')
            });
        }
    }
    kept
}

fn say(text: &str) {
    // Where nobody reads, nothing is lost.
    drop(std::io::stdout().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn words_flags_values_and_names_are_found() {
        let mut root = crate::Arguments::command();
        root.build();
        for (line, some, names) in [
            ("a", &["app", "appset", "account", "admin"][..], false),
            ("app ge", &["get", "get-resource"], false),
            ("app get ", &[], true),
            ("app get x --out", &["--output"], false),
            ("app get x --output t", &["tree", "tree=detailed"], false),
            ("app get -o j", &["json"], false),
            ("app create ", &[], false),
            ("app sync --server h:1 --plaintext we", &[], true),
            ("app actions l", &["list"], false),
            ("app actions run ", &[], true),
            ("kustomize b", &["build"], false),
            ("app get --__", &[], false),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = find(&root, &words);
            assert_eq!(
                (found.words.iter().map(String::as_str).collect::<Vec<_>>(), found.names),
                (some.to_vec(), names),
                "{line}"
            );
        }
    }

    #[test]
    fn flags_that_say_where_are_kept() {
        let mut root = crate::Arguments::command();
        root.build();
        let words: Vec<String> =
            "app --server h:1 get --plaintext -o wide --config=c x".split(' ').map(str::to_owned).collect();
        assert_eq!(globals(&root, &words), ["--server", "h:1", "--plaintext", "--config=c"]);
    }
}
