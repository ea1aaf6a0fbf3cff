mod decisions;
mod globs;
mod monotone;
mod problems;
mod questions;

use std::collections::BTreeMap;

use crate::{Action, Object, Permission, Resource};

fn csv(text: &str) -> BTreeMap<String, String> {
    [("policy.csv".to_owned(), text.to_owned())].into()
}

fn app(action: &str, object: &str) -> Permission {
    Permission::new(
        Resource::Applications,
        Action::parse(action),
        Object::parse(Resource::Applications, object),
    )
}
