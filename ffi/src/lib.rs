//! The C ABI of Ropeway.
