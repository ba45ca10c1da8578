//! Tests of negotiation and codec.

mod codec;
mod negotiate;
