//! What users set: each line by another flag, then a values file.
#![no_main]

use helm::Given;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let read = |name: &str| if name.len() < 5 { Ok(name.to_owned()) } else { Err("no such file".to_owned()) };
    let flag = |(at, line)| match at % 4 {
        0 => Given::Set(line),
        1 => Given::SetString(line),
        2 => Given::SetJson(line),
        _ => Given::SetLiteral(line),
    };
    let mut given: Vec<Given<'_>> = text.lines().enumerate().map(flag).collect();
    if let Some(line) = text.lines().last() {
        given.push(Given::SetFile(line, &read));
        given.push(Given::File("v", line.as_bytes()));
    }
    let limits = goyaml::Limits { nodes: 5_000, ..goyaml::Limits::default() };
    for one in &given {
        drop(helm::assemble(std::slice::from_ref(one), &limits));
    }
    drop(helm::assemble(&given, &limits));
});
