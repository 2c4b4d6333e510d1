//! `#[router]`: a module of handlers, and the function that gathers them.

mod expand;
mod routes;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Item, ItemMod, LitStr};

use crate::errors::Errors;
use crate::function::item_name;
use crate::handler::parse_path;
use crate::options::{Allowed, entries_of};
use crate::path::{Path, Role};
use routes::Route;

/// A module of handlers, read but not yet judged.
pub(crate) struct RouterModule {
    options: Options,
    attrs: Vec<Attribute>,
    head: TokenStream,
    name: Ident,
    items: Vec<Item>,
    /// `mod chat;`: rustc says that a macro cannot see the other file.
    elsewhere: bool,
    routes: Vec<Route>,
}

#[derive(Default)]
struct Options {
    prefix: Option<LitStr>,
    /// The prefix taken apart; empty without one.
    path: Path,
    tag: Option<LitStr>,
    krate: Option<syn::Path>,
}

/// parse → model → validate → expand. A module with mistakes is expanded as well: what gathers the
/// handlers stays sound without them.
pub(crate) fn run(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let options = Options::read(attribute, &mut errors);
    let Some(module) = RouterModule::read(options, item.clone(), &mut errors) else {
        let mut output: TokenStream = errors.finish().into_iter().collect();
        item.to_tokens(&mut output);
        return output;
    };
    let named = validate::check(&module, &mut errors);
    let mut output: TokenStream = errors.finish().into_iter().collect();
    output.extend(expand::expand(&module, named));
    output
}

impl Options {
    fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let allowed = Allowed { owner: "`#[router]`", names: &["prefix", "tag", "crate"] };
        let mut options = Options::default();
        for entry in entries_of(tokens, allowed, errors) {
            match entry.key().as_str() {
                "prefix" => options.prefix = entry.text("\"/api\"", errors),
                "tag" => options.tag = entry.text("\"chat\"", errors),
                _ => options.krate = entry.krate(errors),
            }
        }
        if let Some(prefix) = &options.prefix {
            options.path = parse_path(prefix, Role::Prefix, errors);
        }
        options
    }
}

impl RouterModule {
    fn read(options: Options, item: TokenStream, errors: &mut Errors) -> Option<Self> {
        let (what, token) = item_name(item.clone());
        if what != "a module" {
            errors.push(
                token,
                format!("expected a module, found {what}\n\nhelp: `#[router]` gathers the handlers of a module: `mod chat {{ … }}`"),
            );
            return None;
        }
        let module: ItemMod = errors.keep(syn::parse2(item))?;
        let (vis, mod_token) = (&module.vis, &module.mod_token);
        let head = quote::quote!(#vis #mod_token);
        let elsewhere = module.content.is_none();
        let items = module.content.map(|(_, items)| items).unwrap_or_default();
        let routes = items.iter().filter_map(Route::read).collect();
        Some(RouterModule { options, attrs: module.attrs, head, name: module.ident, items, elsewhere, routes })
    }
}
