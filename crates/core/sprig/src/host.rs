//! What a run carries for the functions: its world, and what they remember.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use gotemplate::{Call, CallError};

use crate::regex::Pattern;
use crate::world::World;

/// Compiled regular expressions that a run keeps.
const KEPT_PATTERNS: usize = 256;

/// Give it to a run by [`Run::with`](gotemplate::Run::with); without it, functions that ask the world fail and say so.
///
/// ```
/// use std::rc::Rc;
/// let world = sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7);
/// let run = gotemplate::Run::new(gotemplate::Budget::new(gotemplate::Limits::default())).with(Rc::new(sprig::Host::new(world)));
/// # drop(run);
/// ```
pub struct Host {
    world: Rc<dyn World>,
    patterns: RefCell<BTreeMap<String, Result<Rc<Pattern>, String>>>,
}

impl Host {
    /// With that world.
    #[must_use]
    pub fn new(world: impl World + 'static) -> Self {
        Self { world: Rc::new(world), patterns: RefCell::default() }
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &dyn World {
        self.world.as_ref()
    }
}

/// The world of a call.
pub(crate) fn world(call: &Call<'_>) -> Result<Rc<dyn World>, CallError> {
    let name = call.name();
    call.host::<Host>()
        .map(|host| Rc::clone(&host.world))
        .ok_or_else(|| format!("{name} needs time or chance, and this run has neither").into())
}

/// A compiled pattern, from the run's memory where it has one.
pub(crate) fn pattern(call: &Call<'_>, text: &str) -> Result<Rc<Pattern>, String> {
    let compile = || Pattern::new(text).map(Rc::new);
    let Some(host) = call.host::<Host>() else { return compile() };
    if let Some(known) = host.patterns.borrow().get(text) {
        return known.clone();
    }
    let pattern = compile();
    let mut patterns = host.patterns.borrow_mut();
    if patterns.len() >= KEPT_PATTERNS {
        patterns.clear();
    }
    patterns.insert(text.to_owned(), pattern.clone());
    pattern
}
