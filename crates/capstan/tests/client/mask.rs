//! What differs from one moment to the next, and what is read for it.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// On a server where nothing goes on by itself.
static ALWAYS: LazyLock<Masks> = LazyLock::new(|| {
    masks(&[
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "TOKEN"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
        (r#""?(resourceVersion|generation)"?: "?\d+"?"#, "$1 N"),
        (r#""(iat|exp|issuedAt|expiresAt)": \d+"#, "$1 N"),
        (r"(iat|issuedAt|expiresAt): \d+", "$1 N"),
        // Where the official client gives its format a value too many.
        (r"%!\(EXTRA [^)]*\)", ""),
        (r"\$2a\$10\$[./A-Za-z0-9]{53}", "HASH"),
        (r"127\.0\.0\.1:\d{5}", "127.0.0.1:PORT"),
        (r"(state|nonce|code_challenge)=[A-Za-z0-9_-]+", "$1=CHANCE"),
        // The official client tells what it asks the provider for, in the middle of everything.
        (r"RequestedClaims: [^\n]*\n+", ""),
    ])
});

/// Where applications come and go. Of what is told while somebody waits nothing counts.
static MOVING: LazyLock<Masks> = LazyLock::new(|| {
    masks(&[
        // Who wrote last, and when, comes in the order of that.
        (r#"(?ms)^ *"managedFields": \[$.*?^ *\]\n( *\},?\n *"spec")"#, "$1"),
        (r"(?ms)^  managedFields:\n.*?^  (name: )", "  $1"),
        (r"(?m)^(TIMESTAMP .*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d .*)\n", ""),
        (
            r"(?m)^(This is the state of the app after wait timed out:|The command timed out waiting for .*)\n",
            "",
        ),
        (r"\n\n+", "\n"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| \+0000 UTC)", "TIME"),
        (r"(resourceVersion .*?)\d+ *\n", "${1}N\n"),
        (r"\b10\.\d+\.\d+\.\d+\b", "IP"),
        (r"(?m)^Duration: .*$", "Duration: D"),
        (r"-[0-9a-f]{8,10}-[0-9a-z]{5}\b|-[0-9a-f]{8,10}\b", "-HASH"),
        (r"\b\d+[smh](\d+s)?\b", "AGE"),
        // Whether somebody looked a moment sooner.
        (r"Progressing", "Healthy"),
        (r"  +", "  "),
    ])
});

/// How long ago something was, as both say it.
static AGO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(\d+ (seconds?|minutes?|hours?) (ago|from now)|now)\b").unwrap());

/// The blanks between two cells of a table.
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S)  +").unwrap());

type Masks = Vec<(Regex, &'static str)>;

fn masks(of: &[(&str, &'static str)]) -> Masks {
    of.iter().map(|(pattern, with)| (Regex::new(pattern).unwrap(), *with)).collect()
}

fn put(masks: &Masks, text: &str) -> String {
    masks.iter().fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
}

/// A text without what differs from one moment to the next.
pub(crate) fn masked(text: &str) -> String {
    static QUERY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"/auth\?(\S+)").unwrap());
    let text = put(&ALWAYS, &without_ages(text));
    QUERY.replace_all(&text, |found: &Captures<'_>| format!("/auth?{}", asked(&found[1]))).into_owned()
}

/// A text without ages. What has one in a table has a column as wide as it is long.
fn without_ages(text: &str) -> String {
    if !AGO.is_match(text) {
        return text.to_owned();
    }
    GAP.replace_all(&AGO.replace_all(text, "AGO"), "$1  ").into_owned()
}

#[test]
fn a_column_of_ages_is_as_wide_as_any_other() {
    let [sooner, later] = [
        "ID    ISSUED-AT                    X\n1     2026-11-22T20:00:00Z (now)   <none>\n",
        "ID    ISSUED-AT                            X\n1     2026-11-22T20:00:00Z (1 second ago)  <none>\n",
    ];
    assert_eq!(masked(sooner), masked(later));
    assert_eq!(masked("a    b, unknown"), "a    b, unknown");
}

/// The same without what differs while applications move.
pub(crate) fn settled(text: &str) -> String {
    masked(&put(&MOVING, text))
}

/// What a provider is asked for, in one order. Ours binds the token to the login (`nonce`), and asks for consent as tokens for later need it.
fn asked(query: &str) -> String {
    let ours = |field: &&str| !field.starts_with("nonce=") && *field != "prompt=consent";
    let mut fields: Vec<&str> = query.split('&').filter(ours).collect();
    fields.sort_unstable();
    fields.join("&")
}
