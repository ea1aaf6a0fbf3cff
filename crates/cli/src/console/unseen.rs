//! A terminal that does not show what is typed.

#[cfg(unix)]
mod terminal {
    use std::io::stdin;

    use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

    /// While it is there, what is typed is not shown.
    pub(crate) struct Unseen(Termios);

    impl Unseen {
        /// `None` where the standard input is no terminal.
        pub(crate) fn begin() -> Option<Self> {
            let before = tcgetattr(stdin()).ok()?;
            let mut hidden = before.clone();
            hidden.local_flags.remove(LocalFlags::ECHO);
            tcsetattr(stdin(), SetArg::TCSAFLUSH, &hidden).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for Unseen {
        fn drop(&mut self) {
            // A terminal that went away shows nothing.
            tcsetattr(stdin(), SetArg::TCSAFLUSH, &self.0).unwrap_or(());
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Nothing is hidden here.
    pub(crate) struct Unseen;

    impl Unseen {
        pub(crate) fn begin() -> Option<Self> {
            None
        }
    }
}

pub(super) use terminal::Unseen;
