//! What an evaluation may cost.

/// What an evaluation may cost. Everything beyond is an error that names the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Expressions evaluated; whatever a library function does to many values or bytes counts, too.
    pub steps: u64,
    /// Bytes of all values that live at a time, about.
    pub bytes: usize,
    /// Calls, fields and variables being evaluated inside each other. go-jsonnet's limit, and its error.
    pub frames: u32,
    /// Files imported.
    pub files: usize,
    /// Bytes of the result as JSON.
    pub output_bytes: usize,
}

impl Default for Limits {
    /// 50 million steps (some seconds), 512 MiB, 500 frames, 10,000 files, 64 MiB of result.
    fn default() -> Self {
        Self { steps: 50_000_000, bytes: 512 << 20, frames: 500, files: 10_000, output_bytes: 64 << 20 }
    }
}
