//! A chart archive: the data as it is, and as the tar inside of a whole gzip stream. What is read is rendered.
#![no_main]

use flate2::{Compression, write::GzEncoder};
use helm::{Archive, ArchiveLimits, ArchiveStore, Chart, LoadLimits};
use libfuzzer_sys::fuzz_target;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;

fuzz_target!(|data: &[u8]| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(data).expect("memory takes everything");
    let packed = encoder.finish().expect("memory takes everything");
    let limits =
        ArchiveLimits { total_bytes: 1 << 20, file_bytes: 1 << 18, entries: 200, ..ArchiveLimits::default() };
    for bytes in [data, &packed] {
        let Ok(archive) = Archive::read(bytes, &limits) else { continue };
        for file in archive.files() {
            let fine = !file.name.starts_with('/')
                && file.name.split('/').all(|name| !matches!(name, "" | "." | ".."));
            assert!(fine, "{:?}", file.name);
        }
        drop(ArchiveStore::new(&archive));
        let load = LoadLimits { archive: limits, charts: 20, depth: 5, ..LoadLimits::default() };
        let Ok(chart) = Chart::from_files(&archive, &load) else { continue };
        drop(render(&Arc::new(chart)));
    }
});

fn render(chart: &Arc<Chart>) -> Result<helm::Rendered, helm::Error> {
    let mut limits = helm::RenderLimits::default();
    limits.templates.steps = 20_000;
    limits.templates.output = 1 << 18;
    limits.templates.allocated = 1 << 20;
    helm::render(&helm::Request {
        chart,
        release: &helm::Release { name: "r".into(), namespace: "ns".into(), revision: 1, is_upgrade: false },
        values: &serde_json::Map::new(),
        capabilities: &helm::Capabilities::default(),
        world: Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7))),
        lookup: None,
        include_crds: true,
        skip_schema: false,
        limits: &limits,
        cancelled: None,
        cache: None,
    })
}
