//! The first stage of every function macro: the item, taken apart no further than needed. The body
//! stays a group of tokens, so that nothing in it is touched.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature, Token, Visibility};

/// A function with a body.
#[derive(Clone)]
pub(crate) struct Function {
    /// `#[cfg]`s, which every item of the expansion repeats.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

/// Why an item is not a [`Function`].
pub(crate) enum NotAFunction {
    /// A function without a body: rustc says so itself.
    Bodiless,
    /// Something else; what it is called, and the token that says so.
    Other(&'static str, TokenStream),
    /// A function that syn cannot read.
    Unreadable(syn::Error),
}

impl Function {
    pub(crate) fn read(item: TokenStream) -> Result<Function, NotAFunction> {
        if let Some((what, token)) = other_item(item.clone()) {
            return Err(NotAFunction::Other(what, token));
        }
        let bodiless = matches!(
            item.clone().into_iter().last(),
            Some(TokenTree::Punct(punct)) if punct.as_char() == ';'
        );
        if bodiless {
            return Err(NotAFunction::Bodiless);
        }
        syn::parse2(item).map_err(NotAFunction::Unreadable)
    }

    /// The name without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let (cfgs, attrs) = attrs.into_iter().partition(|attribute| attribute.path().is_ident("cfg"));
        let vis = input.parse()?;
        let sig = input.parse()?;
        let body = input.parse()?;
        Ok(Function { cfgs, attrs, vis, sig, body })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attribute in self.cfgs.iter().chain(&self.attrs) {
            attribute.to_tokens(tokens);
        }
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// What an item is if it is no function.
fn other_item(item: TokenStream) -> Option<(&'static str, TokenStream)> {
    let read = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let found = keyword(input);
        input.parse::<TokenStream>()?;
        Ok(found)
    };
    read.parse2(item).ok().flatten()
}

/// What an item is, functions included, and the token that says so.
pub(crate) fn item_name(item: TokenStream) -> (&'static str, TokenStream) {
    other_item(item.clone()).unwrap_or_else(|| {
        let is_fn = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "fn");
        let token = item.into_iter().find(is_fn);
        ("a function", token.into_token_stream())
    })
}

fn keyword(input: ParseStream<'_>) -> Option<(&'static str, TokenStream)> {
    let after = input.fork();
    if after.peek(Token![unsafe]) && !after.peek2(Token![extern]) {
        after.parse::<Token![unsafe]>().ok()?;
    }
    let word = after.call(Ident::parse_any).ok()?;
    let what = match word.to_string().as_str() {
        "struct" => "a struct",
        "enum" => "an enum",
        "union" => "a union",
        "trait" => "a trait",
        "impl" => "an `impl` block",
        "mod" => "a module",
        "static" => "a static",
        "type" => "a type alias",
        "use" => "an import",
        // `const fn` is a function.
        "const" if after.peek2(Token![:]) => "a constant",
        _ if after.peek(Token![!]) => "a macro call",
        _ => return None,
    };
    Some((what, word.into_token_stream()))
}

#[cfg(test)]
mod tests {
    use super::{Function, NotAFunction};

    fn other(text: &str) -> &'static str {
        match Function::read(text.parse().expect("tokens")) {
            Err(NotAFunction::Other(what, _)) => what,
            Err(NotAFunction::Bodiless) => "bodiless",
            Err(NotAFunction::Unreadable(_)) => "unreadable",
            Ok(_) => "function",
        }
    }

    #[test]
    fn other_items_are_named() {
        assert_eq!(other("#[a] pub(crate) struct X;"), "a struct");
        assert_eq!(other("unsafe impl X for Y {}"), "an `impl` block");
        assert_eq!(other("mod m { fn x() {} }"), "a module");
        assert_eq!(other("const X: u8 = 1;"), "a constant");
        assert_eq!(other("thing! { }"), "a macro call");
        assert_eq!(other("async fn x();"), "bodiless");
    }

    #[test]
    fn functions_of_all_kinds_are_functions() {
        for text in [
            "fn x() {}",
            "/// d\n#[cfg(a)] #[b] pub async fn x<T>(y: T) -> u8 where T: A { y }",
            "const fn x() {}",
            "unsafe extern \"C\" fn x(...) {}",
            "async fn x(&self) {}",
        ] {
            assert_eq!(other(text), "function", "{text}");
        }
    }

    #[test]
    fn cfgs_are_set_apart() {
        let text = "#[cfg(a)] #[allow(b)] async fn r#type() {}";
        let Ok(function) = Function::read(text.parse().expect("tokens")) else {
            panic!("a function");
        };
        assert_eq!(function.cfgs.len(), 1);
        assert_eq!(function.attrs.len(), 1);
        assert_eq!(function.name(), "type");
    }
}
