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
        let calls = report["host_calls"].as_array().unwrap();
        assert!(
            !calls.is_empty() && calls.iter().all(|call| call["decision"]["denied"].is_string()),
            "{host}: {report:#}"
        );
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
    use std::{fs, process::Child, thread, time::Duration};

    use super::silent;
    use crate::guest::{ASKS, FOLDERS, Guest};

    fn runs(pid: &str) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// Fails unless the processes end by themselves.
    fn end(workers: &[String]) {
        for _ in 0..6000 {
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
        let workers = workers(&mut child);
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
        let folder = guest.storage("acme.echo").join("in");
        fs::remove_dir(&folder).unwrap();
        let mut child = guest.begin(&["acme.loop"]);
        // Its folders are made last before it starts, and the worker that runs it was started before.
        while !folder.exists() {
            assert_eq!(child.try_wait().unwrap(), None);
            thread::yield_now();
        }
        let workers = workers(&mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        end(&workers);
    }

    /// Those that a program has started, once there are some.
    fn workers(program: &mut Child) -> Vec<String> {
        for _ in 0..6000 {
            let found = children(program.id());
            if !found.is_empty() {
                return found;
            }
            assert_eq!(program.try_wait().unwrap(), None);
            thread::sleep(Duration::from_millis(20));
        }
        panic!("it started none");
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

/// Requests with bodies, of a command of WASI 0.2 that asks over `wasi:http`.
mod bodies {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        sync::mpsc::{Receiver, channel},
        thread,
        time::Duration,
    };

    use serde_json::{Value, json};

    use super::text;
    use crate::guest::Guest;

    /// `wasi:http`'s error-codes by their place in it.
    const DENIED: u64 = 15;
    const BODY_SIZE: u64 = 17;

    fn guest(quotas: &str) -> Guest {
        let manifest = format!(
            "[capabilities]\nhttp_egress_allowlist = [\"localhost\"]\n\n[capabilities.filesystem]\nread_roots = \
             [\"in\"]\nwrite_roots = [\"out\"]\n\n[capabilities.quotas]\nfuel_budget = 1000000000\n{quotas}"
        );
        Guest::named("command-http", &["ask"], &manifest)
    }

    /// A server that takes whole requests: the first line of each with the length of its body is told, and answered by
    /// `answer`.
    fn serve(answer: impl Fn(u16, &str, &[u8]) -> String + Send + 'static) -> (u16, Receiver<(String, usize)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut from = BufReader::new(stream.try_clone().unwrap());
                let lines = from.by_ref().lines();
                let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let length = head.iter().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
                });
                let mut body = vec![0; length.unwrap_or_default()];
                from.read_exact(&mut body).unwrap();
                let first = head.first().cloned().unwrap_or_default();
                let said = answer(port, &first, &body);
                let _ = tell.send((first, body.len()));
                // The other side may go at any time.
                let _ = stream.write_all(said.as_bytes());
            }
        });
        (port, asked)
    }

    /// Says the method and how many bytes came, if all of them are what the guest sends.
    fn counts(_: u16, first: &str, body: &[u8]) -> String {
        let what = if body.iter().all(|byte| *byte == b'x') { "x" } else { "?" };
        let said = format!("{} {} {what}", first.split(' ').next().unwrap_or_default(), body.len());
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len())
    }

    fn input(method: &str, host: &str, port: u16, bytes: usize, wait_ms: u64) -> String {
        format!("\"{method} {host}:{port} {bytes} {wait_ms}\"")
    }

    fn ask(guest: &Guest, input: &str) -> Value {
        guest.fine(&["acme.ask", "--approve", "--allow-loopback", "--input", input])
    }

    #[test]
    fn a_body_goes_to_a_listed_host_whole_and_nowhere_else() {
        let (port, asked) = serve(counts);
        let guest = guest("");
        for (bytes, wait) in [(0, 0), (5, 0), (100_000, 0), (4 << 20, 0), (10_000, 40)] {
            let report = ask(&guest, &input("POST", "localhost", port, bytes, wait));
            assert_eq!(report["kind"], "wasi-0.2-command");
            let said = format!("POST {bytes} x");
            assert_eq!(report["output"], json!({"status": 200, "bytes": said.len(), "body": said}), "{report:#}");
            assert_eq!(asked.recv().unwrap(), ("POST /x?y=1 HTTP/1.1".to_owned(), bytes));
            let call = &report["host_calls"][0];
            assert_eq!((&call["name"], &call["decision"]), (&json!("http"), &json!("allowed")));
            assert!(text(&call["arguments"]).starts_with(&format!("POST http://localhost:{port}/x?y=1")), "{call}");
        }
        assert_eq!(ask(&guest, &input("GET", "localhost", port, 0, 0))["output"]["body"], "GET 0 x");
        assert_eq!(asked.recv().unwrap(), ("GET /x?y=1 HTTP/1.1".to_owned(), 0));
        let report = ask(&guest, &input("POST", "127.0.0.1", port, 5, 0));
        assert_eq!(report["output"], json!({ "error": DENIED }), "{report:#}");
        assert!(text(&report["host_calls"][0]["decision"]["denied"]).contains("http_egress_allowlist"), "{report:#}");
        // Not approved.
        let call = ["acme.ask", "--allow-loopback", "--input", &input("POST", "localhost", port, 5, 0)];
        assert_eq!(guest.fine(&call)["output"], json!({ "error": DENIED }));
        assert_eq!(asked.try_iter().count(), 0, "nothing reached the server");
    }

    #[test]
    fn a_body_follows_a_redirect_only_where_it_may() {
        for (status, said) in [(307, "POST 7 x"), (308, "POST 7 x"), (303, "GET 0 x"), (302, "GET 0 x")] {
            let (port, asked) = serve(move |port, first, body| {
                if first.contains("/again") {
                    return counts(port, first, body);
                }
                format!("HTTP/1.1 {status} Go\r\nLocation: http://localhost:{port}/again\r\nContent-Length: 0\r\n\r\n")
            });
            let report = ask(&guest(""), &input("POST", "localhost", port, 7, 0));
            assert_eq!(report["output"]["body"], said, "{status}: {report:#}");
            assert_eq!(report["host_calls"].as_array().unwrap().len(), 2, "each hop is told");
            assert_eq!(asked.try_iter().count(), 2);
        }
        let (port, asked) = serve(|port, _, _| {
            format!("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n")
        });
        let report = ask(&guest(""), &input("POST", "localhost", port, 7, 0));
        assert_eq!(report["output"], json!({ "error": DENIED }), "{report:#}");
        assert_eq!(asked.try_iter().count(), 1, "the body went to the listed host alone");
    }

    #[test]
    fn a_body_without_end_is_sent_to_nobody() {
        let (port, asked) = serve(counts);
        let report = ask(&guest(""), &input("POST", "localhost", port, 64 << 20, 0));
        assert_eq!(report["output"], json!({ "error": BODY_SIZE }), "{report:#}");
        assert_eq!(asked.try_iter().count(), 0);
    }

    #[test]
    fn a_body_or_an_answer_that_drips_ends_at_the_wall_clock() {
        let (port, asked) = serve(counts);
        let quota = guest("wall_clock_timeout_ms = 1000\n");
        let call = |input: &str| {
            quota.ends("timed_out", "1000 ms", &["acme.ask", "--approve", "--allow-loopback", "--input", input]);
        };
        // A thousand pieces, each a moment later.
        call(&input("POST", "localhost", port, 4096 * 1000, 20));
        assert_eq!(asked.try_iter().count(), 0, "a body that is not whole is not sent");
        let server = super::serve(|_, stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
            loop {
                stream.write_all(b"x")?;
                thread::sleep(Duration::from_millis(10));
            }
        });
        call(&input("POST", "localhost", server.port, 0, 0));
    }
}
