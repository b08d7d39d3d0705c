//! `--deny`, `--warn` and `--allow`: severities by flag, in the order in which they were given.

use clap::{Arg, ArgAction, ArgMatches, Command};
use skillyard_manifest::{
    Level, Options, Severity,
    config::check_level,
    rules::{self, Rule},
};
use skillyard_project::{
    audit::Report,
    check::{Settings, covers},
};

use crate::error::Error;

// What the flags say.
#[derive(Clone, Default, Debug)]
pub struct LevelFlags {
    /// By rule code or family, in the order given.
    pub levels: Vec<(String, Level)>,
    /// `--deny warnings`: a warning fails the check as an error does.
    pub deny_warnings: bool,
}

impl LevelFlags {
    /// Refuses flags that would do nothing, since `command` looks at rules only that `looks_at` is true for.
    ///
    /// # Errors
    /// Names the flag's code and what looks at it instead.
    pub fn about(&self, command: &'static str, looks_at: fn(&Rule) -> bool) -> Result<(), Error> {
        for (code, _) in &self.levels {
            let meant: Vec<&Rule> = rules::all().filter(|rule| covers(code, rule.code)).collect();
            if meant.iter().any(|rule| looks_at(rule)) {
                continue;
            }
            let instead = if meant.iter().all(|rule| rules::is_about_modules(rule)) {
                "it is about modules: give it to `skillyard audit DIR`"
            } else if meant.iter().all(|rule| rules::is_about_calls(rule)) {
                "it is about what an editor shows after a call: set it in skillyard.toml"
            } else {
                "it is about the text: give it to `skillyard check`"
            };
            return Err(Error::LevelElsewhere { code: code.clone(), command, instead });
        }
        Ok(())
    }

    /// Whether anything was said.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && !self.deny_warnings
    }

    /// `base` with the flags over it.
    pub fn options(&self, base: Options) -> Options {
        Settings { levels: self.levels.clone(), ..Settings::default() }.options(base)
    }

    /// What `--deny warnings` makes of a report.
    pub fn deny(&self, report: &mut Report) {
        for finding in report.findings.iter_mut().filter(|_| self.deny_warnings) {
            finding.severity = match finding.severity {
                Severity::Warning => Severity::Error,
                other => other,
            };
        }
    }
}

/// The word that stands for every warning, whatever its rule.
const WARNINGS: &str = "warnings";

const FLAGS: [(&str, Level, &str); 3] = [
    ("deny", Level::Deny, "Report a rule or family as an error; `warnings` stands for every rule that warns"),
    ("warn", Level::Warn, "Report a rule or family as a warning"),
    ("allow", Level::Allow, "Do not report a rule or family"),
];

impl clap::Args for LevelFlags {
    fn augment_args(command: Command) -> Command {
        FLAGS.into_iter().fold(command, |command, (name, level, help)| {
            let flag = Arg::new(name)
                .long(name)
                .value_name("CODE")
                .action(ArgAction::Append)
                .value_parser(move |code: &str| parse(code, level))
                .help(help)
                .help_heading("Severities");
            command.arg(flag)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for LevelFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given: Vec<(usize, &String, Level)> = Vec::new();
        for (name, level, _) in FLAGS {
            let values = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            given.extend(places.zip(values).map(|(place, code)| (place, code, level)));
        }
        given.sort_by_key(|(place, ..)| *place);
        let mut flags = Self::default();
        for (_, code, level) in given {
            if code == WARNINGS { flags.deny_warnings = true } else { flags.levels.push((code.clone(), level)) }
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn parse(code: &str, level: Level) -> Result<String, String> {
    if code == WARNINGS && level == Level::Deny {
        return Ok(code.to_owned());
    }
    check_level(code, level).map(|()| code.to_owned()).map_err(|fault| fault.to_string())
}
