//! Templates of charts, run as Helm runs them.
//!
//! **Source**: Helm 3.22, `pkg/engine/engine.go`.

mod files;
mod functions;
mod objects;

use crate::cache::Cache;
use crate::capabilities::Capabilities;
use crate::error::Error;
use crate::parts::{Part, Parts};
use crate::values::{Table, ToTemplate};
use gotemplate::{ExecError, Map, MissingKey, ParseError, Run, Str, Templates, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

pub use functions::Lookup;

/// What templates are given besides values.
pub(crate) struct World<'a> {
    pub(crate) release: &'a BTreeMap<Str, Value>,
    pub(crate) capabilities: &'a Capabilities,
    pub(crate) lookup: Option<Rc<Lookup>>,
    pub(crate) cache: Option<&'a Cache>,
    pub(crate) template_bytes: usize,
}

/// One file under `templates/`.
struct Renderable {
    path: Arc<str>,
    text: Arc<[u8]>,
    context: Map,
    base: Rc<str>,
}

/// Runs all templates of all charts that take part. The files are in the order of their names; partials are not among them.
pub(crate) fn render(
    parts: &Parts,
    values: &Table,
    world: &World<'_>,
    run: Run,
) -> Result<Vec<(Arc<str>, String)>, Error> {
    let failure: files::Failure = Rc::new(RefCell::new(None));
    let mut gather = Gather {
        parts,
        capabilities: objects::capabilities(world.capabilities),
        release: Value::map(world.release.clone()),
        convert: ToTemplate::default(),
        failure: Rc::clone(&failure),
        found: BTreeMap::new(),
    };
    gather.part(Parts::ROOT, values)?;
    let mut renderables: Vec<Renderable> = gather.found.into_values().collect();
    // Of two definitions with one name the last one counts. Deep files come first, so that the outer chart wins.
    let depth = |renderable: &Renderable| renderable.path.matches('/').count();
    renderables.sort_by(|a, b| depth(b).cmp(&depth(a)).then_with(|| b.path.cmp(&a.path)));
    let bytes: usize = renderables.iter().map(|renderable| renderable.text.len()).sum();
    if bytes > world.template_bytes {
        let limit = world.template_bytes;
        return Err(Error::Template(format!(
            "the templates have {bytes} bytes together, the limit is {limit}"
        )));
    }
    let templates = parse(&renderables, world.cache)?;
    let mut run = run.with(Rc::new(functions::Host::new(world.lookup.clone())));
    let mut out = BTreeMap::new();
    for renderable in renderables {
        let path = renderable.path;
        if path.rsplit('/').next().is_some_and(|name| name.starts_with('_')) {
            continue;
        }
        let template = BTreeMap::from([
            ("Name".into(), Value::from(&*path)),
            ("BasePath".into(), Value::from(&*renderable.base)),
        ]);
        let template = Value::Map(Map::new(objects::VALUES, template));
        let set = run.set(&renderable.context, "Template".into(), template);
        set.map_err(|error| Error::Template(error.to_string()))?;
        let text = templates.execute(&mut run, &path, &Value::Map(renderable.context));
        if let Some(cause) = failure.take() {
            return Err(cause);
        }
        let text = text.map_err(|error| exec_error(&error))?;
        out.insert(path, without_no_value(text));
    }
    Ok(out.into_iter().collect())
}

/// Go prints this for what is not there; Helm takes it out again.
fn without_no_value(text: String) -> String {
    if text.contains("<no value>") { text.replace("<no value>", "") } else { text }
}

fn parse(renderables: &[Renderable], cache: Option<&Cache>) -> Result<Templates, Error> {
    let mut templates = Templates::new(functions::all()).missing_key(MissingKey::Zero);
    for Renderable { path, text, .. } in renderables {
        let kept = cache.and_then(|cache| cache.template(path, text));
        let parsed = match kept {
            Some(parsed) => parsed,
            None => {
                let source = String::from_utf8_lossy(text);
                let parsed = templates.compile(path, &source).map_err(|error| parse_error(&error))?;
                if let Some(cache) = cache {
                    cache.keep_template(path, text, parsed.clone());
                }
                parsed
            }
        };
        templates.add(&parsed);
    }
    Ok(templates)
}

/// `parse error at (FILE:LINE): MESSAGE`.
fn parse_error(error: &ParseError) -> Error {
    let text = error.to_string();
    let mut tokens = text.split(": ");
    let location = tokens.nth(1).unwrap_or_default();
    // Helm keeps what stands behind the last colon, whatever that is.
    let message = text.rsplit(": ").next().unwrap_or_default();
    Error::Template(format!("parse error at ({location}): {message}"))
}

/// What `fail` and `required` say is taken out of what all templates on the way put around it.
fn exec_error(error: &ExecError) -> Error {
    let text = error.to_string();
    if let Some(limit) = error.exceeded {
        return Error::Exceeded { message: text, limit };
    }
    let mut tokens = text.splitn(3, ": ");
    if let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next())
        && let Some((_, after)) = rest.split_once(sprig::FAILURE_MARKS.0)
        && let Some((message, _)) = after.rsplit_once(sprig::FAILURE_MARKS.1)
    {
        return Error::Template(format!("execution error at ({location}): {message}"));
    }
    Error::Template(text)
}

/// Goes through the charts and gathers their templates, each with its context.
struct Gather<'a> {
    parts: &'a Parts,
    capabilities: Value,
    release: Value,
    convert: ToTemplate,
    failure: files::Failure,
    /// A later file of the same path replaces an earlier one.
    found: BTreeMap<Arc<str>, Renderable>,
}

impl Gather<'_> {
    /// The context of a chart's templates. Charts nest to a limit, so this may recurse.
    fn part(&mut self, part: Part, values: &Table) -> Result<Map, Error> {
        let chart = Arc::clone(self.parts.chart(part));
        let template_values = if self.parts.is_root(part) {
            self.convert.map_of(values, objects::VALUES)
        } else {
            self.convert.map(values)
        };
        let mut subcharts = BTreeMap::new();
        for child in self.parts.children(part) {
            let name = self.parts.name(*child);
            let below = values.table(name).unwrap_or_default();
            let context = self.part(*child, &below)?;
            subcharts.insert(name.into(), Value::Map(context));
        }
        let context = Map::new(
            objects::VALUES,
            BTreeMap::from([
                ("Chart".into(), objects::chart(self.parts, part)),
                ("Files".into(), files::value(&chart.files, &self.failure)),
                ("Release".into(), self.release.clone()),
                ("Capabilities".into(), self.capabilities.clone()),
                ("Values".into(), Value::Map(template_values)),
                ("Subcharts".into(), Value::map(subcharts)),
            ]),
        );
        let path = self.parts.path(part);
        let base: Rc<str> = format!("{path}/templates").into();
        for file in &chart.templates {
            let partial = file.name.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
            if chart.metadata.is_library() && !partial {
                continue;
            }
            let path: Arc<str> = format!("{path}/{}", file.name).into();
            let renderable = Renderable {
                path: Arc::clone(&path),
                text: Arc::clone(&file.content),
                context: context.clone(),
                base: Rc::clone(&base),
            };
            self.found.insert(path, renderable);
        }
        Ok(context)
    }
}
