//! Where transformers work: the built-in field specs, those of `configurations`, and those of `crds`.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::Value;

use crate::decode::{Strictness, conform};
use crate::error::Error;
use crate::fieldspec::{self, FieldSpec, NameReference, merge_specs};
use crate::id::Gvk;
use crate::shapes::CONFIGURATION;
use crate::sort::kind_order;

/// Shared field specs.
pub(crate) type Specs = Arc<Vec<FieldSpec>>;

/// The field specs of all transformers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Config {
    pub(crate) name_prefix: Specs,
    pub(crate) name_suffix: Specs,
    pub(crate) namespace: Specs,
    pub(crate) common_labels: Specs,
    pub(crate) labels: Specs,
    pub(crate) template_labels: Specs,
    pub(crate) claim_labels: Specs,
    pub(crate) common_annotations: Specs,
    pub(crate) name_references: Arc<Vec<NameReference>>,
    pub(crate) variables: Specs,
    pub(crate) images: Specs,
    pub(crate) replicas: Specs,
}

impl Config {
    /// What applies everywhere.
    pub(crate) fn builtin() -> &'static Arc<Self> {
        static BUILTIN: OnceLock<Arc<Config>> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let mut config = Self {
                name_prefix: fieldspec::metadata_name().into(),
                name_suffix: fieldspec::metadata_name().into(),
                namespace: fieldspec::namespace().into(),
                common_labels: fieldspec::common_labels().into(),
                labels: Specs::default(),
                template_labels: fieldspec::template_labels().into(),
                claim_labels: fieldspec::volume_claim_template_labels().into(),
                common_annotations: fieldspec::common_annotations().into(),
                name_references: fieldspec::name_references().into(),
                variables: fieldspec::var_references().into(),
                images: fieldspec::images().into(),
                replicas: fieldspec::replicas().into(),
            };
            config.sort();
            Arc::new(config)
        })
    }

    /// Reads a file of `configurations`.
    pub(crate) fn read(text: &[u8], limits: &goyaml::Limits) -> Result<Self, Error> {
        let yaml = |error: &goyaml::Error| {
            Error::invalid(format!("error converting YAML to JSON: {}", error.as_go(goyaml::Dialect::Yaml2)))
        };
        let value = goyaml::parse_one(text, limits).map_err(|error| yaml(&error))?;
        let json =
            |error: String| Error::invalid(format!("error unmarshaling JSON: while decoding JSON: {error}"));
        let value = conform(value, &CONFIGURATION, Strictness::Configuration).map_err(json)?;
        if value.is_null() {
            return Ok(Self::default());
        }
        let read: Written = serde_json::from_value(value).map_err(|error| json(error.to_string()))?;
        let mut config = Self {
            name_prefix: specs(read.name_prefix),
            name_suffix: specs(read.name_suffix),
            namespace: specs(read.namespace),
            common_labels: specs(read.common_labels),
            labels: specs(read.labels),
            template_labels: specs(read.template_labels),
            claim_labels: specs(read.volume_claim_template_labels),
            common_annotations: specs(read.common_annotations),
            name_references: Arc::new(read.name_reference.into_iter().map(WrittenReference::read).collect()),
            variables: specs(read.var_reference),
            images: specs(read.images),
            replicas: specs(read.replicas),
        };
        config.sort();
        Ok(config)
    }

    /// This one with what another adds.
    ///
    /// **Errors**: two specs of one path that disagree on `create`.
    ///
    /// What is merged into nothing is not always the same as before: a spec for all kinds is dropped behind one for some kind, since that is
    /// taken for the same. So configurations that only name kinds narrow where prefixes work.
    pub(crate) fn merged(self: &Arc<Self>, more: &Arc<Self>) -> Result<Arc<Self>, Error> {
        static ALONE: OnceLock<Arc<Config>> = OnceLock::new();
        if Arc::ptr_eq(self, more) || **more == Self::default() {
            return Ok(Arc::clone(self));
        }
        // Nearly all kustomizations configure nothing.
        let builtin = Arc::ptr_eq(more, Self::builtin());
        let alone = ALONE.get();
        if builtin
            && let Some(alone) = alone
            && (Arc::ptr_eq(self, alone) || **self == Self::default())
        {
            return Ok(Arc::clone(alone));
        }
        let merged = self.merge(more)?;
        if builtin && **self == Self::default() {
            return Ok(Arc::clone(ALONE.get_or_init(|| merged)));
        }
        Ok(merged)
    }

    fn merge(self: &Arc<Self>, more: &Arc<Self>) -> Result<Arc<Self>, Error> {
        let mut merged = Self::clone(self);
        for (name, own, other) in [
            ("NamePrefix", &mut merged.name_prefix, &more.name_prefix),
            ("NameSuffix", &mut merged.name_suffix, &more.name_suffix),
            ("NameSpace", &mut merged.namespace, &more.namespace),
            ("CommonAnnotations", &mut merged.common_annotations, &more.common_annotations),
            ("CommonLabels", &mut merged.common_labels, &more.common_labels),
            ("Labels", &mut merged.labels, &more.labels),
            ("TemplateLabels", &mut merged.template_labels, &more.template_labels),
            ("VolumeClaimTemplateLabels", &mut merged.claim_labels, &more.claim_labels),
            ("VarReference", &mut merged.variables, &more.variables),
            ("Images", &mut merged.images, &more.images),
            ("Replicas", &mut merged.replicas, &more.replicas),
        ] {
            add(own, other).map_err(|error| error.within(&format!("failed to merge {name} fieldSpec")))?;
        }
        {
            let references = Arc::make_mut(&mut merged.name_references);
            for reference in more.name_references.iter() {
                add_reference(references, reference)
                    .map_err(|error| error.within("failed to merge NameReference fieldSpec"))?;
            }
        }
        merged.sort();
        Ok(Arc::new(merged))
    }

    /// Adds one place in which names are referred to.
    pub(crate) fn add_name_reference(&mut self, reference: &NameReference) -> Result<(), Error> {
        add_reference(Arc::make_mut(&mut self.name_references), reference)
    }

    /// Puts all specs into the order of their kinds.
    pub(crate) fn sort(&mut self) {
        for specs in [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.claim_labels,
            &mut self.common_annotations,
            &mut self.variables,
            &mut self.images,
            &mut self.replicas,
        ] {
            if !specs.is_sorted_by(|a, b| kind_order(&a.gvk, &b.gvk).is_le()) {
                Arc::make_mut(specs).sort_by(|a, b| kind_order(&a.gvk, &b.gvk));
            }
        }
        if !self.name_references.is_sorted_by(|a, b| kind_order(&a.gvk, &b.gvk).is_le()) {
            Arc::make_mut(&mut self.name_references).sort_by(|a, b| kind_order(&a.gvk, &b.gvk));
        }
    }
}

/// Adds specs to shared ones.
pub(crate) fn add(own: &mut Specs, more: &[FieldSpec]) -> Result<(), Error> {
    if more.is_empty() {
        return Ok(());
    }
    merge_specs(Arc::make_mut(own), more).map_err(|_| Error::invalid("conflicting fieldspecs"))
}

fn add_reference(references: &mut Vec<NameReference>, more: &NameReference) -> Result<(), Error> {
    let mut found = false;
    for own in references.iter_mut().filter(|own| own.gvk == more.gvk) {
        found = true;
        merge_specs(&mut own.fields, &more.fields).map_err(|_| Error::invalid("conflicting fieldspecs"))?;
    }
    if !found {
        references.push(more.clone());
    }
    Ok(())
}

/// Reads field specs that have the shape of [`crate::shapes::FIELD_SPEC`].
pub(crate) fn specs(written: Vec<WrittenSpec>) -> Specs {
    Arc::new(written.into_iter().map(WrittenSpec::read).collect())
}

/// A field spec as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenSpec {
    group: String,
    version: String,
    kind: String,
    path: String,
    create: bool,
}

impl WrittenSpec {
    fn read(self) -> FieldSpec {
        FieldSpec::new(&self.group, &self.version, &self.kind, &self.path, self.create)
    }
}

/// Reads field specs out of a list that conforms already.
pub(crate) fn specs_of(list: &[Value]) -> Specs {
    let read = |value: &Value| serde_json::from_value::<WrittenSpec>(value.clone()).unwrap_or_default();
    specs(list.iter().map(read).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WrittenReference {
    group: String,
    version: String,
    kind: String,
    #[serde(rename = "fieldSpecs")]
    fields: Vec<WrittenSpec>,
}

impl WrittenReference {
    fn read(self) -> NameReference {
        let gvk = Gvk { group: self.group, version: self.version, kind: self.kind };
        NameReference { gvk, fields: self.fields.into_iter().map(WrittenSpec::read).collect() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    name_prefix: Vec<WrittenSpec>,
    name_suffix: Vec<WrittenSpec>,
    namespace: Vec<WrittenSpec>,
    common_labels: Vec<WrittenSpec>,
    labels: Vec<WrittenSpec>,
    template_labels: Vec<WrittenSpec>,
    volume_claim_template_labels: Vec<WrittenSpec>,
    common_annotations: Vec<WrittenSpec>,
    name_reference: Vec<WrittenReference>,
    var_reference: Vec<WrittenSpec>,
    images: Vec<WrittenSpec>,
    replicas: Vec<WrittenSpec>,
}
