use std::collections::{BTreeMap, VecDeque};

/// One request, as the audit log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`, `deletecollection`; for a path that
    /// is no resource the HTTP method in lower case.
    pub verb: String,
    /// Group of the resource, `""` for core.
    pub group: String,
    /// Plural, with the subresource: `deployments`, `deployments/scale`; empty for a path that is no resource.
    pub resource: String,
    /// Namespace, empty for a cluster-wide request.
    pub namespace: String,
    /// Name, empty for a collection.
    pub name: String,
    /// The path with its query.
    pub path: String,
    /// `User-Agent` of the client.
    pub user_agent: String,
    /// Who asked.
    pub user: String,
    /// `fieldManager`, where given.
    pub field_manager: String,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// HTTP status; 0 for a request that a fault left unanswered.
    pub status: u16,
}

/// How many requests there were, by what and with which result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// All of them.
    pub total: u64,
    /// By verb.
    pub by_verb: BTreeMap<String, u64>,
    /// By HTTP status.
    pub by_status: BTreeMap<u16, u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Audit {
    records: VecDeque<RequestRecord>,
    counts: RequestCounts,
}

impl Audit {
    pub(crate) fn add(&mut self, record: RequestRecord, limit: usize) {
        self.counts.total += 1;
        match self.counts.by_verb.get_mut(&record.verb) {
            Some(count) => *count += 1,
            None => {
                self.counts.by_verb.insert(record.verb.clone(), 1);
            }
        }
        *self.counts.by_status.entry(record.status).or_default() += 1;
        self.records.push_back(record);
        while self.records.len() > limit {
            self.records.pop_front();
        }
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.records.iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> RequestCounts {
        self.counts.clone()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
