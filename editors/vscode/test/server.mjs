// The server without an editor: what it is asked, what it answers, and what it tells.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";

/**
 * Starts the server, with `settings` as those of the editor, and comes back once it has told what is wrong with them: what it
 * asks for next is the settings of each folder.
 */
export async function serve(program, settings) {
  const child = spawn(program, ["lsp"], { cwd: homedir(), stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "exit");
  const told = [];
  const waiting = new Map();
  const asked = {};
  asked.promise = new Promise((resolve, reject) => Object.assign(asked, { resolve, reject }));
  let last = 0;
  const send = (message) => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const hear = ({ id, method, params, result, error }) => {
    if (method === undefined) {
      const { resolve, reject } = waiting.get(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error.message));
      return;
    }
    if (method === "window/showMessage") told.push(params.message);
    if (id !== undefined) send({ id, result: method === "workspace/configuration" ? params.items.map(() => null) : null });
    if (method === "workspace/configuration") asked.resolve();
  };
  let read = Buffer.alloc(0);
  child.stdout.on("data", (chunk) => {
    read = Buffer.concat([read, chunk]);
    for (;;) {
      const head = read.indexOf("\r\n\r\n");
      if (head === -1) return;
      const end = head + 4 + Number(/Content-Length: (\d+)/.exec(read.subarray(0, head).toString())[1]);
      if (read.length < end) return;
      const body = read.subarray(head + 4, end).toString();
      read = read.subarray(end);
      hear(JSON.parse(body));
    }
  });
  const gone = ended.then(([code]) => {
    const error = new Error(`the server ended with ${code}`);
    asked.reject(error);
    for (const { reject } of waiting.values()) reject(error);
  });
  const request = (method, params) => {
    const answer = new Promise((resolve, reject) => waiting.set((last += 1), { resolve, reject }));
    send({ id: last, method, params });
    return answer;
  };
  const notify = (method, params) => send({ method, params });
  await request("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { configuration: true } },
    initializationOptions: settings,
  });
  notify("initialized", {});
  await asked.promise;
  const end = async () => {
    await request("shutdown");
    notify("exit");
    await gone;
  };
  return { told, request, notify, end };
}
