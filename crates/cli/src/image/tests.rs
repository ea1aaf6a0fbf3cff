use super::*;

#[test]
fn a_commit_says_which_images() {
    for (images, expected) in [
        (&["api:1.2"][..], "Set image api:1.2"),
        (&["api=r.example/api:1.2"], "Set image r.example/api:1.2"),
        (&["api:1", "web:2"], "Set 2 images\n\n- api:1\n- web:2"),
    ] {
        let images: Vec<image::Wanted> = images.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(message(&images), expected);
    }
}

#[test]
fn waits_grow_and_differ() {
    for attempt in [2, 3, 9, 10_000] {
        let most = (BACKOFF.0 * 2_u32.pow(u32::try_from(attempt - 2).unwrap().min(16))).min(BACKOFF.1);
        let waits: Vec<Duration> = (0..50).map(|_| wait(attempt)).collect();
        assert!(waits.iter().all(|wait| *wait >= most / 2 && *wait <= most), "{attempt}: {waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{attempt}");
    }
}
