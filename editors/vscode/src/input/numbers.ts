/** Numbers of an input that would reach the tool as others than they were typed. */

/** A number as its sign, the digits that count and the power of ten behind them: the same for the same number. */
function normal(number: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number);
  if (parts === null) return number;
  const [, sign = "", whole = "", part = "", power = "0"] = parts;
  const digits = (whole + part).replace(/^0+/, "");
  const bare = digits.replace(/0+$/, "");
  return bare === "" ? "0" : `${sign}${bare}e${Number(power) - part.length + digits.length - bare.length}`;
}

/**
 * Whether a number arrives as it stands there: it goes through a double. Of whole numbers beyond 2^53 none counts, not even
 * one that a double holds: it may be what another one, which the tool was called with last, was rounded to on its way here.
 */
function arrives(number: string): boolean {
  if (/^-?\d+$/.test(number)) return Number.isSafeInteger(Number(number));
  return normal(String(Number(number))) === normal(number);
}

/** The first number in a JSON text that does not arrive as it stands there. */
export function inexact(json: string): string | undefined {
  const bare = json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/gs, '""');
  return bare.match(/-?\d[\d.eE+-]*/g)?.find((number) => !arrives(number));
}

/** Why an input with `number`, which is [`inexact`], is not sent. */
export function whyNot(number: string): string {
  return `${number} cannot be sent exactly from here, only rounded; on the command line it can: skillyard run --input`;
}
