//! Tools that ask over HTTP, of a real server on this machine, and tools that are ended while they wait.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::guest::{ASKS, Guest};

/// A server on this machine, each request told when its head has come.
struct Server {
    port: u16,
    heads: Receiver<Vec<String>>,
}

/// Answers each connection by what `answer` does.
fn serve(answer: impl Fn(u16, &mut TcpStream) -> std::io::Result<()> + Send + Sync + Clone + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heads) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer, tell) = (stream.unwrap(), answer.clone(), tell.clone());
            thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let _ = tell.send(head);
                // The other side may go at any time.
                let _ = answer(port, &mut stream);
            });
        }
    });
    Server { port, heads }
}

fn ask(guest: &Guest, host: &str, port: u16, more: &[&str]) -> Value {
    let input = format!("\"{host}:{port}\"");
    guest.fine(&[&["acme.ask", "--approve", "--input", &input], more].concat())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:#}"))
}

#[test]
fn a_listed_host_is_asked_and_no_other() {
    let server = serve(|_, stream| stream.write_all(b"HTTP/1.1 203 Fine\r\nContent-Length: 4\r\n\r\nbody"));
    let guest = Guest::named("skill", &["ask"], ASKS);
    let report = ask(&guest, "localhost", server.port, &["--allow-loopback"]);
    assert_eq!(report["output"], "203 body", "{report:#}");
    assert_eq!(report["host_calls"][0]["decision"], "allowed");
    assert!(text(&report["host_calls"][0]["arguments"]).contains(&format!("http://localhost:{}/x", server.port)));
    let head = server.heads.recv().unwrap();
    assert_eq!(head[0], "GET /x?y=1 HTTP/1.1");

    // Without the flag this machine is not reached; without a line in the manifest no host is.
    let report = ask(&guest, "localhost", server.port, &[]);
    assert_eq!(report["output"], "refused");
    assert!(text(&report["host_calls"][0]["decision"]["denied"]).contains("--allow-loopback"), "{report:#}");
    for host in ["127.0.0.1", "localhost.example", "localhost.", "LOCALHOST@127.0.0.1"] {
        let (_, report) = guest.run(&[
            "acme.ask",
            "--approve",
            "--allow-loopback",
            "--input",
            &format!("\"{host}:{}\"", server.port),
        ]);
        let refused = report["host_calls"].as_array().unwrap().iter().all(|call| call["decision"] != "allowed");
        // One more dot at the end names the same host.
        assert!(refused || host == "localhost.", "{host}: {report:#}");
    }
}

#[test]
fn a_redirect_to_a_host_that_is_not_listed_is_not_followed() {
    let server = serve(|port, stream| {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/y\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes())
    });
    let guest = Guest::named("skill", &["ask"], ASKS);
    let report = ask(&guest, "localhost", server.port, &["--allow-loopback"]);
    assert_eq!(report["output"], "refused", "{report:#}");
    let calls = report["host_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2, "each hop is told: {report:#}");
    assert!(text(&calls[1]["decision"]["denied"]).contains("http_egress_allowlist"), "{report:#}");
    assert_eq!(server.heads.try_iter().count(), 1, "the second hop was not asked");
}

#[test]
fn an_answer_that_drips_ends_at_the_wall_clock() {
    let server = serve(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            // Faster than any limit on silence.
            thread::sleep(Duration::from_millis(10));
        }
    });
    let more = format!("{ASKS}[capabilities.quotas]\nwall_clock_timeout_ms = 500\n");
    let guest = Guest::named("skill", &["ask"], &more);
    let input = format!("\"localhost:{}\"", server.port);
    let report = guest.ends("timed_out", "500 ms", &["acme.ask", "--approve", "--allow-loopback", "--input", &input]);
    assert_eq!(report["output"], Value::Null);
}

/// A server that says nothing until the other side goes.
#[cfg(unix)]
fn silent() -> Server {
    serve(|_, stream| std::io::copy(stream, &mut std::io::sink()).map(drop))
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_call_and_says_so() {
    let server = silent();
    let guest = Guest::named("skill", &["ask"], ASKS);
    let input = format!("\"localhost:{}\"", server.port);
    let child = guest.begin(&["acme.ask", "--approve", "--allow-loopback", "--input", &input]);
    server.heads.recv().unwrap();
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let (code, report) = crate::guest::report(&crate::skillyard::Ran::of(&child.wait_with_output().unwrap()));
    assert_eq!((code, &report["outcome"]), (Some(1), &json!("cancelled")), "{report:#}");
}

#[cfg(target_os = "linux")]
mod kill {
    use std::{fs, thread, time::Duration};

    use super::silent;
    use crate::guest::{ASKS, FOLDERS, Guest};

    fn runs(pid: &str) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// Fails unless the processes end by themselves.
    fn end(workers: &[String]) {
        for _ in 0..1000 {
            if !workers.iter().any(|worker| runs(worker)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{workers:?} outlive the program that started them");
    }

    #[test]
    fn a_killed_program_leaves_no_worker_that_waits() {
        let server = silent();
        let guest = Guest::named("skill", &["ask"], ASKS);
        let input = format!("\"localhost:{}\"", server.port);
        let mut child = guest.begin(&["acme.ask", "--approve", "--allow-loopback", "--input", &input]);
        server.heads.recv().unwrap();
        let workers = children(child.id());
        assert!(!workers.is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
        end(&workers);
    }

    #[test]
    fn a_killed_program_leaves_no_worker_that_loops() {
        let quotas =
            format!("{FOLDERS}[capabilities.quotas]\nfuel_budget = 1000000000000000\nwall_clock_timeout_ms = 600000\n");
        let guest = Guest::named("command", &["loop", "echo"], &quotas);
        // The module is compiled and kept, so that no compiler runs any more.
        guest.fine(&["acme.echo"]);
        let folder = guest.0.0.path("home/skillyard/storage/skill.acme.guest/in");
        fs::remove_dir(&folder).unwrap();
        let mut child = guest.begin(&["acme.loop"]);
        // Its folders are made last before it starts, and the worker that runs it was started before.
        while !folder.exists() {
            assert_eq!(child.try_wait().unwrap(), None);
            thread::yield_now();
        }
        let workers = children(child.id());
        assert!(!workers.is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
        end(&workers);
    }

    /// The processes that all its threads started, but zombies.
    fn children(pid: u32) -> Vec<String> {
        let mut found = Vec::new();
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let all = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(all.split_whitespace().filter(|child| runs(child)).map(str::to_owned));
        }
        found
    }
}
