//! Mounted services beside routes, and what an app shares with its clones.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use hyper_util::rt::TokioIo;
use sockeye::{Body, Bytes, Method, Response, prelude::*};
use tokio::net::TcpListener;
use tower_service::Service;

use super::tower::{Request, SaysPath, Stamp};
use crate::robustness::raw::{Raw, soon};

#[get("/")]
async fn index() -> &'static str {
    "index"
}

#[post("/length")]
async fn length(body: Bytes) -> String {
    body.len().to_string()
}

#[sockeye::test]
async fn two_services_in_one_place_collide() {
    let app = App::new().mount("/a", SaysPath).mount("/a", SaysPath);
    assert!(app.check().is_err(), "the second replaced the first");
}

#[sockeye::test]
async fn an_index_may_stand_beside_a_service_for_all_else() -> Result<()> {
    let client = TestClient::new(App::new().route(index).mount("/", SaysPath));
    for (path, answer) in [("/", "index"), ("/x", "mounted /x"), ("/x/y?z", "mounted /x/y?z")] {
        assert_eq!(client.get(path).await?.text(), answer, "{path}");
    }
    Ok(())
}

#[sockeye::test]
async fn a_prefix_may_hold_parameters_and_any_letters() -> Result<()> {
    let app = App::new().mount("/<tenant>/files", SaysPath).mount("/<tenant>/日本", SaysPath);
    let client = TestClient::new(app);
    for (path, answer) in [
        ("/t1/files", "mounted /"),
        ("/t1/files/", "mounted /"),
        ("/t1/files/a/b", "mounted /a/b"),
        ("/a/%E6%97%A5%E6%9C%AC", "mounted /"),
        ("/a/%E6%97%A5%E6%9C%AC/b", "mounted /b"),
    ] {
        assert_eq!(client.get(path).await?.text(), answer, "{path}");
    }
    Ok(())
}

/// A layer for CORS has to answer the preflight.
#[sockeye::test]
async fn layers_see_options() -> Result<()> {
    let client = TestClient::new(App::new().route(index).layer(Stamp("seen")));
    let response = client.request(Method::OPTIONS, "/").await?;
    assert_eq!(response.headers().get_all("x-stamp").iter().count(), 1, "{response:?}");
    Ok(())
}

/// Switches to a protocol of its own, which gives back what it gets.
#[derive(Clone)]
struct Switches;

impl Service<Request> for Switches {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let upgrading = hyper::upgrade::on(request);
        sockeye::spawn(async move {
            let (mut read, mut write) = tokio::io::split(TokioIo::new(upgrading.await.expect("no upgrade")));
            tokio::io::copy(&mut read, &mut write).await
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("connection", "upgrade".parse().expect("a value"));
        response.headers_mut().insert("upgrade", "mirror".parse().expect("a value"));
        ready(Ok(response))
    }
}

#[sockeye::test]
async fn a_mounted_service_can_switch_protocols() -> Result<()> {
    let server = App::new().mount("/a", Switches).serve(TcpListener::bind("127.0.0.1:0").await?);
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send("GET /a/b HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: mirror\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 101);
    raw.send("mirror this").await;
    raw.finish().await;
    // The copy ends with the client's side.
    assert_eq!(soon("the mirror", raw.rest()).await, b"mirror this");
    Ok(())
}

/// Also when the app that it was cloned from has been served with others before.
#[sockeye::test]
async fn a_clone_may_have_limits_of_its_own() -> Result<()> {
    let app = App::new().route(length);
    assert_eq!(TestClient::new(app.clone()).post("/length").body("12345").await?.text(), "5");
    let mut limits = Limits::default();
    limits.max_body = 2;
    assert_eq!(TestClient::new(app.clone().limits(limits)).post("/length").body("12345").await?.status(), 413);
    assert_eq!(TestClient::new(app).post("/length").body("12345").await?.text(), "5");
    Ok(())
}
