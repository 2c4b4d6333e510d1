//! The shape that handlers and dependencies have in common: a free async function without generics.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, ReturnType, Safety, Signature};

use crate::errors::Errors;
use crate::pretty::pretty;

/// Mistakes of the signature. Whoever finds the first one shows the signature that was expected.
pub(crate) struct Shape<'s> {
    pub(crate) errors: &'s mut Errors,
    /// How the whole signature should read; gone once it was shown.
    expected: Option<String>,
}

impl<'s> Shape<'s> {
    pub(crate) fn new(errors: &'s mut Errors, expected: String) -> Self {
        let expected = Some(expected);
        Shape { errors, expected }
    }

    pub(crate) fn push(&mut self, place: impl ToTokens, message: &str) {
        let shown = self.expected.take();
        let shown = shown.map(|text| format!("\n\nexpected: {text}"));
        let message = format!("{message}{}", shown.unwrap_or_default());
        self.errors.push(place, message);
    }

    /// What no handler or dependency may be. `what` names it: `a handler`.
    pub(crate) fn check(&mut self, sig: &Signature, what: &str) {
        self.qualifiers(sig, what);
        if let Some(receiver) = receiver(sig) {
            let help = "shared values are taken as an argument: `State<T>`";
            self.push(receiver, &format!("{what} is a free function, without `self`: {help}"));
        }
        self.generics(sig, what);
    }

    /// The same for a method.
    pub(crate) fn check_method(&mut self, sig: &Signature, what: &str) {
        self.qualifiers(sig, what);
        self.generics(sig, what);
    }

    fn qualifiers(&mut self, sig: &Signature, what: &str) {
        if sig.asyncness.is_none() {
            self.push(sig.fn_token, &format!("{what} is an async function: add `async`"));
        }
        if let Some(token) = &sig.constness {
            self.push(token, &format!("{what} cannot be `const`"));
        }
        if !matches!(sig.safety, Safety::Default) {
            let help = "is called by the framework, which cannot keep the promises of `unsafe`";
            self.push(&sig.safety, &format!("{what} {help}"));
        }
        if let Some(abi) = &sig.abi {
            self.push(abi, &format!("{what} has the ABI of Rust: remove this"));
        }
        if let Some(variadic) = &sig.variadic {
            self.push(variadic, &format!("{what} names each of its arguments"));
        }
    }

    /// Reported without the signature: what to write for a parameter only the user knows.
    fn generics(&mut self, sig: &Signature, what: &str) {
        let generics = &sig.generics;
        if !generics.params.is_empty() {
            let help = "name the type of each argument";
            let message = format!("{what} is one function, so it has no parameters for types\n\nhelp: {help}");
            self.errors.push(generics, message);
        } else if let Some(clause) = &generics.where_clause {
            let message = format!("{what} has no parameters for types, so it needs no bounds");
            self.errors.push(clause, message);
        }
    }
}

pub(crate) fn receiver(sig: &Signature) -> Option<TokenStream> {
    sig.inputs.iter().find_map(|input| match input {
        FnArg::Receiver(receiver) => Some(receiver.to_token_stream()),
        FnArg::Typed(_) => None,
    })
}

/// The signature as it should read. `returns` stands in for a return type that is not written.
pub(crate) fn expected(sig: &Signature, inputs: &[TokenStream], returns: &str) -> String {
    let name = &sig.ident;
    let output = match &sig.output {
        ReturnType::Default => returns.parse().unwrap_or_default(),
        written => written.to_token_stream(),
    };
    pretty(quote!(async fn #name(#(#inputs),*) #output))
}
