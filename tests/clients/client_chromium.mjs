// The client for browsers in headless Chromium, against tests/programs/talk.rs: the network cut, the server killed, paths
// that are dead. It starts and ends the servers itself.
//
//   PROGRAM=target/debug/examples/talk node client_chromium.mjs
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "./rows.js";
import { launch } from "./chromium.mjs";
import { report } from "./report.mjs";
import { Proxy, Server } from "./server.mjs";

const { same, withinLimit } = globalThis.Tour;
// Pages may go into the cache from which `back` takes them.
const { browser, context } = await launch({}, ["--disable-back-forward-cache"]);
const folder = mkdtempSync(join(tmpdir(), "talk-"));
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

let server;
let proxy;

// A row that fails leaves waits behind, which then fail too.
process.on("unhandledRejection", ({ message }) => console.log(`left over: ${message.split("\n")[0]}`));

/** A page with a client of the room, behind the proxy. What it complains about fails the row. */
async function talking(room, options = {}, on = context) {
  const page = await on.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  await page.goto(`http://${proxy.address}/`);
  await page.evaluate(begin, [room, options]);
  await open(page);
  return page;
}

/** In the page: a client whose log is all that was said in the room, and whose states are noted. */
async function begin([room, options]) {
  const { Client } = await import("/sockeye/client.js");
  const offset = (message) => (message.type === "history" ? message.messages.at(-1)?.offset : message.offset);
  globalThis.client = new Client(`/talk/${room}`, { offset, since: 0, maxDelay: 1000, ...options });
  globalThis.log = [];
  globalThis.states = [];
  client.onstate = ({ detail }) => states.push(detail);
  client.on("history", ({ messages }) => log.push(...messages));
  client.on("said", (message) => log.push(message));
}

const open = (page) => page.waitForFunction(() => client.state === "open");
const away = (page) => page.waitForFunction(() => client.state !== "open");
const states = (page) => page.evaluate(() => states.map(({ state }) => state));

async function said(room, ...texts) {
  for (const text of texts) {
    const answer = await fetch(`http://${server.address}/say/${room}?text=${encodeURIComponent(text)}`, { method: "POST" });
    same(answer.status, 200);
  }
}

/** Waits until the log is exactly these texts, under offsets without a gap. */
async function heard(page, texts) {
  await page.waitForFunction((count) => log.length >= count, texts.length);
  const log = await page.evaluate(() => log.map(({ offset, text }) => [offset, text]));
  same(log, texts.map((text, at) => [at + 1, text]));
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, at) => `n${from + at}`);

row("/sockeye/client.js", "loads under a strict policy, and asks and answers", async () => {
  const page = await talking("asking");
  const answers = await page.evaluate(async () => {
    client.answer("confirm", async ({ what }) => `${what}: yes`);
    client.answer("refuse", () => {
      throw Object.assign(new Error("not now"), { code: "busy" });
    });
    const failed = (asked) => asked.then(JSON.stringify, ({ name, code, message }) => [name, code, message]);
    return Promise.all([
      client.request({ type: "double", number: 4 }),
      failed(client.request({ type: "double", number: 2 ** 31 })),
      failed(client.request({ type: "double", number: "4" })),
      client.request({ type: "ask_me", question: { type: "confirm", what: "tea" } }),
      failed(client.request({ type: "ask_me", question: { type: "refuse" } })),
      failed(client.request({ type: "slow", ms: 500 }, { timeout: 20 })),
      client.request({ type: "ping" }),
    ]);
  });
  same(answers.slice(0, 2), [8, ["RequestError", "too_large", "expected a number below 2^31"]]);
  same(answers[2][1], "invalid_message");
  same(answers.slice(3), [
    "tea: yes",
    ["RequestError", "busy", "not now"],
    ["RequestError", "timeout", "no answer within 20 ms"],
    null,
  ]);
  const echoed = await page.evaluate(async () => {
    const next = (kind) => new Promise((done) => client.addEventListener(kind, ({ data }) => done(data), { once: true }));
    const [binary, text] = [next("binary"), next("text")];
    client.send(new Uint8Array([1, 2]));
    client.send("hello");
    return [[...new Uint8Array(await binary)], await text];
  });
  same(echoed, [[1, 2], "hello"]);
  same(page.complaints, []);
});

row("/sockeye/client.js", "is not loaded again as long as it has not changed, and not by other origins", async () => {
  const page = await talking("cache");
  const statuses = [];
  page.on("response", (response) => response.url().endsWith("client.js") && statuses.push(response.status()));
  await page.goto(`http://${proxy.address}/`);
  await page.evaluate(() => import("/sockeye/client.js"));
  same(statuses, [304]);
  const foreign = await context.newPage();
  await foreign.route("http://elsewhere.test/", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await foreign.goto("http://elsewhere.test/");
  const load = (script) => foreign.evaluate((script) => import(script).then(() => "loaded", () => "refused"), script);
  same(await load(`http://${proxy.address}/sockeye/client.js`), "refused");
});

row("/talk", "works in a worker", async () => {
  const page = await talking("page");
  const answer = await page.evaluate(
    () => new Promise((done, fail) => {
      const worker = new Worker("/worker.js", { type: "module" });
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = ({ message }) => fail(new Error(message));
    }),
  );
  same(answer, 42);
});

row("/talk", "goes on behind its last message when the server was killed", async () => {
  const page = await talking("killed");
  await said("killed", ...numbers(0, 10));
  await heard(page, numbers(0, 10));
  await page.evaluate(() => {
    globalThis.broken = client.request({ type: "slow", ms: 60_000 }, { timeout: 60_000 }).catch(({ code }) => code);
    globalThis.kept = client.request({ type: "slow", ms: 300 }, { timeout: 60_000, retry: true }).then(() => "done");
  });
  await server.stop("SIGKILL");
  await away(page);
  same(await page.evaluate(() => broken), "disconnected");
  const given = await page.evaluate(() => [client.send({ type: "say", text: "n10" }), client.send({ type: "say", text: "n11" })]);
  same(given, ["queued", "queued"]);
  await server.start();
  await open(page);
  await heard(page, numbers(0, 12));
  await said("killed", ...numbers(12, 15));
  await heard(page, numbers(0, 15));
  same(await page.evaluate(() => kept), "done");
  const [first, last] = await page.evaluate(() => [states[0], states.at(-1)]);
  same([first.state, last.state], ["open", "open"]);
  same(page.complaints, []);
});

row("/talk", "goes on when the server has stopped in an orderly way, with what many have said meanwhile", async () => {
  const page = await talking("stopped");
  await said("stopped", "n0");
  await heard(page, ["n0"]);
  await server.stop("SIGTERM");
  await away(page);
  same((await page.evaluate(() => states.find(({ state }) => state === "waiting"))).code, 1001);
  proxy.cut();
  await server.start();
  await said("stopped", ...numbers(1, 301));
  proxy.mend();
  await heard(page, numbers(0, 301));
});

row("/talk", "without a network it says so and keeps what is sent, and comes back at once", async () => {
  const own = await browser.newContext();
  const page = await talking("offline", { minDelay: 60_000, maxDelay: 60_000 }, own);
  await said("offline", "n0");
  await heard(page, ["n0"]);
  await own.setOffline(true);
  proxy.cut();
  await page.waitForFunction(() => client.state === "offline");
  for (let n = 1; n < 50; n++) await page.evaluate((n) => client.send({ type: "say", text: `n${n}` }), n);
  same(await page.evaluate(() => [client.queued, client.send("x", { queue: false })]), [49, "dropped"]);
  proxy.mend();
  await own.setOffline(false);
  await heard(page, numbers(0, 50));
  same((await states(page)).slice(-2), ["connecting", "open"]);
  await own.close();
});

row("/talk", "finds out that a path is dead, and takes another", async () => {
  const page = await talking("stalled", { heartbeat: 500, heartbeatTimeout: 2000 });
  await said("stalled", "n0");
  await heard(page, ["n0"]);
  await page.waitForTimeout(2000);
  same(await states(page), ["open"]);
  proxy.stall();
  await said("stalled", "n1", "n2");
  const begun = Date.now();
  await away(page);
  const waiting = await page.evaluate(() => states.find(({ state }) => state === "waiting"));
  same(waiting.reason, "no answer to a ping in 2000 ms");
  same(Date.now() - begun < 6000, true);
  await said("stalled", "n3");
  await heard(page, numbers(0, 4));
});

row("/talk", "ends for good where the server says so, and asks for a new token where it is told to", async () => {
  const page = await context.newPage();
  await page.goto(`http://${proxy.address}/`);
  const ended = await page.evaluate(async () => {
    const { Client } = await import("/sockeye/client.js");
    const until = (client, wanted) =>
      new Promise((done) => (client.onstate = ({ detail }) => detail.state === wanted && done(detail)));
    const one = new Client("/talk/tokens", { query: { token: "old" } });
    const { code, reason } = await until(one, "closed");
    const tokens = [];
    const query = async ({ code }) => ({ token: tokens[tokens.push(code === 4001 ? "new" : "old") - 1] });
    const two = new Client("/talk/tokens", { query, stop: (code) => code === 1008 });
    two.on("*", () => {});
    while (tokens.length < 2) await until(two, "open");
    await two.request({ type: "double", number: 1 });
    two.close();
    return [code, reason, tokens, one.state, two.state];
  });
  same(ended, [4001, "expected a new token", ["old", "new"], "closed", "closed"]);
});

row("/talk", "a page that comes back from the browser's cache goes on where it was", async () => {
  const page = await talking("cached");
  await said("cached", "n0");
  await heard(page, ["n0"]);
  await page.evaluate(() => {
    globalThis.persisted = [];
    addEventListener("pageshow", (event) => persisted.push(event.persisted));
  });
  await page.goto(`http://${proxy.address}/connections`);
  await said("cached", "n1", "n2");
  await page.goBack({ waitUntil: "commit" });
  same(await page.evaluate(() => persisted), [true]);
  await heard(page, numbers(0, 3));
  same(page.complaints, []);
});

row("/talk", "many tabs: after a restart all are there again, each with everything once", async () => {
  const tabs = await Promise.all(Array.from({ length: 16 }, () => talking("tabs")));
  await said("tabs", ...numbers(0, 5));
  await server.stop("SIGKILL");
  await Promise.all(tabs.map(away));
  await Promise.all(tabs.map((page, at) => page.evaluate((at) => client.send({ type: "say", text: `tab ${at}` }), at)));
  await server.start();
  await Promise.all(tabs.map(open));
  await tabs[0].waitForFunction(() => log.length >= 5 + 16);
  const log = await tabs[0].evaluate(() => log.map(({ text }) => text));
  same(log.slice(0, 5), numbers(0, 5));
  same([...log.slice(5)].sort(), Array.from({ length: 16 }, (_, at) => `tab ${at}`).sort());
  for (const page of tabs) await heard(page, log);
  await Promise.all(tabs.map((page) => page.close()));
});

row("/talk", "closed, nothing of it is left on the server", async () => {
  const page = await talking("closing");
  const count = async () => Number(await (await fetch(`http://${server.address}/connections`)).text());
  const before = await count();
  const [taken, state] = await page.evaluate(() => (client.close(), [client.send("x"), client.state]));
  same([taken, state], ["dropped", "closed"]);
  while ((await count()) !== before - 1) await new Promise((done) => setTimeout(done, 20));
});

process.once("exit", () => server?.kill());
try {
  for (const [at, each] of rows.entries()) {
    server = new Server(process.env.PROGRAM, { TALK_DB: join(folder, `${at}.db`) });
    proxy = new Proxy();
    await report(each, () => withinLimit((async () => {
      await server.start();
      await proxy.listen(server.port);
      await each.check();
    })()));
    for (const page of context.pages()) await page.close();
    proxy.close();
    await server.stop();
  }
} finally {
  await browser.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
}
process.exit();
