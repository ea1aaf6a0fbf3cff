//! One kustomization after the other: what each names, makes and changes.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Config;
use crate::error::{Error, Fault};
use crate::kustomization::{COMPONENT, FILE_NAMES, Kustomization, Variable};
use crate::manifests::{self, Purpose};
use crate::options::Options;
use crate::origin::Origin;
use crate::patch::Schemas;
use crate::place::Place;
use crate::remote::{self, RemoteNeed, Supply};
use crate::resource::{Resource, Scopes};
use crate::resources::Resources;
use crate::transform::Transformer;
use crate::{crds, plugins, steps, variables};

/// What a whole build shares.
pub(crate) struct Session<'a> {
    pub(crate) options: &'a Options<'a>,
    pub(crate) yaml: goyaml::Limits,
    pub(crate) warnings: Vec<String>,
    /// `buildMetadata` of the kustomization at the top, which counts for all.
    pub(crate) metadata: BTreeSet<String>,
    /// The schema of `openapi`; the first that is named stays.
    schemas: Option<Arc<Schemas>>,
    schema_is_set: bool,
    /// Whether a kind was met that the built-in schema does not know, before another schema was named: then both count.
    asked_for_unknown: Cell<bool>,
    bases: usize,
    /// Files of resources that were read before, those that were read twice with what is in them.
    files: BTreeMap<(usize, String), Option<Vec<Resource>>>,
}

/// What was accumulated up to now.
#[derive(Default)]
pub(crate) struct Accumulator {
    pub(crate) resources: Resources,
    pub(crate) config: Arc<Config>,
    pub(crate) variables: BTreeMap<String, Variable>,
}

/// A kustomization that is being built.
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) kustomization: Kustomization,
    /// The name of its file.
    pub(crate) file: &'static str,
    /// Where it is, if `buildMetadata` asks for that.
    pub(crate) origin: Option<Origin>,
    /// The namespace that charts get if no other is said.
    pub(crate) chart_namespace: String,
    depth: usize,
}

impl<'a> Session<'a> {
    pub(crate) fn new(options: &'a Options<'a>) -> Self {
        let yaml = goyaml::Limits {
            depth: options.limits.yaml_depth,
            nodes: options.limits.yaml_nodes,
            ..goyaml::Limits::default()
        };
        Self {
            options,
            yaml,
            warnings: Vec::new(),
            metadata: BTreeSet::new(),
            schemas: None,
            schema_is_set: false,
            asked_for_unknown: Cell::new(false),
            bases: 0,
            files: BTreeMap::new(),
        }
    }

    /// Which kinds have namespaces.
    pub(crate) fn scopes(&self) -> Scopes<'_> {
        Scopes { own: self.schemas.as_deref(), asked_for_unknown: &self.asked_for_unknown }
    }

    /// Which lists are merged.
    pub(crate) fn schemas(&self) -> &Schemas {
        self.schemas.as_deref().unwrap_or_else(|| Schemas::builtin())
    }

    /// Loads the kustomization of a place.
    pub(crate) fn load(&mut self, place: Place) -> Result<Target, Error> {
        self.bases += 1;
        if self.bases > self.options.limits.bases {
            return Err(Error::Limit { what: "bases and components", limit: self.options.limits.bases });
        }
        let mut found = Vec::new();
        for name in FILE_NAMES {
            match place.read(name) {
                Ok(text) => found.push((name, text)),
                Err(error) if error.is_final() => return Err(error),
                Err(_) => {}
            }
        }
        let shown = place.shown();
        let [(file, text)] = found.as_slice() else {
            return Err(Error::invalid(if found.is_empty() {
                let [a, b, c] = FILE_NAMES;
                format!("unable to find one of '{a}', '{b}' or '{c}' in directory '{shown}'")
            } else {
                format!("Found multiple kustomization files under: {shown}\n")
            }));
        };
        // The first one is the target.
        let text = self.options.kustomization.filter(|_| self.bases == 1).unwrap_or(text);
        let kustomization = Kustomization::read(text, &self.yaml, &shown, &mut self.warnings)?;
        let file = *file;
        Ok(Target { place, kustomization, file, origin: None, chart_namespace: String::new(), depth: 0 })
    }

    /// Follows `openapi`: the first schema that any kustomization names counts from then on.
    pub(crate) fn set_schema(&mut self, target: &Target) -> Result<(), Error> {
        let openapi = &target.kustomization.openapi;
        let document = openapi.get("path").map(|path| self.read_file(&target.place, path)).transpose()?;
        if self.schema_is_set {
            return Ok(());
        }
        let version = openapi.get("version").map(String::as_str);
        match (document, version) {
            (Some(_), Some(_)) => {
                Err(Error::invalid("builtin version and custom schema provided, cannot use both"))
            }
            (Some(document), None) => {
                let read = goyaml::parse_one(&document, &self.yaml);
                let read = read.map_err(|error| {
                    Error::invalid(format!("invalid schema file: {}", error.as_go(goyaml::Dialect::Yaml2)))
                })?;
                let both = self.asked_for_unknown.get();
                self.schemas = Some(Arc::new(Schemas::from_openapi(&read, both)));
                self.schema_is_set = true;
                Ok(())
            }
            (None, None | Some("")) => Ok(()),
            (None, Some("v1.21.2")) => {
                self.schema_is_set = true;
                Ok(())
            }
            (None, Some(_)) => Err(Error::invalid("the specified OpenAPI version is not built in")),
        }
    }

    /// Everything that a kustomization says, put on what was accumulated.
    ///
    /// **Source**: kustomize `internal/target/kusttarget.go`, api v0.21.2.
    pub(crate) fn accumulate(
        &mut self,
        target: &mut Target,
        into: Accumulator,
    ) -> Result<Accumulator, Error> {
        let resources = std::mem::take(&mut target.kustomization.resources);
        let mut sum = self
            .accumulate_resources(target, into, &resources)
            .map_err(|error| error.within("accumulating resources"))?;
        let (config, crds) = self.config(target)?;
        sum.config = sum.config.merged(&config)?.merged(&crds)?;
        for generator in plugins::generators(self, target)? {
            let made = generator.generate(self, target)?;
            sum.resources
                .absorb(made, &self.scopes())
                .map_err(|error| error.within("merging from generator"))?;
        }
        let components = std::mem::take(&mut target.kustomization.components);
        sum = self
            .accumulate_components(target, sum, &components)
            .map_err(|error| error.within("accumulating components"))?;
        for transformer in steps::transformers(self, target, &sum.config)? {
            self.transform(&mut sum, &transformer)?;
        }
        for validator in plugins::transformers(self, target, &target.kustomization.validators.clone())? {
            let before = sum.resources.clone();
            self.transform(&mut sum, &validator)?;
            plugins::check_validated(&before, &sum.resources)?;
        }
        variables::merge(&mut sum, &target.kustomization.vars, &self.scopes())?;
        Ok(sum)
    }

    fn transform(&mut self, sum: &mut Accumulator, transformer: &Transformer) -> Result<(), Error> {
        transformer.apply(&mut sum.resources, self)?;
        if let Some(origin) = &transformer.origin {
            for resource in sum.resources.list_mut() {
                if resource.made.is_none() {
                    resource.made = Some(origin.clone());
                } else {
                    resource.transformations.push(origin.clone());
                }
            }
        }
        sum.resources.drop_deleted();
        self.check_size(&sum.resources)
    }

    fn check_size(&self, resources: &Resources) -> Result<(), Error> {
        let limit = self.options.limits.resources;
        if resources.list().len() > limit { Err(Error::Limit { what: "resources", limit }) } else { Ok(()) }
    }

    fn config(&mut self, target: &Target) -> Result<(Arc<Config>, Arc<Config>), Error> {
        let mut config = Arc::clone(Config::builtin());
        if !target.kustomization.configurations.is_empty() {
            let mut own = Arc::new(Config::default());
            for path in &target.kustomization.configurations {
                let text = self.read_file(&target.place, path)?;
                own = own.merged(&Arc::new(Config::read(&text, &self.yaml)?))?;
            }
            config = config.merged(&own)?;
        }
        let paths = &target.kustomization.crds;
        if !paths.is_empty() {
            let within = |error: Error| error.within(&format!("loading CRDs [{}]", paths.join(" ")));
            let read = |path: &String| crds::read(&self.read_file(&target.place, path)?, &self.yaml, path);
            let configs = paths.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(within)?;
            return Ok((config, crds::merged(configs)?));
        }
        Ok((config, Arc::default()))
    }

    /// Reads what a list of paths names: files, else directories, else repositories.
    pub(crate) fn accumulate_resources(
        &mut self,
        target: &mut Target,
        mut sum: Accumulator,
        paths: &[String],
    ) -> Result<Accumulator, Error> {
        let mut needs = Vec::new();
        for path in paths {
            let in_file = match self.accumulate_file(target, &mut sum, path) {
                Ok(()) => continue,
                Err(Error::Needs(more)) => {
                    needs.extend(more);
                    continue;
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => error,
            };
            let place = match self.enter(&target.place, path) {
                Ok(place) => place,
                Err(Error::Needs(more)) => {
                    needs.extend(more);
                    continue;
                }
                Err(error) if error.is_final() => return Err(error),
                Err(_) if in_file.fault() == Fault::Yaml => return Err(in_file),
                Err(error) => return Err(error.within(&format!("accumulation err='{in_file}'"))),
            };
            match self.accumulate_directory(target, std::mem::take(&mut sum), place, path, false) {
                Ok(more) => sum = more,
                Err(Error::Needs(more)) => needs.extend(more),
                // With a base missing, what follows may fail for that alone.
                Err(error) if !needs.is_empty() && !error.is_final() => break,
                Err(error) => return Err(error.within(&format!("accumulation err='{in_file}'"))),
            }
        }
        if needs.is_empty() { Ok(sum) } else { Err(Error::Needs(once(needs))) }
    }

    fn accumulate_components(
        &mut self,
        target: &mut Target,
        mut sum: Accumulator,
        paths: &[String],
    ) -> Result<Accumulator, Error> {
        let mut needs = Vec::new();
        let quoted = |doing: &str, error: Error| match error {
            Error::Invalid { message, .. } => Error::invalid(format!("{doing} {message:?}")),
            other => other,
        };
        for path in paths {
            let place = match self.enter(&target.place, path) {
                Ok(place) => place,
                Err(Error::Needs(more)) => {
                    needs.extend(more);
                    continue;
                }
                Err(error) => return Err(quoted("loader.New", error)),
            };
            match self.accumulate_directory(target, std::mem::take(&mut sum), place, path, true) {
                Ok(more) => sum = more,
                Err(Error::Needs(more)) => needs.extend(more),
                Err(error) if !needs.is_empty() && !error.is_final() => break,
                Err(error) => return Err(quoted("accumulateDirectory:", error)),
            }
        }
        if needs.is_empty() { Ok(sum) } else { Err(Error::Needs(once(needs))) }
    }

    fn enter(&self, place: &Place, path: &str) -> Result<Place, Error> {
        let Some(need) = RemoteNeed::parse(path).filter(|need| need.repository.is_some()) else {
            let refused = |error| match remote::is_helper(path) {
                true => Error::Refused(format!(
                    "'{path}': programs by which git reaches others (ext::) are never run"
                )),
                false => error,
            };
            return place.enter(path).map_err(refused);
        };
        if need.repository.as_ref().is_some_and(|repository| repository.is_local()) {
            return Err(Error::Refused(format!("'{path}': repositories on the disk are not served")));
        }
        match self.options.remotes.and_then(|remotes| remotes.0.get(path)) {
            Some(supply) => place.enter_remote(&need, supply),
            None => Err(Error::Needs(vec![need])),
        }
    }

    fn accumulate_directory(
        &mut self,
        above: &mut Target,
        sum: Accumulator,
        place: Place,
        path: &str,
        component: bool,
    ) -> Result<Accumulator, Error> {
        let shown = place.shown();
        let depth = above.depth + 1;
        if depth > self.options.limits.depth {
            return Err(Error::Limit { what: "bases within each other", limit: self.options.limits.depth });
        }
        let mut target = self
            .load(place)
            .map_err(|error| error.within(&format!("couldn't make target for path '{shown}'")))?;
        target.depth = depth;
        target.origin = above.origin.as_ref().map(|origin| origin.append(path));
        let own = &above.kustomization.namespace;
        target.chart_namespace = if own.is_empty() { &above.chart_namespace } else { own }.clone();
        self.set_schema(&target)?;
        let kind = &target.kustomization.kind;
        if component && kind != COMPONENT {
            let message = format!("expected kind '{COMPONENT}' for path '{shown}' but got '{kind}'");
            return Err(Error::invalid(message));
        }
        if !component && kind == COMPONENT {
            return Err(Error::invalid(format!("expected kind != '{COMPONENT}' for path '{shown}'")));
        }
        let recursed = |error: Error| error.within(&format!("recursed accumulation of path '{shown}'"));
        let (mut sum, more) = if component {
            (Accumulator::default(), self.accumulate(&mut target, sum).map_err(recursed)?)
        } else {
            (sum, self.accumulate(&mut target, Accumulator::default()).map_err(recursed)?)
        };
        let merging = |error: Error| error.within(&format!("recursed merging from path '{shown}'"));
        sum.merge(more, &self.scopes()).map_err(merging)?;
        self.check_size(&sum.resources)?;
        Ok(sum)
    }

    fn accumulate_file(&mut self, target: &Target, sum: &mut Accumulator, path: &str) -> Result<(), Error> {
        let reading = |error: Error| error.within(&format!("accumulating resources from '{path}'"));
        let mut resources = self.read_resources(&target.place, path).map_err(reading)?;
        if let Some(origin) = &target.origin {
            let origin = origin.append(path);
            resources.iter_mut().for_each(|resource| resource.made = Some(origin.clone()));
        }
        let merging = |error: Error| error.within(&format!("merging resources from '{path}'"));
        sum.resources.append(resources, &self.scopes()).map_err(merging)?;
        self.check_size(&sum.resources)
    }

    /// The bytes of any other file that a kustomization names.
    pub(crate) fn read_file(&self, place: &Place, path: &str) -> Result<Arc<[u8]>, Error> {
        let Some(need) = RemoteNeed::parse(path).filter(|need| need.file.is_some()) else {
            return place.read(path);
        };
        match self.options.remotes.and_then(|remotes| remotes.0.get(path)) {
            Some(Supply::File(text)) => Ok(Arc::clone(text)),
            Some(Supply::Tree(..)) => Err(Error::invalid("URL is a git repository")),
            None => Err(Error::Needs(vec![need])),
        }
    }

    fn read_resources(&mut self, place: &Place, path: &str) -> Result<Vec<Resource>, Error> {
        let remote = RemoteNeed::parse(path).filter(|need| need.file.is_some());
        if let Some(need) = remote {
            return match self.options.remotes.and_then(|remotes| remotes.0.get(path)) {
                Some(Supply::File(text)) => self.parse(text, path, path),
                Some(Supply::Tree(..)) => Err(Error::invalid("URL is a git repository")),
                None => Err(Error::Needs(vec![need])),
            };
        }
        let text = place.read(path)?;
        let origin = crate::origin::join(place.root().as_str(), path);
        let key = (Arc::as_ptr(place.tree()).addr(), origin.clone());
        // Nearly all files are named once, and then a copy would be for nothing.
        match self.files.get(&key) {
            Some(Some(known)) => Ok(known.clone()),
            Some(None) => {
                let resources = self.parse(&text, path, &origin)?;
                self.files.insert(key, Some(resources.clone()));
                Ok(resources)
            }
            None => {
                self.files.insert(key, None);
                self.parse(&text, path, &origin)
            }
        }
    }

    fn parse(&self, text: &[u8], path: &str, origin: &str) -> Result<Vec<Resource>, Error> {
        let in_file = |error: Error| match error {
            Error::Invalid { message, fault: Fault::Yaml } => {
                Error::Invalid { message: format!("{message} in File: {path}"), fault: Fault::Yaml }
            }
            other => other,
        };
        let mut resources = manifests::read(text, &self.yaml, Purpose::Resources).map_err(in_file)?;
        let mut keys = BTreeSet::new();
        for resource in &mut resources {
            origin.clone_into(&mut resource.origin);
            if !keys.insert(resource.key(&self.scopes())) {
                let id = resource.id();
                return Err(Error::invalid(format!(
                    "may not add resource with an already registered id: {id}"
                )));
            }
        }
        Ok(resources)
    }
}

impl Accumulator {
    fn merge(&mut self, more: Self, scopes: &Scopes<'_>) -> Result<(), Error> {
        self.resources.append(more.resources.into_list(), scopes)?;
        self.config = self.config.merged(&more.config)?;
        for variable in more.variables.into_values() {
            variables::add(&mut self.variables, variable)?;
        }
        Ok(())
    }
}

/// Each need once, in order.
fn once(needs: Vec<RemoteNeed>) -> Vec<RemoteNeed> {
    let mut seen = BTreeSet::new();
    needs.into_iter().filter(|need| seen.insert(need.text.clone())).collect()
}
