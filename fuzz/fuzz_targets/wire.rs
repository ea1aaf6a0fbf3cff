//! A message's name, a line end and its bytes: what decodes encodes again, and is the same from then on. The bytes are parameters, too.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (name, bytes) = (&data[..end], &data[end + 1..]);
    let Some(message) = str::from_utf8(name).ok().and_then(|name| wire::schema().message(name)) else { return };
    if let Ok(text) = str::from_utf8(bytes) {
        let parameters = text.split('&').map(|one| one.split_once('=').unwrap_or((one, "")));
        if let Ok(request) = message.from_query(parameters) {
            // Times are taken as they are.
            let _ = message.encode(&request);
        }
    }
    let Ok(first) = message.decode(bytes) else { return };
    let again = |value| message.decode(&message.encode(value).expect("it was decoded")).expect("it was encoded");
    // Required fields are added.
    let second = again(&first);
    assert_eq!(again(&second), second);
});
