use tonic::{Code, Status};
use wire::WireError;

/// Why a call did not succeed. It prints as the peer's client prints it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server said no, or went away meanwhile.
    #[error("rpc error: code = {} desc = {message}", name(*code))]
    Refused {
        /// The kind.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// Nobody is there, or not who should be.
    #[error("{0}")]
    Unreachable(String),
    /// What was given to connect by cannot be used.
    #[error("{0}")]
    Setup(String),
    /// A request or an answer is not as the API has it.
    #[error("{method}: {error}")]
    Message {
        /// The method.
        method: String,
        /// What is wrong.
        error: WireError,
    },
}

impl Error {
    /// The kind of a refusal.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Unreachable(_) | Self::Setup(_) | Self::Message { .. } => None,
        }
    }

    /// The server's words alone, or the whole text of any other error.
    pub fn message(&self) -> String {
        match self {
            Self::Refused { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Refused { code: status.code(), message: status.message().to_owned() }
    }
}

/// As Go writes it.
fn name(code: Code) -> String {
    match code {
        Code::Ok => "OK".to_owned(),
        Code::Cancelled => "Canceled".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Why a connection did not come about, as Go says it for the address that was dialled.
pub(crate) fn dialled(address: &str, error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let why = match error.kind() {
        ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        ErrorKind::ConnectionReset => "connect: connection reset by peer".to_owned(),
        ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => net::excerpt(&net::chain(error)),
    };
    format!("dial tcp {address}: {why}")
}
