//! A table of several columns, for people.

use crate::output;

/// What a terminal has at least.
const WIDTH: usize = 80;

/// Rows of the same number of cells, below a heading.
pub(crate) struct Columns<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Columns<N> {
    pub(crate) fn new(heading: [&str; N]) -> Self {
        Self(vec![heading.map(str::to_owned)])
    }

    pub(crate) fn push(&mut self, row: [String; N]) {
        self.0.push(row.map(|cell| output::printable(&cell)));
    }

    /// Writes it to standard output. The cells of the column `flexible` are cut where the lines would be
    /// longer than a terminal is wide; the others never are, so that they can be copied.
    pub(crate) fn print(mut self, flexible: usize) -> anyhow::Result<()> {
        let width = |rows: &[[String; N]], column: usize| {
            rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or_default()
        };
        let mut widths: [usize; N] = std::array::from_fn(|column| width(&self.0, column));
        let total = widths.iter().sum::<usize>() + 2 * N.saturating_sub(1);
        if let Some(room) = widths.get_mut(flexible) {
            *room = room.saturating_sub(total.saturating_sub(WIDTH)).max((*room).min(8));
            for cell in self.0.iter_mut().filter_map(|row| row.get_mut(flexible)) {
                cut(cell, *room);
            }
        }
        let lines = self.0.iter().map(|row| {
            let cells: Vec<_> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            format!("{}\n", cells.join("  ").trim_end())
        });
        output::bytes(lines.collect::<String>().as_bytes())
    }
}

/// Cuts a text to that many characters, the last of which then says so.
fn cut(text: &mut String, width: usize) {
    if text.chars().count() > width {
        *text = text.chars().take(width.saturating_sub(1)).chain(['…']).collect();
    }
}
