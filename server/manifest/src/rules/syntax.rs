//! What keeps the file from being read as TOML.

use super::{Context, Family, FixKind, Rule};
use crate::syntax::SyntaxErrorKind;

pub(super) static FAMILY: Family = Family {
    name: "syntax",
    about: "The file as TOML 1.1: what keeps a daemon from reading it at all.",
    rules: &[
        &UNCLOSED_STRING,
        &BAD_STRING,
        &MISSING_EQUALS,
        &MISSING_VALUE,
        &BAD_VALUE,
        &UNCLOSED_BRACKET,
        &MISSING_COMMA,
        &BAD_KEY,
        &BAD_HEADER,
        &UNEXPECTED,
        &CONTROL_CHARACTER,
        &TOO_DEEP,
        &DUPLICATE_KEY,
        &TABLE_CONFLICT,
        &NOT_UTF8,
        &TOO_LARGE,
        &REFUSED,
    ],
    check,
};

pub(super) static UNCLOSED_STRING: Rule = Rule::rejects(
    "syntax/unclosed-string",
    FixKind::Unsafe,
    "A string is not closed",
    "A string in `\"` or `'` ends on its own line; one over several lines stands in `\"\"\"` or `'''`. Everything from the \
     next line that starts a key or a table is still checked.",
    "name = \"Weather",
    "name = \"Weather\"",
);

static BAD_STRING: Rule = Rule::rejects(
    "syntax/bad-string",
    FixKind::Safe,
    "A string holds an escape or a character that TOML does not know",
    "In `\"…\"` a backslash starts an escape: `\\\\ \\\" \\b \\e \\f \\n \\r \\t \\xHH \\uHHHH \\UHHHHHHHH`. Write `\\\\` for a \
     backslash itself, or put the string in single quotes, where nothing is an escape. Control characters other than tab \
     are written as escapes.",
    "name = \"50\\% weather\"",
    "name = '50\\% weather'",
);

static MISSING_EQUALS: Rule = Rule::rejects(
    "syntax/missing-equals",
    FixKind::Safe,
    "A key has no `=`",
    "Each line that is no table header is `key = value`.",
    "name \"Weather\"",
    "name = \"Weather\"",
);

static MISSING_VALUE: Rule = Rule::rejects(
    "syntax/missing-value",
    FixKind::None,
    "A key has no value",
    "Behind the `=`, on the same line, stands a value: a string in quotes, a number, `true`, `false`, `[…]` or `{…}`. TOML has \
     no null: leave out a key that has no value.",
    "name =",
    "name = \"Weather\"",
);

static BAD_VALUE: Rule = Rule::rejects(
    "syntax/bad-value",
    FixKind::Safe,
    "Something stands where a value belongs that is none",
    "Text needs quotes, booleans are `true` and `false` in lower case, numbers have no leading zeros.",
    "name = Weather",
    "name = \"Weather\"",
);

static UNCLOSED_BRACKET: Rule = Rule::rejects(
    "syntax/unclosed-bracket",
    FixKind::Safe,
    "An array or inline table is not closed",
    "`[` is closed by `]` and `{` by `}`. The table or key on the next line is read as if it were.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"\n",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]\n",
);

static MISSING_COMMA: Rule = Rule::rejects(
    "syntax/missing-comma",
    FixKind::Safe,
    "Two values of a list have no comma between them",
    "The values of an array and the entries of an inline table are separated by commas; one behind the last is allowed.",
    "[capabilities]\nhttp_egress_allowlist = [\"a.acme.example\" \"b.acme.example\"]",
    "[capabilities]\nhttp_egress_allowlist = [\"a.acme.example\", \"b.acme.example\"]",
);

static BAD_KEY: Rule = Rule::rejects(
    "syntax/bad-key",
    FixKind::Safe,
    "Something stands where a key belongs that is none",
    "A bare key has letters, digits, `_` and `-`; anything else stands in quotes.",
    "[operator.config.properties]\ncité = { type = \"string\" }",
    "[operator.config.properties]\ncity = { type = \"string\" }",
);

static BAD_HEADER: Rule = Rule::rejects(
    "syntax/bad-header",
    FixKind::Safe,
    "A table header is not complete",
    "A header is `[table]`, or `[[table]]` for one more element of an array of tables, alone on its line.",
    "[capabilities\nhttp_egress_allowlist = []",
    "[capabilities]\nhttp_egress_allowlist = []",
);

static UNEXPECTED: Rule = Rule::rejects(
    "syntax/unexpected",
    FixKind::Safe,
    "There is text where nothing is expected",
    "A line holds one key with its value, or one header, and perhaps a comment. Lines that start neither are told once, \
     together.",
    "name = \"Weather\",",
    "name = \"Weather\"",
);

static CONTROL_CHARACTER: Rule = Rule::rejects(
    "syntax/control-character",
    FixKind::Unsafe,
    "A control character stands outside a string",
    "TOML allows tab and the line ends `\\n` and `\\r\\n`, and no other control character, also in comments.",
    "",
    "",
);

static TOO_DEEP: Rule = Rule::rejects(
    "syntax/too-deep",
    FixKind::None,
    "Values or keys nest too deep",
    "A daemon reads at most 80 levels of arrays and inline tables in one value, and at most 80 parts of a dotted key.",
    "",
    "",
);

pub(super) static DUPLICATE_KEY: Rule = Rule::rejects(
    "syntax/duplicate-key",
    FixKind::Unsafe,
    "The same key or table is defined twice",
    "A key has one value, and a table is opened by one header (or written in dotted keys, or inline) only. Merge the two.",
    "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\nmin_palyra_version = \"0.1.0\"",
    "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
);

static TABLE_CONFLICT: Rule = Rule::rejects(
    "syntax/table-conflict",
    FixKind::None,
    "A key or header reaches into a value that is no open table",
    "A header or dotted key can add to tables that are written with headers or dotted keys, not to values, arrays or inline \
     tables.",
    "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\nmin_palyra_version.x = 1",
    "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
);

pub(crate) static NOT_UTF8: Rule = Rule::rejects(
    "syntax/not-utf8",
    FixKind::None,
    "The file is not UTF-8",
    "TOML is UTF-8. Save the file in that encoding; a daemon does not guess another.",
    "",
    "",
);

pub(crate) static TOO_LARGE: Rule = Rule::rejects(
    "syntax/too-large",
    FixKind::None,
    "The file is too large to be a manifest",
    "Skillyard does not read manifests above 4 MiB; a daemon takes no entry of an artifact above 16 MiB. Nothing else is \
     said about such a file.",
    "",
    "",
);

pub(crate) static REFUSED: Rule = Rule::rejects(
    "syntax/refused",
    FixKind::None,
    "A daemon refuses the file for a reason that no other rule names",
    "The message is the daemon's own. If you see this, another rule ought to have said it better: please report it.",
    "",
    "",
);

fn rule_of(kind: SyntaxErrorKind) -> &'static Rule {
    match kind {
        SyntaxErrorKind::UnclosedString => &UNCLOSED_STRING,
        SyntaxErrorKind::BadString => &BAD_STRING,
        SyntaxErrorKind::MissingEquals => &MISSING_EQUALS,
        SyntaxErrorKind::MissingValue => &MISSING_VALUE,
        SyntaxErrorKind::BadValue => &BAD_VALUE,
        SyntaxErrorKind::UnclosedBracket => &UNCLOSED_BRACKET,
        SyntaxErrorKind::MissingComma => &MISSING_COMMA,
        SyntaxErrorKind::BadKey => &BAD_KEY,
        SyntaxErrorKind::BadHeader => &BAD_HEADER,
        SyntaxErrorKind::Unexpected => &UNEXPECTED,
        SyntaxErrorKind::ControlCharacter => &CONTROL_CHARACTER,
        SyntaxErrorKind::TooDeep => &TOO_DEEP,
        SyntaxErrorKind::Duplicate => &DUPLICATE_KEY,
        SyntaxErrorKind::Conflict => &TABLE_CONFLICT,
    }
}

fn check(cx: &mut Context<'_, '_>) {
    for error in &cx.document.errors {
        let mut finding = cx.report(rule_of(error.kind), error.span, error.message.clone());
        for related in &error.related {
            finding = finding.related(related.span, related.message.clone());
        }
        if let Some(fix) = &error.fix {
            if fix.safe {
                finding.safe_fix(fix.title.clone(), fix.edits.clone());
            } else {
                finding.unsafe_fix(fix.title.clone(), fix.edits.clone());
            }
        }
    }
}
