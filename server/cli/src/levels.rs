//! `--deny`, `--warn` and `--allow`: severities by flag, in the order in which they were given.

use clap::{Arg, ArgAction, ArgMatches, Command};
use skillyard_manifest::{Level, config::check_level};

// What the flags say.
#[derive(Clone, Default, Debug)]
pub struct LevelFlags {
    /// By rule code or family, in the order given.
    pub levels: Vec<(String, Level)>,
    /// `--deny warnings`: a warning fails the check as an error does.
    pub deny_warnings: bool,
}

/// The word that stands for every warning, whatever its rule.
const WARNINGS: &str = "warnings";

const FLAGS: [(&str, Level, &str); 3] = [
    ("deny", Level::Deny, "Report a rule or family as an error; `warnings` makes every warning fail the check"),
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
