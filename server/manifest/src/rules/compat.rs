//! TODO-ABOUT

use super::{Context, Family};

pub(super) static FAMILY: Family = Family { name: "compat", about: "", rules: &[], check };

fn check(_cx: &mut Context<'_, '_>) {}
