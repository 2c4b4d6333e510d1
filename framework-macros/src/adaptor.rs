//! The statements of an adaptor: each argument taken from the request, in order.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Expr, ExprLit, Lit, Type};

use crate::argument::{Argument, Source, last_segment};
use crate::callable::Callable;
use crate::spans;
use crate::tables::extract_name;

impl Callable<'_> {
    /// `let value_n = …;` for each argument. A refusal is `Err(response)`, returned with `?`.
    pub(crate) fn extractions(&self) -> TokenStream {
        let each = self.arguments.iter().enumerate();
        each.map(|(index, argument)| self.extraction(index, argument)).collect()
    }

    /// The names of the values.
    pub(crate) fn values(&self) -> Vec<Ident> {
        (0..self.arguments.len()).map(value_name).collect()
    }

    /// The call of the user's function with the values, placed where its type is written.
    pub(crate) fn call(&self) -> TokenStream {
        let name = &self.function.sig.ident;
        let values = self.values();
        let place = self.returns_at();
        let name = spans::placed(name.to_token_stream(), place);
        quote_spanned!(place=> #name(#(#values),*))
    }

    /// The request's name in the adaptor; `_` if no argument looks at it.
    pub(crate) fn request(&self) -> TokenStream {
        let looks = |argument: &Argument| !matches!(argument.source, Source::Socket);
        if self.arguments.iter().any(looks) {
            quote_spanned!(Span::mixed_site()=> request)
        } else {
            quote_spanned!(Span::mixed_site()=> _)
        }
    }

    fn extraction(&self, index: usize, argument: &Argument) -> TokenStream {
        let Callable { marker, private, .. } = self;
        let (value, extract, ty) = (value_name(index), extract_name(index), &argument.ty);
        if let Source::Socket = argument.source {
            return quote_spanned! {Span::mixed_site()=>
                let #value = #private::socket::<#ty>(upgrade, #marker::INFO);
            };
        }
        let default = match &argument.source {
            Source::Value { default: Some(default), .. } => {
                let default = owned(default, ty);
                quote_spanned!(Span::mixed_site()=> .unwrap_or_else(|| #default))
            }
            _ => TokenStream::new(),
        };
        quote_spanned! {Span::mixed_site()=>
            let #value = (#marker::#extract.extract)(request, &#marker::ARGUMENTS[#index]).await? #default;
        }
    }
}

/// Whether `impl Trait` stands in a type.
pub(crate) fn has_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "impl",
        TokenTree::Group(group) => has_impl(group.stream()),
        _ => false,
    })
}

fn value_name(index: usize) -> Ident {
    format_ident!("value_{index}", span = Span::mixed_site())
}

/// `default = "asc"` is what one writes for a `String`.
fn owned(default: &Expr, ty: &Type) -> TokenStream {
    let is_text = matches!(default, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }));
    let is_string = last_segment(ty).is_some_and(|segment| segment.ident == "String");
    if is_text && is_string {
        quote_spanned!(Span::mixed_site()=> <::std::string::String as ::core::convert::From<&str>>::from(#default))
    } else {
        quote_spanned!(Span::mixed_site()=> #default)
    }
}
