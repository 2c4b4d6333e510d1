//! What every public type promises: it crosses threads, and it can be printed.

use std::fmt::Debug;

use sockeye::{
    Body, BuildError, ConnectionId, ErrorKind, Iter, Params, Refused, Rejection, Request, Server, TestRequest,
    TestResponse, TestSocket, Text, prelude::*,
};

fn sends<T: Send + Debug>() {}
fn shares<T: Send + Sync + Debug>() {}

#[test]
fn public_types_cross_threads_and_print() {
    shares::<App>();
    shares::<Router>();
    shares::<Limits>();
    shares::<Origins>();
    shares::<Error>();
    shares::<ErrorKind>();
    shares::<BuildError>();
    shares::<Message>();
    shares::<Text>();
    shares::<CloseFrame>();
    shares::<CloseCode>();
    shares::<ConnectionId>();
    shares::<Params>();
    shares::<WebSocket>();
    shares::<WebSocket<u8, u8>>();
    shares::<Sender>();
    shares::<Receiver>();
    shares::<Upgrade>();
    shares::<Rejection>();
    shares::<State<u8>>();
    shares::<Headers>();
    shares::<Cookies>();
    shares::<TestClient>();
    sends::<Server>();
    sends::<Body>();
    sends::<Request>();
    sends::<Iter<'static, Text>>();
    sends::<TestSocket>();
    sends::<TestRequest>();
    sends::<TestResponse>();
    sends::<Refused>();
}
