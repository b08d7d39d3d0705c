//! TODO-ABOUT

use super::{Context, Family};

pub(super) static FAMILY: Family = Family { name: "plugin", about: "", rules: &[], check };

fn check(_cx: &mut Context<'_, '_>) {}
