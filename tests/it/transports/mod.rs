//! One table of scenarios, four ways to the server: what holds of a socket holds of it over TLS and over HTTP/2 too.

mod certificate;
mod client;
mod logs;
mod stream;

mod certificates;
mod http2;
mod leaving;
mod limits;
mod refusing;
mod stopping;
mod talking;
mod tls;

/// Runs each scenario over each transport, as a test of its own.
macro_rules! over_all_transports {
    ($($(#[$attribute:meta])* $scenario:ident),* $(,)?) => {
        over_all_transports!(@module plain Plain, $($(#[$attribute])* $scenario),*);
        over_all_transports!(@module tls Tls, $($(#[$attribute])* $scenario),*);
        over_all_transports!(@module h2c H2c, $($(#[$attribute])* $scenario),*);
        over_all_transports!(@module h2 H2, $($(#[$attribute])* $scenario),*);
    };
    (@module $module:ident $transport:ident, $($(#[$attribute:meta])* $scenario:ident),*) => {
        mod $module {
            $(
                $(#[$attribute])*
                #[sockeye::test(worker_threads = 2)]
                async fn $scenario() -> sockeye::Result<()> {
                    super::$scenario(crate::transports::client::Transport::$transport).await
                }
            )*
        }
    };
}
use over_all_transports;
