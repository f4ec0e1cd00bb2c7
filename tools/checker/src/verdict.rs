//! The verdict on a run.

use std::fmt;

/// The report of a judged run.
pub(crate) trait Verdict: fmt::Display {
    /// Whether the run saw enough and found no problem.
    fn passed(&self) -> bool;

    /// Whether the run found broken promises, but no other problem. It may have seen too little elsewhere.
    fn caught_a_broken_promise(&self) -> bool;

    /// Whether the only problem is that the run saw too little, as on a very busy machine.
    fn saw_too_little(&self) -> bool;
}
