//! Finds many needles in one pass over a text (Aho and Corasick, 1975), in memory that is wiped when it goes: what
//! other implementations build of the needles stays behind in the heap.

use std::{collections::VecDeque, ops::Range};

use zeroize::Zeroizing;

use super::Needle;

/// A trie of the needles with, for each state, the one of its longest proper suffix.
pub(super) struct Automaton {
    /// The byte that leads to a state.
    bytes: Zeroizing<Vec<u8>>,
    /// The first state below, and the next one below the same; 0 for none.
    first: Vec<u32>,
    next: Vec<u32>,
    /// The state of the longest proper suffix.
    suffix: Vec<u32>,
    /// The length of the longest needle that ends here; 0 for none.
    found: Vec<u32>,
    /// Whether that one shares its neighbours.
    shares: Vec<bool>,
    /// The states below the root, by byte.
    start: Zeroizing<Vec<u32>>,
}

fn at(states: &[u32], state: u32) -> u32 {
    states.get(state as usize).copied().unwrap_or_default()
}

impl Automaton {
    pub(super) fn new(needles: &[Needle]) -> Self {
        // Room for all from the start: a vector that grows leaves copies behind.
        let most = 1 + needles.iter().map(|needle| needle.bytes.len()).sum::<usize>();
        let mut bytes = Zeroizing::new(Vec::with_capacity(most));
        bytes.push(0);
        let mut automaton = Self {
            bytes,
            first: vec![0; most],
            next: vec![0; most],
            suffix: vec![0; most],
            found: vec![0; most],
            shares: vec![false; most],
            start: Zeroizing::new(vec![0; 256]),
        };
        for needle in needles {
            automaton.add(needle);
        }
        automaton.link();
        automaton
    }

    fn add(&mut self, needle: &Needle) {
        let mut state = 0;
        for &byte in needle.bytes.iter() {
            state = match self.below(state, byte) {
                Some(below) => below,
                None => self.add_below(state, byte),
            };
        }
        if let Some(found) = self.found.get_mut(state as usize) {
            *found = u32::try_from(needle.bytes.len()).unwrap_or(u32::MAX);
        }
        if let Some(shares) = self.shares.get_mut(state as usize) {
            *shares |= needle.shares_neighbours;
        }
    }

    fn add_below(&mut self, state: u32, byte: u8) -> u32 {
        let new = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.push(byte);
        if state == 0 {
            if let Some(start) = self.start.get_mut(usize::from(byte)) {
                *start = new;
            }
        } else if let (Some(first), Some(next)) = (self.first.get_mut(state as usize), self.next.get_mut(new as usize))
        {
            *next = *first;
            *first = new;
        }
        new
    }

    fn below(&self, state: u32, byte: u8) -> Option<u32> {
        if state == 0 {
            return self.start.get(usize::from(byte)).copied().filter(|below| *below != 0);
        }
        let mut below = at(&self.first, state);
        while below != 0 {
            if self.bytes.get(below as usize) == Some(&byte) {
                return Some(below);
            }
            below = at(&self.next, below);
        }
        None
    }

    /// The state after `byte`.
    fn step(&self, mut state: u32, byte: u8) -> u32 {
        loop {
            match self.below(state, byte) {
                Some(below) => return below,
                None if state == 0 => return 0,
                None => state = at(&self.suffix, state),
            }
        }
    }

    /// Finds each state's longest suffix, those of shorter strings first.
    fn link(&mut self) {
        let mut queue: VecDeque<u32> = self.start.iter().copied().filter(|state| *state != 0).collect();
        while let Some(state) = queue.pop_front() {
            let suffix = at(&self.suffix, state);
            // What ends here ends with what ends at the suffix, which is shorter.
            if at(&self.found, state) == 0 {
                let (found, shares) =
                    (at(&self.found, suffix), self.shares.get(suffix as usize).copied().unwrap_or_default());
                if let (Some(here), Some(shared)) =
                    (self.found.get_mut(state as usize), self.shares.get_mut(state as usize))
                {
                    (*here, *shared) = (found, shares);
                }
            }
            let mut below = at(&self.first, state);
            while below != 0 {
                let byte = self.bytes.get(below as usize).copied().unwrap_or_default();
                let target = self.step(suffix, byte);
                if let Some(suffix) = self.suffix.get_mut(below as usize) {
                    *suffix = target;
                }
                queue.push_back(below);
                below = at(&self.next, below);
            }
        }
    }

    /// Gives, for each place where a needle ends, the longest that does, and whether it shares its neighbours.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Range<usize>, bool)) {
        let mut state = 0;
        for (i, &byte) in text.iter().enumerate() {
            state = self.step(state, byte);
            let length = at(&self.found, state) as usize;
            if length > 0 {
                let shares = self.shares.get(state as usize).copied().unwrap_or_default();
                found(i + 1 - length..i + 1, shares);
            }
        }
    }
}
