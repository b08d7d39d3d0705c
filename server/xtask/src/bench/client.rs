//! A language client that measures: starts a server, types, and says when the diagnostics came.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{error::Error, run::shown};

/// How long a server may take to answer before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a server's diagnostics reach the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// The client asks after every change.
    Pull,
    /// The server sends them on its own.
    Push,
}

/// A running server.
pub struct Server {
    name: String,
    child: Child,
    input: ChildStdin,
    messages: Receiver<(Instant, Value)>,
    next_id: u64,
    /// How it delivers, after what it and the client can do.
    pub delivery: Delivery,
    incremental: bool,
    /// What it said at the start that it can do.
    pub capabilities: Value,
    /// The workspace's folders, for servers that ask.
    folders: Value,
    /// The configuration, for servers that ask.
    configuration: Value,
}

/// An opened document.
pub struct Document {
    uri: String,
    text: String,
    version: i64,
}

impl Document {
    /// Its address.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The position behind the first place of a word.
    pub fn behind(&self, word: &str) -> Option<Value> {
        self.text.find(word).map(|at| position(&self.text, at + word.len()))
    }
}

impl Server {
    /// Starts a server in a folder. Gives it with the time from the start of the process to the answer to `initialize`.
    ///
    /// `client_pulls` is whether the client says that it can ask for diagnostics, `configuration` what it answers to
    /// whoever asks for any.
    pub fn start(
        command: &mut Command,
        folder: &Path,
        client_pulls: bool,
        configuration: &Value,
    ) -> Result<(Self, Duration), Error> {
        let name = shown(command);
        let cannot = |source| Error::Start { command: name.clone(), source };
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn().map_err(cannot)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Unexpected { place: name, what: "no standard input or output".into() });
        };
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut reader = BufReader::new(output);
            while let Ok(Some(message)) = read(&mut reader) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let root = uri(folder);
        let folders = json!([{ "uri": root, "name": "bench" }]);
        let delivery = Delivery::Push;
        let mut server = Self {
            name,
            child,
            input,
            messages,
            next_id: 0,
            delivery,
            incremental: false,
            capabilities: Value::Null,
            folders,
            configuration: configuration.clone(),
        };
        let mut text_document = json!({
            "synchronization": { "didSave": true },
            "completion": { "completionItem": { "snippetSupport": true, "documentationFormat": ["markdown"] } },
            "hover": { "contentFormat": ["markdown"] },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "semanticTokens": {
                "requests": { "full": true },
                "formats": ["relative"],
                "tokenTypes": ["property", "string", "number", "keyword", "function", "type", "variable", "namespace"],
                "tokenModifiers": [],
            },
            "publishDiagnostics": { "versionSupport": true, "relatedInformation": true },
            "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } } },
        });
        if client_pulls {
            text_document["diagnostic"] = json!({ "dynamicRegistration": false, "relatedDocumentSupport": false });
        }
        let params = json!({
            "processId": std::process::id(),
            "rootUri": root,
            "workspaceFolders": server.folders,
            "capabilities": { "textDocument": text_document, "workspace": { "configuration": true } },
        });
        let (answered, result) = server.request("initialize", params)?;
        let took = answered.duration_since(begin);
        let capabilities = &result["capabilities"];
        if client_pulls && capabilities["diagnosticProvider"].is_object() {
            server.delivery = Delivery::Pull;
        }
        let sync = &capabilities["textDocumentSync"];
        server.incremental = sync.as_u64().or_else(|| sync["change"].as_u64()) == Some(2);
        server.capabilities = capabilities.clone();
        server.notify("initialized", json!({}))?;
        Ok((server, took))
    }

    /// Opens a document and waits for its first diagnostics.
    pub fn open(&mut self, path: &Path, text: &str) -> Result<Document, Error> {
        let document = Document { uri: uri(path), text: text.to_owned(), version: 0 };
        let item = json!({ "uri": document.uri, "languageId": "toml", "version": 0, "text": text });
        let sent = self.notify("textDocument/didOpen", json!({ "textDocument": item }))?;
        self.diagnostics(&document, sent)?;
        // What else a server does once for a new document must not meet the first keystroke.
        self.settle(Duration::from_millis(300))?;
        Ok(document)
    }

    /// Inserts a character, waits for the diagnostics of the text it makes, and gives the time between.
    pub fn type_char(&mut self, document: &mut Document, offset: usize, character: char) -> Result<Duration, Error> {
        let position = position(&document.text, offset);
        document.text.insert(offset, character);
        document.version += 1;
        let change = if self.incremental {
            json!({ "range": { "start": position, "end": position }, "text": character.to_string() })
        } else {
            json!({ "text": document.text })
        };
        let params = json!({
            "textDocument": { "uri": document.uri, "version": document.version },
            "contentChanges": [change],
        });
        let sent = self.notify("textDocument/didChange", params)?;
        let (came, versioned) = self.diagnostics(document, sent)?;
        if !versioned {
            // More may follow for the same text, and must not be taken for an answer to the next keystroke.
            self.settle(Duration::from_millis(150))?;
        }
        Ok(came.duration_since(sent))
    }

    /// Asks something and gives the time until the answer.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Duration, Error> {
        let begin = Instant::now();
        let (came, _) = self.request(method, params)?;
        Ok(came.duration_since(begin))
    }

    /// The server's resident memory in bytes, where the system says it.
    pub fn resident(&self) -> Option<u64> {
        resident(self.child.id())
    }

    /// Ends the server as a client should.
    pub fn stop(mut self) -> Result<(), Error> {
        self.request("shutdown", Value::Null)?;
        self.notify("exit", Value::Null)?;
        let name = self.name.clone();
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().map_err(|source| Error::Start { command: name.clone(), source })?.is_none() {
            if Instant::now() > deadline {
                return Err(Error::Unexpected { place: name, what: "runs on after `exit`".into() });
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// When the diagnostics of the document's version came, and whether they said that they are of it. Of a server that
    /// does not say so, the first after the change count, though more may follow.
    fn diagnostics(&mut self, document: &Document, sent: Instant) -> Result<(Instant, bool), Error> {
        if self.delivery == Delivery::Pull {
            let params = json!({ "textDocument": { "uri": document.uri } });
            return Ok((self.request("textDocument/diagnostic", params)?.0, true));
        }
        loop {
            let (came, message) = self.receive()?;
            let params = &message["params"];
            let version = params["version"].as_i64();
            if message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == document.uri.as_str()
                && came > sent
                && version.is_none_or(|version| version == document.version)
            {
                return Ok((came, version.is_some()));
            }
        }
    }

    /// Takes what comes until nothing has come for a while.
    fn settle(&mut self, quiet: Duration) -> Result<(), Error> {
        loop {
            match self.messages.recv_timeout(quiet) {
                Ok((_, message)) => self.answer(&message)?,
                Err(_) => return Ok(()),
            }
        }
    }

    /// Sends a request and waits for its answer.
    fn request(&mut self, method: &str, params: Value) -> Result<(Instant, Value), Error> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let (came, mut message) = self.receive()?;
            if message["id"] == id && message.get("method").is_none() {
                return match message.get("error") {
                    Some(error) => {
                        Err(Error::Unexpected { place: format!("{}: {method}", self.name), what: error.to_string() })
                    }
                    None => Ok((came, message["result"].take())),
                };
            }
        }
    }

    fn notify(&mut self, method: &str, params: Value) -> Result<Instant, Error> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Sends a message; gives the moment before its first byte, with the work of writing JSON behind it.
    fn send(&mut self, message: &Value) -> Result<Instant, Error> {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let sent = Instant::now();
        let written = self.input.write_all(frame.as_bytes()).and_then(|()| self.input.flush());
        written.map_err(|source| Error::Start { command: self.name.clone(), source })?;
        Ok(sent)
    }

    fn receive(&mut self) -> Result<(Instant, Value), Error> {
        match self.messages.recv_timeout(PATIENCE) {
            Ok((came, message)) => {
                self.answer(&message)?;
                Ok((came, message))
            }
            Err(reason) => {
                let what = match reason {
                    RecvTimeoutError::Timeout => format!("no answer within {} s", PATIENCE.as_secs()),
                    RecvTimeoutError::Disconnected => "ended".into(),
                };
                Err(Error::Unexpected { place: self.name.clone(), what })
            }
        }
    }

    /// Answers what a server asks: the folders, the configuration, everything else is fine.
    fn answer(&mut self, message: &Value) -> Result<(), Error> {
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else { return Ok(()) };
        let result = match method {
            "workspace/configuration" => {
                let items = message["params"]["items"].as_array().map_or(0, Vec::len);
                Value::Array(vec![self.configuration.clone(); items])
            }
            "workspace/workspaceFolders" => self.folders.clone(),
            _ => Value::Null,
        };
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result })).map(|_| ())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only where a measurement was given up; a server that was stopped has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next message with the moment at which it was whole; `None` at the end.
fn read(reader: &mut BufReader<ChildStdout>) -> io::Result<Option<(Instant, Value)>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let came = Instant::now();
    Ok(Some((came, serde_json::from_slice(&body)?)))
}

/// The position of a byte offset, in UTF-16 as without negotiation.
fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

/// The `file:` address of a path. The benchmark makes its own folders, whose names need no escapes.
fn uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    format!("file://{}{path}", if path.starts_with('/') { "" } else { "/" })
}

#[cfg(target_os = "linux")]
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn resident(process: u32) -> Option<u64> {
    let output = Command::new("ps").args(["-o", "rss=", "-p", &process.to_string()]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(windows)]
fn resident(_: u32) -> Option<u64> {
    None
}
