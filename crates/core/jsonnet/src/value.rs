//! Values, and what will become values.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::library::Native;
use crate::meter::Charge;
use crate::syntax::{Expr, FunctionCode, Name, ObjectCode, Shown};
use crate::text::Text;

/// A value.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(Text),
    Array(Rc<Array>),
    Object(Rc<Object>),
    Function(Rc<Function>),
}

impl Value {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
            Self::Function(_) => "function",
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Text::new(text))
    }

    pub(crate) fn array(items: Vec<Thunk>) -> Self {
        Self::Array(Rc::new(Array { _charge: Charge::of(items.len() * size_of::<Thunk>() + 48), items }))
    }
}

/// A list.
pub(crate) struct Array {
    pub(crate) items: Vec<Thunk>,
    _charge: Charge,
}

/// A function.
pub(crate) enum Function {
    Closure(Rc<FunctionCode>, Env),
    Native(&'static Native),
}

/// Something that is evaluated when it is asked for, once.
pub(crate) type Thunk = Rc<Lazy>;

pub(crate) struct Lazy {
    pub(crate) state: RefCell<State>,
    _charge: Charge,
}

pub(crate) enum State {
    Done(Value),
    Code(Expr, Env),
    Call(Rc<Function>, Vec<Thunk>),
    /// A field of an object.
    Field(Rc<Object>, Name),
    /// Being evaluated now; who asks for it again will ask for ever.
    Running,
}

impl Lazy {
    pub(crate) fn new(state: State) -> Thunk {
        let charge = Charge::of(size_of::<Self>() + 16);
        Rc::new(Self { state: RefCell::new(state), _charge: charge })
    }

    pub(crate) fn done(value: Value) -> Thunk {
        Self::new(State::Done(value))
    }
}

/// The variables of one scope, as they are at run time.
pub(crate) type Env = Rc<Frame>;

pub(crate) struct Frame {
    pub(crate) up: Option<Env>,
    pub(crate) variables: RefCell<Vec<Thunk>>,
    /// The object whose fields are in this scope, and which of its layers they are from.
    pub(crate) this: Option<(Rc<Object>, usize)>,
    _charge: Charge,
}

impl Frame {
    /// Without variables yet.
    pub(crate) fn new(up: Option<Env>, this: Option<(Rc<Object>, usize)>) -> Env {
        // With room for a few variables.
        let charge = Charge::of(size_of::<Self>() + 16 + 4 * size_of::<Thunk>());
        Rc::new(Self { up, variables: RefCell::default(), this, _charge: charge })
    }
}

/// An object: layers, each of which overrides those before it. `a + b` has the layers of both.
pub(crate) struct Object {
    pub(crate) layers: Vec<Rc<Layer>>,
    /// Values of fields by name and layer.
    pub(crate) cache: RefCell<BTreeMap<(Name, usize), Value>>,
    /// The scope of each layer's fields, once it was needed.
    pub(crate) frames: RefCell<BTreeMap<usize, Env>>,
    /// Whether the assertions hold, or are being looked at.
    pub(crate) asserted: Cell<bool>,
    names: OnceCell<Vec<(Name, bool)>>,
    _charge: Charge,
}

/// One `{…}`.
pub(crate) struct Layer {
    pub(crate) fields: BTreeMap<Name, Field>,
    pub(crate) env: Option<Env>,
    /// Its locals and assertions.
    pub(crate) code: Option<Rc<ObjectCode>>,
    _charge: Charge,
}

pub(crate) struct Field {
    pub(crate) shown: Shown,
    pub(crate) plus: bool,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    /// In the scope of its layer.
    Code(Expr),
    /// Of a comprehension: in a scope of its own, above this one.
    CodeIn(Env, Expr),
    Value(Thunk),
}

impl Layer {
    pub(crate) fn new(
        fields: BTreeMap<Name, Field>,
        env: Option<Env>,
        code: Option<Rc<ObjectCode>>,
    ) -> Rc<Self> {
        let charge = Charge::of(64 + fields.len() * 96);
        Rc::new(Self { fields, env, code, _charge: charge })
    }

    /// Fields that are values already.
    pub(crate) fn of_values(values: impl IntoIterator<Item = (Name, Value)>, shown: Shown) -> Rc<Self> {
        let field = |value| Field { shown, plus: false, body: Body::Value(Lazy::done(value)) };
        Self::new(values.into_iter().map(|(name, value)| (name, field(value))).collect(), None, None)
    }
}

impl Object {
    pub(crate) fn new(layers: Vec<Rc<Layer>>) -> Rc<Self> {
        let count = layers.len();
        Rc::new(Self {
            _charge: Charge::of(size_of::<Self>() + 16 + count * size_of::<Rc<Layer>>()),
            layers,
            cache: RefCell::default(),
            frames: RefCell::default(),
            asserted: Cell::new(false),
            names: OnceCell::new(),
        })
    }

    /// The uppermost layer below `below` that has the field.
    pub(crate) fn layer_of(&self, name: &str, below: usize) -> Option<usize> {
        let layers = self.layers.get(..below)?;
        layers.iter().rposition(|layer| layer.fields.contains_key(name))
    }

    /// All fields by name, and whether each is shown.
    pub(crate) fn names(&self) -> &[(Name, bool)] {
        self.names.get_or_init(|| {
            let mut names: BTreeMap<Name, bool> = BTreeMap::new();
            for layer in &self.layers {
                for (name, field) in &layer.fields {
                    match field.shown {
                        Shown::Inherit => {
                            names.entry(Rc::clone(name)).or_insert(true);
                        }
                        Shown::Hidden => {
                            names.insert(Rc::clone(name), false);
                        }
                        Shown::Forced => {
                            names.insert(Rc::clone(name), true);
                        }
                    }
                }
            }
            names.into_iter().collect()
        })
    }

    /// The fields that are shown.
    pub(crate) fn shown(&self) -> Vec<Name> {
        self.names().iter().filter(|(_, shown)| *shown).map(|(name, _)| Rc::clone(name)).collect()
    }
}

thread_local! {
    /// Values that are to be dropped. Values can hang on each other by the million, and dropping one inside the other would take as
    /// much of the stack.
    static DYING: RefCell<Vec<Dead>> = const { RefCell::new(Vec::new()) };
    static DROPPING: Cell<bool> = const { Cell::new(false) };
}

#[expect(dead_code, reason = "held to be dropped, never looked at")]
enum Dead {
    Value(Value),
    Env(Env),
    Thunks(Vec<Thunk>),
}

/// Drops what others may hang on, one after the other.
fn bury(dead: impl IntoIterator<Item = Dead>) {
    DYING.with(|dying| dying.borrow_mut().extend(dead));
    if DROPPING.with(|dropping| dropping.replace(true)) {
        return;
    }
    while let Some(dead) = DYING.with(|dying| dying.borrow_mut().pop()) {
        drop(dead);
    }
    DROPPING.with(|dropping| dropping.set(false));
}

fn holds_others(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_) | Value::Function(_))
}

impl Drop for Lazy {
    fn drop(&mut self) {
        match std::mem::replace(self.state.get_mut(), State::Running) {
            State::Done(value) if holds_others(&value) => bury([Dead::Value(value)]),
            State::Done(_) | State::Running => {}
            State::Code(_, env) => bury([Dead::Env(env)]),
            State::Field(object, _) => bury([Dead::Value(Value::Object(object))]),
            State::Call(function, arguments) => {
                bury([Dead::Value(Value::Function(function)), Dead::Thunks(arguments)]);
            }
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let cache = std::mem::take(self.cache.get_mut());
        bury(cache.into_values().filter(holds_others).map(Dead::Value));
    }
}
