//! The corpus of charts: what `helm template` printed.

use crate::report::{Report, Verdict, say};
use crate::{Options, compare};
use anyhow::Context;
use flate2::read::GzDecoder;
use helm::{Given, KubeVersion, Printing};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Largest recorded output, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// What is kept parsed, in bytes of text: as much as the controllers keep.
const CACHE_BYTES: usize = 4 << 20;

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    id: String,
    chart: String,
    release: String,
    namespace: String,
    kube_version: String,
    #[serde(rename = "includeCRDs", default)]
    include_crds: bool,
    #[serde(default)]
    api_versions: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    expect: String,
    #[serde(default)]
    golden: Option<String>,
    #[serde(default)]
    stderr: String,
}

/// What `args` ask for beside values.
#[derive(Default)]
struct Flags {
    printing: Printing,
    is_upgrade: bool,
    skip_schema: bool,
    name_template: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let text = std::fs::read(options.path.join("cases.json")).context("cannot read cases.json")?;
    let corpus: Corpus = serde_json::from_slice(&text).context("cases.json is not what it should be")?;
    let cache = helm::Cache::new(CACHE_BYTES);
    let mut charts = Charts { corpus: &options.path, last: None, timed: options.time };
    let mut report = Report::default();
    let mut times: BTreeMap<&str, Times> = BTreeMap::new();
    for case in &corpus.cases {
        let asked = options.show.as_ref().is_none_or(|wanted| case.id.contains(wanted.as_str()));
        if !asked {
            continue;
        }
        if options.render {
            if case.expect == "ok" && case.render(&mut charts, &cache)?.0.is_err() {
                anyhow::bail!("{} does not render", case.id);
            }
            continue;
        }
        let (ours, _) = case.render(&mut charts, &cache)?;
        if options.time {
            let (_, warm) = case.render(&mut charts, &cache)?;
            times.insert(case.id.as_str(), warm);
        }
        let verdict = case.judge(&options.path, &ours)?;
        if options.show.is_some() {
            case.show(&options.path, &ours, verdict)?;
        }
        report.add(case.id.clone(), verdict);
    }
    if options.time {
        tell_times(times);
    }
    Ok(report)
}

impl Case {
    /// What we print, or the text of our error.
    fn render(
        &self,
        charts: &mut Charts<'_>,
        cache: &helm::Cache,
    ) -> anyhow::Result<(Result<String, String>, Times)> {
        let files: Vec<Vec<u8>> =
            self.values.iter().map(|file| charts.read(file)).collect::<Result<_, _>>()?;
        let begin = charts.timed.then(Clock::start);
        let chart = charts.load(&self.chart)?;
        let mut times = Times { load: elapsed(begin), ..Times::default() };
        let ours = match chart {
            Ok(chart) => self.try_render(&chart, &files, cache, charts.timed.then_some(&mut times)),
            Err(error) => Err(error),
        };
        Ok((ours.map_err(|error| error.to_string()), times))
    }

    fn try_render(
        &self,
        chart: &Arc<helm::Chart>,
        files: &[Vec<u8>],
        cache: &helm::Cache,
        times: Option<&mut Times>,
    ) -> Result<String, helm::Error> {
        let clock = || times.is_some().then(Clock::start);
        let begin = clock();
        let limits = helm::RenderLimits::default();
        let mut given: Vec<Given<'_>> =
            self.values.iter().zip(files).map(|(name, text)| Given::File(name, text)).collect();
        let flags = self.flags(&mut given);
        if flags.name_template {
            // What the program itself says of a name and a template for one.
            return Err(helm::Error::ReleaseName(
                "cannot set --name-template and also specify a name".to_owned(),
            ));
        }
        let values = helm::assemble(&given, &limits.yaml)?;
        let load = elapsed(begin);
        let mut capabilities = helm::Capabilities {
            kube_version: KubeVersion::parse(&self.kube_version)?,
            // The recorded program was built without a release's version.
            helm_version: "v3.22".to_owned(),
            ..helm::Capabilities::default()
        };
        capabilities.api_versions.extend(self.api_versions.iter().cloned());
        let begin = clock();
        let rendered = helm::render(&helm::Request {
            chart,
            release: &helm::Release {
                name: self.release.clone(),
                namespace: self.namespace.clone(),
                revision: 1,
                is_upgrade: flags.is_upgrade,
            },
            values: &values,
            capabilities: &capabilities,
            world: Rc::new(sprig::Host::new(sprig::Fixed::new(
                sprig::Moment { seconds: 1_700_000_000, nanos: 0 },
                7,
            ))),
            lookup: None,
            include_crds: self.include_crds,
            skip_schema: flags.skip_schema,
            limits: &limits,
            cancelled: None,
            cache: Some(cache),
        })?;
        if let Some(times) = times {
            times.load += load;
            times.render = elapsed(begin);
        }
        helm::print(&rendered, &flags.printing)
    }

    /// Reads `args`. Values of one kind go together, in helm's order of kinds.
    fn flags<'a>(&'a self, given: &mut Vec<Given<'a>>) -> Flags {
        let mut flags = Flags::default();
        let mut sets: [Vec<Given<'a>>; 4] = Default::default();
        let [json, typed, text, literal] = &mut sets;
        let mut words = self.args.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let (flag, inline) =
                word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
            let mut value = || inline.or_else(|| words.next()).unwrap_or_default();
            match flag {
                "--set" => typed.push(Given::Set(value())),
                "--set-string" => text.push(Given::SetString(value())),
                "--set-json" => json.push(Given::SetJson(value())),
                "--set-literal" => literal.push(Given::SetLiteral(value())),
                "--skip-tests" => flags.printing.skip_tests = true,
                "--no-hooks" => flags.printing.no_hooks = true,
                "-s" | "--show-only" => flags.printing.show_only.push(value().to_owned()),
                "--is-upgrade" => flags.is_upgrade = true,
                "--skip-schema-validation" => flags.skip_schema = true,
                "--name-template" => flags.name_template = !value().is_empty(),
                _ => {}
            }
        }
        given.extend(sets.into_iter().flatten());
        flags
    }

    fn judge(&self, corpus: &Path, ours: &Result<String, String>) -> anyhow::Result<Verdict> {
        if self.expect == "error" {
            let text = ours.as_ref().err().map(|ours| first_line(ours) == first_line(&self.error_text()));
            return Ok(Verdict {
                passed: ours.is_err(),
                text: Some(text == Some(true)),
                ..Verdict::default()
            });
        }
        Ok(match ours {
            Ok(ours) => compare::streams(ours, &self.golden(corpus)?),
            Err(_) => Verdict::default(),
        })
    }

    /// What stands behind `Error: `, without the hint that is the program's.
    fn error_text(&self) -> String {
        let (_, text) = self.stderr.split_once("Error: ").unwrap_or(("", &self.stderr));
        text.replace("\n\nUse --debug flag to render out invalid YAML", "").trim_end().to_owned()
    }

    fn golden(&self, corpus: &Path) -> anyhow::Result<String> {
        let Some(golden) = &self.golden else { return Ok(String::new()) };
        let packed = std::fs::read(corpus.join(golden)).with_context(|| format!("cannot read {golden}"))?;
        let mut text = String::new();
        GzDecoder::new(&*packed).take(MOST_BYTES).read_to_string(&mut text)?;
        Ok(text)
    }

    fn show(&self, corpus: &Path, ours: &Result<String, String>, verdict: Verdict) -> anyhow::Result<()> {
        let fine = verdict.passed && (verdict.bytes || verdict.text == Some(true));
        if fine {
            return Ok(());
        }
        say(&format!("{}: {verdict:?}", self.id));
        match (ours, self.expect.as_str()) {
            (Ok(ours), "ok") => say(&compare::difference(ours, &self.golden(corpus)?)),
            (Ok(_), _) => say(&format!("  should fail: {}", self.error_text())),
            (Err(ours), "ok") => say(&format!("  fails: {ours}")),
            (Err(ours), _) => say(&format!("  theirs: {}\n  ours:   {ours}", self.error_text())),
        }
        Ok(())
    }
}

/// Charts of the corpus. The last one is kept, as a controller keeps what it has fetched.
struct Charts<'a> {
    corpus: &'a Path,
    last: Option<(String, Arc<helm::Chart>)>,
    /// Whether anybody wants to know how long it takes; a clock of processor time costs as much as a small chart.
    timed: bool,
}

impl Charts<'_> {
    fn read(&self, file: &str) -> anyhow::Result<Vec<u8>> {
        std::fs::read(self.corpus.join(file)).with_context(|| format!("cannot read {file}"))
    }

    fn load(&mut self, file: &str) -> anyhow::Result<Result<Arc<helm::Chart>, helm::Error>> {
        if let Some((name, chart)) = &self.last
            && name == file
        {
            return Ok(Ok(Arc::clone(chart)));
        }
        let loaded = helm::Chart::from_archive(&self.read(file)?, &helm::LoadLimits::default());
        Ok(loaded.map(|chart| {
            let chart = Arc::new(chart);
            self.last = Some((file.to_owned(), Arc::clone(&chart)));
            chart
        }))
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Time of the processor where the system tells it (others may be busy on this machine), else time on the wall.
struct Clock {
    cpu: Option<Duration>,
    wall: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { cpu: cpu_time(), wall: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        match (self.cpu, cpu_time()) {
            (Some(begin), Some(now)) => now.saturating_sub(begin),
            _ => self.wall.elapsed(),
        }
    }
}

/// Of a clock that may not have been wanted.
fn elapsed(begin: Option<Clock>) -> Duration {
    begin.map(|clock| clock.elapsed()).unwrap_or_default()
}

/// What this thread has had of a processor.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// How long a case takes: reading the chart, and all the rest but printing.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    load: Duration,
    render: Duration,
}

fn tell_times(times: BTreeMap<&str, Times>) {
    let mut sorted: Vec<(&str, Times)> = times.into_iter().collect();
    sorted.sort_unstable_by_key(|(_, times)| std::cmp::Reverse(times.load + times.render));
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let line = |id: &str, times: &Times| {
        say(&format!(
            "{:>9.3} ms to read, {:>9.3} ms to render, warm: {id}",
            ms(times.load),
            ms(times.render)
        ));
    };
    sorted.iter().take(15).for_each(|(id, times)| line(id, times));
    if let Some((id, times)) = sorted.get(sorted.len() / 2) {
        line(&format!("the median, {id}"), times);
    }
    let sum = |of: fn(&Times) -> Duration| sorted.iter().map(|(_, times)| of(times)).sum();
    line("all together", &Times { load: sum(|times| times.load), render: sum(|times| times.render) });
}
