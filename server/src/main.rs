//! The program `developer-zone`. Its code is in the library of this package.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::cli::main().await
}
