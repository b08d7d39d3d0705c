//! What one call may use up.

use super::{Context, Family, FixKind, Rule};
use crate::{
    diagnostic::{Daemon, Severity},
    edits, grammar,
    text::Span,
};

pub(super) static FAMILY: Family = Family {
    name: "quotas",
    about: "`capabilities.quotas`: what one call may use up.",
    rules: &[&ZERO, &MEMORY_TOO_SMALL, &MEMORY_BEYOND_REACH, &MEMORY_PART_PAGE, &TIMEOUT_TOO_LONG, &FUEL_TOO_SMALL],
    check,
};

static ZERO: Rule = Rule {
    code: "quotas/zero",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A timeout or a fuel budget is zero",
    details: "Zero means no time and no work at all, not \"unlimited\": there is no unlimited call. The fix sets what a daemon \
              takes where the key is left out.",
    bad: "[capabilities.quotas]\nwall_clock_timeout_ms = 0",
    good: "[capabilities.quotas]\nwall_clock_timeout_ms = 30000",
};

static MEMORY_TOO_SMALL: Rule = Rule {
    code: "quotas/memory-too-small",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "The memory quota is below one WebAssembly page",
    details: "`max_memory_bytes` counts bytes, and a module's memory grows by pages of 65536 bytes: less than one page holds \
              nothing. A small number often means megabytes.",
    bad: "[capabilities.quotas]\nmax_memory_bytes = 64",
    good: "[capabilities.quotas]\nmax_memory_bytes = 67108864",
};

static MEMORY_BEYOND_REACH: Rule = Rule {
    code: "quotas/memory-beyond-reach",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "The memory quota is more than a module can address",
    details: "A 32-bit WebAssembly module addresses 4294967296 bytes (4 GiB). What is above that can never be used, and tells \
              an operator that the skill needs more than it does.",
    bad: "[capabilities.quotas]\nmax_memory_bytes = 8589934592",
    good: "[capabilities.quotas]\nmax_memory_bytes = 4294967296",
};

static MEMORY_PART_PAGE: Rule = Rule {
    code: "quotas/memory-part-page",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "The memory quota is no whole number of pages",
    details: "A module's memory grows by pages of 65536 bytes, so the bytes of a page that does not fit as a whole can never be \
              used. The first fix says what is granted anyway, the second rounds up.",
    bad: "[capabilities.quotas]\nmax_memory_bytes = 1000000",
    good: "[capabilities.quotas]\nmax_memory_bytes = 1048576",
};

static TIMEOUT_TOO_LONG: Rule = Rule {
    code: "quotas/timeout-too-long",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A call may take more than ten minutes",
    details: "`wall_clock_timeout_ms` counts milliseconds of real time, while a person or a model waits for the answer. A call \
              that takes more than ten minutes is better split into several.",
    bad: "[capabilities.quotas]\nwall_clock_timeout_ms = 3600000",
    good: "[capabilities.quotas]\nwall_clock_timeout_ms = 60000",
};

static FUEL_TOO_SMALL: Rule = Rule {
    code: "quotas/fuel-too-small",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "The fuel budget ends a call before it has done anything",
    details: "A unit of fuel is about one WebAssembly instruction. A module that only reads its input and writes an answer \
              takes thousands; the default is ten million.",
    bad: "[capabilities.quotas]\nfuel_budget = 100",
    good: "[capabilities.quotas]\nfuel_budget = 10000000",
};

/// What a 32-bit module can address.
const REACH: u64 = 1 << 32;
const TEN_MINUTES: u64 = 600_000;
const LEAST_FUEL: u64 = 1_000;

fn check(cx: &mut Context<'_, '_>) {
    let Some(quotas) = cx.capabilities().and_then(|capabilities| capabilities.table("quotas")) else { return };
    // What is out of range is told by its type.
    let get = |key: &str| {
        let (span, value) = quotas.integer(key)?;
        Some((span, u64::try_from(value).ok()?))
    };
    if let Some((span, timeout)) = get("wall_clock_timeout_ms") {
        check_timeout(cx, span, timeout);
    }
    if let Some((span, fuel)) = get("fuel_budget") {
        check_fuel(cx, span, fuel);
    }
    if let Some((span, memory)) = get("max_memory_bytes") {
        check_memory(cx, span, memory);
    }
}

fn set(span: Span, value: u64) -> (String, Vec<crate::TextEdit>) {
    (format!("Set {value}"), vec![edits::replace(span, value.to_string())])
}

fn check_timeout(cx: &mut Context<'_, '_>, span: Span, timeout: u64) {
    if timeout == 0 {
        let (title, edits) = set(span, 30_000);
        cx.report(&ZERO, span, "a timeout of 0 ms leaves no time: set one in milliseconds, or leave the key out")
            .unsafe_fix(title, edits);
    } else if timeout > TEN_MINUTES {
        let (title, edits) = set(span, TEN_MINUTES);
        let message = format!("{timeout} ms is more than ten minutes for one call: nobody waits as long, lower it");
        cx.report(&TIMEOUT_TOO_LONG, span, message).unsafe_fix(title, edits);
    }
}

fn check_fuel(cx: &mut Context<'_, '_>, span: Span, fuel: u64) {
    let (title, edits) = set(span, 10_000_000);
    if fuel == 0 {
        cx.report(&ZERO, span, "a fuel budget of 0 allows no work: set one, or leave the key out")
            .unsafe_fix(title, edits);
    } else if fuel < LEAST_FUEL {
        let message = format!("{fuel} units of fuel are about as many instructions: no call gets anywhere with that");
        cx.report(&FUEL_TOO_SMALL, span, message).unsafe_fix(title, edits);
    }
}

fn check_memory(cx: &mut Context<'_, '_>, span: Span, memory: u64) {
    let page = grammar::MIN_MEMORY_BYTES;
    if memory < page {
        let message = format!("{memory} bytes of memory are less than one page: at least {page}");
        let finding = cx.report(&MEMORY_TOO_SMALL, span, message);
        let finding = if (1..=4096).contains(&memory) {
            let (title, edits) = set(span, memory << 20);
            finding.unsafe_fix(format!("{title} ({memory} MiB)"), edits)
        } else {
            finding
        };
        let (title, edits) = set(span, page);
        finding.unsafe_fix(format!("{title} (one page)"), edits);
    } else if memory > REACH {
        let (title, edits) = set(span, REACH);
        cx.report(
            &MEMORY_BEYOND_REACH,
            span,
            format!("a 32-bit module addresses at most {REACH} bytes: ask for no more"),
        )
        .safe_fix(title, edits);
    } else if !memory.is_multiple_of(page) {
        let below = memory / page * page;
        let (down, down_edits) = set(span, below);
        let (up, up_edits) = set(span, below + page);
        cx.report(
            &MEMORY_PART_PAGE,
            span,
            format!("memory grows by whole pages of {page} bytes: {below} of these can be used"),
        )
        .safe_fix(down, down_edits)
        .unsafe_fix(up, up_edits);
    }
}
