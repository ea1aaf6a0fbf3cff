//! Helm charts: read, put together with values, and rendered, as `helm template` does.
