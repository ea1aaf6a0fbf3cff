//! Charts from Helm repositories and OCI registries, cached by digest.
