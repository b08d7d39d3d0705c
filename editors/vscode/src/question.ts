/** What the server asks a person: a modal, since the work stands still until it is answered. */

import * as vscode from "vscode";
import { type MessageActionItem, MessageType, type ShowMessageRequestParams } from "vscode-languageclient/node";

interface Choice extends vscode.MessageItem {
  readonly action: MessageActionItem;
}

/** Asks; `null` where the person dismisses the question. */
export async function ask({ type, message, actions }: ShowMessageRequestParams): Promise<MessageActionItem | null> {
  const choices = (actions ?? []).map((action): Choice => {
    const { title } = action;
    return { title, action, isCloseAffordance: title === "Cancel" };
  });
  // The first line asks, and what it is about stands below.
  const [head = "", ...rest] = message.split("\n");
  const modal = { modal: true, ...(rest.length > 0 && { detail: rest.join("\n") }) };
  const chosen =
    type === MessageType.Error
      ? await vscode.window.showErrorMessage(head, modal, ...choices)
      : type === MessageType.Warning
        ? await vscode.window.showWarningMessage(head, modal, ...choices)
        : await vscode.window.showInformationMessage(head, modal, ...choices);
  return chosen?.action ?? null;
}
