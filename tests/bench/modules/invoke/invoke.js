// Two tools over rows of a ledger: how many there are, and what they add up to.

const tools = {
  'northwind.ledger_count': ({ rows }) => ({ count: rows.length }),
  'northwind.ledger_sum': ({ rows }) => ({ cents: rows.reduce((sum, row) => sum + row.cents, 0) }),
};

export const tool = {
  invoke(toolId, inputJson) {
    const run = tools[toolId];
    if (!run) throw `no tool is called ${toolId}`;
    return JSON.stringify(run(JSON.parse(inputJson)));
  },
};
