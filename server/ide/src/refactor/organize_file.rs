//! The whole file in canonical order.

use super::{Asked, ORGANIZE, Offer, Refactoring, Resolved, broken};
use crate::{Facts, Source, organize::organize};

pub(super) static ORGANIZE_FILE: Refactoring =
    Refactoring { id: "organize", kind: ORGANIZE, title: "Put the file in canonical order", offer, resolve };

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    offers.push(Offer {
        id: ORGANIZE_FILE.id,
        title: ORGANIZE_FILE.title.to_owned(),
        kind: ORGANIZE_FILE.kind,
        data: String::new(),
        disabled: broken(asked.source),
        about_file: true,
    });
}

fn resolve(source: &Source<'_>, _: &str, _: &Facts) -> Option<Resolved> {
    organize(source).map(Resolved::of)
}
