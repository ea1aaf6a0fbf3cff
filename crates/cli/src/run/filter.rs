//! `--resource GROUP:KIND:NAME`.

use api::Application;
use resource::ResourceKey;

use crate::failure::{Failure, Kind};

/// What `--resource` names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    excludes: bool,
    group: String,
    kind: String,
    /// Any where it is not said.
    namespace: Option<String>,
    name: String,
}

/// Several filters: what one of them names, or what none of those with a `!` names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filters(Vec<Filter>);

impl Filters {
    /// **Shape**: `[!]GROUP:KIND:[NAMESPACE/]NAME`; an empty group is the core group, `*` is anything. **Errors**: another
    /// number of fields.
    pub(super) fn parse(texts: &[String]) -> Result<Self, Failure> {
        texts.iter().map(|text| parse(text)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn names(&self, key: &ResourceKey) -> bool {
        let (excluding, including): (Vec<&Filter>, Vec<&Filter>) =
            self.0.iter().partition(|filter| filter.excludes);
        (including.is_empty() || including.iter().any(|filter| filter.names(key)))
            && !excluding.iter().any(|filter| filter.names(key))
    }

    /// The application's resources that are named. **Errors**: there is none.
    pub(super) fn choose(&self, app: &Application) -> Result<Vec<ResourceKey>, Failure> {
        let keys = app.status.resources.iter().map(api::ResourceStatus::key);
        let chosen: Vec<ResourceKey> = keys.filter(|key| self.names(key)).collect();
        if chosen.is_empty() {
            let what = format!("application '{}' has no resource that --resource names", app.metadata.name);
            return Err(Failure::new(Kind::NotFound, what)
                .next(format!("see which there are: capstan app resources {}", app.metadata.name)));
        }
        Ok(chosen)
    }
}

impl Filter {
    fn names(&self, key: &ResourceKey) -> bool {
        let fits = |pattern: &str, word: &str| pattern == "*" || pattern == word;
        fits(&self.group, &key.group)
            && fits(&self.kind, &key.kind)
            && fits(&self.name, &key.name)
            && self.namespace.as_deref().is_none_or(|namespace| fits(namespace, &key.namespace))
    }
}

fn parse(text: &str) -> Result<Filter, Failure> {
    let (excludes, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let parts: Vec<&str> = rest.splitn(3, ':').collect();
    let [group, kind, name] = parts[..] else {
        return Err(Failure::usage(format!("{text:?} names no resource"))
            .cause("a resource is written GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME"));
    };
    let (namespace, name) =
        name.split_once('/').map_or((None, name), |(namespace, name)| (Some(namespace), name));
    Ok(Filter {
        excludes,
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_the_peer_names() {
        let web = ResourceKey::new("apps", "Deployment", "shop", "web");
        let role = ResourceKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:x");
        for (filters, key, expected) in [
            (&["apps:Deployment:web"][..], &web, true),
            (&["apps:Deployment:shop/web"], &web, true),
            (&["apps:Deployment:other/web"], &web, false),
            (&[":Deployment:web"], &web, false),
            (&["*:*:web"], &web, true),
            (&["!apps:Deployment:web"], &web, false),
            (&["!apps:Deployment:api"], &web, true),
            (&["apps:Deployment:*", "!apps:Deployment:web"], &web, false),
            (&["rbac.authorization.k8s.io:ClusterRole:system:x"], &role, true),
            (&[], &web, true),
        ] {
            let texts: Vec<String> = filters.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(Filters::parse(&texts).unwrap().names(key), expected, "{filters:?}");
        }
        assert!(Filters::parse(&["Deployment/web".to_owned()]).is_err());
    }
}
