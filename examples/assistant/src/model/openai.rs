//! OpenAI's HTTP API for chat completions, which many servers speak.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use http_body_util::Full;
use hyper::{
    Request, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use sockeye::{Error, Result, time::timeout};

use super::{Failure, reply::Reply};

pub(super) const BASE_URL: &str = "https://api.openai.com/v1";
pub(super) const MODEL: &str = "gpt-4o-mini";

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long the server may think before its answer, and pause within it.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

/// A server, and how to ask it.
pub(super) struct OpenAi {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    authorization: Option<HeaderValue>,
    model: String,
}

impl OpenAi {
    pub(super) fn new(base_url: &str, key: Option<&str>, model: &str) -> Result<Self> {
        let url = format!("{}/chat/completions", base_url.trim_end_matches('/'));
        let is_web = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
        let url: Option<Uri> = url.parse().ok().filter(is_web);
        let url =
            url.ok_or_else(|| Error::other("expected OPENAI_BASE_URL to be a URL with `http://` or `https://`"))?;
        let authorization = key.map(|key| {
            let value = HeaderValue::from_str(&format!("Bearer {key}"));
            value.map_err(|_| Error::other("expected OPENAI_API_KEY to be visible ASCII characters"))
        });
        let mut authorization = authorization.transpose()?;
        // Kept out of what is printed for debugging.
        authorization.iter_mut().for_each(|value| value.set_sensitive(true));
        Ok(Self { client: client(), url, authorization, model: model.to_owned() })
    }

    /// Asks, and gives the answer as it comes. Dropped, the connection is closed: the server notices and stops.
    pub(super) fn answer(&self, question: &str) -> impl Stream<Item = Result<String, Failure>> + Send + use<> {
        let (client, request) = (self.client.clone(), self.request(question));
        stream::once(async move {
            let response = timeout(SILENCE, client.request(request)).await;
            let response = response.map_err(|_| Failure::Silent(SILENCE))?.map_err(|error| {
                tracing::warn!(%error, "the model's server can't be reached");
                Failure::Unreachable
            })?;
            let reply = Reply::new(response)?;
            Ok(stream::try_unfold(reply, async |mut reply| {
                let part = reply.next().await?;
                Ok(part.map(|part| (part, reply)))
            }))
        })
        .try_flatten()
    }

    fn request(&self, question: &str) -> Request<Full<Bytes>> {
        let body = json!({
            "model": self.model,
            "stream": true,
            "messages": [{ "role": "user", "content": question }],
        });
        let mut request = Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(Full::from(body.to_string()))
            .expect("its parts were checked");
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        request
    }
}

fn client() -> Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIME));
    connector.set_nodelay(true);
    connector.enforce_http(false);
    let connector =
        HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(connector);
    // A connection a question: one that was kept may be gone when the next question goes over it.
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
}

impl fmt::Display for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password: only its host is told.
        write!(f, "{} at {}", self.model, self.url.host().unwrap_or_default())
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenAi({self})")
    }
}
