use quote::ToTokens;
use syn::FnArg;

use super::{Argument, Host, Source};
use crate::errors::Errors;
use crate::path::{Path, Role, parse};

/// What the argument is, in short, and what is wrong with it.
fn read_in(text: &str, path: &str, socket: bool) -> (String, Vec<String>) {
    let path = parse(path, Role::Route).0;
    let host = Host { owner: if socket { "`#[websocket]`" } else { "`#[get]`" }, socket, path: &path };
    let mut errors = Errors::new();
    let FnArg::Typed(input) = syn::parse_str(text).expect("an argument") else {
        panic!("not self");
    };
    let argument = Argument::read(&input, &host, &mut errors);
    (short(&argument), errors.messages())
}

fn short(argument: &Argument) -> String {
    let text = argument.text();
    match &argument.source {
        Source::Socket => format!("{text}: socket"),
        Source::Path { name, rest } => format!("{text}: path {name}{}", if *rest { ".." } else { "" }),
        Source::Request => format!("{text}: request"),
        Source::Value { place, name, default } => {
            let default = default.as_ref().map(|d| format!(" or {}", d.to_token_stream()));
            format!("{text}: {place:?} {name}{}", default.unwrap_or_default())
        }
        Source::Depends(path) => format!("{text}: depends {}", path.to_token_stream()),
    }
}

fn good(text: &str) -> String {
    let (short, errors) = read_in(text, "/<id>/<type>/<rest..>", true);
    assert_eq!(errors, [""; 0], "{text}");
    short
}

fn mistake(text: &str) -> String {
    let (_, errors) = read_in(text, "/<id>", true);
    assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
    errors.into_iter().next().unwrap_or_default()
}

#[test]
fn sources() {
    assert_eq!(good("mut ws: WebSocket<In, Out>"), "ws: socket");
    assert_eq!(good("up: sockeye::Upgrade"), "up: socket");
    assert_eq!(good("#[socket] ws: Alias"), "ws: socket");
    assert_eq!(good("id: u32"), "id: path id");
    assert_eq!(good("_id: u32"), "_id: path id");
    assert_eq!(good("r#type: String"), "type: path type");
    assert_eq!(good("rest: String"), "rest: path rest..");
    assert_eq!(good("token: Option<String>"), "token: request");
    assert_eq!(good("#[depends(a::b)] user: User"), "user: depends a :: b");
}

#[test]
fn named_values() {
    assert_eq!(good("#[query] page: u32"), "page: Query page");
    assert_eq!(good("#[query(default = 20)] page: u32"), "page: Query page or 20");
    assert_eq!(good("#[query(rename = \"userId\")] user: u32"), "user: Query userId");
    assert_eq!(good("#[header] user_agent: String"), "user_agent: Header user-agent");
    assert_eq!(good("#[header(\"Authorization\")] a: String"), "a: Header authorization");
    assert_eq!(good("#[header(name = \"x\", default = 1)] a: u8"), "a: Header x or 1");
    assert_eq!(good("#[cookie(\"sid\")] Id(x): Id"), "x: Cookie sid");
}

#[test]
fn patterns() {
    assert_eq!(good("Json(x): Json<T>"), "x: request");
    assert_eq!(good("Path(id): Path<u32>"), "id: request");
    assert_eq!(good("State(State(db)): State<State<Db>>"), "db: request");
    assert_eq!(good("(a, b): Pair"), ": request");
    assert_eq!(good("_: State<Foo<'static>>"), ": request");
}

#[test]
fn types_that_cannot_be_read() {
    assert!(mistake("name: &str").ends_with("use `String`"));
    assert!(mistake("name: &[u8]").ends_with("use `Vec<u8>`"));
    assert!(mistake("name: &'a Foo").ends_with("use `Foo`"));
    assert!(mistake("name: Cow<'_, str>").contains("owns its value"));
    assert!(mistake("name: Vec<&str>").contains("owns its value"));
    assert!(mistake("name: impl Read").contains("`impl Trait`"));
    assert!(mistake("name: Json<_>").contains("written out"));
    assert!(mistake("_: String").contains("has none"));
    assert_eq!(good("call: State<fn(&str) -> u8>"), "call: request");
    assert_eq!(good("name: &'static str"), "name: request");
}

#[test]
fn marks_that_are_wrong() {
    assert!(mistake("#[query] _: u8").contains("which query value it takes"));
    assert!(mistake("#[query] #[header] x: u8").contains("already says which"));
    assert!(mistake("#[qurey] x: u8").contains("did you mean `query`?"));
    assert!(mistake("#[query(defualt = 1)] x: u8").contains("did you mean `default`?"));
    assert!(mistake("#[query(default = 1)] x: Option<u8>").contains("never used"));
    assert!(mistake("#[query(\"a\", rename = \"b\")] x: u8").contains("given twice"));
    assert!(mistake("#[header(\"a b\")] x: u8").contains("no header has this name"));
    assert!(mistake("#[depends] x: u8").contains("#[depends(current_user)]"));
    assert!(mistake("#[header = \"a\"] x: u8").contains("write `#[header(\"a\")]`"));
    assert!(mistake("#[query] id: u8").contains("is a path parameter"));
    assert!(mistake("id: WebSocket").contains("rename one of them"));
}

#[test]
fn plain_handlers_have_no_socket() {
    let (short, errors) = read_in("ws: WebSocket", "/", false);
    assert_eq!(short, "ws: socket");
    assert!(errors[0].starts_with("`#[get]` serves plain requests"));
}

#[test]
fn other_attributes_pass_through() {
    let mut errors = Errors::new();
    let text = "#[doc = \"x\"] #[allow(unused)] #[query] #[rustfmt::skip] x: u8";
    let FnArg::Typed(input) = syn::parse_str(text).expect("an argument") else {
        panic!("not self");
    };
    let path = Path::default();
    let host = Host { owner: "`#[get]`", socket: false, path: &path };
    let argument = Argument::read(&input, &host, &mut errors);
    assert_eq!(argument.attrs.len(), 2);
    assert!(errors.messages().is_empty());
}
