//! A text that matches a pattern, for examples. Knows literals, classes, groups, alternatives and repeats; for the rest
//! there is no sample, and whoever asked goes on without.

/// Characters of a sample, at most.
const MAX_SAMPLE: usize = 4096;
/// Groups in groups.
const MAX_DEPTH: usize = 32;

/// A text that matches `pattern`, every open repeat taken `extra` times more than it must. The caller checks it: what is
/// read here is the core of the syntax.
pub(super) fn sample(pattern: &str, extra: usize) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0, extra };
    let text = reader.alternatives(0)?;
    (reader.at == chars.len()).then_some(text)
}

struct Reader<'c> {
    chars: &'c [char],
    at: usize,
    extra: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    /// The first of the alternatives; the others are read over.
    fn alternatives(&mut self, depth: usize) -> Option<String> {
        let first = self.row(depth)?;
        while self.eat('|') {
            self.row(depth)?;
        }
        Some(first)
    }

    fn row(&mut self, depth: usize) -> Option<String> {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            self.at += 1;
            let one = match c {
                '^' | '$' => continue,
                '(' => {
                    if depth == MAX_DEPTH || (self.eat('?') && !self.eat(':')) {
                        return None;
                    }
                    let inner = self.alternatives(depth + 1)?;
                    self.eat(')').then_some(inner)?
                }
                '[' => self.class()?.to_string(),
                '.' => "a".to_owned(),
                '\\' => match self.next()? {
                    'b' => continue,
                    c => escaped(c)?.to_string(),
                },
                '*' | '+' | '?' => return None,
                c => c.to_string(),
            };
            let times = self.repeat()?;
            if out.len().saturating_add(one.len().saturating_mul(times)) > MAX_SAMPLE {
                return None;
            }
            out.push_str(&one.repeat(times));
        }
        Some(out)
    }

    /// How often what came before is repeated.
    fn repeat(&mut self) -> Option<usize> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let least = self.number()?;
                let most = if self.eat(',') {
                    if self.peek() == Some('}') { None } else { Some(self.number()?) }
                } else {
                    Some(least)
                };
                (self.peek() == Some('}')).then_some((least, most))?
            }
            _ => return Some(1),
        };
        self.at += 1;
        self.eat('?');
        let wanted = least.saturating_add(self.extra);
        Some(most.map_or(wanted, |most| wanted.min(most)))
    }

    fn number(&mut self) -> Option<usize> {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars.get(from..self.at)?.iter().collect::<String>().parse().ok()
    }

    /// One character of a class whose bracket was read.
    fn class(&mut self) -> Option<char> {
        let negated = self.eat('^');
        let mut ranges: Vec<(char, char)> = Vec::new();
        while !self.eat(']') {
            let from = match self.next()? {
                '\\' => match self.next()? {
                    'w' => {
                        ranges.extend([('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')]);
                        continue;
                    }
                    'd' => {
                        ranges.push(('0', '9'));
                        continue;
                    }
                    c => escaped(c)?,
                },
                '[' => return None,
                c => c,
            };
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            let to = if is_range {
                self.at += 1;
                match self.next()? {
                    '\\' => escaped(self.next()?)?,
                    c => c,
                }
            } else {
                from
            };
            ranges.push((from, to));
        }
        let holds = |c: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
        if negated {
            return ('a'..='z').chain('0'..='9').chain(' '..='~').find(|c| !holds(*c));
        }
        ('a'..='z').chain('0'..='9').chain('A'..='Z').find(|c| holds(*c)).or_else(|| ranges.first().map(|r| r.0))
    }
}

/// One character that an escape stands for.
fn escaped(c: char) -> Option<char> {
    Some(match c {
        'd' => '0',
        'w' | 'D' | 'S' => 'a',
        's' => ' ',
        'W' => '-',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        c if c.is_alphanumeric() => return None,
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_patterns_that_authors_write() {
        for (pattern, extra, text) in [
            ("^[0-9]{5}$", 0, "00000"),
            ("^[A-Z]{3}(-[0-9]+)?$", 1, "AAA-00"),
            ("^(?:metric|imperial)$", 0, "metric"),
            (r"^\d{4}-\d{2}$", 0, "0000-00"),
            (r"^[\w.-]+@[^@]+$", 2, "aaa@aaa"),
            ("a{2,3}", 9, "aaa"),
            ("x*", 3, "xxx"),
        ] {
            assert_eq!(sample(pattern, extra).as_deref(), Some(text), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_read_has_no_sample() {
        for pattern in ["(?=a)", "(", ")", "a{", "[", r"\1", "*", r"\p{L}", "a{999999999}", r"(((a{999}){999}))"] {
            assert_eq!(sample(pattern, 0), None, "{pattern}");
        }
        assert_eq!(sample(&"(".repeat(100_000), 0), None);
    }
}
