//! The implementation of the trait.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::DeriveInput;

use super::attribute::Container;
use super::model::{Model, Word};
use crate::{spans, suggest};

pub(super) fn expand(input: &DeriveInput, container: &Container, model: &Model) -> TokenStream {
    let private = container.private();
    let expected = container.expected.as_ref().map(|text| text.value());
    let (read, expected, bound) = match model {
        Model::Words(words) => {
            let expected = expected.unwrap_or_else(|| listed(words));
            (read_word(words, &private), borrowed(&expected, &private), None)
        }
        Model::FromStr => {
            let expected = expected.unwrap_or_else(|| format!("a value of type `{}`", input.ident));
            let place = container.from_str.as_ref().map_or_else(Span::call_site, Ident::span);
            (read_from_str(&private, place), borrowed(&expected, &private), None)
        }
        Model::Inner { ty, build } => {
            let read = quote_spanned! {Span::mixed_site()=>
                <#ty as #private::Param>::from_param(value).map(|value| #build)
            };
            let expected = match expected {
                Some(text) => borrowed(&text, &private),
                None => quote_spanned!(Span::mixed_site()=> <#ty as #private::Param>::expected()),
            };
            // Demanded here, the bound is reported once, at the type, and then taken for granted.
            let place = spans::first(ty);
            let param = spans::placed(quote!(#private::Param), place);
            let bound = quote_spanned!(place=> #ty: #param);
            (read, expected, Some(bound))
        }
    };
    implementation(input, &private, &read, &expected, bound)
}

/// An implementation for a type with mistakes, so that they are the only errors.
pub(super) fn fallback(input: &DeriveInput, container: &Container) -> TokenStream {
    let never = quote!(::core::unreachable!());
    implementation(input, &container.private(), &never, &never, None)
}

fn implementation(
    input: &DeriveInput,
    private: &TokenStream,
    read: &TokenStream,
    expected: &TokenStream,
    bound: Option<TokenStream>,
) -> TokenStream {
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let own = bounds.map(|bounds| &bounds.predicates).into_iter().flatten();
    let bounds: Vec<TokenStream> = own.map(|bound| quote!(#bound)).chain(bound).collect();
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl #generics #private::Param for #name #arguments where #(#bounds),* {
            fn from_param(value: &str) -> ::core::result::Result<Self, #private::ParamError> {
                #read
            }

            fn expected() -> #private::Cow<'static, str> {
                #expected
            }
        }
    }
}

fn read_word(words: &[Word], private: &TokenStream) -> TokenStream {
    let tests = words.iter().map(|word| {
        let Word { variant, text, exact } = word;
        let test = if *exact {
            quote_spanned!(Span::mixed_site()=> value == #text)
        } else {
            quote_spanned!(Span::mixed_site()=> value.eq_ignore_ascii_case(#text))
        };
        quote_spanned! {Span::mixed_site()=>
            if #test {
                return ::core::result::Result::Ok(Self::#variant);
            }
        }
    });
    quote_spanned! {Span::mixed_site()=>
        #(#tests)*
        ::core::result::Result::Err(#private::ParamError::unexpected::<Self>(value))
    }
}

/// `place`: the word that asks for `FromStr`.
fn read_from_str(private: &TokenStream, place: Span) -> TokenStream {
    let value = Ident::new("value", Span::mixed_site());
    let parsed = quote_spanned!(place=> <Self as ::core::str::FromStr>::from_str(#value));
    quote_spanned! {Span::mixed_site()=>
        match #parsed {
            ::core::result::Result::Ok(value) => ::core::result::Result::Ok(value),
            ::core::result::Result::Err(error) => {
                ::core::result::Result::Err(#private::ParamError::new(::std::format!("{error}")))
            }
        }
    }
}

fn borrowed(text: &str, private: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #private::Cow::Borrowed(#text))
}

/// `` one of `a`, `b` or `c` ``, or `` `a` or `b` ``.
fn listed(words: &[Word]) -> String {
    let texts = words.iter().map(|word| word.text.as_str());
    let list = suggest::list(texts, "or");
    if words.len() <= 2 { list } else { format!("one of {list}") }
}
