//! Plain HTTP requests and their answers.

use std::{fmt, future::IntoFuture, net::SocketAddr, sync::Arc};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    TestClient, TestEvents,
    client::{Shared, header_pair},
};
use crate::{
    error::{Error, Result},
    http::Body,
    rt::BoxFuture,
};

/// Builds a request for the client's app.
pub(super) fn request(shared: &Shared, method: Method, path: &str, headers: HeaderMap) -> Result<Request<Body>> {
    let mut request = Request::builder().method(method).uri(path).body(Body::empty())?;
    *request.headers_mut() = headers;
    if !request.headers().contains_key(header::HOST) {
        request.headers_mut().insert(header::HOST, shared.transport.host().parse()?);
    }
    Ok(request)
}

/// An HTTP request; await it to send it.
#[derive(Debug)]
#[must_use = "await it to send it"]
pub struct TestRequest {
    client: TestClient,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
    mistake: Option<String>,
}

impl TestRequest {
    pub(super) fn new(client: TestClient, method: Method, path: &str) -> Self {
        let path = path.to_owned();
        Self { client, method, path, headers: HeaderMap::new(), body: Body::empty(), mistake: None }
    }

    /// Adds a header.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        K: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        match header_pair(name, value) {
            Ok((name, value)) => drop(self.headers.append(name, value)),
            Err(mistake) => self.mistake = Some(mistake),
        }
        self
    }

    /// Sends a cookie.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.header(header::COOKIE, format!("{name}={value}"))
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to a value as JSON, and its content type.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body = json.into(),
            Err(error) => self.mistake = Some(format!("the body can't be JSON: {error}")),
        }
        self.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Sends it, and gives the answer as a stream of events (`EventSource` in a browser).
    ///
    /// # Errors
    ///
    /// If the answer is none, or does not begin in time.
    ///
    /// ```test_harness
    /// use sockeye::{Event, prelude::*};
    ///
    /// #[get("/news")]
    /// async fn news() -> Sse { Sse::new(futures_util::stream::iter([Event::new("none").id(1)])) }
    ///
    /// #[sockeye::test]
    /// async fn no_news() -> Result<()> {
    ///     let client = TestClient::new(App::new().route(news));
    ///     let mut events = client.get("/news").header("last-event-id", "0").events().await?;
    ///     let event = events.next().await?;
    ///     assert_eq!((event.data.as_str(), event.id.as_str()), ("none", "1"));
    ///     events.expect_end().await;
    ///     Ok(())
    /// }
    /// ```
    pub async fn events(self) -> Result<TestEvents> {
        let path = self.path.clone();
        self.exchange(|shared, own, response| TestEvents::open(shared, path, own, response)).await
    }

    async fn send(self) -> Result<TestResponse> {
        self.exchange(TestResponse::read).await
    }

    /// Sends it, and waits until `read` has made something of the answer.
    async fn exchange<T, F>(self, read: impl FnOnce(Arc<Shared>, SocketAddr, Response<Incoming>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        if let Some(mistake) = self.mistake {
            return Err(Error::other(mistake));
        }
        let shared = self.client.shared.clone();
        let what = format!("the answer to {} {}", self.method, self.path);
        let mut request = request(&shared, self.method, &self.path, self.headers)?;
        *request.body_mut() = self.body;
        let answer = async {
            let (response, own) = shared.transport.send(request).await?;
            read(shared.clone(), own, response).await
        };
        shared.wait(&what, answer).await?
    }
}

impl IntoFuture for TestRequest {
    type Output = Result<TestResponse>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer, complete with its body.
pub struct TestResponse {
    shared: Arc<Shared>,
    /// The address that the server knows us by.
    own: SocketAddr,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl TestResponse {
    pub(super) async fn read(shared: Arc<Shared>, own: SocketAddr, response: Response<Incoming>) -> Result<Self> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Self { shared, own, status: head.status, headers: head.headers, body })
    }

    /// The status. Looking at a 500 says that the test expects the handler to fail.
    pub fn status(&self) -> StatusCode {
        if self.status.is_server_error() {
            self.shared.expected_failure(self.own);
        }
        self.status
    }

    /// The header lines.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn bytes(&self) -> Bytes {
        self.body.clone()
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> String {
        match String::from_utf8(self.body.to_vec()) {
            Ok(text) => text,
            Err(error) => panic!("expected a body of UTF-8 text: {error}"),
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON, or not of that shape.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("expected JSON of the type `{}`, got {self}: {error}", std::any::type_name::<T>()),
        }
    }
}

impl fmt::Display for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with the body {:?}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl fmt::Debug for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish_non_exhaustive()
    }
}
