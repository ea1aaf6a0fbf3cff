//! The example config repository, as the playground serves it.

use gitserver::File;

/// Files of `examples/config-repo`, embedded by the build script.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/config_repo.rs"));

/// The address that the examples name; the playground's own takes its place.
const PLACEHOLDER: &str = "https://git.example.com/config-repo.git";

/// The Application that is applied by hand.
const ROOT: &str = "argocd/root.yaml";

/// The files, with `url` as the address of the repository.
pub(crate) fn files(url: &str) -> Vec<File> {
    let file = |(path, content): &(&str, &str)| File {
        path: (*path).to_owned(),
        content: content.replace(PLACEHOLDER, url).into_bytes(),
    };
    FILES.iter().map(file).collect()
}

/// The root Application, in YAML.
pub(crate) fn root(url: &str) -> String {
    let content = FILES.iter().find(|(path, _)| *path == ROOT).map_or("", |(_, content)| content);
    content.replace(PLACEHOLDER, url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_placeholder_is_gone_and_the_root_is_there() {
        let url = "http://127.0.0.1:1/config.git";
        let all = files(url);
        assert!(all.len() > 15, "{} files", all.len());
        assert!(all.iter().all(|f| !String::from_utf8_lossy(&f.content).contains("git.example.com")));
        assert!(root(url).contains(&format!("repoURL: {url}")));
    }
}
