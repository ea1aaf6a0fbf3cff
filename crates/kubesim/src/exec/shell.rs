//! A shell that is not one: the few words that a terminal is tried out with. The same lines always print the same.

use std::collections::BTreeMap;

/// Bytes of one line.
const LINE: usize = 16 << 10;
const PROMPT: &str = "/ # ";

/// What a container has, as far as the words can tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Container {
    pub(crate) environment: BTreeMap<String, String>,
    /// Files of mounted ConfigMaps and Secrets.
    pub(crate) files: BTreeMap<String, String>,
}

/// What became of a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It printed this and ended with this code.
    Ended(String, i32),
    /// It reads lines.
    Reads,
    /// There is no such program.
    Absent,
}

/// A shell at work.
#[derive(Debug)]
pub(crate) struct Shell {
    container: Container,
    terminal: bool,
    line: Vec<u8>,
    /// Rows and columns.
    size: (u16, u16),
    last: i32,
}

impl Shell {
    pub(crate) fn new(container: Container, terminal: bool) -> Self {
        Self { container, terminal, line: Vec::new(), size: (24, 80), last: 0 }
    }

    /// Starts a program.
    pub(crate) fn begin(&mut self, argv: &[String]) -> Begun {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let name = words.first().copied().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        match (name, words.as_slice()) {
            ("sh", [_]) => Begun::Reads,
            ("sh", [_, "-c", script, ..]) => {
                let mut printed = String::new();
                for line in script.split([';', '\n']) {
                    let (text, ends) = self.run(line);
                    printed.push_str(&text);
                    if ends {
                        break;
                    }
                }
                Begun::Ended(printed, self.last)
            }
            (_, argv) => match self.word(argv) {
                Some(text) => Begun::Ended(text, self.last),
                None => Begun::Absent,
            },
        }
    }

    /// What is shown before anything is typed.
    pub(crate) fn greeting(&self) -> &'static str {
        if self.terminal { PROMPT } else { "" }
    }

    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        self.size = (rows, columns);
    }

    /// Reads what is typed: what is shown then, and the code with which it ends if it does.
    pub(crate) fn read(&mut self, typed: &[u8]) -> (String, Option<i32>) {
        let mut shown = Vec::new();
        let mut code = None;
        for byte in typed {
            match byte {
                b'\r' | b'\n' => {
                    let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                    let (text, ends) = self.run(&line);
                    if self.terminal {
                        shown.extend(format!("\r\n{}", text.replace('\n', "\r\n")).bytes());
                    } else {
                        shown.extend(text.bytes());
                    }
                    code = ends.then_some(self.last);
                    shown.extend(if ends { "" } else { self.greeting() }.bytes());
                }
                0x03 if self.terminal => {
                    self.line.clear();
                    shown.extend(format!("^C\r\n{PROMPT}").bytes());
                }
                0x04 if self.terminal && self.line.is_empty() => code = Some(self.last),
                0x7f if self.terminal => {
                    let gone = self.line.pop();
                    shown.extend(gone.map_or("", |_| "\u{8} \u{8}").bytes());
                }
                byte if self.line.len() < LINE => {
                    self.line.push(*byte);
                    shown.extend(self.terminal.then_some(*byte));
                }
                _ => {}
            }
            if code.is_some() {
                break;
            }
        }
        (String::from_utf8_lossy(&shown).into_owned(), code)
    }

    /// No more is typed: what the last line prints, and the code.
    pub(crate) fn end(&mut self) -> (String, i32) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        (self.run(&line).0, self.last)
    }

    /// Runs a line: what it prints, and whether the shell ends by it.
    fn run(&mut self, line: &str) -> (String, bool) {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => (String::new(), false),
            ["exit"] => (String::new(), true),
            ["exit", code, ..] => {
                self.last = code.parse().unwrap_or(2);
                (String::new(), true)
            }
            argv => match self.word(argv) {
                Some(text) => (text, false),
                None => {
                    self.last = 127;
                    (format!("sh: {}: not found\n", argv.first().copied().unwrap_or_default()), false)
                }
            },
        }
    }

    /// What a program prints; `None` where it is not there.
    fn word(&mut self, argv: &[&str]) -> Option<String> {
        self.last = 0;
        Some(match argv {
            ["echo", words @ ..] => format!("{}\n", words.join(" ")),
            ["true"] => String::new(),
            ["false"] => {
                self.last = 1;
                String::new()
            }
            ["hostname"] => {
                format!("{}\n", self.container.environment.get("HOSTNAME").map_or("", String::as_str))
            }
            ["env"] => {
                self.container.environment.iter().map(|(name, text)| format!("{name}={text}\n")).collect()
            }
            ["stty", "size"] => format!("{} {}\n", self.size.0, self.size.1),
            ["cat", files @ ..] => files.iter().map(|file| self.cat(file)).collect(),
            _ => return None,
        })
    }

    fn cat(&mut self, file: &str) -> String {
        self.container.files.get(file).cloned().unwrap_or_else(|| {
            self.last = 1;
            format!("cat: can't open '{file}': No such file or directory\n")
        })
    }
}

/// The words of a line; quotes hold blanks together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Container {
        let map = |rows: &[(&str, &str)]| {
            rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Container {
            environment: map(&[("A", "1"), ("HOSTNAME", "web")]),
            files: map(&[("/etc/a", "text\n")]),
        }
    }

    #[test]
    fn programs_end_as_they_do() {
        for (argv, expected) in [
            (vec!["echo", "a", "b"], Begun::Ended("a b\n".to_owned(), 0)),
            (vec!["env"], Begun::Ended("A=1\nHOSTNAME=web\n".to_owned(), 0)),
            (vec!["cat", "/etc/a"], Begun::Ended("text\n".to_owned(), 0)),
            (
                vec!["cat", "x"],
                Begun::Ended("cat: can't open 'x': No such file or directory\n".to_owned(), 1),
            ),
            (vec!["sh", "-c", "echo 'a  b'; exit 3; echo c"], Begun::Ended("a  b\n".to_owned(), 3)),
            (vec!["sh", "-c", "nothing"], Begun::Ended("sh: nothing: not found\n".to_owned(), 127)),
            (vec!["/bin/sh"], Begun::Reads),
            (vec!["bash"], Begun::Absent),
        ] {
            let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
            assert_eq!(Shell::new(container(), false).begin(&argv), expected, "{argv:?}");
        }
    }

    #[test]
    fn a_terminal_shows_what_is_typed() {
        for (typed, expected) in [
            ("echo hi\r", ("echo hi\r\nhi\r\n/ # ", None)),
            (
                "exho\u{7f}\u{7f}\u{7f}\u{7f}exit 4\n",
                ("exho\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}exit 4\r\n", Some(4)),
            ),
            ("abc\u{3}", ("abc^C\r\n/ # ", None)),
            ("\u{4}", ("", Some(0))),
            ("stty size\r", ("stty size\r\n7 9\r\n/ # ", None)),
        ] {
            let mut shell = Shell::new(container(), true);
            shell.resize(7, 9);
            let (shown, code) = shell.read(typed.as_bytes());
            assert_eq!((shown.as_str(), code), expected, "{typed:?}");
        }
        let mut shell = Shell::new(container(), false);
        assert_eq!(shell.read(b"echo a\necho b"), ("a\n".to_owned(), None));
        assert_eq!(shell.end(), ("b\n".to_owned(), 0));
    }
}
