//! What the runtime knows about arguments: a table of plain data, one extractor each, and the
//! checks that need to know what an extractor is.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::argument::{Argument, Source, is_optional};
use crate::callable::Callable;
use crate::pretty::pretty;
use crate::spans;

impl Callable<'_> {
    /// `ARGUMENTS` and `EXTRACT_n`, constants of the marker.
    pub(crate) fn tables(&self) -> TokenStream {
        let private = &self.private;
        let infos = self.arguments.iter().map(|argument| info(argument, private));
        let extractors =
            self.arguments.iter().enumerate().filter_map(|(index, argument)| extractor(index, argument, private));
        quote_spanned! {Span::mixed_site()=>
            const ARGUMENTS: &'static [#private::ArgInfo] = &[#(#infos),*];
            #(#extractors)*
        }
    }

    /// `needs` of a route or dependency.
    pub(crate) fn needs(&self) -> TokenStream {
        let private = &self.private;
        let each: Vec<TokenStream> = self
            .arguments
            .iter()
            .enumerate()
            .filter(|(_, argument)| !matches!(argument.source, Source::Socket | Source::Path { .. }))
            .map(|(index, _)| {
                let extract = extract_name(index);
                quote_spanned! {Span::mixed_site()=>
                    needs.argument(&Self::ARGUMENTS[#index]);
                    (Self::#extract.needs)(needs);
                }
            })
            .collect();
        let name = if each.is_empty() { quote!(_) } else { quote_spanned!(Span::mixed_site()=> needs) };
        quote_spanned! {Span::mixed_site()=>
            fn needs(#name: &mut #private::Needs) {
                #(#each)*
            }
        }
    }

    /// Whether the function takes the body, as a constant expression.
    pub(crate) fn takes_body(&self) -> TokenStream {
        let each = self.takers().map(|(index, _)| {
            let extract = extract_name(index);
            quote_spanned!(Span::mixed_site()=> || Self::#extract.body)
        });
        quote_spanned!(Span::mixed_site()=> false #(#each)*)
    }

    /// One check for each argument that may be the second to take the body.
    pub(crate) fn one_body(&self) -> Vec<TokenStream> {
        let takers: Vec<_> = self.takers().collect();
        let mut checks = Vec::new();
        for (at, (index, second)) in takers.iter().enumerate() {
            // Two dependencies may share what they depend on: then the body is taken once.
            let both = |first: &Argument| is_depends(first) && is_depends(second);
            let before: Vec<_> = takers[..at].iter().filter(|(_, first)| !both(first)).collect();
            if before.is_empty() {
                continue;
            }
            let arms = before.iter().map(|(first_index, first)| {
                let message = format!(
                    "a request has one body: {} and {} both take it; take one value that holds all",
                    title(first),
                    title(second),
                );
                self.complaint(*first_index, second, &message)
            });
            let (marker, extract) = (&self.marker, extract_name(*index));
            checks.push(quote_spanned! {Span::mixed_site()=>
                const _: () = if #marker::#extract.body { #(#arms)* };
            });
        }
        checks
    }

    /// One check for each argument that must not take a body, as there is none.
    pub(crate) fn no_body(&self) -> Vec<TokenStream> {
        let takers = self.takers().map(|(index, argument)| {
            let message = format!(
                "a WebSocket handshake carries no body, which {} takes; send the value as the first message, or in the query",
                title(argument),
            );
            let complaint = self.complaint(index, argument, &message);
            quote_spanned!(Span::mixed_site()=> const _: () = { #complaint };)
        });
        takers.collect()
    }

    fn complaint(&self, index: usize, at: &Argument, message: &str) -> TokenStream {
        let (marker, extract) = (&self.marker, extract_name(index));
        let span = at.name.as_ref().map_or_else(|| spans::first(&at.pat), Ident::span);
        let panic = quote_spanned!(span=> ::core::panic!(#message));
        quote_spanned!(Span::mixed_site()=> if #marker::#extract.body { #panic })
    }

    /// The arguments of which only the type system knows whether they take the body.
    fn takers(&self) -> impl Iterator<Item = (usize, &Argument)> {
        self.arguments
            .iter()
            .enumerate()
            .filter(|(_, argument)| matches!(argument.source, Source::Request | Source::Depends(_)))
    }
}

pub(crate) fn extract_name(index: usize) -> Ident {
    format_ident!("EXTRACT_{index}", span = Span::mixed_site())
}

/// Where the macro's caller sees it: file, line and column of `span`.
pub(crate) fn location(span: Span, private: &TokenStream) -> TokenStream {
    quote_spanned! {span=>
        #private::Location { file: ::core::file!(), line: ::core::line!(), column: ::core::column!() }
    }
}

fn is_depends(argument: &Argument) -> bool {
    matches!(argument.source, Source::Depends(_))
}

fn title(argument: &Argument) -> String {
    match argument.text() {
        name if name.is_empty() => "an argument without a name".to_owned(),
        name => format!("`{name}`"),
    }
}

fn info(argument: &Argument, private: &TokenStream) -> TokenStream {
    let text = argument.text();
    let (place, name, has_default) = match &argument.source {
        Source::Socket => ("Socket", text.as_str(), false),
        Source::Path { name, rest: false } => ("Path", name.as_str(), false),
        Source::Path { name, rest: true } => ("PathRest", name.as_str(), false),
        Source::Request => ("Extractor", text.as_str(), false),
        Source::Depends(_) => ("Dependency", text.as_str(), false),
        Source::Value { place, name, default } => (place.variant(), name.as_str(), default.is_some()),
    };
    let place = Ident::new(place, Span::mixed_site());
    let ty = &argument.ty;
    let type_name = pretty(ty.to_token_stream());
    let required = !has_default && !is_optional(ty);
    let location = location(spans::first(&argument.pat), private);
    quote_spanned! {Span::mixed_site()=>
        #private::ArgInfo {
            name: #name,
            argument: #text,
            place: #private::Place::#place,
            type_name: #type_name,
            required: #required,
            has_default: #has_default,
            location: #location,
        }
    }
}

/// The constant in which the bound of the argument's type is checked, and nowhere else.
fn extractor(index: usize, argument: &Argument, private: &TokenStream) -> Option<TokenStream> {
    let (name, ty) = (extract_name(index), &argument.ty);
    let mut holds = ty.to_token_stream();
    let make = match &argument.source {
        Source::Socket => return None,
        Source::Path { .. } => call(private, "path_value", ty),
        Source::Request => call(private, "extractor", ty),
        Source::Depends(path) => {
            // At the path: there it is reported if it names no dependency, or one of another type.
            let place = spans::first(path);
            let depends = spans::placed(quote!(#private::depends), place);
            quote_spanned!(place=> #depends(&#path))
        }
        Source::Value { place, default, .. } => {
            let kind = if default.is_some() { "default" } else { "value" };
            if default.is_some() {
                holds = quote_spanned!(Span::mixed_site()=> ::core::option::Option<#ty>);
            }
            call(private, &format!("{}_{kind}", place.word()), ty)
        }
    };
    Some(quote_spanned! {Span::mixed_site()=>
        const #name: #private::Extractor<#holds> = #make;
    })
}

fn call(private: &TokenStream, function: &str, ty: &syn::Type) -> TokenStream {
    let function = Ident::new(function, Span::mixed_site());
    quote_spanned!(Span::mixed_site()=> #private::#function::<#ty>())
}
