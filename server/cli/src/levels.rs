//! `--deny`, `--warn` and `--allow`: severities by flag, in the order in which they were given.

use clap::{Arg, ArgAction, ArgMatches, Command};
use skillyard_manifest::{
    Level, Options, Severity,
    config::check_level,
    rules::{self, Rule},
};
use skillyard_project::{audit::Report, check::Settings};

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
    /// Refuses what is said of rules that `command` does not look at: of what `looked_at` is false for.
    ///
    /// # Errors
    /// Names the code and what is about it instead.
    pub fn about(&self, command: &'static str, looked_at: fn(&Rule) -> bool) -> Result<(), Error> {
        let named = |code: &str, rule: &Rule| match code.strip_suffix('*') {
            Some(family) => rule.code.starts_with(family),
            None => rule.code == code,
        };
        for (code, _) in &self.levels {
            let mut of = rules::all().filter(|rule| named(code, rule)).peekable();
            let first = of.peek().copied();
            if !of.any(looked_at) {
                let instead = match first {
                    Some(rule) if rules::is_about_modules(rule) => {
                        "it is about modules: give it to `skillyard audit DIR`"
                    }
                    Some(rule) if rules::is_about_calls(rule) => {
                        "it is about what a call has shown: set it in skillyard.toml"
                    }
                    _ => "it is about the text: give it to `skillyard check`",
                };
                return Err(Error::LevelElsewhere { code: code.clone(), command, instead });
            }
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
    ("deny", Level::Deny, "Report a rule or family as an error; with `warnings` every warning fails too"),
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
