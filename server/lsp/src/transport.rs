//! The loop: messages in, handlers started, answers out.
//!
//! `tower_lsp::Server` is not used for this, only its service (routing, the states of the protocol, cancelling).
//! Measured with 0.23.0: its reader ends at the first message that is no JSON, since the stream of frames under it ends
//! after an error, and a handler that panics unwinds through the loop; both end the server. Besides, it stops reading
//! while as many handlers as its concurrency level are in flight, so that enough slow requests hold up typing and
//! cancelling. Here a panic costs one answer, and a message that makes no sense one error.

use std::{
    cell::RefCell,
    io::{self, BufRead, Write},
    panic::AssertUnwindSafe,
    sync::{Arc, mpsc as std_mpsc},
    thread,
    time::Duration,
};

use futures_util::{FutureExt, SinkExt, Stream, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde::Serialize;
use tokio::sync::{Notify, mpsc};
use tower_lsp::{
    ClientSocket, ExitedError,
    jsonrpc::{Error, Id, Request, Response},
};
use tower_service::Service;

use crate::{
    framing::Frames,
    log::log,
    message::{self, Message},
};

/// Requests in flight from which on no more input is read until one is answered. A client never gets there; a flood
/// does not fill the memory.
const MAX_IN_FLIGHT: usize = 1024;

/// Messages that wait between a thread and the loop.
const QUEUE: usize = 256;

/// How long the last answers may take to be written after the end.
const LAST_WRITE: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// Where the handler at work leaves its answer, where it made the JSON of it itself.
    static TEXT: RefCell<Option<String>>;
}

/// Whether the handler at work may answer by [`answer_by`].
pub(crate) fn takes_text() -> bool {
    TEXT.try_with(|_| ()).is_ok()
}

/// Answers the request at work with `json`, one whole value, in place of what its handler then returns, unless that is an
/// error.
///
/// The service would make a tree of each answer before it writes it: of an outline of 800 symbols that takes longer
/// than all else together, and on the thread of the loop, where everything else waits. Whoever makes the answer makes
/// its text too.
pub(crate) fn answer_by(json: String) {
    // Outside of a request nobody wants it.
    let _ = TEXT.try_with(|text| *text.borrow_mut() = Some(json));
}

/// What a handler ends with.
struct Answer {
    response: Response,
    /// Its result as it is written, in place of the one in `response`.
    text: Option<String>,
}

impl Answer {
    /// The JSON to send.
    fn json(self) -> serde_json::Result<Vec<u8>> {
        match self.text.filter(|_| self.response.is_ok()) {
            None => serde_json::to_vec(&self.response),
            Some(text) => {
                let id = serde_json::to_string(self.response.id())?;
                Ok([r#"{"jsonrpc":"2.0","result":"#, &text, r#","id":"#, &id, "}"].concat().into_bytes())
            }
        }
    }
}

/// Why the server ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The client said `exit`.
    Exit {
        /// Whether it asked for `shutdown` before, as it should.
        after_shutdown: bool,
    },
    /// The input ended, or the output was closed.
    Disconnected {
        /// Whether the client asked for `shutdown` before.
        after_shutdown: bool,
    },
    /// The client's process died.
    ParentDied,
}

impl End {
    /// What the process should end with: 0 after a `shutdown`, else 1, as the protocol has it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Exit { after_shutdown: true } | Self::Disconnected { after_shutdown: true } => 0,
            Self::Exit { .. } | Self::Disconnected { .. } | Self::ParentDied => 1,
        }
    }
}

/// Starts the thread that reads messages from `input`. The channel closes at the end of the input.
pub(crate) fn read(
    input: impl BufRead + Send + 'static,
) -> (mpsc::Receiver<Result<Message, Response>>, io::Result<()>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let reader = move || {
        let mut frames = Frames::new(input);
        loop {
            let message = match frames.next() {
                Ok(Some(Ok(body))) => message::parse(&body).map_err(|answer| *answer),
                Ok(Some(Err(fault))) => {
                    log(&format!("skipped {fault}"));
                    Err(Response::from_error(Id::Null, Error::parse_error()))
                }
                Ok(None) => return,
                Err(error) => return log(&format!("standard input cannot be read: {error}")),
            };
            if sender.blocking_send(message).is_err() {
                return;
            }
        }
    };
    let started = thread::Builder::new().name("skillyard-read".to_owned()).spawn(reader).map(drop);
    (receiver, started)
}

/// Where answers go.
pub(crate) struct Outgoing {
    queue: mpsc::Sender<Vec<u8>>,
    done: std_mpsc::Receiver<()>,
}

impl Outgoing {
    /// Queues a message; `false` if the output is closed.
    async fn send(&self, message: &impl Serialize) -> bool {
        self.send_json(serde_json::to_vec(message)).await
    }

    /// The same for a message in JSON.
    async fn send_json(&self, message: serde_json::Result<Vec<u8>>) -> bool {
        match message {
            Ok(body) => {
                let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
                frame.extend_from_slice(&body);
                self.queue.send(frame).await.is_ok()
            }
            Err(error) => {
                log(&format!("a message could not be written as JSON: {error}"));
                true
            }
        }
    }

    /// Closes the queue and waits until everything is written, but not for a client that does not read.
    fn finish(self) {
        drop(self.queue);
        let _ = self.done.recv_timeout(LAST_WRITE);
    }
}

/// Starts the thread that writes messages to `output`.
pub(crate) fn write(mut output: impl Write + Send + 'static) -> (Outgoing, io::Result<()>) {
    let (queue, mut receiver) = mpsc::channel::<Vec<u8>>(QUEUE);
    let (finished, done) = std_mpsc::channel();
    let writer = move || {
        while let Some(frame) = receiver.blocking_recv() {
            if output.write_all(&frame).and_then(|()| output.flush()).is_err() {
                break;
            }
        }
        drop(finished);
    };
    let started = thread::Builder::new().name("skillyard-write".to_owned()).spawn(writer).map(drop);
    (Outgoing { queue, done }, started)
}

/// Serves until the end.
pub(crate) async fn run<S>(
    mut service: S,
    socket: ClientSocket,
    mut incoming: mpsc::Receiver<Result<Message, Response>>,
    outgoing: Outgoing,
    parent_gone: Arc<Notify>,
) -> End
where
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Send + 'static,
{
    let (mut requests, mut responses) = socket.split();
    let mut running: FuturesUnordered<BoxFuture<'static, Option<Answer>>> = FuturesUnordered::new();
    let mut after_shutdown = false;
    let end = loop {
        // The order matters: a handler that just arrived is polled, and thereby does its first statement, before the
        // next message is taken.
        let written = tokio::select! {
            biased;
            Some(answer) = running.next(), if !running.is_empty() => match answer {
                // What a handler said before its answer arrives before it: progress ends before the work's result.
                Some(answer) => (after_shutdown || said(&mut requests, &outgoing).await) && outgoing.send_json(answer.json()).await,
                None => true,
            },
            // A client that has said goodbye may have closed its end, and is asked and told nothing more.
            Some(request) = requests.next() => after_shutdown || outgoing.send(&request).await,
            () = parent_gone.notified() => break End::ParentDied,
            message = incoming.recv(), if running.len() < MAX_IN_FLIGHT => match message {
                None => break End::Disconnected { after_shutdown },
                Some(Ok(Message::Request(request))) => {
                    after_shutdown |= request.method() == "shutdown";
                    let exit = request.method() == "exit";
                    running.push(start(&mut service, request));
                    if exit {
                        break End::Exit { after_shutdown };
                    }
                    true
                }
                Some(Ok(Message::Response(response))) => {
                    // It fails only after `exit`.
                    let _ = responses.send(response).await;
                    true
                }
                Some(Err(answer)) => outgoing.send(&answer).await,
            },
        };
        if !written {
            break End::Disconnected { after_shutdown };
        }
    };
    // What is answered already (such as a `shutdown` directly before `exit`) still goes out.
    while let Some(Some(answer)) = running.next().now_or_never() {
        if let Some(answer) = answer {
            outgoing.send_json(answer.json()).await;
        }
    }
    outgoing.finish();
    end
}

/// Queues what the server has to say by itself at this moment; `false` if the output is closed.
async fn said(requests: &mut (impl Stream<Item = Request> + Unpin), outgoing: &Outgoing) -> bool {
    while let Some(Some(request)) = requests.next().now_or_never() {
        if !outgoing.send(&request).await {
            return false;
        }
    }
    true
}

/// Starts the handler of a message. A panic becomes the error answer of a request.
fn start<S>(service: &mut S, request: Request) -> BoxFuture<'static, Option<Answer>>
where
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Send + 'static,
{
    let id = request.id().cloned();
    let method = request.method().to_owned();
    let panicked = move || {
        log(&format!("the handler of {method:?} panicked; this is a bug of Skillyard"));
        id.map(|id| Answer { response: Response::from_error(id, Error::internal_error()), text: None })
    };
    // The service takes each message on its own; there is nothing half done in it that a later one could see.
    match std::panic::catch_unwind(AssertUnwindSafe(|| service.call(request))) {
        Ok(handler) => {
            let answered = async move {
                let response = handler.await.ok().flatten()?;
                Some(Answer { response, text: TEXT.with(RefCell::take) })
            };
            let handled = AssertUnwindSafe(TEXT.scope(RefCell::default(), answered)).catch_unwind();
            handled.map(move |answer| answer.unwrap_or_else(|_| panicked())).boxed()
        }
        Err(_) => std::future::ready(panicked()).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::pipe;

    use serde_json::{Value, json};
    use tower_lsp::{
        LanguageServer, LspService,
        jsonrpc::Result,
        ls_types::{InitializeParams, InitializeResult},
    };

    use super::*;

    /// A server whose handlers panic where they can: before the first `await`, after it, and in a notification.
    struct Clumsy;

    impl LanguageServer for Clumsy {
        async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
            Ok(InitializeResult::default())
        }

        async fn shutdown(&self) -> Result<()> {
            Ok(())
        }
    }

    impl Clumsy {
        async fn at_once(&self) -> Result<Value> {
            panic!("at once");
        }

        async fn later(&self) -> Result<Value> {
            tokio::task::yield_now().await;
            panic!("later");
        }

        async fn told(&self) {
            panic!("told");
        }

        async fn well(&self) -> Result<Value> {
            Ok(json!("well"))
        }

        async fn by_text(&self) -> Result<Value> {
            tokio::task::yield_now().await;
            answer_by(r#"{"as": ["it", "was", "made"]}"#.to_owned());
            Ok(Value::Null)
        }

        async fn by_text_in_vain(&self) -> Result<Value> {
            answer_by("1".to_owned());
            Err(Error::request_cancelled())
        }

        async fn never(&self) -> Result<Value> {
            std::future::pending().await
        }
    }

    fn frame(message: &Value) -> String {
        let body = message.to_string();
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn frames(messages: &[Value]) -> String {
        messages.iter().map(frame).collect()
    }

    /// The first `count` answers of the server to an input, and how it ends when the input does after that.
    fn serve(input: &str, count: usize) -> (Vec<Value>, End) {
        let (from_client, mut to_server) = pipe().unwrap();
        let (from_server, to_client) = pipe().unwrap();
        let server = thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (service, socket) = LspService::build(|_| Clumsy)
                    .custom_method("at/once", Clumsy::at_once)
                    .custom_method("later", Clumsy::later)
                    .custom_method("told", Clumsy::told)
                    .custom_method("well", Clumsy::well)
                    .custom_method("by/text", Clumsy::by_text)
                    .custom_method("by/text/in/vain", Clumsy::by_text_in_vain)
                    .custom_method("never", Clumsy::never)
                    .finish();
                let (incoming, reader) = read(io::BufReader::new(from_client));
                let (outgoing, writer) = write(to_client);
                reader.and(writer).unwrap();
                run(service, socket, incoming, outgoing, Arc::new(Notify::new())).await
            })
        });
        to_server.write_all(input.as_bytes()).unwrap();
        let mut frames = Frames::new(io::BufReader::new(from_server));
        let mut next = || Some(serde_json::from_slice::<Value>(&frames.next().unwrap()?.unwrap()).unwrap());
        let mut answers: Vec<Value> = (0..count).map_while(|_| next()).collect();
        drop(to_server);
        answers.extend(std::iter::from_fn(next));
        (answers, server.join().unwrap())
    }

    fn request(id: u32, method: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": method})
    }

    fn initialize() -> Value {
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}})
    }

    fn code_of(answers: &[Value], id: u32) -> &Value {
        &answers.iter().find(|answer| answer["id"] == id).unwrap()["error"]["code"]
    }

    #[test]
    fn a_panic_costs_one_answer() {
        let told = json!({"jsonrpc": "2.0", "method": "told"});
        let input = [initialize(), request(1, "at/once"), request(2, "later"), told, request(3, "well")];
        let (answers, end) = serve(&frames(&input), 4);
        assert_eq!(end, End::Disconnected { after_shutdown: false });
        assert_eq!(code_of(&answers, 1), -32603);
        assert_eq!(code_of(&answers, 2), -32603);
        assert!(answers.contains(&json!({"jsonrpc": "2.0", "id": 3, "result": "well"})), "{answers:?}");
    }

    #[test]
    fn a_handler_may_answer_by_text() {
        let ids = [json!(1), json!("a \"name\"")];
        let mut input = vec![initialize()];
        // Several at a time: each has a place of its own.
        input.extend(ids.iter().map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "by/text"})));
        input.extend([request(2, "well"), request(3, "by/text/in/vain")]);
        let (answers, _) = serve(&frames(&input), 5);
        let of = |id: &Value| answers.iter().find(|answer| answer["id"] == *id).unwrap();
        for id in &ids {
            assert_eq!(*of(id), json!({"jsonrpc": "2.0", "id": id, "result": {"as": ["it", "was", "made"]}}));
        }
        assert_eq!(of(&json!(2))["result"], "well");
        assert_eq!(code_of(&answers, 3), -32800);
    }

    #[test]
    fn damage_costs_one_answer() {
        let no_json = "Content-Length: 5\r\n\r\n{{{{{";
        let no_length = "Content-Size: 5\r\n\r\n";
        let input = [frame(&initialize()), no_json.to_owned(), no_length.to_owned(), frame(&request(1, "well"))];
        let (answers, _) = serve(&input.concat(), 4);
        assert_eq!(answers[1]["error"]["code"], -32700);
        assert_eq!(answers[2]["error"]["code"], -32700);
        assert_eq!(answers[3]["result"], "well");
    }

    #[test]
    fn a_flood_of_slow_requests_does_not_hold_up_cancelling() {
        let mut input = vec![initialize()];
        input.extend((1..=500).map(|id| request(id, "never")));
        input.push(json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 77}}));
        input.push(request(1000, "well"));
        let (answers, _) = serve(&frames(&input), 3);
        assert_eq!(code_of(&answers, 77), -32800);
        assert_eq!(answers.len(), 3, "{answers:?}");
    }

    #[test]
    fn exit_ends_at_once_with_the_answers_that_are_there() {
        let exit = json!({"jsonrpc": "2.0", "method": "exit"});
        let input = [initialize(), request(1, "never"), request(2, "shutdown"), exit.clone(), request(3, "well")];
        // Read to the end of the output: the input stays open, as with editors that do not close it.
        let (answers, end) = serve(&frames(&input), usize::MAX);
        assert_eq!(end, End::Exit { after_shutdown: true });
        assert!(answers.contains(&json!({"jsonrpc": "2.0", "id": 2, "result": null})), "{answers:?}");
        assert!(!answers.iter().any(|answer| answer["id"] == 3));
        assert_eq!(end.exit_code(), 0);
        assert_eq!(serve(&frames(&[exit]), usize::MAX).1.exit_code(), 1);
    }
}
