//! A small language client for tests and measurements: a real server process, messages over its standard input and
//! output, JSON in and out.
//!
//! It is strict about what it was sent. A message that nobody read fails the test, and so does a server that is still
//! there at the end: each test ends with [`Client::stop`] or [`Client::ended`].

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// How long a server may take for anything before it counts as hanging. Nothing is measured by this.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server process and this end of the talk with it.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Came while something else was awaited.
    unread: VecDeque<Value>,
    next_id: i64,
    ended: bool,
    /// What may be left unread.
    idle: Vec<&'static str>,
}

impl Client {
    /// Starts `command`, which is to speak the protocol on its standard input and output.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server starts");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("it has an output");
        let (sender, messages) = channel();
        thread::spawn(move || read(output, &sender));
        Self { child, input, messages, unread: VecDeque::new(), next_id: 0, ended: false, idle: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the server reads");
    }

    /// Sends any message.
    pub fn send(&mut self, message: &Value) {
        self.send_bytes(&frame(message));
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&notification(method, params));
    }

    /// Sends a request and returns its id.
    pub fn request(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}));
        self.next_id
    }

    /// The answer to a request, with its `result` or `error`.
    pub fn answer(&mut self, id: i64) -> Value {
        self.await_message(&format!("the answer to {id}"), |message| {
            message.get("method").is_none() && message["id"] == id
        })
    }

    /// The result of a request.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let mut answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The error of a request.
    pub fn fail(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let mut answer = self.answer(id);
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].take()
    }

    /// The next notification `method` of the server.
    pub fn notified(&mut self, method: &str) -> Value {
        let by = |message: &Value| message["method"] == method && message.get("id").is_none();
        self.await_message(method, by)["params"].take()
    }

    /// Answers the server's next request `method` with what `result` makes of its parameters.
    pub fn serve(&mut self, method: &str, result: impl FnOnce(&Value) -> Value) {
        let request = self.asked(method);
        let result = result(&request["params"]);
        self.respond(&request, "result", result);
    }

    /// Lets any number of requests `method` be left when the test ends: each may come once more than is awaited.
    pub fn may_leave(&mut self, method: &'static str) {
        self.idle.push(method);
    }

    /// The server's next request `method`, with its `id` and `params`, for [`Client::respond`].
    pub fn asked(&mut self, method: &str) -> Value {
        self.await_message(method, |message| message["method"] == method && message.get("id").is_some())
    }

    /// Answers a request of the server with a `result` or an `error`.
    pub fn respond(&mut self, request: &Value, with: &str, value: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], with: value}));
    }

    /// The next message of all, in the order in which the server sent them.
    pub fn next(&mut self) -> Value {
        self.await_message("any message", |_| true)
    }

    /// The next error that belongs to no request.
    pub fn complaint(&mut self) -> Value {
        let by = |message: &Value| message.get("error").is_some() && message["id"].is_null();
        self.await_message("an error without an id", by)["error"].take()
    }

    /// Ends as the protocol wants it. The server must leave no message behind and end with 0.
    pub fn stop(mut self) {
        assert_eq!(self.call("shutdown", Value::Null), Value::Null);
        self.notify("exit", Value::Null);
        assert_eq!(self.ended(), Some(0));
    }

    /// Closes the server's input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// The number of the server's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server has ended by itself, and returns its exit code.
    pub fn ended(mut self) -> Option<i32> {
        self.wait_for_end()
    }

    /// [`Client::ended`] where the server was in the middle of something, and may have said more.
    pub fn ended_midway(mut self) -> Option<i32> {
        let code = self.wait_for_end();
        self.unread.clear();
        code
    }

    fn wait_for_end(&mut self) -> Option<i32> {
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(message) => self.unread.push_back(message),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the server is still there"),
            }
        }
        self.ended = true;
        self.child.wait().expect("the server was started here").code()
    }

    /// The first message that `wanted` is true for; the others stay for later.
    fn await_message(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unread.iter().position(&wanted) {
            return self.unread.remove(at).expect("it is there");
        }
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(message) if wanted(&message) => return message,
                Ok(message) => self.unread.push_back(message),
                Err(RecvTimeoutError::Timeout) => panic!("no {what}; instead: {:?}", self.unread),
                Err(RecvTimeoutError::Disconnected) => panic!("the server ended before {what}: {:?}", self.unread),
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if !thread::panicking() {
            assert!(self.ended, "the test left a server running");
            let idle = &self.idle;
            self.unread.retain(|message| !idle.iter().any(|method| message["method"] == *method));
            assert!(self.unread.is_empty(), "messages that nobody read: {:?}", self.unread);
        }
    }
}

/// A notification.
pub fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// A message as it goes over the wire.
pub fn frame(message: &Value) -> Vec<u8> {
    frame_text(&message.to_string())
}

/// A message's text as it goes over the wire.
pub fn frame_text(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn read(output: ChildStdout, sender: &Sender<Value>) {
    let mut output = BufReader::new(output);
    loop {
        let mut length = None;
        loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            match line.trim_end() {
                "" => break,
                line => {
                    let value = line.strip_prefix("Content-Length: ").expect("the only header");
                    length = Some(value.parse().expect("a number"));
                }
            }
        }
        let mut body = vec![0; length.expect("a length")];
        if output.read_exact(&mut body).is_err() {
            return;
        }
        let message = serde_json::from_slice(&body).expect("a message is JSON");
        if sender.send(message).is_err() {
            return;
        }
    }
}
