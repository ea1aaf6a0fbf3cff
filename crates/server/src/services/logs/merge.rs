//! Lines of several logs in the order of their times.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Lines that wait for older ones of other logs, and bytes of them, until they wait no longer.
const WAITING: usize = 2_000;
const WAITING_BYTES: usize = 256 * 1024;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) pod: String,
    pub(super) at: Timestamp,
    pub(super) text: String,
}

/// See the module. A line is given once no log can have an older one, or when one does not wait any longer.
#[derive(Debug, Default)]
pub(super) struct Merge {
    logs: Vec<Log>,
    waiting: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<Line>,
    over: bool,
}

impl Merge {
    /// Of so many logs.
    pub(super) fn new(logs: usize) -> Self {
        Self { logs: (0..logs).map(|_| Log::default()).collect(), waiting: 0, bytes: 0 }
    }

    /// The next line of a log.
    pub(super) fn push(&mut self, log: usize, line: Line) {
        if let Some(log) = self.logs.get_mut(log) {
            self.waiting += 1;
            self.bytes += line.text.len();
            log.lines.push_back(line);
        }
    }

    /// A log has no more lines.
    pub(super) fn end(&mut self, log: usize) {
        if let Some(log) = self.logs.get_mut(log) {
            log.over = true;
        }
    }

    /// Whether all logs are over and all lines were given.
    pub(super) fn is_over(&self) -> bool {
        self.waiting == 0 && self.logs.iter().all(|log| log.over)
    }

    /// Whether lines wait.
    pub(super) fn waits(&self) -> bool {
        self.waiting > 0
    }

    /// The oldest line, if it can be told; `now` takes it as far as lines are there.
    pub(super) fn next(&mut self, now: bool) -> Option<Line> {
        let silent = self.logs.iter().any(|log| !log.over && log.lines.is_empty());
        if silent && !now && self.waiting < WAITING && self.bytes < WAITING_BYTES {
            return None;
        }
        let first = self.logs.iter_mut().filter(|log| !log.lines.is_empty());
        let line = first.min_by_key(|log| log.lines.front().map(|line| line.at))?.lines.pop_front()?;
        self.waiting -= 1;
        self.bytes -= line.text.len();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64) -> Line {
        Line { pod: String::new(), at: Timestamp::from_second(at).unwrap(), text: String::new() }
    }

    fn taken(merge: &mut Merge, now: bool) -> Vec<i64> {
        std::iter::from_fn(|| merge.next(now)).map(|line| line.at.as_second()).collect()
    }

    #[test]
    fn lines_come_in_the_order_of_their_times() {
        let mut merge = Merge::new(2);
        for at in [1, 3, 5] {
            merge.push(0, line(at));
        }
        assert!(taken(&mut merge, false).is_empty(), "the other may have older ones");
        merge.push(1, line(2));
        assert_eq!(taken(&mut merge, false), [1, 2]);
        assert_eq!(taken(&mut merge, true), [3, 5], "nobody waits for ever");
        merge.push(1, line(4));
        merge.end(0);
        assert_eq!(taken(&mut merge, false), [4]);
        assert!(!merge.is_over());
        merge.end(1);
        assert!(merge.is_over());
    }

    #[test]
    fn what_waits_is_bounded() {
        for (length, most) in [(0, WAITING), (64 * 1024, 4)] {
            let (mut merge, mut given) = (Merge::new(2), 0);
            for at in 0..5_000 {
                merge.push(0, Line { text: "x".repeat(length), ..line(at) });
                given += taken(&mut merge, false).len();
            }
            assert!(5_000 - given <= most, "{length} bytes: {given}");
        }
    }

    #[test]
    fn one_log_needs_no_patience() {
        let mut merge = Merge::new(1);
        merge.push(0, line(2));
        merge.push(0, line(1));
        assert_eq!(taken(&mut merge, false), [2, 1], "a log is in its own order");
    }
}
