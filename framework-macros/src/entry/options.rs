//! The options of the runtime.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::Expr;

use super::Entry;
use crate::errors::Errors;
use crate::options::{Allowed, entries_of, private};

pub(super) struct Options {
    multi_thread: bool,
    worker_threads: Option<Expr>,
    start_paused: bool,
    krate: Option<syn::Path>,
}

impl Options {
    pub(super) fn read(entry: Entry, tokens: TokenStream, errors: &mut Errors) -> Self {
        let allowed = Allowed { owner: entry.owner(), names: &["flavor", "worker_threads", "start_paused", "crate"] };
        let list = entries_of(tokens, allowed, errors);
        let find = |name: &str| list.iter().find(|entry| entry.key() == name);
        let mut options = Options {
            multi_thread: entry == Entry::Main,
            worker_threads: None,
            start_paused: false,
            krate: find("crate").and_then(|entry| entry.krate(errors)),
        };
        let flavor = find("flavor");
        if let Some(index) = flavor.and_then(|entry| entry.word(&["current_thread", "multi_thread"], errors)) {
            options.multi_thread = index == 1;
        }
        if let Some(threads) = find("worker_threads") {
            options.worker_threads = threads.expect("2", errors).cloned();
            // A test that asks for threads has them; one that also says `current_thread` errs.
            if flavor.is_none() {
                options.multi_thread = true;
            } else if !options.multi_thread {
                errors.push(&threads.name, "one thread has no workers\n\nhelp: add `flavor = \"multi_thread\"`");
            }
        }
        if let Some(paused) = find("start_paused") {
            options.start_paused = paused.flag(errors);
            if options.start_paused && options.multi_thread {
                errors.push(
                    &paused.name,
                    "the clock can only stand still on one thread\n\nhelp: add `flavor = \"current_thread\"`",
                );
            }
        }
        options
    }

    pub(super) fn private(&self) -> TokenStream {
        private(self.krate.as_ref())
    }

    /// The runtime's `RuntimeOptions`.
    pub(super) fn expand(&self, entry: Entry) -> TokenStream {
        let private = self.private();
        let flavor = if self.multi_thread { "MultiThread" } else { "CurrentThread" };
        let flavor = Ident::new(flavor, Span::mixed_site());
        let threads = match &self.worker_threads {
            Some(threads) => quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#threads)),
            None => quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
        };
        let (start_paused, test) = (self.start_paused, entry == Entry::Test);
        quote_spanned! {Span::mixed_site()=>
            #private::RuntimeOptions {
                flavor: #private::Flavor::#flavor,
                worker_threads: #threads,
                start_paused: #start_paused,
                test: #test,
            }
        }
    }
}
