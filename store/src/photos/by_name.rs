//! Statements that read photos by their names.

use super::listed::listed;
use crate::database::Sql;

/// Names of one statement. SQLite allows at most 500 parts of a compound statement.
pub(super) const NAMES: usize = 100;

/// What lists show of photos, by `names` names; the event is `$1`.
pub(super) fn find_listed(names: usize) -> Sql {
    by_name(listed!(), names)
}

/// Where the originals of photos are, by `names` names; the event is `$1`.
pub(super) fn find_originals(names: usize) -> Sql {
    by_name("image_id, original_path", names)
}

/// Reads each name by itself. For a list of names, PostgreSQL may scan the whole event: it does not know how many
/// photos a newly loaded event has.
pub(super) fn by_name(columns: &str, names: usize) -> Sql {
    let find = |name: usize| {
        let name = name + 2;
        format!("SELECT {columns} FROM photos WHERE event_id = $1 AND image_id = ${name}")
    };
    let each: Vec<_> = (0..names).map(find).collect();
    Sql::built(each.join(" UNION ALL "))
}
