//! The macros of [Sockeye](https://docs.rs/sockeye). Use them through that crate, which re-exports
//! them all and whose types their expansions name.
//!
//! Every macro is the same short line of stages, one in a file: parse, model, validate, then expand,
//! or fall back to something that compiles. All mistakes of an item are reported at once, each
//! under its own tokens, and cause no others.

mod adaptor;
mod argument;
mod attributes;
mod callable;
mod cfg;
mod dependency;
mod entry;
mod errors;
mod events;
mod function;
mod handler;
mod kind;
mod options;
mod param;
mod path;
mod pretty;
mod refuse;
mod router;
mod shape;
mod spans;
mod stub;
mod suggest;
mod tables;
#[cfg(test)]
mod testing;

use entry::Entry;
use kind::Kind;
use proc_macro::TokenStream;

/// Makes an async function a WebSocket route.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/ws/<room_id>")]
/// async fn room(mut ws: WebSocket, room_id: String) -> Result<()> {
///     ws.send_text(format!("Welcome to room: {room_id}")).await?;
///     loop {
///         let text = ws.receive_text().await?;
///         ws.send_text(format!("[{room_id}] {text}")).await?;
///     }
/// }
///
/// # fn main() {
/// let app = App::new().route(room);
/// # }
/// ```
///
/// The function stays what it was: it can be called, and its name can be shadowed.
///
/// # Path
///
/// `/fixed/<param>/<rest..>`. A `<param>` takes one segment, `<rest..>` all that is left. Each is the
/// name of an argument, unless a `Path<T>` takes them all. Fixed text is written decoded.
///
/// # Arguments
///
/// | argument | what it takes |
/// | --- | --- |
/// | `WebSocket`, `WebSocket<In, Out>`, `Upgrade` | the socket, or the chance to refuse it; `#[socket]` marks an alias of such a type |
/// | a name in the path | the path parameter; `_name` takes it unused |
/// | `#[query]`, `#[query("userId")]`, `#[query(default = 20)]` | the query value |
/// | `#[header]`, `#[header("authorization")]`, `#[header(name = "x-page", default = 1)]` | the header |
/// | `#[cookie]`, `#[cookie("sid")]` | the cookie |
/// | `#[depends(current_user)]` | the value of a [`macro@dependency`] |
/// | any other | what its type takes from a request: `State<T>`, `Query<T>`, `Headers`…; plain types, `Option` and `Vec` of them read the query value of the argument's name |
///
/// An argument may stand under `#[cfg]`, and may be a pattern: `State(db): State<Db>`.
///
/// # On an `impl` block
///
/// ```
/// use sockeye::prelude::*;
///
/// struct Echo;
///
/// #[websocket("/echo")]
/// impl Echo {
///     async fn message(&self, peer: &Peer, message: Message) -> Result<()> {
///         peer.send(&message).await
///     }
/// }
///
/// # fn main() {
/// let app = App::new().route(Echo);
/// # }
/// ```
///
/// Each method handles an event: `upgrade(&self, up: &mut Upgrade)`, `open(&self, peer: &Peer)`, `message` with the message
/// behind the peer, `close` with the peer's `Option<CloseFrame>`, `error` with the `&Error`, and those with [`macro@on`].
/// Behind these stand arguments as in functions, without `#[cfg]`. They are taken once, before the upgrade; each method
/// names those that it needs, and gets clones. `route` takes an instance, which all peers share, or an `Arc` of one.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `invalid = "reply"` | what a typed socket does with a message that does not parse: answers with an error (`"reply"`), closes (`"close"`), or gives the error to the handler (`"pass"`) |
/// | `protocols = ["chat.v2", "chat.v1"]` | the subprotocols that are spoken |
/// | `strict_protocol` | refuses clients that offer none of them |
/// | `max_message = 1 << 20`, `max_frame = 1 << 16` | limits in bytes |
/// | `compression = false` | no compressed messages; `true` for the defaults, or a constant `Compression` |
/// | `overflow = "drop_oldest"` | what rooms do when this route's socket is too slow: `"disconnect"` (the default), `"drop_oldest"` or `"drop_newest"` |
/// | `tag = "chat"` | the group in API documents |
/// | `crate = my_sockeye` | the name of the crate `sockeye`, if it has another |
#[proc_macro_attribute]
pub fn websocket(attribute: TokenStream, item: TokenStream) -> TokenStream {
    handler::run(Kind::WebSocket, attribute.into(), item.into()).into()
}

/// Says which messages a method of an event handler takes: JSON objects with this `type`.
///
/// ```
/// use sockeye::prelude::*;
///
/// struct Chat;
///
/// #[derive(serde::Deserialize)]
/// struct Typing {
///     on: bool,
/// }
///
/// #[websocket("/chat")]
/// impl Chat {
///     #[on("typing")]
///     async fn typing(&self, peer: &Peer, event: Typing) -> Result<()> {
///         peer.send_json(&event.on).await
///     }
/// }
/// ```
///
/// The event is read from the whole object. It stands only in an `impl` block under [`macro@websocket`].
///
/// A method that returns `Result<T>` answers who has asked, a client whose message has an `id`:
/// `{"type":"reply","id":…,"data":…}`, where `data` is the `T`, or null for `()`. An `Err` of `Error::answer(code, message)` is
/// the answer `{"type":"error","id":…,"data":{"code":…,"message":…}}`. Without an `id` a value is not sent.
///
/// ```
/// use sockeye::prelude::*;
///
/// struct Sums;
///
/// #[websocket("/sums")]
/// impl Sums {
///     #[on("sum")]
///     async fn sum(&self, peer: &Peer, event: Sum) -> Result<u32> {
///         event.a.checked_add(event.b).ok_or_else(|| Error::answer("too_large", "expected less than 2^32"))
///     }
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Sum {
///     a: u32,
///     b: u32,
/// }
/// ```
#[proc_macro_attribute]
pub fn on(attribute: TokenStream, item: TokenStream) -> TokenStream {
    events::on_alone(attribute.into(), item.into()).into()
}

/// Makes an async function the handler of `GET` requests.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[get("/users/<id>")]
/// async fn user(id: u32, #[query(default = 20)] limit: u32) -> String {
///     format!("user {id}, at most {limit} friends")
/// }
///
/// # fn main() {
/// let app = App::new().route(user);
/// # }
/// ```
///
/// What it returns is anything that is `IntoResponse`, `impl IntoResponse` too. Path and arguments
/// are those of [`macro@websocket`], without the socket.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `max_body = 1 << 20` | the most that is read of a request's body, in bytes |
/// | `tag = "users"` | the group in API documents |
/// | `crate = my_sockeye` | the name of the crate `sockeye`, if it has another |
#[proc_macro_attribute]
pub fn get(attribute: TokenStream, item: TokenStream) -> TokenStream {
    handler::run(Kind::Get, attribute.into(), item.into()).into()
}

/// Makes an async function the handler of `POST` requests.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[post("/users")]
/// async fn add(Json(name): Json<String>) -> Result<String, StatusCode> {
///     if name.is_empty() { Err(StatusCode::BAD_REQUEST) } else { Ok(name) }
/// }
/// ```
///
/// Path, arguments and options are those of [`macro@get`].
#[proc_macro_attribute]
pub fn post(attribute: TokenStream, item: TokenStream) -> TokenStream {
    handler::run(Kind::Post, attribute.into(), item.into()).into()
}

/// Makes an async function the handler of `PUT` requests.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[put("/users/<id>")]
/// async fn replace(id: u32, Json(name): Json<String>) -> String {
///     format!("{id} is {name}")
/// }
/// ```
///
/// Path, arguments and options are those of [`macro@get`].
#[proc_macro_attribute]
pub fn put(attribute: TokenStream, item: TokenStream) -> TokenStream {
    handler::run(Kind::Put, attribute.into(), item.into()).into()
}

/// Makes an async function the handler of `PATCH` requests.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[patch("/users/<id>")]
/// async fn rename(id: u32, name: String) -> String {
///     format!("{id} is {name}")
/// }
/// ```
///
/// Path, arguments and options are those of [`macro@get`].
#[proc_macro_attribute]
pub fn patch(attribute: TokenStream, item: TokenStream) -> TokenStream {
    handler::run(Kind::Patch, attribute.into(), item.into()).into()
}

/// Makes an async function the handler of `DELETE` requests.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[delete("/users/<id>")]
/// async fn remove(_id: u32) -> StatusCode {
///     StatusCode::NO_CONTENT
/// }
/// ```
///
/// Path, arguments and options are those of [`macro@get`].
#[proc_macro_attribute]
pub fn delete(attribute: TokenStream, item: TokenStream) -> TokenStream {
    handler::run(Kind::Delete, attribute.into(), item.into()).into()
}

/// Adds `pub fn router() -> Router` to a module, which gathers the module's handlers in order.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[router(prefix = "/api/<tenant>")]
/// mod api {
///     use sockeye::prelude::*;
///
///     #[get("/health")]
///     async fn health(tenant: String) -> String {
///         format!("{tenant} is well")
///     }
/// }
///
/// # fn main() {
/// let app = App::new().include_router(api::router());
/// # }
/// ```
///
/// The module's body stands in the same file: a macro does not see others. Handlers under `#[cfg]`
/// are gathered where they are there. Two handlers that take the same
/// requests are an error. Options: `prefix`, `tag`, `crate`.
#[proc_macro_attribute]
pub fn router(attribute: TokenStream, item: TokenStream) -> TokenStream {
    router::run(attribute.into(), item.into()).into()
}

/// Makes an async function a value that handlers, and other dependencies, can take.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[derive(Clone)]
/// struct User(String);
///
/// #[dependency]
/// async fn current_user(#[header("authorization")] token: Option<String>) -> Result<User, StatusCode> {
///     token.map(User).ok_or(StatusCode::UNAUTHORIZED)
/// }
///
/// #[get("/me")]
/// async fn me(#[depends(current_user)] user: User) -> String {
///     user.0
/// }
/// ```
///
/// It runs once for each request, however many arguments name it, before the handler and before the
/// upgrade. What it returns is `Clone`, or a `Result` of that: then the error is a response, which
/// ends the request. Arguments are those of handlers, without the socket and without names in the
/// path; a `Path<T>` reads those. The only option is `crate`.
#[proc_macro_attribute]
pub fn dependency(attribute: TokenStream, item: TokenStream) -> TokenStream {
    dependency::run(attribute.into(), item.into()).into()
}

/// Runs an async `main` on a runtime of its own.
///
/// ```no_run
/// use sockeye::prelude::*;
///
/// #[sockeye::main]
/// async fn main() -> Result<()> {
///     App::new().run().await
/// }
/// ```
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `flavor = "current_thread"` | one thread for all, or `"multi_thread"`, the default |
/// | `worker_threads = 2` | how many threads; as many as there are cores if it is not given |
/// | `start_paused = true` | the clock stands still and jumps when all wait; needs the feature `test-util` |
/// | `crate = my_sockeye` | the name of the crate `sockeye`, if it has another |
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::run(Entry::Main, attribute.into(), item.into()).into()
}

/// Runs an async test on a runtime of its own.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[get("/health")]
/// async fn health() -> &'static str {
///     "ok"
/// }
///
/// #[sockeye::test]
/// async fn is_healthy() -> Result<()> {
///     let client = TestClient::new(App::new().route(health));
///     assert_eq!(client.get("/health").await?.text(), "ok");
///     Ok(())
/// }
/// ```
///
/// Other attributes, such as `#[should_panic]`, stay. The options are those of [`macro@main`], but a
/// test has one thread unless it asks for `worker_threads` or `flavor = "multi_thread"`.
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::run(Entry::Test, attribute.into(), item.into()).into()
}

/// Reads a type from one piece of text: a path parameter, a query value, a header, a cookie.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[derive(Param, Debug, PartialEq)]
/// enum Sort {
///     Newest,
///     Oldest,
/// }
///
/// #[derive(Param)]
/// struct UserId(u32);
///
/// #[get("/users/<id>/posts")]
/// async fn posts(id: UserId, sort: Option<Sort>) -> String {
///     format!("posts of {}, {:?} first", id.0, sort.unwrap_or(Sort::Newest))
/// }
///
/// assert_eq!(Sort::from_param("newest"), Ok(Sort::Newest));
/// assert_eq!(Sort::from_param("best").unwrap_err().to_string(), "expected `newest` or `oldest`, got `best`");
/// ```
///
/// A wrapper around one value is read as that value. An enum has variants without fields, which are
/// the words it can be, in any mix of capitals unless they are renamed.
///
/// | on the type | meaning |
/// | --- | --- |
/// | `#[param(rename_all = "kebab-case")]` | the words of an enum, written exactly so; the cases are serde's |
/// | `#[param(from_str)]` | the type's own `FromStr` reads it, whose error is shown to the client |
/// | `#[param(expected = "a colour")]` | what error messages and API documents call it |
/// | `#[param(crate = my_sockeye)]` | the name of the crate `sockeye`, if it has another |
///
/// On a variant, `#[param(rename = "dark-red")]` gives the exact word.
#[proc_macro_derive(Param, attributes(param))]
pub fn derive_param(input: TokenStream) -> TokenStream {
    param::run(input.into()).into()
}
