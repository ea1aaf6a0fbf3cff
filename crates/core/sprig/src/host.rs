//! What a run carries for the functions: its world, and what they remember.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use goregex::Pattern;
use gotemplate::{Call, CallError};

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
    master: RefCell<Option<MasterKey>>,
}

/// What a user and a master password stand for; from one of them the passwords of many sites are derived.
#[derive(Clone)]
pub(crate) struct MasterKey {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
    pub(crate) key: [u8; 64],
}

impl Host {
    /// With that world.
    #[must_use]
    pub fn new(world: impl World + 'static) -> Self {
        Self { world: Rc::new(world), patterns: RefCell::default(), master: RefCell::default() }
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

/// The key that was last derived in this run, if it is that of a user and password.
pub(crate) fn master_key(call: &Call<'_>, user: &[u8], password: &[u8]) -> Option<[u8; 64]> {
    let host = call.host::<Host>()?;
    let known = host.master.borrow();
    known.as_ref().filter(|known| known.user == user && known.password == password).map(|known| known.key)
}

/// Keeps a key for the rest of the run.
pub(crate) fn keep_master_key(call: &Call<'_>, key: MasterKey) {
    if let Some(host) = call.host::<Host>() {
        *host.master.borrow_mut() = Some(key);
    }
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
