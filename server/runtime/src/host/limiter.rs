//! Memories and tables of a call together, counted and bounded.

use wasmtime::ResourceLimiter;

use crate::call::{Limits, Memory};

/// What an element of a table costs the host, in bytes.
const ELEMENT_BYTES: u64 = size_of::<usize>() as u64;

/// Counts what a call's memories and tables take, all of them together, and refuses what is too much.
///
/// What was allowed and then failed stays counted: the engine tells of failures that it never asked about too, so giving
/// back would let a guest count backwards.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: u64,
    table_elements: usize,
    instances: usize,
    now: u64,
    peak: u64,
    /// The most bytes that were wanted and refused.
    pub(super) refused_memory: Option<u64>,
    /// The most elements of one table that were wanted and refused.
    pub(super) refused_table: Option<usize>,
    /// Whether something was refused that a daemon, which bounds each memory for itself, would have given.
    pub(super) stricter: bool,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.memory_bytes,
            table_elements: limits.table_elements as usize,
            instances: limits.instances as usize,
            now: 0,
            peak: 0,
            refused_memory: None,
            refused_table: None,
            stricter: false,
        }
    }

    pub(super) fn memory(&self) -> Memory {
        Memory { peak_bytes: self.peak, limit_bytes: self.limit }
    }

    /// Takes `more` bytes on top of what there is, for something that has `alone` of them then.
    fn take(&mut self, more: u64, alone: u64) -> bool {
        let wanted = self.now.saturating_add(more);
        if wanted > self.limit {
            self.refused_memory = self.refused_memory.max(Some(wanted));
            self.stricter |= alone <= self.limit;
            return false;
        }
        self.now = wanted;
        self.peak = self.peak.max(wanted);
        true
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.take(desired.saturating_sub(current) as u64, desired as u64))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if desired > self.table_elements {
            self.refused_table = self.refused_table.max(Some(desired));
            return Ok(false);
        }
        // A daemon counts no table as memory.
        Ok(self.take((desired.saturating_sub(current) as u64).saturating_mul(ELEMENT_BYTES), 0))
    }

    fn instances(&self) -> usize {
        self.instances
    }
}
