//! What a tool gives, and what it is given, takes little memory whatever it is made of.

use std::process::{Child, Stdio};

use crate::{
    guest::{FOLDERS, Guest, report},
    skillyard::{Ran, holds_against},
};

/// What a call may take at most: text of 16 MiB in a few copies, and the worker.
const MOST: u64 = 150 << 20;
const QUOTAS: &str = "[capabilities.quotas]\nfuel_budget = 1000000000\n";

/// A command that gives a list of about 15 MB of `item`, of seven bytes, its comma with it.
fn lists(item: &str) -> Vec<u8> {
    assert_eq!(item.len(), 7);
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 260 260)
          (data (i32.const 16) "[{}")
          (func (export "_start") (local $n i32)
            (local.set $n (i32.const 7))
            (loop $double
              (memory.copy (i32.add (i32.const 17) (local.get $n)) (i32.const 17) (local.get $n))
              (local.set $n (i32.shl (local.get $n) (i32.const 1)))
              (br_if $double (i32.lt_u (local.get $n) (i32.const 8000000))))
            (i32.store16 (i32.add (i32.const 17) (local.get $n)) (i32.const 0x5d30))
            (i32.store (i32.const 0) (i32.const 16))
            (i32.store (i32.const 4) (i32.add (local.get $n) (i32.const 3)))
            (loop $all
              (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
              (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 8))))
              (i32.store (i32.const 4) (i32.sub (i32.load (i32.const 4)) (i32.load (i32.const 8))))
              (br_if $all (i32.load (i32.const 4))))))"#,
        item.replace('"', "\\\"")
    );
    wat::parse_str(text).unwrap()
}

/// Small values of the kinds that take most memory for their text.
const ITEMS: [&str; 3] = ["0,0,0 ,", "{\"\":0},", "[[[]]],"];

fn list(item: &str) -> String {
    format!("[{}0]", item.repeat(2_100_000))
}

/// How it ended, and the most bytes of memory that it or a process of its own had at once.
#[expect(unsafe_code, reason = "a call of the system that no library here has")]
fn ended(mut child: Child) -> (Ran, u64) {
    use std::io::Read as _;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut said = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || said.read_to_end(&mut err).map(|_| err));
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let mut status = 0;
    // SAFETY: zeroes are a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places live as long as the call.
    assert_eq!(unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) }, pid);
    let err = errors.join().unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: Some(libc::WEXITSTATUS(status)), out: text(out), err: text(err) };
    (ran, u64::try_from(usage.ru_maxrss).unwrap() << 10)
}

#[test]
fn output_of_tiny_values_is_refused_before_anything_is_built_of_it() {
    for item in ITEMS {
        let guest = Guest::with(lists(item), &["list"], &format!("{FOLDERS}{QUOTAS}"));
        let (ran, bytes) = ended(guest.begin(&["acme.list"]));
        println!("{item}: {} MiB", bytes >> 20);
        assert!(bytes < MOST, "{item}: {} MiB", bytes >> 20);
        let (code, report) = report(&ran);
        assert_eq!((code, &report["outcome"]), (Some(1), &"output_too_large".into()), "{}", report["error"]);
        assert!(report["error"].as_str().unwrap().contains("500000"), "{}", report["error"]);
        assert!(report["output"].is_null());
    }
}

#[test]
fn input_of_tiny_values_is_refused_before_anything_is_built_of_it() {
    for item in ITEMS {
        let guest = Guest::named("command", &["echo"], FOLDERS);
        guest.0.0.write("input.json", list(item));
        let (ran, bytes) = ended(guest.begin(&["acme.echo", "--input", "@input.json"]));
        println!("{item}: {} MiB", bytes >> 20);
        assert!(bytes < MOST, "{item}: {} MiB", bytes >> 20);
        let (code, report) = report(&ran);
        assert_eq!((code, &report["outcome"]), (Some(1), &"input_invalid".into()), "{}", report["error"]);
        assert_eq!(report["violations"][0]["keyword"], "budget");
    }
}

#[test]
fn cases_of_tiny_values_are_refused_one_by_one() {
    let guest = Guest::named("command", &["echo"], FOLDERS);
    let input = format!("[{}0]", "{\"\":0},".repeat(590_000));
    for n in 0..8 {
        let case = format!("{{\"tool\": \"acme.echo\", \"input\": {input}, \"expect\": {{\"outcome\": \"ok\"}}}}");
        guest.0.0.write(&format!("skill/tests/{n}.json"), case);
    }
    let mut command = guest.0.command(&["test", "skill", "--format", "json"]);
    let (ran, bytes) = ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    println!("{} MiB", bytes >> 20);
    assert!(bytes < MOST, "{} MiB", bytes >> 20);
    let report = ran.exits(1).json();
    holds_against("schema/test-report.schema.json", &report);
    for case in report["cases"].as_array().unwrap() {
        assert!(case["failures"][0].as_str().unwrap().contains("500000"), "{case:#}");
    }
}
