//! The three streams of a command.

#[cfg(test)]
mod sink;
mod unseen;

use std::io::{BufRead, Write};

use serde_json::Value;

use crate::context::{Face, Style};
use crate::escape;
use crate::failure::Failure;
use crate::look::Look;
#[cfg(test)]
pub(crate) use sink::Sink;

/// Where results, notes and questions go.
pub(crate) struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    input: Box<dyn BufRead + Send>,
    /// How results look.
    pub(crate) look: Look,
    /// How notes and errors look.
    pub(crate) err_look: Look,
    /// Whether results go to a terminal.
    pub(crate) terminal: bool,
    /// Whether somebody can be asked.
    interactive: bool,
}

/// How an object is printed whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Yaml,
}

impl Console {
    /// The process' own streams.
    pub(crate) fn of_process(face: &Face) -> Self {
        let input = Box::new(std::io::BufReader::new(std::io::stdin()));
        Self::new(face, Box::new(std::io::stdout()), Box::new(std::io::stderr()), input)
    }

    pub(crate) fn new(
        face: &Face,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        input: Box<dyn BufRead + Send>,
    ) -> Self {
        let terminal = &face.terminal;
        Self {
            out,
            err,
            input,
            look: Look::new(face, terminal.stdout),
            err_look: Look::new(face, terminal.stderr),
            terminal: terminal.stdout,
            interactive: terminal.stdin && terminal.stderr,
        }
    }

    /// Prints a result, escaped already.
    pub(crate) fn print(&mut self, text: &str) {
        write(&mut self.out, text);
    }

    /// Prints what is not the result: progress, notes, errors; escaped already.
    pub(crate) fn tell(&mut self, text: &str) {
        write(&mut self.err, text);
    }

    /// A note for people.
    pub(crate) fn note(&mut self, text: &str) {
        let text = format!("note: {}\n", escape::line(text));
        self.tell(&text);
    }

    /// A warning: a note, or a line of log as the peer's client has it.
    pub(crate) fn warn(&mut self, text: &str, now: jiff::Timestamp) {
        if self.err_look.native() {
            return self.note(text);
        }
        self.log("warning", text, now);
    }

    /// A line of log as the peer's client has it.
    pub(crate) fn log(&mut self, level: &str, text: &str, now: jiff::Timestamp) {
        let line = serde_json::json!({ "level": level, "msg": text, "time": api::format_time(now) });
        let line = format!("{}\n", escape::json(&line.to_string()));
        self.tell(&line);
    }

    /// Prints an object of the API, or a list of them, as it is.
    ///
    /// **Shape**: JSON indented by two blanks; YAML as Go writes it, byte for byte unless it goes to a terminal.
    pub(crate) fn object(&mut self, value: &Value, form: Form) {
        let text = match form {
            Form::Json => {
                let mut text = escape::json(&indented(value));
                text.push('\n');
                text
            }
            Form::Yaml => {
                let text = goyaml::to_string(value);
                if self.terminal { escape::lines(&text).into_owned() } else { text }
            }
        };
        self.print(&text);
    }

    /// Prints a message of the API, or a list of it, as the peer's client does: with all that Go writes though there is nothing to say, in
    /// JSON in the order of the peer's types. One that is not known is printed as it is.
    pub(crate) fn message(&mut self, name: &str, value: &Value, form: Form) {
        match (wire::schema().message(name), form, value) {
            (None, ..) => self.object(value, form),
            (Some(message), Form::Json, _) => {
                let text = format!("{}\n", escape::json(&message.go_json(value, 2)));
                self.print(&text);
            }
            (Some(message), Form::Yaml, Value::Array(list)) => {
                let list = list.iter().map(|one| message.filled(one)).collect();
                self.object(&list, form);
            }
            (Some(message), Form::Yaml, one) => self.object(&message.filled(one), form),
        }
    }

    /// How a command ends that failed; why is told.
    pub(crate) fn end(&mut self, failure: &Failure, style: Style, now: jiff::Timestamp) -> u8 {
        let text = failure.render(self.err_look, now);
        self.tell(&text);
        failure.exit_code(style)
    }

    /// Asks a question that is answered by `y`. **Errors**: there is nobody to ask; the peer's client reads an answer
    /// from anywhere, so `yes | argocd …` works.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<bool, Failure> {
        if !self.interactive && self.look.native() {
            return Err(Failure::usage(format!("{question}: nobody is there to answer"))
                .next("repeat the command with --yes"));
        }
        let question = format!("{} [y/n] ", escape::line(question));
        self.tell(&question);
        let mut answer = String::new();
        let read = self
            .input
            .read_line(&mut answer)
            .map_err(|error| Failure::usage("no answer could be read").because(&error))?;
        if read == 0 {
            // A script must not take silence for success.
            return Err(Failure::invalid("nobody is there to answer").next("repeat the command with --yes"));
        }
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks until somebody says yes or no, as the peer's client does: on the standard output, whoever answers.
    ///
    /// **Errors**: there is nobody to ask.
    pub(crate) fn proceed(&mut self, question: &str) -> Result<bool, Failure> {
        if self.look.native() {
            return self.confirm(question.trim_end().trim_end_matches("(y/n)?").trim_end());
        }
        loop {
            match self.question(question)?.to_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => {}
            }
        }
    }

    /// Asks for a line.
    ///
    /// **Errors**: there is nobody to ask.
    pub(crate) fn question(&mut self, question: &str) -> Result<String, Failure> {
        let question = escape::line(question).into_owned();
        self.ask(&question);
        self.answer()
    }

    /// Asks for a secret, which a terminal does not show.
    ///
    /// **Errors**: there is nobody to ask.
    pub(crate) fn password(&mut self, question: &str) -> Result<String, Failure> {
        let question = escape::line(question).into_owned();
        self.ask(&question);
        let hidden = unseen::Unseen::begin();
        let answer = self.answer();
        if hidden.is_some() {
            self.ask("\n");
        }
        answer
    }

    /// Questions are part of what the peer's client prints; ours are not of the result.
    fn ask(&mut self, text: &str) {
        if self.look.native() { self.tell(text) } else { self.print(text) }
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let mut answer = String::new();
        let read = self.input.read_line(&mut answer);
        match read.map_err(|error| Failure::usage("no answer could be read").because(&error))? {
            0 => Err(Failure::usage("nobody is there to answer")
                .next("give it as a flag: see --help")
                .peer("EOF", 20)),
            _ => Ok(answer.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    /// Says what happened, as a note or a line of log.
    pub(crate) fn inform(&mut self, text: &str, now: jiff::Timestamp) {
        if self.err_look.native() {
            return self.note(text);
        }
        self.log("info", text, now);
    }

    /// The rest of the input stream. **Errors**: it cannot be read, or is longer than `most` bytes.
    pub(crate) fn read_input(&mut self, most: u64) -> Result<Vec<u8>, Failure> {
        let mut text = Vec::new();
        let mut input = std::io::Read::take(&mut self.input, most + 1);
        std::io::Read::read_to_end(&mut input, &mut text)
            .map_err(|error| Failure::usage("the standard input cannot be read").because(&error))?;
        if text.len() as u64 > most {
            return Err(Failure::usage(format!("the standard input is longer than {most} bytes")));
        }
        Ok(text)
    }
}

/// Somebody who stopped reading (`| head`) is no reason to fail.
fn write(stream: &mut Box<dyn Write + Send>, text: &str) {
    if stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_err() {
        *stream = Box::new(std::io::sink());
    }
}

fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("keys are strings")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::context::Terminal;

    #[test]
    fn a_message_of_a_server_steers_no_terminal() {
        let told = json!([{"name": "a\u{9d}52;c;x", "value": "b\u{202e}"}]);
        for (message, form) in [(INFO, Form::Json), (INFO, Form::Yaml), ("nothing.Known", Form::Json)] {
            let out = Sink::default();
            let face = Face { terminal: Terminal { stdout: true, ..Terminal::default() }, ..Face::default() };
            let streams: (Box<dyn Write + Send>, _) = (Box::new(out.clone()), Box::new(std::io::sink()));
            Console::new(&face, streams.0, streams.1, Box::new(std::io::empty()))
                .message(message, &told, form);
            let text = out.text();
            assert!(text.contains("52;c;x"), "{text}");
            assert!(!text.contains(['\u{9d}', '\u{202e}']), "{form:?}: {text}");
        }
    }

    const INFO: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.Info";
}
