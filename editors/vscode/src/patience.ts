/** Work that is mostly over in a moment. Where it is not, a person sees so, and can end it. */

import * as vscode from "vscode";

import { CallCancelled } from "./cli";

/** What is over by then is not shown: a notification that comes and goes only disturbs. */
const MOMENT_MS = 400;

/** Does some work, which stops where its token says so, and is given up then in any case. */
export async function patiently<T>(title: string, work: (token: vscode.CancellationToken) => Promise<T>): Promise<T> {
  const source = new vscode.CancellationTokenSource();
  const ended = new Promise<never>((_, reject) => source.token.onCancellationRequested(() => reject(new CallCancelled(`${title}: cancelled`))));
  const done = Promise.race([work(source.token), ended]);
  const timer = setTimeout(() => {
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, async (_progress, token) => {
      token.onCancellationRequested(() => source.cancel());
      await done.catch(() => undefined);
    });
  }, MOMENT_MS);
  try {
    return await done;
  } finally {
    clearTimeout(timer);
    source.dispose();
  }
}
