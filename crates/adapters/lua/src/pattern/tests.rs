use super::*;

fn first(text: &str, pattern: &str) -> Result<Option<(usize, usize)>, PatternError> {
    let found = find(text.as_bytes(), pattern.as_bytes(), 0, &mut || true)?;
    Ok(found.map(|found| (found.start, found.end)))
}

#[test]
fn patterns_that_are_none() {
    for (pattern, expected) in [
        ("[a", "malformed pattern (missing ']')"),
        ("[]", "malformed pattern (missing ']')"),
        ("[%", "malformed pattern (missing ']')"),
        ("a%", "malformed pattern (ends with '%')"),
        ("(a", "unfinished capture"),
        ("a)", "invalid pattern capture"),
        ("%1", "invalid capture index"),
        ("%b", "unbalanced pattern"),
        ("%fa", "missing '[' after '%f' in pattern"),
    ] {
        assert_eq!(first("aaa", pattern), Err(PatternError::Malformed(expected)), "{pattern}");
    }
    assert_eq!(first("", &"()".repeat(33)), Err(PatternError::Malformed("too many captures")));
}

#[test]
fn bombs_end_with_their_budget() {
    let text = "a".repeat(40);
    for (row, pattern) in [
        ("optional", format!("{}{}", "a?".repeat(40), "a".repeat(41))),
        ("greedy", "a*a*a*a*a*a*a*a*a*b".to_owned()),
        ("lazy", "a-a-a-a-a-a-a-a-a-b".to_owned()),
        ("captures", "(a*)(a*)(a*)(a*)(a*)(a*)(a*)b".to_owned()),
    ] {
        let mut left = 1_000_000_u32;
        let mut step = || {
            left = left.saturating_sub(1);
            left > 0
        };
        let found = find(text.as_bytes(), pattern.as_bytes(), 0, &mut step);
        assert_eq!(found, Err(PatternError::Budget), "{row}");
    }
}

#[test]
fn deep_patterns_are_refused() {
    assert_eq!(first("", &"a?".repeat(10)), Ok(Some((0, 0))));
    let text = "a".repeat(1000);
    assert_eq!(first(&text, &"a?".repeat(500)), Err(PatternError::TooDeep));
    assert_eq!(first(&text, "a*$"), Ok(Some((0, 1000))), "a long text is not deep");
}
