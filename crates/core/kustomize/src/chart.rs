//! `helmCharts`, rendered by our own `helm`.

use std::rc::Rc;
use std::sync::Arc;

use filetree::{FileTree, TreePath};
use helm::{Given, KubeVersion, LoadLimits, Printing, RenderLimits};
use serde_json::{Map, Value};

use crate::accumulate::{Session, Target};
use crate::error::Error;
use crate::kustomization::{HelmChart, HelmGlobals};
use crate::manifests::{self, Purpose};
use crate::patch::{EmptyNulls, scalar_text, strategic_merge};
use crate::remote::{ChartNeed, RemoteNeed, Supply};
use crate::resource::Resource;

/// Where charts are if nothing else is said.
const DEFAULT_HOME: &str = "charts";

/// What helm calls a release that has no name.
const UNNAMED: &str = "release-name";

/// The file of a chart's own values.
const VALUES: &str = "values.yaml";

/// An entry of `helmCharts`.
pub(crate) struct Chart {
    chart: HelmChart,
    home: String,
    /// Further value files, with their texts.
    additional: Vec<(String, Arc<[u8]>)>,
}

impl Chart {
    /// Checks an entry.
    ///
    /// **Source**: kustomize `HelmChartInflationGenerator`, api v0.21.2.
    pub(crate) fn new(
        session: &Session<'_>,
        target: &Target,
        mut chart: HelmChart,
        globals: HelmGlobals,
    ) -> Result<Self, Error> {
        if !session.options.enable_helm {
            return Err(Error::invalid("must specify --enable-helm"));
        }
        if chart.name.is_empty() {
            return Err(Error::invalid("chart name cannot be empty"));
        }
        for (what, text) in [("releaseName", &chart.release_name), ("chart name", &chart.name)] {
            if text.starts_with('-') {
                return Err(Error::invalid(format!("{what} must not start with '-', got {text:?}")));
            }
        }
        let home = if globals.chart_home.is_empty() { DEFAULT_HOME.to_owned() } else { globals.chart_home };
        let home = if !chart.version.is_empty() && !chart.repo.is_empty() {
            format!("{home}/{}-{}", chart.name, chart.version)
        } else {
            home
        };
        chart.values_inline = as_decoded_twice(chart.values_inline);
        let mut additional = Vec::new();
        for path in &chart.additional_values_files {
            let text = session
                .read_file(&target.place, path)
                .map_err(|error| error.within("could not load additionalValuesFile"))?;
            additional.push((format!("{}/{path}", target.place.shown()), text));
        }
        if chart.values_merge.is_empty() {
            chart.values_merge = "override".to_owned();
        }
        if !matches!(chart.values_merge.as_str(), "merge" | "override" | "replace") {
            return Err(Error::invalid("valuesMerge must be one of [merge override replace]"));
        }
        Ok(Self { chart, home, additional })
    }

    /// Renders it.
    pub(crate) fn render(&self, session: &Session<'_>, target: &Target) -> Result<Vec<Resource>, Error> {
        let chart = &self.chart;
        let failed = |error: helm::Error| self.failed(&error);
        let found = self.find(session, target)?;
        // In the order of the command: what is wrong with values is said before helm has a look at the chart.
        let (name, values) = self.own_values(session, target, &found)?;
        let limits = RenderLimits::default();
        let mut given = vec![values.given(&name)];
        given.extend(self.additional.iter().map(|(name, text)| Given::File(name, text)));
        let values = helm::assemble(&given, &limits.yaml).map_err(failed)?;
        let loaded = found.chart().map(Arc::new).map_err(failed)?;
        let options = session.options;
        let world = || {
            let fixed = || {
                let moment = sprig::Moment { seconds: 0, nanos: 0 };
                Rc::new(sprig::Host::new(sprig::Fixed::new(moment, 0)))
            };
            options.world.map_or_else(fixed, |world| world())
        };
        let release = self.release(&limits, world).map_err(failed)?;
        let rendered = helm::render(&helm::Request {
            chart: &loaded,
            release: &release,
            values: &values,
            capabilities: &self.capabilities(session).map_err(failed)?,
            world: world(),
            lookup: None,
            include_crds: chart.include_crds,
            skip_schema: false,
            limits: &limits,
            cancelled: options.cancelled.cloned(),
            cache: None,
        })
        .map_err(failed)?;
        let printing =
            Printing { no_hooks: chart.skip_hooks, skip_tests: chart.skip_tests, ..Printing::default() };
        let text = helm::print(&rendered, &printing).map_err(failed)?;
        let made = manifests::read(text.as_bytes(), &session.yaml, Purpose::Resources);
        let mut made = made.map_err(|error| error.within("could not parse rnode slice into resource map"))?;
        made.iter_mut().for_each(|resource| resource.of_chart = true);
        Ok(made)
    }

    fn failed(&self, error: &helm::Error) -> Error {
        Error::invalid(format!("helmCharts: {}: {error}", self.chart.name))
    }

    fn release(
        &self,
        limits: &RenderLimits,
        world: impl Fn() -> Rc<sprig::Host>,
    ) -> Result<helm::Release, helm::Error> {
        let chart = &self.chart;
        let name = match (chart.release_name.as_str(), chart.name_template.as_str()) {
            ("", "") => UNNAMED.to_owned(),
            ("", template) => helm::name_from_template(template, world(), &limits.templates)?,
            (name, "") => name.to_owned(),
            (_, _) => {
                let problem = "cannot set --name-template and also specify a name";
                return Err(helm::Error::ReleaseName(problem.to_owned()));
            }
        };
        let namespace = if chart.namespace.is_empty() { "default" } else { &chart.namespace };
        Ok(helm::Release { name, namespace: namespace.to_owned(), revision: 1, is_upgrade: false })
    }

    /// What the chart sees of the cluster: what its entry says, else what the flags do.
    fn capabilities(&self, session: &Session<'_>) -> Result<helm::Capabilities, helm::Error> {
        let (chart, options) = (&self.chart, session.options);
        let mut capabilities = helm::Capabilities::default();
        let version = Some(chart.kube_version.as_str()).filter(|version| !version.is_empty());
        if let Some(version) = version.or(options.kube_version).filter(|version| !version.is_empty()) {
            capabilities.kube_version = KubeVersion::parse(version)?;
        }
        let served = if chart.api_versions.is_empty() { options.api_versions } else { &chart.api_versions };
        capabilities.api_versions.extend(served.iter().cloned());
        Ok(capabilities)
    }

    fn find(&self, session: &Session<'_>, target: &Target) -> Result<Found, Error> {
        let chart = &self.chart;
        let home = target.place.root().join(&format!("{}/{}", self.home, chart.name));
        if let Ok(path) = home
            && target.place.has_directory(&path)?
        {
            return Ok(Found::Here(Arc::clone(target.place.tree()), path));
        }
        if chart.repo.is_empty() {
            return Err(Error::invalid("no repo specified for pull, no chart found at ''"));
        }
        let wanted =
            ChartNeed { repo: chart.repo.clone(), name: chart.name.clone(), version: chart.version.clone() };
        let need = RemoteNeed::chart(wanted);
        match session.options.remotes.and_then(|remotes| remotes.0.get(&need.text)) {
            Some(Supply::File(packed)) => {
                let archive = helm::Archive::read(packed, &LoadLimits::default().archive)
                    .map_err(|source| self.failed(&helm::Error::Archive { at: String::new(), source }))?;
                Ok(Found::Packed(archive))
            }
            Some(Supply::Tree(tree, path)) => Ok(Found::Fetched(Arc::clone(tree), path.clone())),
            None => Err(Error::Needs(vec![need])),
        }
    }

    /// The values of the entry itself, and what they are called: its file or the chart's own, with those that stand in the entry.
    fn own_values(
        &self,
        session: &Session<'_>,
        target: &Target,
        found: &Found,
    ) -> Result<(String, OwnValues), Error> {
        let chart = &self.chart;
        let name = format!("{}-kustomize-values.yaml", chart.name);
        let inline = &chart.values_inline;
        if !inline.is_empty() && chart.values_merge == "replace" {
            return Ok((name, OwnValues::Merged(inline.clone())));
        }
        let text = if !chart.values_file.is_empty() {
            session.read_file(&target.place, &chart.values_file)?
        } else {
            let path = format!("{}/{}/{VALUES}", self.home, chart.name);
            match found.fetched_values() {
                Some(text) => {
                    text.ok_or_else(|| Error::invalid(format!("{path}: no such file or directory")))?
                }
                None => session.read_file(&target.place, &path)?,
            }
        };
        if inline.is_empty() {
            return Ok((name, OwnValues::File(text)));
        }
        // The command reads these with its own library, which takes `yes` for a text, and writes them anew for helm.
        let unread = |what: String| Error::invalid(format!("could not parse values file into rnode: {what}"));
        let of_file = goyaml::parse_modern(&text, &session.yaml, goyaml::Verbatim::default())
            .map_err(|error| unread(error.as_go(goyaml::Dialect::Yaml3)))?
            .ok_or_else(|| unread("EOF".to_owned()))?;
        let empty_nulls: EmptyNulls = of_file.empty.into_iter().collect();
        if let Some(flaw) = of_file.flaw {
            return Err(Error::invalid(format!("error marshaling into JSON: {flaw}")));
        }
        let inline = Value::Object(inline.clone());
        let (over, under, empty) = match chart.values_merge.as_str() {
            "merge" => (of_file.value, inline, EmptyNulls::new()),
            _ => (inline, of_file.value, empty_nulls),
        };
        let merged = strategic_merge(under, over, session.schemas(), &empty)
            .map_err(|error| Error::invalid(format!("could not merge values: {error}")))?;
        let merged = merged.and_then(|merged| merged.as_object().cloned()).unwrap_or_default();
        Ok((name, OwnValues::Merged(merged)))
    }
}

/// Values of an entry as the command has them when it has read the entry a second time: it takes values for fields of an entry then, and
/// where such a field is a text, it makes texts of numbers and booleans (`version: 1.10` is `"1.1"`).
///
/// **Source**: `convertToJSONableObject` of sigs.k8s.io/yaml, which takes the struct around an embedded one's field for the field.
fn as_decoded_twice(values: Map<String, Value>) -> Map<String, Value> {
    const TEXTS: [&str; 9] = [
        "name",
        "version",
        "repo",
        "releaseName",
        "namespace",
        "valuesFile",
        "valuesMerge",
        "kubeVersion",
        "nameTemplate",
    ];
    /// From here on not every whole number is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    const LISTS: [&str; 2] = ["additionalValuesFiles", "apiVersions"];
    // Between the readings a number is a float, and one below 1e21 is written with all its digits.
    let digits = |value: &Value| value.as_f64().filter(|number| (EXACT..1e21).contains(&number.abs()));
    let text = |value: Value| match (&value, digits(&value)) {
        (Value::Number(_), Some(number)) => Value::String(number.to_string()),
        (Value::Bool(_) | Value::Number(_), _) => Value::String(scalar_text(&value).into_owned()),
        _ => value,
    };
    let decoded = |(key, value): (String, Value)| {
        let among = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(&key));
        let value = match value {
            Value::Array(items) if among(&LISTS) => Value::Array(items.into_iter().map(text).collect()),
            other if among(&TEXTS) => text(other),
            other => other,
        };
        (key, value)
    };
    values.into_iter().map(decoded).collect()
}

/// Where a chart is.
enum Found {
    /// In the tree that is built.
    Here(Arc<FileTree>, TreePath),
    /// In another.
    Fetched(Arc<FileTree>, TreePath),
    /// In an archive.
    Packed(helm::Archive),
}

impl Found {
    fn chart(&self) -> Result<helm::Chart, helm::Error> {
        let limits = LoadLimits::default();
        match self {
            Self::Here(tree, path) | Self::Fetched(tree, path) => helm::Chart::from_tree(tree, path, &limits),
            Self::Packed(archive) => helm::Chart::from_files(archive, &limits),
        }
    }

    /// The text of the values of a chart from elsewhere, if it has any. What lies here is under the rules of files here.
    fn fetched_values(&self) -> Option<Option<Arc<[u8]>>> {
        match self {
            Self::Here(..) => None,
            Self::Fetched(tree, path) => Some(path.join(VALUES).ok().and_then(|path| tree.read(&path).ok())),
            Self::Packed(archive) => Some(archive.get(VALUES).cloned()),
        }
    }
}

enum OwnValues {
    /// As they are written.
    File(Arc<[u8]>),
    /// Put together from a file and the entry.
    Merged(Map<String, Value>),
}

impl OwnValues {
    fn given<'a>(&'a self, name: &'a str) -> Given<'a> {
        match self {
            Self::File(text) => Given::File(name, text),
            Self::Merged(map) => Given::Map(map),
        }
    }
}
