//! The words of `helm` that need no cluster: `template`, which prints what a chart makes.

mod arguments;
pub(crate) mod locate;
mod output;

pub use arguments::{HelmCommand, TemplateArgs};

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use charts::Proxies;
use helm::{Capabilities, Given, KubeVersion, Printing, Release, RenderLimits};

use crate::streams::{complain, finish};

/// Runs a command and returns its exit code: 0, or 1 with a text on standard error that begins with `Error: `, as helm's.
/// Archives that are fetched are kept in `data_dir`; `proxies` are the ways to their servers.
pub async fn helm(command: HelmCommand, data_dir: PathBuf, proxies: Proxies) -> u8 {
    let HelmCommand::Template(arguments) = command;
    finish(template(&arguments, &data_dir, proxies).await)
}

/// `helm template`: the stream, or the list of files that were written.
async fn template(arguments: &TemplateArgs, data_dir: &Path, proxies: Proxies) -> Result<String, String> {
    if arguments.validate {
        return Err("--validate asks a cluster, and this command knows none: use capstan app diff".to_owned());
    }
    if arguments.post_renderer.is_some() {
        return Err(
            "--post-renderer would run a program, and none is run here: pipe the output into it".to_owned()
        );
    }
    let (name, place) = release_name(arguments)?;
    let mut fetcher = locate::Fetcher::new(arguments, data_dir, proxies);
    let chart = fetcher.chart(&place).await?;
    let limits = RenderLimits::default();
    let files = read_values(arguments, &mut fetcher).await?;
    let read_file = |path: &str| -> Result<String, String> {
        std::fs::read(path)
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .map_err(|error| format!("open {path}: {error}"))
    };
    let mut given: Vec<Given<'_>> = files.iter().map(|(name, text)| Given::File(name, text)).collect();
    given.extend(arguments.set_json.iter().map(|text| Given::SetJson(text)));
    given.extend(arguments.set.iter().map(|text| Given::Set(text)));
    given.extend(arguments.set_string.iter().map(|text| Given::SetString(text)));
    given.extend(arguments.set_file.iter().map(|text| Given::SetFile(text, &read_file)));
    given.extend(arguments.set_literal.iter().map(|text| Given::SetLiteral(text)));
    let values = helm::assemble(&given, &limits.yaml).map_err(|error| error.to_string())?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &arguments.kube_version {
        capabilities.kube_version = KubeVersion::parse(version).map_err(|error| error.to_string())?;
    }
    capabilities.api_versions.extend(arguments.api_versions.iter().cloned());
    let rendered = helm::render(&helm::Request {
        chart: &Arc::new(chart),
        release: &Release {
            name: name.clone(),
            namespace: arguments.namespace.clone(),
            revision: 1,
            is_upgrade: arguments.is_upgrade,
        },
        values: &values,
        capabilities: &capabilities,
        world: Rc::new(sprig::Host::new(world::System)),
        lookup: None,
        include_crds: arguments.include_crds && !arguments.skip_crds,
        skip_schema: arguments.skip_schema_validation,
        limits: &limits,
        cancelled: None,
        cache: None,
    })
    .map_err(|error| {
        let hint = if error.is_rendering() { "\n\nUse --debug flag to render out invalid YAML" } else { "" };
        format!("{error}{hint}")
    })?;
    for warning in &rendered.warnings {
        complain(warning);
    }
    let printing = Printing {
        no_hooks: arguments.no_hooks,
        skip_tests: arguments.skip_tests,
        show_only: arguments.show_only.clone(),
    };
    match &arguments.output_dir {
        None => helm::print(&rendered, &printing).map_err(|error| error.to_string()),
        Some(directory) => {
            let directory = if arguments.release_name { directory.join(&name) } else { directory.clone() };
            output::write(&rendered, &printing, &directory)
        }
    }
}

/// The name of the release and the place of the chart, from the words and flags.
fn release_name(arguments: &TemplateArgs) -> Result<(String, String), String> {
    let (name, chart) = match arguments.words.as_slice() {
        [chart] => (None, chart.clone()),
        [name, chart] => (Some(name.clone()), chart.clone()),
        _ => return Err("name a chart".to_owned()),
    };
    match (name, &arguments.name_template, arguments.generate_name) {
        (Some(_), Some(_), _) => Err("cannot set --name-template and also specify a name".to_owned()),
        (Some(_), None, true) => Err("cannot set --generate-name and also specify a name".to_owned()),
        (Some(name), None, false) => Ok((name, chart)),
        (None, Some(text), _) => Ok((from_template(text)?, chart)),
        (None, None, true) => {
            let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let base = base.strip_suffix(".tgz").unwrap_or(base);
            let base = base.split('.').next().filter(|base| !base.is_empty()).unwrap_or("chart");
            let now = sprig::World::now(&world::System).seconds;
            Ok((format!("{base}-{now}"), chart))
        }
        (None, None, false) => Ok(("release-name".to_owned(), chart)),
    }
}

/// `--name-template`.
fn from_template(text: &str) -> Result<String, String> {
    let world = Rc::new(sprig::Host::new(world::System));
    helm::name_from_template(text, world, &gotemplate::Limits::default()).map_err(|error| error.to_string())
}

/// The texts of `--values`: files, `-` for standard input, and addresses.
async fn read_values(
    arguments: &TemplateArgs,
    fetcher: &mut locate::Fetcher<'_>,
) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut files = Vec::with_capacity(arguments.values.len());
    for name in &arguments.values {
        let text = if name.trim() == "-" {
            std::io::read_to_string(std::io::stdin())
                .map(String::into_bytes)
                .map_err(|error| error.to_string())?
        } else if name.starts_with("http://") || name.starts_with("https://") {
            fetcher.file(name).await?
        } else {
            std::fs::read(name).map_err(|error| format!("open {name}: {}", os_text(&error)))?
        };
        files.push((name.clone(), text));
    }
    Ok(files)
}

/// An error of the system in the words that helm has for it.
fn os_text(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
