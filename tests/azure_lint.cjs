// node azure_lint.cjs SCHEMA FILE...: what the language service of Azure Pipelines, which has no command, finds in the files.
const fs = require("fs");
const { pathToFileURL } = require("url");
const { getLanguageService, parse } = require("azure-pipelines-language-service");
const { TextDocument } = require("vscode-languageserver-textdocument");

const [schema, ...files] = process.argv.slice(2);
const loadSchema = async () => JSON.parse(fs.readFileSync(schema, "utf8"));
const service = getLanguageService(loadSchema, [], async () => pathToFileURL(schema).href, { resolveRelativePath: (path) => path });
service.configure({ validate: true, schemas: [] });

async function problems(file) {
  const document = TextDocument.create(pathToFileURL(file).href, "azure-pipelines", 1, fs.readFileSync(file, "utf8"));
  const found = await service.doValidation(document, parse(document.getText()));
  return found.map(({ range, message }) => `${file}:${range.start.line + 1}: ${message}`);
}

console.log = () => {}; // on which the service reports its own work
Promise.all(files.map(problems)).then((found) => {
  for (const problem of found.flat()) console.error(problem);
  process.exitCode = found.flat().length ? 1 : 0;
});
