//! What a handler sees and what goes over the wire.

mod talking;
