// Loaded into every Node process of the editor: writes down where it connects to.

const { appendFileSync } = require("node:fs");
const net = require("node:net");

const file = process.env.SKILLYARD_TEST_CONNECTIONS;
if (file) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const options = Array.isArray(args[0]) ? args[0][0] : args[0];
    if (typeof options === "object" && options !== null && options.port !== undefined) {
      appendFileSync(file, `${options.host ?? "localhost"}:${options.port}\n`);
    }
    return connect.apply(this, args);
  };
}
