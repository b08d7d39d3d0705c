//! The policies of a call: the bundled ones and a person's own file, parsed and strictly validated.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator, ffi::DetailedError};
use skillyard_manifest::{plain, show::words};

use super::Policies;

/// Characters of what Cedar says that are shown.
const MAX_PROBLEM: usize = 500;

/// What policies can speak of, in Cedar's schema language.
pub const SCHEMA: &str = include_str!("../../../../schema/policy.cedarschema");

/// The policies that always hold, in Cedar.
pub const BUNDLED: &str = include_str!("../../../../schema/policy.cedar");

/// What [`BUNDLED`] is called where a place in it is named.
const BUNDLED_NAME: &str = "schema/policy.cedar";

/// Longest policy file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Brackets and `if`s that may stand in each other in one policy, each.
const MAX_DEPTH: usize = 32;

/// Signs of operators in one policy. Each nests the policy a level deeper for those who evaluate it; a list in brackets
/// does not, however long it is.
const MAX_OPERATORS: usize = 1000;

/// Why policies cannot be used. Nothing runs then: see [`super::Decision::of_error`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicyError {
    /// The file is longer than [`MAX_BYTES`].
    TooLarge {
        /// The file.
        file: String,
        /// Its length in bytes.
        bytes: usize,
    },
    /// It is no Cedar, or a policy with a slot, which nothing here would fill.
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// A policy nests too deep to be read on any stack.
    TooDeep {
        /// The file.
        file: String,
        /// The line where the policy starts, from 1.
        line: usize,
    },
    /// A policy does not hold to the schema: it names what is not there, compares what is never equal, or can never
    /// apply.
    Invalid {
        /// The file.
        file: String,
        /// The line where the policy starts, from 1.
        line: usize,
        /// The policy's id.
        policy: String,
        /// What the validator says.
        problem: String,
    },
    /// Two policies have one id, so that a report could not tell them apart.
    SameId {
        /// The file.
        file: String,
        /// The line where the second one starts, from 1.
        line: usize,
        /// The id.
        policy: String,
        /// Where the first one is, such as `schema/policy.cedar:9`.
        first: String,
    },
    /// The schema of this program is broken, which a test excludes.
    Schema {
        /// What the parser says.
        problem: String,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { file, bytes } => write!(
                f,
                "{file}: a policy file has at most {MAX_BYTES} bytes, this one has {bytes}; nothing runs until it is shorter"
            ),
            Self::Syntax { file, line, column, problem } => write!(
                f,
                "{file}:{line}:{column}: this is no Cedar policy: {problem}; nothing runs until it is mended or taken out"
            ),
            Self::TooDeep { file, line } => write!(
                f,
                "{file}:{line}: a policy has at most {MAX_DEPTH} brackets or `if`s in each other and {MAX_OPERATORS} signs \
                 of operators, this one has more; split it, or write a list in brackets for a row of `||`"
            ),
            Self::Invalid { file, line, policy, problem } => write!(
                f,
                "{file}:{line}: policy `{policy}` does not hold to the schema: {problem}; nothing runs until it is mended \
                 or taken out"
            ),
            Self::SameId { file, line, policy, first } => write!(
                f,
                "{file}:{line}: a policy with the id `{policy}` is there already, at {first}; give this one an `@id` of \
                 its own"
            ),
            Self::Schema { problem } => {
                write!(f, "the policy schema of this program cannot be read: {problem}; report this as a bug")
            }
        }
    }
}

impl std::error::Error for PolicyError {}

/// The schema, parsed once in a process and only where it is needed.
pub(super) fn schema() -> Result<&'static Schema, PolicyError> {
    static PARSED: LazyLock<Result<Schema, String>> =
        LazyLock::new(|| SCHEMA.parse().map_err(|error: cedar_policy::CedarSchemaError| error.to_string()));
    PARSED.as_ref().map_err(|problem| PolicyError::Schema { problem: problem.clone() })
}

/// One policy of a file, as text.
struct Statement<'t> {
    /// From the first word to the semicolon.
    text: &'t str,
    /// Where it starts in the file, in bytes.
    start: usize,
    /// Whether it nests no deeper than is read.
    shallow: bool,
}

/// What makes a policy deep, counted without parsing it.
#[derive(Default)]
struct Depth {
    open: usize,
    deepest: usize,
    operators: usize,
    ifs: usize,
    word: String,
}

impl Depth {
    fn see(&mut self, c: char) {
        match c {
            '(' | '[' | '{' => self.open += 1,
            ')' | ']' | '}' => self.open = self.open.saturating_sub(1),
            '.' | '!' | '&' | '|' | '+' | '-' | '*' | '<' | '>' | '=' | '@' => self.operators += 1,
            _ => {}
        }
        self.deepest = self.deepest.max(self.open);
        if c.is_alphanumeric() || c == '_' {
            if self.word.len() < 8 {
                self.word.push(c);
            }
            return;
        }
        match self.word.as_str() {
            "if" => self.ifs += 1,
            "in" | "has" | "like" | "is" => self.operators += 1,
            _ => {}
        }
        self.word.clear();
    }

    fn is_shallow(&self) -> bool {
        self.deepest <= MAX_DEPTH && self.ifs <= MAX_DEPTH && self.operators <= MAX_OPERATORS
    }
}

/// Cuts a file at the semicolons, which stand only at the end of a policy, in strings and in comments. Each policy is
/// parsed on its own, so that it gets its own place in a report.
fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut out = Vec::new();
    let mut start = None;
    let mut depth = Depth::default();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '/' if chars.peek().is_some_and(|(_, next)| *next == '/') => {
                while chars.next_if(|(_, c)| *c != '\n').is_some() {}
                depth.see(' ');
            }
            c if c.is_whitespace() => depth.see(c),
            ';' => {
                let from = start.take().unwrap_or(at);
                let shallow = std::mem::take(&mut depth).is_shallow();
                out.push(Statement { text: text.get(from..=at).unwrap_or_default(), start: from, shallow });
            }
            c => {
                start.get_or_insert(at);
                depth.see(c);
                if c == '"' {
                    while let Some((_, c)) = chars.next() {
                        match c {
                            '\\' => drop(chars.next()),
                            '"' => break,
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    // What is left has no semicolon; the parser says so.
    if let Some(from) = start {
        let shallow = depth.is_shallow();
        out.push(Statement { text: text.get(from..).unwrap_or_default(), start: from, shallow });
    }
    out
}

/// The line and the column of a byte, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Where each policy is, by its id.
type Places = BTreeMap<String, (String, usize)>;

/// Adds the policies of one file to `set`.
fn add(set: &mut PolicySet, places: &mut Places, file: &str, text: &str) -> Result<(), PolicyError> {
    for statement in statements(text) {
        let (line, _) = place(text, statement.start);
        if !statement.shallow {
            return Err(PolicyError::TooDeep { file: file.to_owned(), line });
        }
        let parsed = Policy::parse(None, statement.text).map_err(|errors| {
            let error = errors.iter().next().map(DetailedError::from);
            let at = error
                .as_ref()
                .and_then(|error| error.source_locations.first())
                .map_or(statement.start, |label| statement.start + label.loc.start);
            let (line, column) = place(text, at);
            let mut problem = error.as_ref().map_or_else(|| errors.to_string(), |error| error.message.clone());
            if let Some(help) = error.and_then(|error| error.help) {
                problem = format!("{problem} ({help})");
            }
            PolicyError::Syntax { file: file.to_owned(), line, column, problem: words(&problem, MAX_PROBLEM) }
        })?;
        let id = parsed.annotation("id").map_or_else(|| format!("{file}:{line}"), str::to_owned);
        if let Some((file_of_first, line_of_first)) = places.get(&id) {
            return Err(PolicyError::SameId {
                file: file.to_owned(),
                line,
                policy: plain(&id),
                first: format!("{file_of_first}:{line_of_first}"),
            });
        }
        let broken = |problem: String| PolicyError::Invalid {
            file: file.to_owned(),
            line,
            policy: plain(&id),
            problem: words(&problem, MAX_PROBLEM),
        };
        set.add(parsed.new_id(PolicyId::new(&id))).map_err(|error| broken(error.to_string()))?;
        places.insert(id, (file.to_owned(), line));
    }
    Ok(())
}

/// Validates a whole set strictly. What the validator only warns of is refused too: a policy that can never apply, or
/// one with text that reads as another, would deny or permit nothing of what its writer thinks.
fn validate(set: &PolicySet, places: &Places) -> Result<(), PolicyError> {
    let result = Validator::new(schema()?.clone()).validate(set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), error.to_string()));
    let warnings = result.validation_warnings().map(|warning| (warning.policy_id(), warning.to_string()));
    let first = errors.chain(warnings).map(|(id, problem)| {
        let id: &str = id.as_ref();
        let (file, line) = places.get(id).cloned().unwrap_or_default();
        PolicyError::Invalid { file, line, policy: plain(id), problem: words(&problem, MAX_PROBLEM) }
    });
    first
        .min_by_key(|error| match error {
            PolicyError::Invalid { line, .. } => *line,
            _ => 0,
        })
        .map_or(Ok(()), Err)
}

impl Policies {
    /// The bundled policies and a person's own files, each given as its name for messages and its text.
    ///
    /// A person's policies are validated strictly against [`SCHEMA`] here. The bundled ones and the schema are constants
    /// of the program: a test validates them, so that a call without an own file spends no time on it.
    ///
    /// # Errors
    /// See [`PolicyError`]: the first thing that is wrong with the file, with its place. Without policies nothing can be
    /// decided, so nothing runs.
    pub fn load(user: &[(&str, &str)]) -> Result<Self, PolicyError> {
        let mut set = PolicySet::new();
        let mut places = Places::new();
        add(&mut set, &mut places, BUNDLED_NAME, BUNDLED)?;
        for &(file, text) in user {
            let file = words(file, MAX_PROBLEM);
            if text.len() > MAX_BYTES {
                return Err(PolicyError::TooLarge { file, bytes: text.len() });
            }
            // An editor on Windows may leave a mark in front.
            add(&mut set, &mut places, &file, text.strip_prefix('\u{feff}').unwrap_or(text))?;
        }
        if !user.is_empty() {
            validate(&set, &places)?;
        }
        Ok(Self { set })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> PolicyError {
        Policies::load(&[("my.cedar", text)]).err().unwrap()
    }

    #[test]
    fn the_bundled_policies_hold_strictly_to_the_schema_without_a_warning() {
        let (_, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        assert_eq!(warnings.count(), 0);
        let (mut set, mut places) = (PolicySet::new(), Places::new());
        add(&mut set, &mut places, BUNDLED_NAME, BUNDLED).unwrap();
        validate(&set, &places).unwrap();
        assert_eq!(places.len(), 6);
        for policy in set.policies() {
            for name in ["id", "hint"] {
                assert!(policy.annotation(name).is_some_and(|text| !text.is_empty()), "{policy} lacks @{name}");
            }
        }
    }

    #[test]
    fn a_file_is_cut_at_the_ends_of_policies_only() {
        let text = "// a; b\n@id(\"x;\\\";\") permit(principal, action, resource); // c;\n\n  forbid(principal,action,resource);\n// end";
        let cut: Vec<(&str, usize)> = statements(text).iter().map(|s| (s.text, place(text, s.start).0)).collect();
        assert_eq!(
            cut,
            [("@id(\"x;\\\";\") permit(principal, action, resource);", 2), ("forbid(principal,action,resource);", 4)]
        );
    }

    #[test]
    fn a_policy_without_an_id_is_named_by_its_place() {
        let text = "// mine\n\npermit(principal, action, resource);";
        let policies = Policies::load(&[("my.cedar", text)]).unwrap();
        assert!(policies.set.policy(&PolicyId::new("my.cedar:3")).is_some());
    }

    #[test]
    fn no_cedar_is_told_with_its_place() {
        let error =
            error("permit(principal, action, resource);\nforbid(principal, action,\n  resource) whem { true };");
        assert!(matches!(&error, PolicyError::Syntax { line: 3, column: 13, .. }), "{error:?}");
        assert!(error.to_string().starts_with("my.cedar:3:13: "), "{error}");
    }

    #[test]
    fn a_policy_without_its_semicolon_or_with_a_slot_is_refused() {
        assert!(matches!(error("permit(principal, action, resource)"), PolicyError::Syntax { line: 1, .. }));
        assert!(matches!(error("permit(principal == ?principal, action, resource);"), PolicyError::Syntax { .. }));
        assert!(matches!(error(";"), PolicyError::Syntax { line: 1, column: 1, .. }));
    }

    #[test]
    fn what_the_schema_does_not_know_is_told_with_its_place() {
        for (text, word) in [
            ("\nforbid(principal, action == Action::\"tool.exekute\", resource);", "tool.exekute"),
            ("\nforbid(principal, action, resource) when { principal.publishr == \"acme\" };", "publishr"),
            ("\nforbid(principal, action, resource) when { principal.publisher == 1 };", "policy"),
            ("\nforbid(principal == Person::\"me\", action, resource);", "Person"),
            ("\nforbid(principal, action, resource) when { 1 == 2 };", "my.cedar:2"),
        ] {
            let error = error(text);
            assert!(matches!(&error, PolicyError::Invalid { line: 2, .. }), "{error:?}");
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn an_id_that_is_taken_is_refused() {
        let taken = error("@id(\"sensitive-needs-approval\")\npermit(principal, action, resource);");
        assert!(
            matches!(&taken, PolicyError::SameId { line: 1, first, .. } if first.starts_with("schema/policy.cedar:")),
            "{taken:?}"
        );
        let twice = "@id(\"a\") permit(principal, action, resource);\n@id(\"a\") forbid(principal, action, resource);";
        assert!(matches!(error(twice), PolicyError::SameId { line: 2, .. }));
    }

    #[test]
    fn a_huge_or_deep_file_is_an_error() {
        assert!(matches!(error(&" ".repeat(MAX_BYTES + 1)), PolicyError::TooLarge { .. }));
        let when = |condition: &str| format!("permit(principal, action, resource) when {{ {condition} }};");
        let nested = |n: usize| when(&format!("{}true{}", "(".repeat(n), ")".repeat(n)));
        let ifs = |n: usize| when(&format!("{}true", "if context.approved then true else ".repeat(n)));
        for deep in [
            nested(100_000),
            ifs(10_000),
            when(&format!("true{}", " && context.approved".repeat(10_000))),
            when(&format!("context{}", ".tool".repeat(100_000))),
            when(&format!("{}true", "!".repeat(100_000))),
            format!("{} permit(principal, action, resource);", "@a(\"b\")".repeat(100_000)),
            "(".repeat(100_000),
        ] {
            assert!(matches!(error(&deep), PolicyError::TooDeep { line: 1, .. }));
        }
        // At the limits it is read, evaluated and dropped on the stack of any thread.
        for deep in [
            nested(MAX_DEPTH - 1),
            ifs(MAX_DEPTH),
            when(&format!("context.approved{}", " || context.approved".repeat(300))),
            when(&format!("1{} > 0", " + 1".repeat(990))),
        ] {
            assert!(Policies::load(&[("my.cedar", &deep)]).is_ok());
        }
        let _ = Policies::load(&[("my.cedar", &when(&format!("context{}", ".tool".repeat(990))))]);
    }

    #[test]
    fn a_long_list_is_not_deep() {
        let tools = vec!["Tool::\"acme.weather.today\""; 2000].join(", ");
        let text = format!("permit(principal, action, resource) when {{ [{tools}].contains(context.tool) }};");
        Policies::load(&[("my.cedar", &text)]).unwrap();
    }
}
