//! The keys of one table, in the order in which they first appear.

use std::{borrow::Cow, collections::HashMap, slice};

use crate::document::Field;

/// Up to here looking through the keys is faster than hashing one, and costs no memory.
const FEW: usize = 16;

/// The keys of a table with what belongs to each. Keys are found in a time that does not depend on how many there are.
#[derive(Debug, Default)]
pub struct Fields<'t> {
    entries: Vec<(Cow<'t, str>, Field<'t>)>,
    /// Where each key stands in `entries`, where there are more than a few.
    #[expect(clippy::box_collection, reason = "every table pays for the field, and nearly none needs the map")]
    places: Option<Box<HashMap<Cow<'t, str>, usize, foldhash::fast::RandomState>>>,
}

impl<'t> Fields<'t> {
    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(key).copied(),
            None => self.entries.iter().position(|(name, _)| name == key),
        }
    }

    /// What belongs to `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Field<'t>> {
        self.entries.get(self.position(key)?).map(|(_, field)| field)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Field<'t>> {
        let at = self.position(key)?;
        self.entries.get_mut(at).map(|(_, field)| field)
    }

    /// What belongs to `key`, which is `make`'s where the key is new.
    pub(crate) fn get_or_insert_with(
        &mut self,
        key: &Cow<'t, str>,
        make: impl FnOnce() -> Field<'t>,
    ) -> &mut Field<'t> {
        let at = match self.position(key) {
            Some(at) => at,
            None => {
                self.push(key.clone(), make());
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].1
    }

    /// Adds a key that is not there yet.
    pub(crate) fn push(&mut self, key: Cow<'t, str>, field: Field<'t>) {
        debug_assert!(self.position(&key).is_none(), "{key:?} twice");
        if let Some(places) = &mut self.places {
            places.insert(key.clone(), self.entries.len());
        }
        self.entries.push((key, field));
        if self.places.is_none() && self.entries.len() > FEW {
            let places = self.entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at));
            self.places = Some(Box::new(places.collect()));
        }
    }

    /// The first key.
    #[must_use]
    pub fn first(&self) -> Option<(&Cow<'t, str>, &Field<'t>)> {
        self.iter().next()
    }

    /// All keys with what belongs to them.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, 't> {
        Iter(self.entries.iter())
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &Cow<'t, str>> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// What belongs to the keys.
    pub fn values(&self) -> impl Iterator<Item = &Field<'t>> {
        self.entries.iter().map(|(_, field)| field)
    }
}

/// Goes through [`Fields`].
#[derive(Clone, Debug)]
pub struct Iter<'d, 't>(slice::Iter<'d, (Cow<'t, str>, Field<'t>)>);

impl<'d, 't> Iterator for Iter<'d, 't> {
    type Item = (&'d Cow<'t, str>, &'d Field<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, field)| (key, field))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_, '_> {}

impl<'d, 't> IntoIterator for &'d Fields<'t> {
    type Item = (&'d Cow<'t, str>, &'d Field<'t>);
    type IntoIter = Iter<'d, 't>;

    fn into_iter(self) -> Iter<'d, 't> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::{Node, NodeKind},
        text::Span,
    };

    #[test]
    fn keys_keep_their_order_and_are_found_few_or_many() {
        let mut fields = Fields::default();
        let names: Vec<String> = (0..100).map(|n| format!("key{n}")).collect();
        for (at, name) in names.iter().enumerate() {
            assert!(fields.get(name).is_none());
            let value = Node { span: Span::at(at), kind: NodeKind::Boolean(true) };
            fields.push(name.as_str().into(), Field { key: Span::at(at), entry: Span::at(at), value });
            for (at, known) in names.iter().take(at + 1).enumerate() {
                assert_eq!(fields.get(known).unwrap().key, Span::at(at));
                assert_eq!(fields.get_mut(known).unwrap().key, Span::at(at));
            }
        }
        assert!(fields.keys().eq(names.iter()));
        assert_eq!((fields.len(), fields.iter().len()), (100, 100));
        let made = fields.get_or_insert_with(&"key7".into(), || unreachable!("it is there"));
        assert_eq!(made.key, Span::at(7));
    }
}
