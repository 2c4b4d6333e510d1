//! x
#![allow(dead_code)]
mod errors; mod suggest; mod path; mod pretty; mod options; mod function; mod cfg; mod kind; mod handler; mod argument;
mod attributes; mod callable; mod tables; mod adaptor; mod refuse; mod shape; mod stub; mod spans; mod dependency;
use kind::Kind;
#[proc_macro_attribute]
pub fn websocket(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    handler::run(Kind::WebSocket, attribute.into(), item.into()).into()
}
#[proc_macro_attribute]
pub fn get(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    handler::run(Kind::Get, attribute.into(), item.into()).into()
}

#[proc_macro_attribute]
pub fn dependency(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    dependency::run(attribute.into(), item.into()).into()
}
