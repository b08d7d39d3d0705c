/** In the page of a report: its two kinds of buttons. */

declare function acquireVsCodeApi(): { postMessage(message: unknown): void };

const editor = acquireVsCodeApi();

document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Element)) return;
  const button = target.closest("button");
  if (button?.id === "json") editor.postMessage({ json: true });
  else if (button?.dataset["rule"] !== undefined) editor.postMessage({ rule: button.dataset["rule"] });
});
