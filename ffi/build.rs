//! Gives the shared library its soname, libropeway.so.<abi>: plain cargo sets none, and a program would then ask for
//! the file's name whatever its interface. And leaves out the build id.

use std::env;
use std::error::Error;
use std::fs;

/// Where the number of the binary interface stands, once.
const SOURCE: &str = "src/version.rs";
const BEFORE: &str = "pub const ROPEWAY_ABI_VERSION: i32 = ";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={SOURCE}");
    let source = fs::read_to_string(SOURCE)?;
    let abi = source
        .lines()
        .find_map(|line| line.strip_prefix(BEFORE)?.strip_suffix(';'));
    let abi = abi.ok_or("no ROPEWAY_ABI_VERSION in src/version.rs")?;
    match env::var("CARGO_CFG_TARGET_OS")?.as_str() {
        "macos" | "ios" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libropeway.{abi}.dylib")
        }
        "windows" => {}
        _ => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libropeway.so.{abi}");
            // It would be made from the debug information too, so from the path of the build.
            println!("cargo:rustc-cdylib-link-arg=-Wl,--build-id=none");
        }
    }
    Ok(())
}
