//! Near misses: what somebody may have meant.

/// Most steps between what was typed and what is suggested.
const FARTHEST: usize = 3;

/// The known word nearest to `typed`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = FARTHEST.min(typed.chars().count() / 2).max(1);
    known
        .into_iter()
        .map(|word| (distance(typed, word), word))
        .filter(|(steps, word)| *steps <= limit || (typed.len() > 3 && word.starts_with(typed)))
        .min()
        .map(|(_, word)| word)
}

/// Letters to add, drop, change, or swap with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let change = usize::from(from[i - 1] != to[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["guestbook", "guestbook-dev", "payments", "api"];
        for (typed, expected) in [
            ("guestbok", Some("guestbook")),
            ("geustbook", Some("guestbook")),
            ("paymentz", Some("payments")),
            ("pay", None),
            ("paym", Some("payments")),
            ("apo", Some("api")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), expected, "{typed}");
        }
    }
}
