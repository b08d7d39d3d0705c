//! Points in time as documents write them.

/// The last millisecond of the year 9999, beyond which no such text exists.
pub(crate) const MAX_UNIX_MS: i64 = 253_402_300_799_999;

/// `unix_ms` in UTC as in RFC 3339 with whole seconds: `2026-11-22T17:00:00Z`. `None` outside the years 1970 to 9999.
#[must_use]
pub fn rfc3339(unix_ms: i64) -> Option<String> {
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

/// The last millisecond of the day, or of the second, that `text` names in UTC: `2026-12-31` or `2026-11-22T17:00:00Z`.
/// `None` where it is neither, or outside the years 1970 to 9999.
#[must_use]
pub fn end_of(text: &str) -> Option<i64> {
    let second = if text.len() == "2026-12-31".len() { format!("{text}T23:59:59Z") } else { text.to_owned() };
    let number = |from: usize, to: usize| {
        let digits = second.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<i64>().ok()
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // The year begins in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + number(11, 13)?) * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    let unix_ms = seconds * 1000;
    // What is no date, such as the 30th of February, is written otherwise.
    (rfc3339(unix_ms)? == second).then_some(unix_ms + 999)
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
            assert_eq!(end_of(text), Some(seconds * 1000 + 999));
        }
        assert_eq!(rfc3339(-1), None);
        assert_eq!(rfc3339(MAX_UNIX_MS + 1), None);
        assert_eq!(end_of("1970-01-01"), Some(86_399_999));
        for none in [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "1969-12-31",
            "2026-1-011",
            "+026-01-01",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "é026-01-01",
        ] {
            assert_eq!(end_of(none), None, "{none}");
        }
    }
}
