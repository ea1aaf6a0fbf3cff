//! What every process tells of itself, as Prometheus' own clients do.

use tally::Exposition;

/// Ticks of a CPU clock in a second, which Linux shows to programs whatever it has itself.
const TICKS: f64 = 100.0;

/// Where the system does not tell, as on other systems than Linux, nothing is told.
pub(super) fn write(page: &mut Exposition) {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let own = read("/proc/self/stat").and_then(|text| Stat::of(&text));
    let booted = read("/proc/stat").and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<f64>().ok()
    });
    let resident = read("/proc/self/status").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    });
    let files = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    let figures = [
        (
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            own.as_ref().map(|own| own.cpu / TICKS),
        ),
        (
            "process_start_time_seconds",
            "gauge",
            "Start time of the process since unix epoch in seconds.",
            own.as_ref().zip(booted).map(|(own, booted)| booted + own.start / TICKS),
        ),
    ];
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            page.head(name, kind, help);
            page.line(name, &[], value);
        }
    }
    if let Some(kib) = resident {
        page.head("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
        page.line("process_resident_memory_bytes", &[], kib * 1024);
    }
    if let Some(files) = files {
        page.head("process_open_fds", "gauge", "Number of open file descriptors.");
        page.line("process_open_fds", &[], files);
    }
}

/// Times of a process, in ticks.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu: f64,
    start: f64,
}

impl Stat {
    /// **Source**: proc(5). The name, which may hold anything, ends with the last bracket.
    fn of(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |n: usize| fields.get(n - 3)?.parse::<f64>().ok();
        Some(Self { cpu: field(14)? + field(15)?, start: field(22)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_by_its_record() {
        let text = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 1000 200 18446744073709551615";
        assert_eq!(Stat::of(text), Some(Stat { cpu: 300.0, start: 12345.0 }));
        assert_eq!(Stat::of("7 (a"), None);
        let mut page = Exposition::default();
        write(&mut page);
        let text = page.into_text();
        assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
    }
}
