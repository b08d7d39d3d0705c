// What the usual TOML extension does, Even Better TOML: all it has is for the language `toml`, under which every `.toml` goes
// that nobody else claims. Each thing carries its name, so that whatever comes from it can be told.

const vscode = require("vscode");

const LANGUAGE = "toml";
const TOML = { language: LANGUAGE, scheme: "file" };
const NAME = "neighbour";
const START = new vscode.Position(0, 0);

exports.activate = ({ subscriptions }) => {
  const problems = vscode.languages.createDiagnosticCollection(NAME);
  const look = (document) => {
    if (document.languageId !== LANGUAGE) return;
    const problem = new vscode.Diagnostic(new vscode.Range(START, START), `${NAME} was here`);
    problem.source = NAME;
    problems.set(document.uri, [problem]);
  };
  subscriptions.push(
    problems,
    vscode.workspace.onDidOpenTextDocument(look),
    // A document that becomes another language's is closed and opened anew.
    vscode.workspace.onDidCloseTextDocument((document) => problems.delete(document.uri)),
    vscode.languages.registerDocumentFormattingEditProvider(TOML, {
      provideDocumentFormattingEdits: () => [vscode.TextEdit.insert(START, `# ${NAME}\n`)],
    }),
    vscode.languages.registerCompletionItemProvider(TOML, {
      provideCompletionItems: () => [new vscode.CompletionItem(`max_palyra_of_the_${NAME}`)],
    }),
  );
  vscode.workspace.textDocuments.forEach(look);
};
