//! What containers print.

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use http::{Request, header};
use http_body_util::BodyExt as _;
use kube::client::Body;

use crate::cluster::Cluster;
use crate::counters::Verb;
use crate::error::ClusterError;
use crate::http::{Failure, is_segment, malformed, query_value, segment};
use crate::write::impersonated;

/// Bytes of one line; what is longer comes in pieces.
const LINE: usize = 64 << 10;

/// Which part of a log is asked for. Every line begins with its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// The container; may be empty where a pod has one only.
    pub container: String,
    /// Lines of the last so many seconds.
    pub since_seconds: Option<u64>,
    /// Lines since a moment, RFC 3339.
    pub since: Option<String>,
    /// The last so many lines.
    pub tail: Option<u64>,
    /// Goes on as long as the container prints.
    pub follow: bool,
    /// Of the container that was there before it was restarted.
    pub previous: bool,
}

impl LogRequest {
    fn query(&self) -> String {
        let mut query = "timestamps=true".to_owned();
        let mut say = |name: &str, value: &str| query.push_str(&format!("&{name}={}", query_value(value)));
        if !self.container.is_empty() {
            say("container", &self.container);
        }
        if let Some(seconds) = self.since_seconds {
            say("sinceSeconds", &seconds.to_string());
        }
        if let Some(since) = &self.since {
            say("sinceTime", since);
        }
        if let Some(tail) = self.tail {
            say("tailLines", &tail.to_string());
        }
        for (name, _) in
            [("follow", self.follow), ("previous", self.previous)].into_iter().filter(|(_, said)| *said)
        {
            say(name, "true");
        }
        query
    }
}

impl Cluster {
    /// Opens the log of a container: its lines as they come, without their ends.
    ///
    /// **Errors.** As a read's; the server's own words where the container has not started, or is not there.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        request: &LogRequest,
    ) -> Result<impl Stream<Item = Result<Bytes, ClusterError>> + Send + use<>, ClusterError> {
        let what = format!("the log of pod {namespace}/{pod}");
        let failed = |failure: Failure| failure.into_cluster(Verb::Get, &what);
        if !is_segment(namespace) || !is_segment(pod) {
            return Err(failed(malformed(format!("{pod:?} is no name of a pod"))));
        }
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?{}",
            segment(namespace),
            segment(pod),
            request.query()
        );
        let request = Request::get(path).header(header::ACCEPT, "*/*").body(Vec::new()).map_err(malformed);
        let request =
            request.and_then(|request| impersonated(request, self.user.as_deref())).map_err(failed)?;
        let body = self.api().open(Verb::Get, request).await.map_err(failed)?;
        Ok(lines(body, what))
    }
}

/// A body as lines.
fn lines(body: Body, what: String) -> impl Stream<Item = Result<Bytes, ClusterError>> + Send {
    stream::unfold(Some((body, BytesMut::new(), what)), |state| async move {
        let (mut body, mut read, what) = state?;
        loop {
            let end = read.iter().take(LINE).position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let mut line = read.split_to(end + 1);
                line.truncate(end);
                return Some((Ok(line.freeze()), Some((body, read, what))));
            }
            if read.len() >= LINE {
                let piece = read.split_to(LINE).freeze();
                return Some((Ok(piece), Some((body, read, what))));
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        read.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    let error = Failure::transport(&error).into_cluster(Verb::Get, &what);
                    return Some((Err(error), None));
                }
                None if read.is_empty() => return None,
                None => return Some((Ok(read.freeze()), None)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_is_read_as_lines() {
        let long = "x".repeat(LINE + 5);
        for (row, text, expected) in [
            ("nothing", String::new(), vec![]),
            ("lines", "a\nb\n".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
            ("an empty line", "a\n\nb".to_owned(), vec!["a".to_owned(), String::new(), "b".to_owned()]),
            ("a long line", format!("{long}\n"), vec!["x".repeat(LINE), "xxxxx".to_owned()]),
        ] {
            let read: Vec<_> = lines(Body::from(text.into_bytes()), String::new()).collect().await;
            let read: Vec<String> =
                read.into_iter().map(|line| String::from_utf8(line.unwrap().to_vec()).unwrap()).collect();
            assert_eq!(read, expected, "{row}");
        }
    }

    #[test]
    fn what_is_asked_for_is_in_the_query() {
        let request = LogRequest {
            container: "a b".to_owned(),
            since_seconds: Some(3),
            tail: Some(0),
            follow: true,
            ..LogRequest::default()
        };
        assert_eq!(request.query(), "timestamps=true&container=a%20b&sinceSeconds=3&tailLines=0&follow=true");
    }
}
