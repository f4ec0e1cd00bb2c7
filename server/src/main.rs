//! The `developer-zone` program; everything it does is in the library beside it.

use std::process::ExitCode;

/// An answer is many small pieces of memory, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    server::cli::main().await
}
