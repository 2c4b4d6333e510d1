// The types of the browser client against what it is, and the scripts of the book's chapter on it: with TypeScript, strictly.
//
//   node client_types.mjs
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import "./rows.js";
import { Client, FakeSocket, RequestError } from "./fake.mjs";
import { report } from "./report.mjs";

const { same } = globalThis.Tour;
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const declarations = path("../../framework/src/browser/client.d.ts");
const chapter = readFileSync(path("../../book/src/browser-client.md"), "utf8");
const folder = path(".cache/book/");

/** What TypeScript has to say of these files, each with what else there is in the world. */
function complaints(files, extra = {}) {
  const program = ts.createProgram(files, {
    noEmit: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    paths: { "/sockeye/client.js": [declarations] },
    ...extra,
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName.split("/").at(-1)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

/** The members that the declarations give a class or an interface. */
function members(name) {
  const source = ts.createSourceFile(declarations, readFileSync(declarations, "utf8"), ts.ScriptTarget.ES2022, true);
  const found = source.statements.find((statement) => statement.name?.text === name);
  return [...new Set(found.members.map((member) => member.name?.text).filter(Boolean))].sort();
}

/** The chapter's blocks in a language, each as a file. */
function blocks(language, ending) {
  const found = [...chapter.matchAll(new RegExp("^```" + language + "\n([^]*?)\n^```$", "gm"))];
  return found.map(([, text], at) => {
    const file = `${folder}${language}-${at}.${ending}`;
    writeFileSync(file, text);
    return file;
  });
}

const row = (claim, check) => report({ route: "client.d.ts", claim }, check);

await row("can be used strictly, and says what is wrong", () => {
  same(complaints([path("client_types.ts")]), []);
});

await row("declares all that the client has, and no more", () => {
  const client = new Client("ws://x/", { WebSocket: FakeSocket, connect: false });
  const own = [...Object.getOwnPropertyNames(Client.prototype), ...Object.keys(client)];
  same(own.filter((name) => name !== "constructor").sort(), members("Client").filter((name) => !name.endsWith("EventListener")));
  same(Object.keys(new RequestError("a", "b")).filter((name) => name !== "name"), members("RequestError"));
});

await row("declares all options, which the book lists too", () => {
  let said;
  try {
    new Client("ws://x/", { "": 1 });
  } catch ({ message }) {
    said = message;
  }
  const options = said.split("there are ")[1].split(", ").sort();
  same(options, members("Options"));
  const table = chapter.split("## The options")[1].split("\n## ")[0].split("\n").filter((line) => line.startsWith("| `"));
  same(table.flatMap((line) => [...line.split("|")[1].matchAll(/`(\w+)`/g)].map(([, name]) => name)).sort(), options);
});

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}world.d.ts`, 'declare module "react";\ndeclare module "vue";\n');
writeFileSync(`${folder}jsx.d.ts`, "declare namespace JSX { interface IntrinsicElements { [name: string]: any } }\n");
const script = { allowJs: true, checkJs: true, noImplicitAny: false, strictNullChecks: false, useUnknownInCatchVariables: false, jsx: ts.JsxEmit.Preserve };
for (const [language, ending, count] of [["js", "js", 5], ["jsx", "jsx", 1], ["ts", "ts", 1]]) {
  const files = blocks(language, ending);
  const claim = `the book's ${files.length} scripts in ${language} are right`;
  await row(claim, () => {
    same(files.length, count);
    for (const file of files) same(complaints([file, `${folder}world.d.ts`, `${folder}jsx.d.ts`], ending === "ts" ? {} : script), []);
  });
}
rmSync(folder, { recursive: true });
