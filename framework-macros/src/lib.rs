//! x
mod adaptor;
mod argument;
mod attributes;
mod callable;
mod cfg;
mod dependency;
mod entry;
mod errors;
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

use entry::Entry;
use kind::Kind;
use proc_macro::TokenStream;

macro_rules! h { ($($n:ident $k:ident)*) => { $(
#[proc_macro_attribute]
pub fn $n(attribute: TokenStream, item: TokenStream) -> TokenStream { handler::run(Kind::$k, attribute.into(), item.into()).into() } )* } }
h! { websocket WebSocket get Get post Post put Put patch Patch delete Delete }
#[proc_macro_attribute]
pub fn dependency(attribute: TokenStream, item: TokenStream) -> TokenStream {
    dependency::run(attribute.into(), item.into()).into()
}
#[proc_macro_attribute]
pub fn router(attribute: TokenStream, item: TokenStream) -> TokenStream {
    router::run(attribute.into(), item.into()).into()
}
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::run(Entry::Main, attribute.into(), item.into()).into()
}
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    entry::run(Entry::Test, attribute.into(), item.into()).into()
}
#[proc_macro_derive(Param, attributes(param))]
pub fn derive_param(input: TokenStream) -> TokenStream {
    param::run(input.into()).into()
}
