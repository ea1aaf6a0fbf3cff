//! `helmCharts`, rendered by our own `helm`.

use std::rc::Rc;
use std::sync::Arc;

use filetree::TreePath;
use helm::{Given, KubeVersion, LoadLimits, Printing, RenderLimits};
use serde_json::{Map, Value};

use crate::accumulate::{Session, Target};
use crate::error::Error;
use crate::kustomization::{HelmChart, HelmGlobals};
use crate::manifests::{self, Purpose};
use crate::patch::{EmptyNulls, strategic_merge};
use crate::remote::{ChartNeed, RemoteNeed, Supply};
use crate::resource::Resource;

/// Where charts are if nothing else is said.
const DEFAULT_HOME: &str = "charts";

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
        if !chart.name_template.is_empty() {
            return Err(Error::Refused(
                "helmCharts: nameTemplate is not supported; say releaseName".to_owned(),
            ));
        }
        let home = if globals.chart_home.is_empty() { DEFAULT_HOME.to_owned() } else { globals.chart_home };
        let home = if !chart.version.is_empty() && !chart.repo.is_empty() {
            format!("{home}/{}-{}", chart.name, chart.version)
        } else {
            home
        };
        let mut additional = Vec::new();
        for path in &chart.additional_values_files {
            let text = session
                .read_file(&target.place, path)
                .map_err(|error| error.within("could not load additionalValuesFile"))?;
            additional.push((path.clone(), text));
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
        let failed = |error: helm::Error| Error::invalid(format!("helmCharts: {}: {error}", chart.name));
        let loaded = self.load(session, target)?;
        let limits = RenderLimits::default();
        let own = self.own_values(session, target)?;
        let mut given: Vec<Given<'_>> = own.iter().map(Given::Map).collect();
        given.extend(self.additional.iter().map(|(name, text)| Given::File(name, text)));
        let values = helm::assemble(&given, &limits.yaml).map_err(failed)?;
        let options = session.options;
        let mut capabilities = helm::Capabilities::default();
        let kube_version =
            options.kube_version.filter(|version| !version.is_empty()).unwrap_or(&chart.kube_version);
        if !kube_version.is_empty() {
            capabilities.kube_version = KubeVersion::parse(kube_version).map_err(failed)?;
        }
        let served = if options.api_versions.is_empty() { &chart.api_versions } else { options.api_versions };
        capabilities.api_versions.extend(served.iter().cloned());
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let fixed = || {
            let moment = sprig::Moment { seconds: 0, nanos: 0 };
            Rc::new(sprig::Host::new(sprig::Fixed::new(moment, 0)))
        };
        let rendered = helm::render(&helm::Request {
            chart: &loaded,
            release: &helm::Release {
                name: or(&chart.release_name, "release-name"),
                namespace: or(&chart.namespace, "default"),
                revision: 1,
                is_upgrade: false,
            },
            values: &values,
            capabilities: &capabilities,
            world: options.world.map_or_else(fixed, |world| world()),
            lookup: None,
            include_crds: chart.include_crds,
            skip_schema: false,
            limits: &limits,
            cancelled: None,
            cache: None,
        })
        .map_err(failed)?;
        let printing =
            Printing { no_hooks: chart.skip_hooks, skip_tests: chart.skip_tests, ..Printing::default() };
        let text = helm::print(&rendered, &printing).map_err(failed)?;
        let mut made = manifests::read(text.as_bytes(), &session.yaml, Purpose::Resources)?;
        made.iter_mut().for_each(|resource| resource.of_chart = true);
        Ok(made)
    }

    fn directory(&self, target: &Target) -> Option<TreePath> {
        target.place.root().join(&format!("{}/{}", self.home, self.chart.name)).ok()
    }

    fn load(&self, session: &Session<'_>, target: &Target) -> Result<Arc<helm::Chart>, Error> {
        let chart = &self.chart;
        let failed = |error: helm::Error| Error::invalid(format!("helmCharts: {}: {error}", chart.name));
        let limits = LoadLimits::default();
        if let Some(path) = self.directory(target)
            && target.place.has_directory(&path)?
        {
            return helm::Chart::from_tree(target.place.tree(), &path, &limits).map(Arc::new).map_err(failed);
        }
        if chart.repo.is_empty() {
            return Err(Error::invalid("no repo specified for pull, no chart found at ''"));
        }
        let wanted =
            ChartNeed { repo: chart.repo.clone(), name: chart.name.clone(), version: chart.version.clone() };
        let need = RemoteNeed::chart(wanted);
        match session.options.remotes.and_then(|remotes| remotes.0.get(&need.text)) {
            Some(Supply::File(archive)) => {
                helm::Chart::from_archive(archive, &limits).map(Arc::new).map_err(failed)
            }
            Some(Supply::Tree(tree, path)) => {
                helm::Chart::from_tree(tree, path, &limits).map(Arc::new).map_err(failed)
            }
            None => Err(Error::Needs(vec![need])),
        }
    }

    /// The values of the entry itself: its file or the chart's own, with those that stand in the entry.
    fn own_values(
        &self,
        session: &Session<'_>,
        target: &Target,
    ) -> Result<Option<Map<String, Value>>, Error> {
        let chart = &self.chart;
        let inline = &chart.values_inline;
        if !inline.is_empty() && chart.values_merge == "replace" {
            return Ok(Some(inline.clone()));
        }
        let file = if chart.values_file.is_empty() {
            let path = format!("{}/{}/values.yaml", self.home, chart.name);
            let there =
                self.directory(target).is_some_and(|path| target.place.has_directory(&path).unwrap_or(false));
            if there { Some(session.read_file(&target.place, &path)?) } else { None }
        } else {
            Some(session.read_file(&target.place, &chart.values_file)?)
        };
        let of_file = match file {
            Some(text) => goyaml::parse_one(&text, &session.yaml).map_err(|error| {
                Error::invalid(format!(
                    "could not parse values file into rnode: {}",
                    error.as_go(goyaml::Dialect::Yaml2)
                ))
            })?,
            // The chart's own values stand under whatever is given.
            None => Value::Object(Map::new()),
        };
        if inline.is_empty() {
            return Ok(of_file.as_object().cloned());
        }
        let inline = Value::Object(inline.clone());
        let (over, under) = if chart.values_merge == "merge" { (of_file, inline) } else { (inline, of_file) };
        let under = if under.is_null() { Value::Object(Map::new()) } else { under };
        let merged = strategic_merge(under, over, session.schemas(), &EmptyNulls::new())
            .map_err(|error| Error::invalid(format!("could not merge values: {error}")))?;
        Ok(merged.and_then(|merged| merged.as_object().cloned()))
    }
}
