//! What the operator says about Kustomize: options of its builds, and the versions that applications may ask for.

use std::collections::BTreeMap;

/// Settings `kustomize.buildOptions`, `kustomize.buildOptions.<version>`, `kustomize.path.<version>` and
/// `kustomize.version.<version>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct KustomizeSettings {
    /// For applications that ask for no version, and for versions without options of their own.
    pub build_options: KustomizeBuildOptions,
    /// The versions that are registered, with their own options. Whatever is asked for, the built-in engine renders: a path to a
    /// program counts as a word of the operator that the version is wanted, and is never run.
    pub versions: BTreeMap<String, Option<KustomizeBuildOptions>>,
}

/// Options of `kustomize build`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct KustomizeBuildOptions {
    /// `--enable-helm`: whether `helmCharts` are rendered.
    pub enable_helm: bool,
    /// `--load-restrictor LoadRestrictionsNone`: whether kustomizations may name files outside their own directory (though never
    /// outside the repository).
    pub load_outside: bool,
    /// `--reorder none`: whether objects stay in the order in which they were read.
    pub keep_order: bool,
    /// `--enable-managedby-label`: whether objects say that Kustomize made them.
    pub managed_by_label: bool,
    /// `--helm-api-versions`: what charts see of the cluster beside what it serves.
    pub helm_api_versions: Vec<String>,
    /// Why nothing is built with these options: one of them is refused, or is none.
    pub refused: Option<String>,
}

impl KustomizeSettings {
    /// The options for an application that asks for this version (none where it is empty), and whether the version is registered.
    pub fn options_of(&self, version: &str) -> (&KustomizeBuildOptions, bool) {
        match self.versions.get(version) {
            Some(own) => (own.as_ref().unwrap_or(&self.build_options), true),
            None => (&self.build_options, version.is_empty()),
        }
    }

    /// Takes in a key behind `kustomize.` and gives warnings; none where it is no such key.
    pub(super) fn set(&mut self, key: &str, text: &str) -> Option<Vec<String>> {
        let warnings = |options: &KustomizeBuildOptions| {
            let told = options.refused.iter();
            told.map(|refused| format!("{refused}; kustomizations are refused with these options")).collect()
        };
        if key == "buildOptions" {
            self.build_options = KustomizeBuildOptions::parse(text);
            return Some(warnings(&self.build_options));
        }
        let (what, version) = key.split_once('.').filter(|(_, version)| !version.is_empty())?;
        match what {
            "buildOptions" => {
                let options = KustomizeBuildOptions::parse(text);
                let told = warnings(&options);
                self.versions.insert(version.to_owned(), Some(options));
                Some(told)
            }
            "path" | "version" => {
                self.versions.entry(version.to_owned()).or_default();
                Some(Vec::new())
            }
            _ => None,
        }
    }
}

impl KustomizeBuildOptions {
    /// Reads the words of a command line.
    ///
    /// **Shape**: words are separated by blanks; there are no quotes. A flag takes its value after `=` or, if it is no switch, in the next
    /// word. **Errors**: what would run programs or reach the network, and what is not known, stands in
    /// [`refused`](Self::refused): nothing is left out in silence.
    /// **Source**: flags of `kustomize build` v5.8. The peer hands the words to the program as they are.
    pub fn parse(text: &str) -> Self {
        let mut options = Self::default();
        if let Err(refused) = options.read(text) {
            options.refused = Some(refused);
        }
        options
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
                return Err(match word {
                    "-o" | "-e" => refusal(word),
                    _ => format!("{word:?} is no option"),
                });
            };
            let (name, given) =
                flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            let mut value =
                || given.or_else(|| words.next()).ok_or_else(|| format!("flag needs an argument: --{name}"));
            match name {
                "enable-helm" => self.enable_helm = switch(name, given)?,
                "enable-managedby-label" => self.managed_by_label = switch(name, given)?,
                "load-restrictor" => self.load_outside = load_restrictor(value()?)?,
                "reorder" => self.keep_order = keep_order(value()?)?,
                "helm-api-versions" => self.helm_api_versions.push(value()?.to_owned()),
                // Which program renders charts, and how much it says, is nothing to the built-in engine; the version of the cluster
                // comes from the application or the cluster, as in the peer.
                "helm-command" | "helm-kube-version" => drop(value()?),
                "helm-debug" | "stack-trace" => drop(switch(name, given)?),
                "enable-alpha-plugins" | "enable-exec" | "enable-star" | "network" | "as-current-user"
                    if !switch(name, given)? => {}
                _ => return Err(refusal(&format!("--{name}"))),
            }
        }
        Ok(())
    }
}

fn refusal(flag: &str) -> String {
    let why = match flag {
        "--enable-alpha-plugins" | "--enable-exec" | "--enable-star" => {
            "plugins would run programs, which is never done"
        }
        "--network" | "--network-name" | "--mount" | "--env" | "-e" | "--as-current-user" => {
            "it is for functions in containers, which are never run"
        }
        "--output" | "-o" => "nothing is written to files",
        _ => "it is not known",
    };
    format!("{flag} is refused: {why}")
}

/// As Go's `strconv.ParseBool`.
fn switch(name: &str, value: Option<&str>) -> Result<bool, String> {
    value.map_or(Ok(true), |value| {
        super::truth(value).map_err(|problem| format!("invalid argument for --{name}: {problem}"))
    })
}

fn load_restrictor(value: &str) -> Result<bool, String> {
    match value {
        "LoadRestrictionsNone" => Ok(true),
        "LoadRestrictionsRootOnly" => Ok(false),
        _ => Err(format!(
            "illegal flag value --load-restrictor {value}; legal values: \
             [LoadRestrictionsRootOnly LoadRestrictionsNone]"
        )),
    }
}

fn keep_order(value: &str) -> Result<bool, String> {
    match value {
        "none" => Ok(true),
        "legacy" => Ok(false),
        _ => Err(format!("illegal flag value --reorder {value}; legal values: [legacy none]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_options_are_taken_or_refused() {
        let none = KustomizeBuildOptions::default;
        let refused = |why: &str| KustomizeBuildOptions { refused: Some(why.to_owned()), ..none() };
        let helm = || KustomizeBuildOptions { enable_helm: true, ..none() };
        let outside = || KustomizeBuildOptions { load_outside: true, ..none() };
        for (text, expected) in [
            ("", none()),
            ("  --enable-helm\n", helm()),
            ("--enable-helm=true --helm-command /usr/bin/helm3 --helm-debug", helm()),
            ("--enable-helm --enable-helm=false", none()),
            ("--load-restrictor LoadRestrictionsNone", outside()),
            ("--load-restrictor=LoadRestrictionsNone --enable-exec=false", outside()),
            ("--load-restrictor LoadRestrictionsNone --load-restrictor LoadRestrictionsRootOnly", none()),
            ("--reorder none", KustomizeBuildOptions { keep_order: true, ..none() }),
            ("--reorder legacy", none()),
            ("--enable-managedby-label", KustomizeBuildOptions { managed_by_label: true, ..none() }),
            (
                "--helm-api-versions a/v1 --helm-api-versions=b/v1",
                KustomizeBuildOptions {
                    helm_api_versions: vec!["a/v1".to_owned(), "b/v1".to_owned()],
                    ..none()
                },
            ),
            (
                "--enable-exec",
                refused("--enable-exec is refused: plugins would run programs, which is never done"),
            ),
            (
                "--enable-alpha-plugins=true",
                refused("--enable-alpha-plugins is refused: plugins would run programs, which is never done"),
            ),
            (
                "--network",
                refused("--network is refused: it is for functions in containers, which are never run"),
            ),
            ("-e A=b", refused("-e is refused: it is for functions in containers, which are never run")),
            ("--output /tmp", refused("--output is refused: nothing is written to files")),
            ("--enable-wings", refused("--enable-wings is refused: it is not known")),
            ("overlays/prod", refused("\"overlays/prod\" is no option")),
            ("--reorder", refused("flag needs an argument: --reorder")),
            (
                "--load-restrictor none",
                refused(
                    "illegal flag value --load-restrictor none; legal values: \
                     [LoadRestrictionsRootOnly LoadRestrictionsNone]",
                ),
            ),
            (
                "--enable-helm=perhaps",
                refused("invalid argument for --enable-helm: \"perhaps\" is neither true nor false"),
            ),
        ] {
            assert_eq!(KustomizeBuildOptions::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn versions_have_their_own_options_or_the_common_ones() {
        let mut settings = KustomizeSettings::default();
        for (key, text, known) in [
            ("buildOptions", "--enable-helm", true),
            ("buildOptions.v4.4.0", "--reorder none", true),
            ("path.v4.4.0", "/tools/kustomize4", true),
            ("path.v3.5.1", "/tools/kustomize3", true),
            ("version.v3.5.4", "/tools/kustomize354", true),
            ("path.", "x", false),
            ("colour", "x", false),
        ] {
            assert_eq!(settings.set(key, text).is_some(), known, "{key}");
        }
        for (version, helm, keeps_order, registered) in [
            ("", true, false, true),
            ("v4.4.0", false, true, true),
            ("v3.5.1", true, false, true),
            ("v3.5.4", true, false, true),
            ("v9", true, false, false),
        ] {
            let (options, known) = settings.options_of(version);
            assert_eq!(
                (options.enable_helm, options.keep_order, known),
                (helm, keeps_order, registered),
                "{version}"
            );
        }
    }
}
