// A tool component in JavaScript.
import { log, secret } from "palyra:skill/host@0.1.0";

export const tool = {
  invoke(toolId, input) {
    log("info", "hello from JavaScript");
    const asked = JSON.parse(input);
    if (toolId === "fail") throw { kind: "not-found", message: `there is no ${asked.name}` };
    if (toolId === "secret") return JSON.stringify({ length: secret(asked.name).length });
    return JSON.stringify({ tool: toolId, asked });
  },
};
