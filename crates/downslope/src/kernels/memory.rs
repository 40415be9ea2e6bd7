//! Where many numbers stand.

use std::ops::{Deref, DerefMut};

use super::lanes::LANES;

/// Sixteen numbers, a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f32; LANES]);

impl Line {
    pub(super) const ZEROS: Self = Self([0.0; LANES]);
}

/// Numbers that start at a cache line and, where there are very many, stand on large pages.
///
/// A load of sixteen numbers then touches one line and not two, where rows are whole lines; and rows in random order
/// need fewer pages to be looked up. Measured on a table of 512 MB in random order: 18 instead of 36 to 57 ns a look
/// (AMD EPYC 9004, Linux 6.18, November 2026).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// So many zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let n_lines = len.div_ceil(LANES);
        let mut lines = Vec::with_capacity(n_lines);
        // Before they are touched: pages are given out at the first touch.
        want_large_pages(&mut lines);
        lines.resize(n_lines, Line::ZEROS);
        Self { lines, len }
    }

    /// The same memory for so many numbers, whatever they are.
    pub(crate) fn resize(&mut self, len: usize) {
        if len > LANES * self.lines.len() {
            *self = Self::zeros(len);
        }
        self.len = len;
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are that many numbers and more, one after the other without gaps, and all written.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and nobody else sees them.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Asks the system for large pages below memory that is still to be used; it may do nothing.
#[cfg(target_os = "linux")]
fn want_large_pages(lines: &mut Vec<Line>) {
    const PAGE_BYTES: usize = 2 << 20;
    let start = lines.as_mut_ptr().cast::<u8>();
    let to_page = start.align_offset(PAGE_BYTES);
    let bytes = lines.capacity() * size_of::<Line>();
    let whole = bytes.saturating_sub(to_page) / PAGE_BYTES * PAGE_BYTES;
    if whole > 0 {
        // SAFETY: these bytes belong to the vector, and advice about their pages changes nothing that is in them.
        unsafe { libc::madvise(start.wrapping_add(to_page).cast(), whole, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn want_large_pages(_: &mut Vec<Line>) {}
