use flate2::Compression;
use flate2::write::GzEncoder;

/// A `.tgz` of these files, as `helm package` makes it of a chart (`chart/Chart.yaml`, …).
///
/// # Panics
/// When a path is longer than a tar can have.
#[expect(clippy::expect_used, reason = "writing to memory does not fail")]
pub fn chart_archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("a path that a tar can have");
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("memory")
}
