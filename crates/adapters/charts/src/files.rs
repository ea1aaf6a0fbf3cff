//! Values files somewhere on the web.

use crate::charts::Inner;
use crate::error::ChartError;
use crate::http::Request;
use crate::ledger::{Answer, Freshness};
use crate::remote::{Remote, Tls};
use crate::url::RepositoryUrl;
use crate::url::shown;
use net::excerpt;
use reqwest::Url;
use std::sync::Arc;

/// A values file somewhere on the web.
#[derive(Clone, Copy, Debug)]
pub struct FileRequest<'a> {
    /// Its URL. A user and password in it are sent, as Helm does; nothing else of ours is.
    pub url: &'a str,
    /// Schemes that may be used (`helm.valuesFileSchemes`); of them `https` and `http` are known here.
    pub schemes: &'a [&'a str],
    /// How its server is trusted; a client certificate in it is not used.
    pub tls: &'a Tls,
}

impl Inner {
    pub(crate) async fn file(
        self: &Arc<Self>,
        file: FileRequest<'_>,
        fresh: Freshness,
    ) -> Result<Answer<bytes::Bytes>, ChartError> {
        let wrong = |repo: String, reason: String| ChartError::Refused { repo, reason };
        let url = Url::parse(file.url);
        let url = url.map_err(|_| wrong("a values file".to_owned(), "its URL cannot be read".to_owned()))?;
        let name = shown(&url);
        if !file.schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(url.scheme())) {
            let reason = format!("values files by {} are not allowed", excerpt(url.scheme()));
            return Err(wrong(name, reason));
        }
        let mut remote = Remote::new(RepositoryUrl::parse(file.url)?);
        let RepositoryUrl::Index(index) = &remote.url else {
            return Err(wrong(name, "values files come by https or http".to_owned()));
        };
        let base = index.base.clone();
        remote.tls = Tls { client_cert: None, client_key: None, ..file.tls.clone() };
        remote.allow_http = base.scheme() == "http";
        let question = remote.access(&["file"]);
        let what = ("the values file", self.http.options.limits.file_bytes);
        let ask = async |before| {
            let request = Request::get(&remote, &name, base.clone()).trusted()?;
            self.counted(&name, self.document(request, question, what, before, read_file)).await
        };
        let answer = self.files.answer(question, fresh, || self.recall(question, read_file), ask).await?;
        Ok(answer.map(|file| file.value.clone()))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the other readers can fail")]
fn read_file(_: &Inner, text: &[u8]) -> Result<bytes::Bytes, String> {
    Ok(bytes::Bytes::copy_from_slice(text))
}
