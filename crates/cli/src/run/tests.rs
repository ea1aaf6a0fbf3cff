//! Commands, on an API server in memory.
