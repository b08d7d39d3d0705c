//! The document seen through the shape of a manifest: a key is found under its name, under its deprecated alias, and in
//! the place that it has where a table is written as an array of values.

use crate::{
    document::{Field, Node, NodeKind, Table},
    shape::{KeyShape, TableShape},
    text::Span,
};

/// A table of the manifest, however it is written.
#[derive(Clone, Copy, Debug)]
pub struct View<'d, 't> {
    /// Its shape.
    pub shape: &'static TableShape,
    /// Its range: the header, the braces, or the brackets.
    pub span: Span,
    written: Written<'d, 't>,
}

#[derive(Clone, Copy, Debug)]
enum Written<'d, 't> {
    Table(&'d Table<'t>),
    Values(&'d [Node<'t>]),
}

/// A value of the manifest.
#[derive(Clone, Copy, Debug)]
pub struct Item<'d, 't> {
    /// The value.
    pub node: &'d Node<'t>,
    /// Key and entry; `None` for a value in an array.
    pub field: Option<&'d Field<'t>>,
}

/// A string of the manifest.
#[derive(Clone, Copy, Debug)]
pub struct Text<'d, 't> {
    /// The value.
    pub node: &'d Node<'t>,
    /// What it says.
    pub value: &'d str,
}

impl<'d> Text<'d, '_> {
    /// The range of the string with its quotes.
    #[must_use]
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// What it says without white space around, as a daemon checks it.
    #[must_use]
    pub fn trimmed(&self) -> &'d str {
        self.value.trim()
    }
}

impl<'d, 't> View<'d, 't> {
    /// A table seen as `shape`.
    #[must_use]
    pub fn of_table(table: &'d Table<'t>, span: Span, shape: &'static TableShape) -> Self {
        Self { shape, span, written: Written::Table(table) }
    }

    /// A value seen as `shape`, if it is a table or an array of values.
    #[must_use]
    pub fn of_node(node: &'d Node<'t>, shape: &'static TableShape) -> Option<Self> {
        let written = match &node.kind {
            NodeKind::Table(table) => Written::Table(table),
            NodeKind::Array(array) if !array.of_tables => Written::Values(&array.items),
            _ => return None,
        };
        Some(Self { shape, span: node.span, written })
    }

    /// The table, unless it is written as an array of values.
    #[must_use]
    pub fn as_table(&self) -> Option<&'d Table<'t>> {
        match self.written {
            Written::Table(table) => Some(table),
            Written::Values(_) => None,
        }
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Item<'d, 't>> {
        let (index, key) = self.shape.key(name)?;
        match self.written {
            Written::Table(table) => {
                let field = table.get(key.name).or_else(|| table.get(key.alias?))?;
                Some(Item { node: &field.value, field: Some(field) })
            }
            Written::Values(values) => values.get(index).map(|node| Item { node, field: None }),
        }
    }

    /// All values with the shape of their keys, in the order of the shape.
    pub fn items(self) -> impl Iterator<Item = (&'static KeyShape, Item<'d, 't>)> {
        self.shape.keys.iter().filter_map(move |key| Some((key, self.get(key.name)?)))
    }

    /// The table behind `name`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<View<'d, 't>> {
        View::of_node(self.get(name)?.node, self.shape.child(name)?)
    }

    /// The tables of the array behind `name`; elements of another type are left out.
    #[must_use]
    pub fn tables(&self, name: &str) -> Vec<View<'d, 't>> {
        let Some(shape) = self.shape.child(name) else { return Vec::new() };
        let items = self.get(name).and_then(|item| item.node.as_array()).unwrap_or_default();
        items.iter().filter_map(|node| View::of_node(node, shape)).collect()
    }

    /// The string behind `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Text<'d, 't>> {
        let node = self.get(name)?.node;
        Some(Text { node, value: node.as_str()? })
    }

    /// The strings of the array behind `name`; elements of another type are left out.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<Text<'d, 't>> {
        let items = self.get(name).and_then(|item| item.node.as_array()).unwrap_or_default();
        items.iter().filter_map(|node| Some(Text { node, value: node.as_str()? })).collect()
    }

    /// The boolean behind `name`, or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(|item| item.node.as_bool()).unwrap_or(false)
    }

    /// The integer behind `name`.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<(Span, i128)> {
        let node = self.get(name)?.node;
        Some((node.span, node.as_integer()?))
    }
}
