/** What goes wrong is told: once, in words, and in the log. */

import * as vscode from "vscode";

import { CallCancelled, CallFailed } from "./cli";
import { NoProgram } from "./program";
import { Refused } from "./server";
import { shownInNotification } from "./shown";

/** Does something, and tells a person what went wrong with it; `undefined` where something did, or where they ended it. */
export type Told = <T>(run: () => Promise<T>) => Promise<T | undefined>;

/** One that writes to `log`. */
export function teller(log: vscode.LogOutputChannel): Told {
  return async (run) => {
    try {
      return await run();
    } catch (error) {
      if (error instanceof CallCancelled || error instanceof vscode.CancellationError) return undefined;
      const expected = error instanceof Refused || error instanceof CallFailed || error instanceof NoProgram;
      const message = error instanceof Error ? error.message : String(error);
      log.error(expected ? message : ((error as Error).stack ?? message));
      void vscode.window.showErrorMessage(shownInNotification(message), "Show Log").then((chosen) => {
        if (chosen !== undefined) log.show();
      });
      return undefined;
    }
  };
}
