//! Points in time as documents write them.

/// The last millisecond of the year 9999, beyond which no such text exists.
pub(crate) const MAX_UNIX_MS: i64 = 253_402_300_799_999;

/// `unix_ms` in UTC as in RFC 3339 with whole seconds: `2026-11-22T17:00:00Z`. `None` outside the years 1970 to 9999.
pub(crate) fn rfc3339(unix_ms: i64) -> Option<String> {
    if !(0..=MAX_UNIX_MS).contains(&unix_ms) {
        return None;
    }
    let seconds = unix_ms / 1000;
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    // 400 years always have 146,097 days, so at most 400 steps are left.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (68_169_599, "1972-02-28T23:59:59Z"),
            (68_169_600, "1972-02-29T00:00:00Z"),
            (946_684_799, "1999-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_355_105, "2026-11-22T13:45:05Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (13_574_563_200, "2400-02-29T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds * 1000).as_deref(), Some(text));
        }
        assert_eq!(rfc3339(-1), None);
        assert_eq!(rfc3339(MAX_UNIX_MS + 1), None);
    }
}
