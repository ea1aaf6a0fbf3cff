//! Parsing and compiling a template never panics, whatever the delimiters, and gives the same twice.
#![no_main]

use gotemplate::{Functions, Templates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The first line may set the delimiters.
    let (left, right, text) = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("delims ") => {
            let mut words = first.split(' ').skip(1);
            (words.next().unwrap_or(""), words.next().unwrap_or(""), rest)
        }
        _ => ("", "", text),
    };
    let templates = Templates::new(Functions::builtin()).delims(left, right);
    let first = templates.compile("t", text).err();
    assert_eq!(first, templates.compile("t", text).err());
});
