//! The module with its `router` function.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::RouterModule;
use crate::options::private;

/// `named`: the name `router` is free.
pub(super) fn expand(module: &RouterModule, named: bool) -> TokenStream {
    let RouterModule { attrs, head, name, items, .. } = module;
    let router = named.then(|| router(module));
    quote_spanned! {Span::mixed_site()=>
        #(#attrs)*
        #head #name {
            #(#items)*
            #router
        }
    }
}

fn router(module: &RouterModule) -> TokenStream {
    let options = &module.options;
    let private = private(options.krate.as_ref());
    let new = match &options.prefix {
        Some(prefix) if !options.path.broken => {
            quote_spanned!(Span::mixed_site()=> #private::Router::prefix(#prefix))
        }
        _ => quote_spanned!(Span::mixed_site()=> #private::Router::new()),
    };
    let tag = options.tag.as_ref().map(|tag| quote_spanned!(Span::mixed_site()=> let router = router.tag(#tag);));
    let routes = module.routes.iter().map(|route| {
        let (cfgs, name) = (&route.cfgs, &route.name);
        let value = match &route.instance {
            None => quote_spanned!(Span::mixed_site()=> self::#name),
            Some(ty) => quote_spanned!(Span::mixed_site()=> #private::handlers_in_a_router_are_default::<#ty>()),
        };
        quote_spanned!(Span::mixed_site()=> #(#cfgs)* let router = router.route(#value);)
    });
    quote_spanned! {Span::mixed_site()=>
        /// The handlers of this module, in order.
        pub fn router() -> #private::Router {
            let router = #new;
            #tag
            #(#routes)*
            router
        }
    }
}
