//! The first line is a key of `argocd-cm`, the rest its text; and the small languages of annotations.
#![no_main]

use api::{Settings, SyncOptions, TrackingId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (key, value) = text.split_once('\n').unwrap_or(("timeout.reconciliation", text));
    let data = [(key.to_owned(), value.to_owned())].into();
    let (settings, problems) = Settings::parse(&data, None);
    let (kept, again) = Settings::parse(&data, Some(&settings));
    assert_eq!(problems, again);
    assert_eq!(format!("{settings:?}"), format!("{kept:?}"), "the same text gives the same settings");
    let _ = SyncOptions::parse_annotation(value);
    let _ = api::parse_duration(value);
    let _ = api::parse_time(value);
    if let Some(id) = TrackingId::parse(value) {
        assert_eq!(TrackingId::parse(&id.to_string()), Some(id));
    }
});
