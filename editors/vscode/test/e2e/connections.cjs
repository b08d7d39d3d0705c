// Loaded into every Node process of the editor: writes down where it connects to, and whether our extension
// had it done.

const { appendFileSync } = require("node:fs");
const net = require("node:net");

Error.stackTraceLimit = 100;
const file = process.env.SKILLYARD_TEST_CONNECTIONS;
if (file) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const options = Array.isArray(args[0]) ? args[0][0] : args[0];
    if (typeof options === "object" && options !== null && options.port !== undefined) {
      const ours = /skillyard\.skillyard-/.test(new Error().stack ?? "") ? "ours" : "other";
      appendFileSync(file, `${ours} ${options.host ?? "localhost"}:${options.port}\n`);
    }
    return connect.apply(this, args);
  };
}
