//! Holds the committed include/ropeway.h against ffi/src, from which it is generated. With ROPEWAY_WRITE_HEADER=1 in
//! the environment (`make header`) it is written instead.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

#[test]
fn the_committed_header_is_fresh() -> Result<(), Box<dyn Error>> {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = ffi.join("../include/ropeway.h");
    let config = cbindgen::Config::from_file(ffi.join("cbindgen.toml"))?;
    let mut generated = Vec::new();
    cbindgen::Builder::new()
        .with_crate(ffi)
        .with_config(config)
        .generate()?
        .write(&mut generated);
    let generated = String::from_utf8(generated)?;
    assert!(
        generated.contains("ropeway_engine_new("),
        "cbindgen has not found the functions"
    );

    if env::var_os("ROPEWAY_WRITE_HEADER").is_some() {
        fs::write(committed, generated)?;
        return Ok(());
    }
    let old = fs::read_to_string(&committed).unwrap_or_default();
    let differing = old
        .lines()
        .zip(generated.lines())
        .position(|(old, new)| old != new);
    let line = differing.unwrap_or(old.lines().count().min(generated.lines().count())) + 1;
    assert!(
        old == generated,
        "include/ropeway.h is stale from line {line} on; run `make header`"
    );
    Ok(())
}
