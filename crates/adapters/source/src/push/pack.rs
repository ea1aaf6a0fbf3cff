//! Objects that are new, and the pack that carries them.

use gix::ObjectId;
use gix::objs::Kind;
use gix::odb::pack::data::entry::Header;
use gix::zlib::Compression;
use gix::zlib::stream::deflate;
use std::collections::BTreeMap;
use std::io::Write as _;

/// The objects of one commit, each once.
#[derive(Default)]
pub(super) struct NewObjects {
    by_id: BTreeMap<ObjectId, (Kind, Vec<u8>)>,
}

impl NewObjects {
    /// Adds an object and gives its id.
    pub(super) fn add(&mut self, kind: Kind, data: Vec<u8>) -> Result<ObjectId, String> {
        let id =
            gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, &data).map_err(|error| error.to_string())?;
        self.by_id.insert(id, (kind, data));
        Ok(id)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.by_id.values().map(|(kind, data)| (*kind, data.as_slice()))
    }

    /// A pack of whole objects, without deltas: they are few.
    pub(super) fn pack(&self) -> Result<Vec<u8>, String> {
        let count = u32::try_from(self.by_id.len()).map_err(|error| error.to_string())?;
        let mut out = b"PACK\0\0\0\x02".to_vec();
        out.extend_from_slice(&count.to_be_bytes());
        for (kind, data) in self.iter() {
            header(kind).write_to(data.len() as u64, &mut out).map_err(|error| error.to_string())?;
            let mut deflated = deflate::Write::new(&mut out, Compression::DEFAULT);
            deflated.write_all(data).and_then(|()| deflated.flush()).map_err(|error| error.to_string())?;
        }
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(&out);
        let sum = hasher.try_finalize().map_err(|error| error.to_string())?;
        out.extend_from_slice(sum.as_slice());
        Ok(out)
    }
}

fn header(kind: Kind) -> Header {
    match kind {
        Kind::Commit => Header::Commit,
        Kind::Tree => Header::Tree,
        Kind::Blob => Header::Blob,
        Kind::Tag => Header::Tag,
    }
}
