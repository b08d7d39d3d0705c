//! The whole file in canonical order.

use super::{Asked, ORGANIZE, Offer, Refactoring, Resolved, broken};
use crate::{
    Facts, Source,
    organize::{is_in_order, organize},
};

pub(super) static ORGANIZE_FILE: Refactoring =
    Refactoring { id: "organize", kind: ORGANIZE, title: "Put the file in canonical order", offer, resolve };

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    offers.push(Offer {
        id: ORGANIZE_FILE.id,
        title: ORGANIZE_FILE.title.to_owned(),
        kind: ORGANIZE_FILE.kind,
        data: String::new(),
        disabled: broken(asked.source).or_else(|| is_in_order(asked.source).then(|| "it is in order".to_owned())),
        about_file: true,
    });
}

fn resolve(source: &Source<'_>, _: &str, _: &Facts) -> Option<Resolved> {
    organize(source).map(Resolved::of)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{after, hindered};

    #[test]
    fn a_file_in_order_is_left_as_it_is() {
        assert_eq!(hindered("organize", "skill_id = \"a.b\"\n$0name = \"B\"\n"), "it is in order");
        assert_eq!(after("organize", "name = \"B\"$0\nskill_id = \"a.b\"\n"), "skill_id = \"a.b\"\nname = \"B\"\n");
        assert!(hindered("organize", "a =$0").contains("syntax errors"));
    }
}
