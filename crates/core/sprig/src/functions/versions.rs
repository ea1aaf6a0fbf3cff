//! `semver` and `semverCompare`, and the object that the first gives.

use std::any::Any;

use gosemver::{Range, Version};
use gotemplate::{Call, CallError, Function, Object, Type, UintKind, Value};

use super::{Answer, give, refuse};

const NONE: &[Type] = &[];
const POINTER: &str = "*semver.Version";

pub(crate) const TABLE: &[Function] = &[
    Function::new("semver", &[Type::String], |call| {
        give(Value::object(SemVer { version: read(call, 0)?, pointer: true }))
    }),
    Function::new("semverCompare", &[Type::String, Type::String], |call| {
        let range = Range::new(&call.text(0)).map_err(|error| error.to_string())?;
        give(range.matches(&read(call, 1)?))
    }),
];

fn read(call: &Call<'_>, at: usize) -> Result<Version, CallError> {
    Version::new(&call.text(at)).map_err(|error| error.to_string().into())
}

/// A `*semver.Version`, or a `semver.Version` as its bumps give.
struct SemVer {
    version: Version,
    pointer: bool,
}

impl Object for SemVer {
    fn type_name(&self) -> &str {
        if self.pointer { POINTER } else { "semver.Version" }
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        let all = METHODS.iter().chain(if self.pointer { POINTER_METHODS } else { &[] });
        all.into_iter().find(|method| method.name == name)
    }

    fn text(&self) -> Option<String> {
        Some(self.version.to_string())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast::<Self>().is_some_and(|other| self.version.original() == other.version.original())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const METHODS: &[Function] = &[
    Function::new("Major", NONE, |call| number(call, Version::major)),
    Function::new("Minor", NONE, |call| number(call, Version::minor)),
    Function::new("Patch", NONE, |call| number(call, Version::patch)),
    Function::new("Prerelease", NONE, |call| text(call, |version| version.prerelease().into())),
    Function::new("Metadata", NONE, |call| text(call, |version| version.metadata().into())),
    Function::new("String", NONE, |call| text(call, Version::to_string)),
    Function::new("IncPatch", NONE, |call| bumped(call, Version::next_patch, "patch")),
    Function::new("IncMinor", NONE, |call| bumped(call, Version::next_minor, "minor")),
    Function::new("IncMajor", NONE, |call| bumped(call, Version::next_major, "major")),
    Function::new("SetPrerelease", &[Type::String], |call| {
        changed(version(call)?.with_prerelease(&call.text(0)))
    }),
    Function::new("SetMetadata", &[Type::String], |call| {
        changed(version(call)?.with_metadata(&call.text(0)))
    }),
];

const OTHER: &[Type] = &[Type::Named(POINTER)];

const POINTER_METHODS: &[Function] = &[
    Function::new("Original", NONE, |call| text(call, |version| version.original().into())),
    Function::new("Compare", OTHER, |call| {
        let (one, other) = both(call)?;
        give(Value::int(one.cmp(other) as i64))
    }),
    Function::new("Equal", OTHER, |call| {
        let equal = both(call).map(|(one, other)| one == other);
        give(equal.unwrap_or(false))
    }),
    Function::new("LessThan", OTHER, |call| both(call).and_then(|(one, other)| give(one < other))),
    Function::new("LessThanEqual", OTHER, |call| both(call).and_then(|(one, other)| give(one <= other))),
    Function::new("GreaterThan", OTHER, |call| both(call).and_then(|(one, other)| give(one > other))),
    Function::new("GreaterThanEqual", OTHER, |call| both(call).and_then(|(one, other)| give(one >= other))),
];

fn of(value: &Value) -> Result<&Version, CallError> {
    let version = value.as_object::<SemVer>().map(|object| &object.version);
    version.ok_or_else(|| super::NIL_POINTER.into())
}

fn version<'a>(call: &Call<'a>) -> Result<&'a Version, CallError> {
    of(call.receiver())
}

fn both<'a>(call: &Call<'a>) -> Result<(&'a Version, &'a Version), CallError> {
    Ok((version(call)?, of(call.arg(0))?))
}

fn number(call: &mut Call<'_>, get: fn(&Version) -> u64) -> Answer {
    give(Value::Uint(UintKind::Uint64, get(version(call)?)))
}

fn text(call: &mut Call<'_>, get: fn(&Version) -> String) -> Answer {
    give(get(version(call)?))
}

fn bumped(call: &mut Call<'_>, bump: fn(&Version) -> Option<Version>, part: &str) -> Answer {
    match bump(version(call)?) {
        Some(version) => give(Value::object(SemVer { version, pointer: false })),
        None => refuse(format!("{part} version increment would overflow uint64")),
    }
}

fn changed(version: Result<Version, gosemver::VersionError>) -> Answer {
    match version {
        Ok(version) => give(Value::object(SemVer { version, pointer: false })),
        Err(error) => refuse(error.to_string()),
    }
}
