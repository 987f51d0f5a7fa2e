//! What goes into statements and comes out of queries.

/// A parameter of a statement, or a cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, or none.
    Text(Option<String>),
    /// A number, or none.
    Number(Option<i64>),
    /// A cell that is neither, such as a text that is no UTF-8.
    Unreadable,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

/// A row's cells, in the order of the query.
#[derive(Debug)]
pub struct Row(Vec<Value>);

impl Row {
    pub(crate) fn new(cells: impl IntoIterator<Item = Value>) -> Self {
        Self(cells.into_iter().collect())
    }

    /// The text of a cell; none for `NULL` and for what is no text.
    pub(crate) fn text(&mut self, column: usize) -> Option<String> {
        match self.0.get_mut(column) {
            Some(Value::Text(text)) => text.take(),
            _ => None,
        }
    }

    /// All cells, those that were taken as `NULL`.
    pub(crate) fn into_cells(self) -> impl Iterator<Item = Value> {
        self.0.into_iter()
    }

    /// The number of a cell; 0 for what is none.
    pub(crate) fn number(&self, column: usize) -> i64 {
        self.optional_number(column).unwrap_or_default()
    }

    /// The number of a cell; none for `NULL` and for what is no number.
    pub(crate) fn optional_number(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Number(number)) => *number,
            _ => None,
        }
    }

    /// The number of a cell that is never negative.
    pub(crate) fn count(&self, column: usize) -> u64 {
        u64::try_from(self.number(column)).unwrap_or_default()
    }
}
