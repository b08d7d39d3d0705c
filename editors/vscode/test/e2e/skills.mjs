// The skills that the tests work on, and what they do to them.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./world.mjs";

/** A tool id outside the publisher's namespace at line 9, and a line out of shape. */
export const MISTAKEN = `# Kept as it is.
manifest_version = 2
skill_id = "acme.echo"
name = "Echo"
version   =   "1.0.0"
publisher = "acme"

[[entrypoints.tools]]
id = "echo"
name = "Echo"
description = "Says it again."
input_schema = { type = "object" }
output_schema = { type = "object" }

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"
`;

/** The mistake's place. */
export const MISTAKE = { line: 9, column: 8 };

/** One tool that gives back what it gets, once a person has approved it, since it may write; one that never ends. */
export const GUEST = `manifest_version = 2
skill_id = "acme.guest"
name = "Guest"
version = "1.0.0"
publisher = "acme"

[[entrypoints.tools]]
id = "acme.echo"
name = "Echo"
description = "Says it again."
input_schema = { type = "object", required = ["n"], properties = { n = { type = "integer", minimum = 3, description = "How often" } } }
output_schema = { type = "object" }

[[entrypoints.tools]]
id = "acme.loop"
name = "Loop"
description = "Never ends."
input_schema = { type = "object" }
output_schema = { type = "object" }

[capabilities.filesystem]
write_roots = ["out"]

[capabilities.quotas]
fuel_budget = 9007199254740993
wall_clock_timeout_ms = 600000

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Guest"
`;

/** The module of its tools. */
export const COMMAND = readFileSync(join(ROOT, "tests/guests/command.wasm"));

/** A skill with cases. */
export const GREETER = join(ROOT, "tests/fixtures/greeter");
