//! The administrative state of a skill's versions, in a small SQLite table.
//!
//! A version without a row is active. What keeps a version from being run is a row with another state, and what keeps an
//! audit from quarantining it is that somebody gave a reason to let it run; a digest over the rows of both kinds
//! ([`Said::digest`]) is kept under the seal of the installed skills, so that a table to which one was added or from which
//! one was taken, or an older copy of it, is noticed. A row that says active without a reason decides nothing.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Row, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use skillyard_artifact::integrity::hex;

use crate::{
    durable::{Disk, Step},
    shown::Shown,
};

/// What a person said about a version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It may be run.
    Active,
    /// It may not: something was found.
    Quarantined,
    /// It may not: a person switched it off.
    Disabled,
}

impl Status {
    /// As it stands in the table and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Disabled => "disabled",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Quarantined, Self::Disabled].into_iter().find(|status| status.name() == name)
    }
}

/// The state of one version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The skill.
    pub skill_id: String,
    /// The version.
    pub version: String,
    /// Its state.
    pub status: Status,
    /// Why.
    pub reason: Option<String>,
    /// When what it is for was found, in milliseconds since 1970.
    pub detected_at_ms: i64,
    /// Who said so.
    pub operator_principal: String,
    /// When the row was made, in milliseconds since 1970.
    pub created_at_unix_ms: i64,
    /// When it was changed last, in milliseconds since 1970.
    pub updated_at_unix_ms: i64,
}

impl State {
    /// Whether it is the state of a version that nobody gave a reason for, as of one that was installed and no more.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        self.status == Status::Active && self.reason.is_none()
    }
}

/// What was said of versions: all that may not be run, and those that somebody gave a reason for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Said(BTreeMap<(String, String), State>);

impl Said {
    /// What was said of a version.
    #[must_use]
    pub fn of(&self, skill_id: &str, version: &str) -> Option<&State> {
        self.0.get(&(skill_id.to_owned(), version.to_owned()))
    }

    /// Why a version may not be run, if so.
    #[must_use]
    pub fn blocks(&self, skill_id: &str, version: &str) -> Option<&State> {
        self.of(skill_id, version).filter(|state| state.status != Status::Active)
    }

    /// The versions that may not be run, sorted by skill and version.
    pub fn blocked(&self) -> impl Iterator<Item = &State> {
        self.0.values().filter(|state| state.status != Status::Active)
    }

    /// What is kept under the seal: a SHA-256 over all rows in hex.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(b"skillyard said of versions 2\0", self.0.values())
    }

    /// What was kept under the seal when only the versions that may not be run were in it.
    pub(crate) fn first_digest(&self) -> String {
        digest(b"skillyard blocked versions 1\0", self.blocked())
    }

    /// The same with `states` put in place of what was said of those versions, and after that nothing of the `forgotten`
    /// ones that are active.
    #[must_use]
    pub fn with(mut self, states: &[State], forgotten: &[(String, String)]) -> Self {
        for state in states {
            let key = (state.skill_id.clone(), state.version.clone());
            match state.says_nothing() {
                true => self.0.remove(&key),
                false => self.0.insert(key, state.clone()),
            };
        }
        for key in forgotten {
            if self.0.get(key).is_some_and(|state| state.status == Status::Active) {
                self.0.remove(key);
            }
        }
        self
    }
}

fn digest<'s>(prefix: &[u8], states: impl Iterator<Item = &'s State>) -> String {
    let mut hash = Sha256::new_with_prefix(prefix);
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for state in states {
        part(state.skill_id.as_bytes());
        part(state.version.as_bytes());
        part(state.status.name().as_bytes());
        part(state.reason.as_deref().unwrap_or_default().as_bytes());
        part(&[u8::from(state.reason.is_some())]);
        part(state.operator_principal.as_bytes());
        for number in [state.detected_at_ms, state.created_at_unix_ms, state.updated_at_unix_ms] {
            part(&number.to_be_bytes());
        }
    }
    hex(&hash.finalize())
}

/// Each brings the table from the version of its place in the list to the next one.
const MIGRATIONS: [&str; 3] = [
    "CREATE TABLE skill_status (
        skill_id TEXT NOT NULL,
        version TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('active', 'quarantined', 'disabled')),
        reason TEXT,
        detected_at_ms INTEGER NOT NULL,
        operator_principal TEXT NOT NULL,
        created_at_unix_ms INTEGER NOT NULL,
        updated_at_unix_ms INTEGER NOT NULL,
        PRIMARY KEY (skill_id, version)
    ) STRICT, WITHOUT ROWID",
    // What is looked up before each run are the few that are blocked, not the many that are not.
    "CREATE INDEX skill_status_blocked ON skill_status (skill_id, version) WHERE status <> 'active'",
    // And those that somebody gave a reason for.
    "DROP INDEX skill_status_blocked;
     CREATE INDEX skill_status_said ON skill_status (skill_id, version) WHERE status <> 'active' OR reason IS NOT NULL",
];

/// The rows that the seal covers, in the words of the index over them, by which SQLite finds that.
const SAID: &str = "status <> 'active' OR reason IS NOT NULL";

const COLUMNS: &str = "skill_id, version, status, reason, detected_at_ms, operator_principal, created_at_unix_ms, \
                       updated_at_unix_ms";

/// The table's file.
#[derive(Debug)]
pub struct States {
    path: PathBuf,
    connection: Connection,
}

impl States {
    /// Opens the file, or nothing where it does not exist.
    ///
    /// # Errors
    /// If it is no such file.
    pub(crate) fn open_if_there(path: &Path) -> Result<Option<Self>, StateError> {
        match std::fs::symlink_metadata(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => match Self::open(path, &Disk::default()) {
                Err(StateError::Database { cause, .. }) if cannot_write(&cause) => {
                    Self::open_as_it_is(path, cause).map(Some)
                }
                opened => opened.map(Some),
            },
        }
    }

    /// Opens a file that cannot be written, for instance on a disk that is read only: SQLite cannot have its other files
    /// beside it then. Where it has some, it is not known what is in the file, and `cause` is why it is not opened.
    fn open_as_it_is(path: &Path, cause: rusqlite::Error) -> Result<Self, StateError> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return Err(StateError::Database { path: path.to_owned(), cause });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_URI;
        let mut uri = "file:".to_owned();
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
                byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        uri.push_str("?immutable=1");
        let fault = |cause| StateError::Database { path: path.to_owned(), cause };
        let connection = Connection::open_with_flags(uri, flags).map_err(fault)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(fault)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fault)?;
        match usize::try_from(version) {
            Ok(version) if version > MIGRATIONS.len() => Err(StateError::Newer { path: path.to_owned(), version }),
            // Nothing was ever written to it, and nothing can be.
            Ok(0) | Err(_) => Err(StateError::Database { path: path.to_owned(), cause }),
            Ok(_) => Ok(Self { path: path.to_owned(), connection }),
        }
    }

    /// Opens the file, made and brought to the newest form where that is missing.
    ///
    /// # Errors
    /// If it is no such file, is of a newer Skillyard, or cannot be made.
    pub(crate) fn open(path: &Path, disk: &Disk) -> Result<Self, StateError> {
        let fault = |cause| StateError::Database { path: path.to_owned(), cause };
        match std::fs::symlink_metadata(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                // For its owner alone from the start; SQLite gives its other files the same rights.
                disk.replace(path, b"").map_err(|cause| StateError::Write { path: path.to_owned(), cause })?;
            }
            Ok(metadata) if !metadata.is_file() => return Err(StateError::NotAFile { path: path.to_owned() }),
            _ => {}
        }
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // The folders' links were followed when the store was opened; a link in place of the file was refused above.
        let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
        connection.busy_timeout(Duration::from_secs(30)).map_err(fault)?;
        // What somebody else may have put into the file does nothing.
        connection.pragma_update(None, "trusted_schema", false).map_err(fault)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
        let version = |connection: &Connection| -> rusqlite::Result<usize> {
            connection
                .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
                .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
        };
        let found = version(&connection).map_err(fault)?;
        if found > MIGRATIONS.len() {
            return Err(StateError::Newer { path: path.to_owned(), version: found });
        }
        if found < MIGRATIONS.len() {
            disk.step(Step::Commit).map_err(|cause| StateError::Write { path: path.to_owned(), cause })?;
            let behavior = rusqlite::TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior).map_err(fault)?;
            // Another process may have been quicker.
            let found = version(&transaction).map_err(fault)?;
            for migration in MIGRATIONS.iter().skip(found) {
                transaction.execute_batch(migration).map_err(fault)?;
            }
            transaction
                .pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))
                .map_err(fault)?;
            transaction.commit().map_err(fault)?;
        }
        Ok(Self { path: path.to_owned(), connection })
    }

    fn fault(&self) -> impl Fn(rusqlite::Error) -> StateError + '_ {
        |cause| StateError::Database { path: self.path.clone(), cause }
    }

    /// What was said of versions.
    ///
    /// # Errors
    /// If the table cannot be read, or says what Skillyard never writes.
    pub(crate) fn said(&self) -> Result<Said, StateError> {
        let query = format!("SELECT {COLUMNS} FROM skill_status WHERE {SAID}");
        let mut statement = self.connection.prepare(&query).map_err(self.fault())?;
        let rows = statement.query_map([], state_of).map_err(self.fault())?;
        let mut said = Said::default();
        for row in rows {
            let state = row.map_err(self.fault())?;
            said.0.insert((state.skill_id.clone(), state.version.clone()), state);
        }
        Ok(said)
    }

    /// What the table says of one version.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn of(&self, skill_id: &str, version: &str) -> Result<Option<State>, StateError> {
        let query = format!("SELECT {COLUMNS} FROM skill_status WHERE skill_id = ?1 AND version = ?2");
        let mut statement = self.connection.prepare(&query).map_err(self.fault())?;
        let mut rows = statement.query_map([skill_id, version], state_of).map_err(self.fault())?;
        rows.next().transpose().map_err(self.fault())
    }

    /// Writes `states`, and forgets the active rows of the `gone` versions of a skill; all or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&mut self, disk: &Disk, states: &[State], gone: &[(String, String)]) -> Result<(), StateError> {
        let path = self.path.clone();
        let fault = |cause| StateError::Database { path: path.clone(), cause };
        let transaction = self.connection.transaction().map_err(fault)?;
        for state in states {
            transaction
                .execute(
                    &format!("INSERT OR REPLACE INTO skill_status ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
                    params![
                        state.skill_id,
                        state.version,
                        state.status.name(),
                        state.reason,
                        state.detected_at_ms,
                        state.operator_principal,
                        state.created_at_unix_ms,
                        state.updated_at_unix_ms
                    ],
                )
                .map_err(fault)?;
        }
        for (skill_id, version) in gone {
            let forget = "DELETE FROM skill_status WHERE skill_id = ?1 AND version = ?2 AND status = 'active'";
            transaction.execute(forget, [skill_id, version]).map_err(fault)?;
        }
        disk.step(Step::Commit).map_err(|cause| StateError::Write { path: path.clone(), cause })?;
        transaction.commit().map_err(fault)
    }
}

/// Whether nothing is the matter with a file but that it cannot be written where it is.
fn cannot_write(cause: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(cause.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly))
}

fn state_of(row: &Row<'_>) -> rusqlite::Result<State> {
    let status: String = row.get(2)?;
    let status = Status::from_name(&status)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(2, "status".to_owned(), rusqlite::types::Type::Text))?;
    Ok(State {
        skill_id: row.get(0)?,
        version: row.get(1)?,
        status,
        reason: row.get(3)?,
        detected_at_ms: row.get(4)?,
        operator_principal: row.get(5)?,
        created_at_unix_ms: row.get(6)?,
        updated_at_unix_ms: row.get(7)?,
    })
}

/// Why the table does not do.
#[derive(Debug)]
pub enum StateError {
    /// SQLite says no.
    Database {
        /// The file.
        path: PathBuf,
        /// Its words.
        cause: rusqlite::Error,
    },
    /// It cannot be made or written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Something else is in its place.
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// It was written by a Skillyard that knows more.
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its form.
        version: usize,
    },
}

impl StateError {
    /// Whether the file is no table of states, and not that it cannot be read just now.
    pub(crate) fn is_broken(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
        match self {
            // Another table than ours, or what is in it: `Unknown` is SQLite's word for what a query does not find.
            Self::Database { cause, .. } => {
                matches!(cause.sqlite_error_code(), None | Some(DatabaseCorrupt | NotADatabase | Unknown))
            }
            Self::NotAFile { .. } => true,
            Self::Write { .. } | Self::Newer { .. } => false,
        }
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { path, cause } => {
                write!(f, "the states of skills in {}: {}", Shown(path), skillyard_manifest::plain(&cause.to_string()))
            }
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::NotAFile { path } => write!(f, "{} is no file: remove what is in its place", Shown(path)),
            Self::Newer { path, version } => write!(
                f,
                "the states of skills in {} are of form {version}, this Skillyard knows {}: use the newer one",
                Shown(path),
                MIGRATIONS.len()
            ),
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database { cause, .. } => Some(cause),
            Self::Write { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    fn state(version: &str, status: Status) -> State {
        State {
            skill_id: "acme.x".to_owned(),
            version: version.to_owned(),
            status,
            reason: Some("found \"it\"".to_owned()),
            detected_at_ms: 1,
            operator_principal: "ada".to_owned(),
            created_at_unix_ms: 2,
            updated_at_unix_ms: 3,
        }
    }

    #[test]
    fn what_is_written_is_read_and_the_digest_follows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("states.sqlite3");
        assert!(States::open_if_there(&path).unwrap().is_none());
        let disk = Disk::default();
        let mut states = States::open(&path, &disk).unwrap();
        let empty = states.said().unwrap();
        assert_eq!(empty, Said::default());
        let nothing_said = State { reason: None, ..state("3.0.0", Status::Active) };
        let rows = [state("1.0.0", Status::Quarantined), state("2.0.0", Status::Active), nothing_said];
        states.write(&disk, &rows, &[]).unwrap();
        let said = States::open_if_there(&path).unwrap().unwrap().said().unwrap();
        assert_eq!(said, empty.clone().with(&rows, &[]));
        assert_eq!(said.blocked().collect::<Vec<_>>(), [&rows[0]]);
        assert_eq!((said.of("acme.x", "2.0.0"), said.blocks("acme.x", "2.0.0")), (Some(&rows[1]), None));
        assert_eq!(said.of("acme.x", "3.0.0"), None);
        assert_ne!(said.digest(), empty.digest());
        assert_ne!(said.digest(), empty.clone().with(&rows[..1], &[]).digest(), "who enabled it is in it");
        assert_eq!(states.of("acme.x", "2.0.0").unwrap(), Some(rows[1].clone()));

        // Only what is active is forgotten with its version.
        let both = ["1.0.0", "2.0.0"].map(|version| ("acme.x".to_owned(), version.to_owned()));
        states.write(&disk, &[], &both).unwrap();
        assert_eq!(states.of("acme.x", "2.0.0").unwrap(), None);
        let said = said.with(&[], &both);
        assert_eq!(states.said().unwrap(), said);
        let active = State { reason: None, ..state("1.0.0", Status::Active) };
        states.write(&disk, std::slice::from_ref(&active), &[]).unwrap();
        assert_eq!(states.said().unwrap().digest(), empty.digest());
        assert_eq!(said.with(&[active], &[]).digest(), empty.digest());
    }

    #[test]
    fn an_older_form_is_brought_forward_and_a_newer_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("states.sqlite3");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection
            .execute("INSERT INTO skill_status VALUES ('a.b', '1.0.0', 'disabled', NULL, 1, 'ada', 2, 3)", [])
            .unwrap();
        drop(connection);
        let states = States::open(&path, &Disk::default()).unwrap();
        assert_eq!(states.said().unwrap().blocked().count(), 1);
        let query = format!("EXPLAIN QUERY PLAN SELECT {COLUMNS} FROM skill_status WHERE {SAID}");
        let plan: String = states.connection.query_row(&query, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX skill_status_said"), "{plan}");
        states.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(states);
        assert!(matches!(States::open(&path, &Disk::default()), Err(StateError::Newer { version: 99, .. })));
    }

    #[test]
    fn a_table_is_read_where_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("the states? #1.sqlite3");
        let disk = Disk::default();
        let mut states = States::open(&path, &disk).unwrap();
        states.write(&disk, &[state("1.0.0", Status::Quarantined)], &[]).unwrap();
        let said = states.said().unwrap();
        let cause = || rusqlite::Error::QueryReturnedNoRows;
        assert!(States::open_as_it_is(&path, cause()).is_err(), "what is beside it is not in it yet");
        drop(states);
        assert_eq!(States::open_as_it_is(&path, cause()).unwrap().said().unwrap(), said);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_table_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("states.sqlite3");
        std::fs::write(&path, "this is no database, and long enough to be looked at as one by SQLite").unwrap();
        assert!(matches!(States::open(&path, &Disk::default()), Err(StateError::Database { .. })));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(States::open(&path, &Disk::default()), Err(StateError::NotAFile { .. })));
    }
}
