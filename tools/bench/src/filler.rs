//! Fills a database with tokens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::Args;

#[derive(Args)]
pub(crate) struct Filler {
    /// The program that fills the database
    #[arg(long, default_value = "target/release/examples/million_tokens")]
    filler: PathBuf,
    /// Number of tokens in the database
    #[arg(long, default_value_t = 1_000_000)]
    tokens: usize,
}

/// A token of the database.
pub(crate) struct Key {
    pub(crate) secret: String,
    /// Its organisation. An event of it has the same number.
    pub(crate) organisation: String,
}

impl Filler {
    /// Fills the database, which must have the demo data. Returns one of `one_in` tokens, chosen at random.
    pub(crate) fn fill(&self, url: &str, file: &Path, one_in: u32) -> Result<Vec<Key>> {
        let filled = Command::new(&self.filler)
            .arg(url)
            .arg(file)
            .args([self.tokens.to_string(), one_in.to_string()])
            .status()
            .with_context(|| format!("{} cannot be run", self.filler.display()))?;
        ensure!(filled.success(), "the database was not filled");
        let sample = fs::read_to_string(file)?;
        sample.lines().map(Key::parse).collect()
    }
}

impl Key {
    fn parse(line: &str) -> Result<Self> {
        let (secret, organisation) = line.split_once(' ').context("a line without a token")?;
        Ok(Self {
            secret: secret.to_owned(),
            organisation: organisation.to_owned(),
        })
    }
}
