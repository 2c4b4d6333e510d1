// The browser client under Node, with sockets and a clock that do what each row says.
//
//   node client_node.mjs
import "./rows.js";
import { Client, Clock, FakeBrowser, FakeSocket, RequestError, settle } from "./fake.mjs";
import { report } from "./report.mjs";

const { same } = globalThis.Tour;
const rows = [];
const row = (claim, check) => rows.push({ route: "client.js", claim, check });

/** A client whose socket is open, and what it has shown. */
async function opened(options = {}, url = "ws://server/chat") {
  const client = made(options, url);
  await settle();
  FakeSocket.last.opens();
  return client;
}

function made(options = {}, url = "ws://server/chat") {
  const client = new Client(url, { WebSocket: FakeSocket, ...options });
  client.shown = [];
  client.states = [client.state];
  client.drops = [];
  client.on("*", (message) => client.shown.push(message));
  client.onstate = ({ detail }) => client.states.push(detail.state);
  client.addEventListener("drop", ({ detail }) => client.drops.push(detail));
  clients.push(client);
  return client;
}

/** Lets the connection break and the next one open. */
async function again(clock) {
  FakeSocket.last.ends();
  await clock.pass(30_000);
  FakeSocket.last.opens();
}

async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    same(error instanceof RequestError, true);
    return [error.code, error.message];
  }
  throw new Error("expected an error");
}

const throws = (make) => {
  try {
    make();
  } catch (error) {
    return error.message;
  }
  throw new Error("expected an error");
};

const count = () => FakeSocket.all.length;

// ------------------------------------------------------------------ messages

row("shows events by their type, and everything to `*`", async () => {
  const client = await opened();
  const heard = [];
  const off = client.on("chat", ({ text }) => heard.push(text));
  client.once("chat", ({ text }) => heard.push(`once ${text}`));
  FakeSocket.last.says({ type: "chat", text: "a" });
  FakeSocket.last.says({ type: "chat", text: "b" });
  off();
  FakeSocket.last.says({ type: "chat", text: "c" });
  FakeSocket.last.says({ type: "__proto__" });
  same(heard, ["a", "once a", "b"]);
  same(client.shown.map((message) => message.text ?? message.type), ["a", "b", "c", "__proto__"]);
});

row("shows what is no event as text or binary, which no event can pass itself off as", async () => {
  const client = await opened();
  const heard = [];
  for (const kind of ["text", "binary"]) {
    client.addEventListener(kind, ({ data }) => heard.push([kind, data]));
    client.on(kind, () => heard.push([`an event ${kind}`]));
  }
  const bytes = new Uint8Array([1, 2]).buffer;
  for (const text of ["hello", "[1]", "null", "7", '{"type":7}', "{", ""]) FakeSocket.last.says(text);
  FakeSocket.last.says(bytes);
  FakeSocket.last.says({ type: "binary" });
  FakeSocket.last.says({ type: "*" });
  same(heard.length, 9);
  same(heard.slice(0, 7).map(([, text]) => text), ["hello", "[1]", "null", "7", '{"type":7}', "{", ""]);
  same(heard[7][1] === bytes, true);
  same(heard[8], ["an event binary"]);
  same(client.shown.length, 10);
});

row("a handler that throws is reported, and the others still run", async () => {
  const errors = [];
  globalThis.reportError = (error) => errors.push(error.message);
  const client = await opened({ offset: () => { throw new Error("offset"); } });
  client.on("x", () => { throw new Error("handler"); });
  client.onstate = () => { throw new Error("state"); };
  FakeSocket.last.says({ type: "x" });
  FakeSocket.last.ends();
  client.onstate = null;
  delete globalThis.reportError;
  same(errors, ["offset", "handler", "state"]);
  same([client.shown.length, client.state], [1, "waiting"]);
});

row("sends objects as JSON, and texts and bytes as they are", async () => {
  const client = await opened();
  const bytes = new Uint8Array([1]);
  const given = [client.send({ type: "a" }), client.send("text"), client.send(bytes), client.send(bytes.buffer)];
  same(given, ["sent", "sent", "sent", "sent"]);
  same(FakeSocket.last.sent.slice(0, 2), ['{"type":"a"}', "text"]);
  same(FakeSocket.last.sent[2] === bytes && FakeSocket.last.sent[3] === bytes.buffer, true);
});

// ------------------------------------------------------------------ the URL

row("takes relative URLs from the page, and http as ws", async () => {
  const browser = new FakeBrowser();
  browser.install();
  try {
    for (const [given, url] of [
      ["/chat/tea?a=1#x", "wss://example.com/chat/tea?a=1"],
      ["room", "wss://example.com/app/room"],
      ["http://localhost:8000/", "ws://localhost:8000/"],
      [new URL("wss://other/x"), "wss://other/x"],
    ]) {
      const client = made({ protocols: ["v1"] }, given);
      await settle();
      same([String(FakeSocket.last.url), FakeSocket.last.protocols], [url, ["v1"]]);
      client.close();
    }
    same(throws(() => new Client("ftp://x/", { WebSocket: FakeSocket })).startsWith("expected a URL of ws, wss, http or https"), true);
  } finally {
    browser.uninstall();
  }
});

row("what can never work is said at once", () => {
  same(throws(() => new Client("/relative", { WebSocket: FakeSocket })).length > 0, true);
  same(throws(() => new Client("ws://x/", { hearbeat: 1 })).startsWith("unknown option `hearbeat`; there are query,"), true);
  same(throws(() => new Client("ws://x/", { "": 1 })).startsWith("unknown option ``; there are query,"), true);
  same(throws(() => new Client("ws://x/", { WebSocket: undefined })).startsWith("there is no WebSocket here"), true);
  same(count(), 0);
});

row("asks functions for URL and query at every attempt, and says how it went before", async (clock) => {
  const asked = [];
  const url = async (attempt) => (asked.push(attempt), "ws://server/x?keep=1");
  const query = ({ attempt }) => ({ token: `t${attempt}`, tags: ["a", "b"], none: undefined });
  const client = made({ query }, url);
  await settle();
  same(String(FakeSocket.last.url), "ws://server/x?keep=1&token=t0&tags=a&tags=b");
  FakeSocket.last.ends(1011, "sorry");
  await clock.pass(250);
  same(String(FakeSocket.last.url), "ws://server/x?keep=1&token=t1&tags=a&tags=b");
  same(asked, [{ attempt: 0 }, { attempt: 1, code: 1011, reason: "sorry" }]);
  same(client.state, "connecting");
});

row("a function that fails, or never answers, is an attempt that failed", async (clock) => {
  let fail = true;
  const seen = [];
  const url = () => (fail ? Promise.reject(new Error("no token")) : new Promise(() => {}));
  const client = made({ connectTimeout: 5000 }, url);
  client.addEventListener("state", ({ detail }) => detail.state === "waiting" && seen.push([detail.error?.message, detail.reason]));
  await settle();
  fail = false;
  await clock.pass(250);
  same(client.state, "connecting");
  await clock.pass(5000);
  same(client.states.includes("waiting"), true);
  same(seen, [["no token", "Error: no token"], [undefined, "not open after 5000 ms"]]);
  same(count(), 0);
});

row("an attempt that was overtaken opens no socket", async () => {
  let give;
  const client = made({}, () => new Promise((done) => (give = done)));
  await settle();
  client.close();
  give("ws://server/");
  await settle();
  same([count(), client.state], [0, "closed"]);
});

// ------------------------------------------------------------------ coming back

row("waits a random part of a limit that doubles up to 30 s, and starts anew after a good connection", async (clock) => {
  const real = Math.random;
  Math.random = () => 1;
  try {
    const client = await opened();
    const waits = [];
    client.addEventListener("state", ({ detail }) => detail.state === "waiting" && waits.push(detail.retryIn));
    FakeSocket.last.ends();
    for (let attempt = 0; attempt < 9; attempt++) {
      await clock.pass(waits.at(-1));
      FakeSocket.last.ends();
    }
    same(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    await clock.pass(30_000);
    FakeSocket.last.opens();
    await clock.pass(4999);
    FakeSocket.last.ends();
    same(waits.at(-1), 30000);
    await clock.pass(30_000);
    FakeSocket.last.opens();
    await clock.pass(5000);
    FakeSocket.last.ends();
    same(waits.at(-1), 250);
    Math.random = () => 0.5;
    await clock.pass(250);
    FakeSocket.last.ends();
    same([waits.at(-1), client.retryIn], [250, 250]);
    await clock.pass(100);
    same(client.retryIn, 150);
  } finally {
    Math.random = real;
  }
});

row("shows its states in order, with the code that ended a connection", async (clock) => {
  const client = made();
  const details = [];
  client.addEventListener("state", ({ detail }) => details.push([detail.previous, detail.state, detail.code, detail.reason]));
  await settle();
  FakeSocket.last.opens();
  FakeSocket.last.ends(1012, "restart");
  await clock.pass(250);
  FakeSocket.last.opens();
  client.close();
  same(details, [
    ["connecting", "open", undefined, undefined],
    ["open", "waiting", 1012, "restart"],
    ["waiting", "connecting", undefined, undefined],
    ["connecting", "open", undefined, undefined],
    ["open", "closed", 1000, ""],
  ]);
  same(client.retryIn, undefined);
});

row("some close codes are the end, and the option `stop` says which", async (clock) => {
  for (const [code, options, state] of [
    [1008, {}, "closed"],
    [4000, {}, "closed"],
    [4999, {}, "closed"],
    [1000, {}, "waiting"],
    [1013, {}, "waiting"],
    [3000, {}, "waiting"],
    [4001, { stop: (code, reason) => code === 4001 && reason === "gone" }, "waiting"],
    [1000, { stop: (code) => code === 1000 }, "closed"],
  ]) {
    const client = await opened(options);
    const failing = client.request({ type: "x" }).catch((error) => error.message);
    FakeSocket.last.ends(code, "because");
    same([code, client.state], [code, state]);
    if (state === "closed") same(await failing, `the client was closed: ${code} because`);
    client.close();
    same(clock.timers.size, 0);
  }
});

row("gives up an attempt that does not open in time", async (clock) => {
  const client = made({ connectTimeout: 3000 });
  await settle();
  const first = FakeSocket.last;
  await clock.pass(2999);
  same(client.state, "connecting");
  await clock.pass(1);
  same([client.state, first.readyState, first.onopen], ["waiting", 2, null]);
});

row("a network that comes back, or a page that is looked at, ends the wait", async (clock, browser) => {
  const client = await opened();
  browser.navigator.onLine = false;
  FakeSocket.last.ends();
  same(client.state, "offline");
  browser.network(true);
  await settle();
  same([client.state, count()], ["connecting", 2]);
  FakeSocket.last.ends();
  browser.show(false);
  same(client.state, "waiting");
  browser.show(true);
  same(client.state, "connecting");
  await settle();
  FakeSocket.last.ends();
  browser.network(false);
  same(client.state, "offline");
  await clock.pass(30_000);
  same(client.state, "connecting");
});

row("a page in the browser's cache holds no socket and no timer, and comes back with what it had", async (clock, browser) => {
  const client = await opened({ since: 4 });
  browser.page.dispatchEvent(new Event("pagehide"));
  same([client.state, FakeSocket.last.readyState, clock.timers.size], ["offline", 2, 0]);
  same(client.send({ type: "later" }), "queued");
  await clock.pass(3_600_000);
  same(count(), 1);
  browser.page.dispatchEvent(new Event("pageshow"));
  await settle();
  same(String(FakeSocket.last.url), "ws://server/chat?since=4");
  FakeSocket.last.opens();
  same(FakeSocket.last.messages, [{ type: "later" }]);
  browser.page.dispatchEvent(new Event("pageshow"));
  await settle();
  same(count(), 2);
});

row("closed, it leaves no timer and no listener, and can begin anew", async (clock, browser) => {
  for (const prepare of [
    async () => {},
    async () => (await settle(), FakeSocket.last.opens()),
    async () => (await settle(), FakeSocket.last.ends()),
    async (client) => void client.request({ type: "x" }).catch(() => {}),
    async (client) => (await settle(), FakeSocket.last.opens(), void client.request({ type: "x" }).catch(() => {})),
    async () => browser.page.dispatchEvent(new Event("pagehide")),
  ]) {
    const client = made();
    await prepare(client);
    client.close();
    client.close();
    same([client.state, clock.timers.size, browser.listeners], ["closed", 0, 0]);
    client.connect();
    await settle();
    FakeSocket.last.opens();
    same(client.state, "open");
    client.close(4000, "bye");
    same(FakeSocket.last.closed, { code: 4000, reason: "bye" });
    same([clock.timers.size, browser.listeners], [0, 0]);
  }
});

row("a close code that may not be sent changes nothing", async () => {
  const client = await opened();
  same(throws(() => client.close(1006)), "close code 1006");
  same(client.state, "open");
});

row("what listeners of `state` do counts: close in `open`, connect in `waiting`", async () => {
  const client = made();
  client.send("waits");
  client.addEventListener("state", ({ detail }) => detail.state === "open" && client.close());
  await settle();
  FakeSocket.last.opens();
  same([client.state, FakeSocket.last.sent], ["closed", []]);
  const other = await opened();
  other.addEventListener("state", ({ detail }) => detail.state === "waiting" && other.connect());
  FakeSocket.last.ends();
  await settle();
  same([other.state, count()], ["connecting", 3]);
});

// ------------------------------------------------------------------ the queue

row("what is sent without a connection waits, in order, and goes out behind what `open` has sent", async (clock) => {
  const client = made();
  same([client.send({ n: 1 }), client.send("2"), client.queued], ["queued", "queued", 2]);
  client.addEventListener("state", ({ detail }) => detail.state === "open" && client.send("hello"));
  await settle();
  FakeSocket.last.opens();
  same([FakeSocket.last.messages, client.queued], [["hello", { n: 1 }, "2"], 0]);
  FakeSocket.last.ends();
  client.send("3");
  await clock.pass(250);
  client.send("4");
  FakeSocket.last.opens();
  same(FakeSocket.last.messages, ["hello", "3", "4"]);
});

row("a socket that is closing swallows nothing", async (clock) => {
  const client = await opened();
  FakeSocket.last.readyState = 2;
  same(client.send("kept"), "queued");
  await again(clock);
  same(FakeSocket.last.sent, ["kept"]);
});

row("the queue has a limit: the oldest goes, and that is told", async () => {
  const client = made({ queue: 3 });
  for (let n = 0; n < 5; n++) client.send(`${n}`);
  const request = rejected(client.request({ type: "q" }));
  same(client.drops, [0, 1, 2].map((n) => ({ data: `${n}`, reason: "dropped" })));
  for (let n = 5; n < 8; n++) client.send(`${n}`);
  same(await request, ["dropped", "more than 3 messages wait"]);
  await settle();
  FakeSocket.last.opens();
  same(FakeSocket.last.sent, ["5", "6", "7"]);
});

row("without a queue nothing waits, and closed nothing is taken", async () => {
  for (const [options, given] of [[{ queue: 0 }, {}], [{}, { queue: false }]]) {
    const client = made(options);
    same([client.send("x", given), client.queued], ["dropped", 0]);
    same(await rejected(client.request({ type: "x" }, given)), ["offline", "there is no connection"]);
    client.send("y");
    client.close();
    same(client.drops, options.queue === 0 ? [] : [{ data: "y", reason: "closed" }]);
    same([client.send("z"), (await rejected(client.request({ type: "x" })))[0]], ["dropped", "closed"]);
  }
});

// ------------------------------------------------------------------ asking and answering

row("a request is answered by its id, whatever the order", async (clock) => {
  const client = await opened();
  const [one, two, three] = ["a", "b", "c"].map((type) => client.request({ type }));
  same(FakeSocket.last.messages, [{ type: "a", id: 1 }, { type: "b", id: 2 }, { type: "c", id: 3 }]);
  FakeSocket.last.says({ type: "reply", id: 2, data: { x: 1 } });
  FakeSocket.last.says({ type: "reply", id: 1 });
  FakeSocket.last.says({ type: "error", id: 3, data: { code: "too_long", message: "expected less" } });
  same([await two, await one, await rejected(three)], [{ x: 1 }, undefined, ["too_long", "expected less"]]);
  same([client.shown, clock.timers.size], [[], 1]);
});

row("answers that are late or nobody's are not shown, errors without an id are", async (clock) => {
  const client = await opened();
  const late = rejected(client.request({ type: "a" }, { timeout: 500 }));
  await clock.pass(500);
  same(await late, ["timeout", "no answer within 500 ms"]);
  FakeSocket.last.says({ type: "reply", id: 1, data: 1 });
  FakeSocket.last.says({ type: "error", id: 1, data: {} });
  same(client.shown, []);
  for (const shown of [{ type: "reply", id: 2 }, { type: "reply", id: "1" }, { type: "error", data: {} }, { type: "reply" }]) {
    FakeSocket.last.says(shown);
    same(client.shown.pop(), shown);
  }
});

row("a request whose connection breaks fails, or is sent again if it may be", async (clock) => {
  const client = await opened();
  const once = rejected(client.request({ type: "once" }));
  const twice = client.request({ type: "twice" }, { retry: true });
  const also = client.request({ type: "also" }, { retry: true, timeout: 60_000 });
  FakeSocket.last.ends();
  same(await once, ["disconnected", "the connection broke before the answer came"]);
  client.send("behind");
  await clock.pass(250);
  FakeSocket.last.opens();
  same(FakeSocket.last.messages, [{ type: "twice", id: 2 }, { type: "also", id: 3 }, "behind"]);
  FakeSocket.last.says({ type: "reply", id: 2, data: "done" });
  same(await twice, "done");
  await again(clock);
  same(FakeSocket.last.messages, [{ type: "also", id: 3 }]);
  FakeSocket.last.says({ type: "reply", id: 3, data: "done too" });
  same(await also, "done too");
});

row("a request's time and its signal end it wherever it is", async (clock) => {
  const client = made();
  const [slow, stopped] = [new AbortController(), new AbortController()];
  const late = rejected(client.request({ type: "late" }, { timeout: 100 }));
  const aborted = rejected(client.request({ type: "aborted" }, { signal: slow.signal }));
  stopped.abort();
  same(await rejected(client.request({ type: "never" }, { signal: stopped.signal })), ["aborted", "the request was aborted"]);
  slow.abort();
  await clock.pass(100);
  same([(await late)[0], (await aborted)[0], client.queued], ["timeout", "aborted", 0]);
  FakeSocket.last.opens();
  same(FakeSocket.last.sent, []);
});

row("the server's questions are answered, over the connection that they came by", async (clock) => {
  const client = await opened();
  let give;
  const off = client.answer("confirm", ({ data }) => data.n + 1);
  client.answer("later", () => new Promise((done) => (give = done)));
  client.answer("fails", async () => { throw Object.assign(new Error("not now"), { code: "busy" }); });
  client.answer("nothing", () => {});
  client.answer("cyclic", () => { const cycle = {}; return (cycle.cycle = cycle); });
  FakeSocket.last.says({ type: "confirm", id: "q1", data: { n: 1 } });
  for (const type of ["fails", "nothing", "cyclic", "later"]) FakeSocket.last.says({ type, id: type });
  await settle();
  const [one, nothing, fails, cyclic] = ["q1", "nothing", "fails", "cyclic"].map((id) =>
    FakeSocket.last.messages.find((message) => message.id === id));
  same(one, { type: "reply", id: "q1", data: 2 });
  same(nothing, { type: "reply", id: "nothing", data: null });
  same(fails, { type: "error", id: "fails", data: { code: "busy", message: "not now" } });
  same([cyclic.type, cyclic.data.code, client.shown], ["error", "failed", []]);
  await again(clock);
  give("too late");
  await settle();
  same(FakeSocket.last.sent, []);
  off();
  FakeSocket.last.says({ type: "confirm", id: "q2" });
  FakeSocket.last.says({ type: "nothing" });
  same(client.shown.map(({ type }) => type), ["confirm", "nothing"]);
});

// ------------------------------------------------------------------ heartbeat

row("after 25 s of silence it pings, and what comes is life", async (clock) => {
  const client = await opened();
  await clock.pass(24_999);
  same(FakeSocket.last.sent, []);
  await clock.pass(1);
  same(FakeSocket.last.messages, [{ type: "ping" }]);
  await clock.pass(5000);
  FakeSocket.last.says({ type: "pong" });
  await clock.pass(24_999);
  same(FakeSocket.last.sent.length, 1);
  await clock.pass(1);
  same(FakeSocket.last.sent.length, 2);
  FakeSocket.last.says({ type: "anything" });
  await clock.pass(20_000);
  FakeSocket.last.says("anything");
  await clock.pass(24_999);
  same([FakeSocket.last.sent.length, client.state, client.shown.length], [2, "open", 2]);
});

row("a path on which nothing comes is given up", async (clock) => {
  const client = await opened();
  const reasons = [];
  client.addEventListener("state", ({ detail }) => reasons.push(detail.reason));
  const first = FakeSocket.last;
  await clock.pass(34_999);
  same(client.state, "open");
  await clock.pass(1);
  same([client.state, reasons, first.readyState], ["waiting", ["no answer to a ping in 10000 ms"], 2]);
  first.says({ type: "ghost" });
  same(client.shown, []);
});

row("a machine that has slept asks once more before it gives up", async (clock) => {
  const client = await opened();
  await clock.pass(25_000);
  await clock.sleep(600_000);
  same([client.state, FakeSocket.last.messages.length], ["open", 2]);
  FakeSocket.last.says({ type: "pong" });
  await clock.pass(25_000);
  same([client.state, FakeSocket.last.messages.length], ["open", 3]);
  await clock.sleep(600_000);
  await clock.sleep(600_000);
  same(client.state, "waiting");
});

row("a change of network, or a page that is looked at again, is a reason to ask at once", async (clock, browser) => {
  const client = await opened();
  browser.network(false);
  same([client.state, FakeSocket.last.messages], ["open", [{ type: "ping" }]]);
  FakeSocket.last.says({ type: "pong" });
  await clock.pass(1);
  browser.network(true);
  browser.show(false);
  browser.show(true);
  same(FakeSocket.last.sent.length, 3);
  await clock.pass(10_000);
  same(client.state, "waiting");
});

row("the heartbeat can be another one, or none", async (clock, browser) => {
  const other = await opened({ heartbeat: 1000, ping: "are you there", pong: "here" });
  await clock.pass(1000);
  same(FakeSocket.last.sent, ["are you there"]);
  other.close();
  const client = await opened({ heartbeat: 0 });
  browser.network(false);
  await clock.pass(3_600_000);
  FakeSocket.last.says({ type: "pong" });
  same([FakeSocket.last.sent, client.shown, client.state], [[], [{ type: "pong" }], "open"]);
});

// ------------------------------------------------------------------ resuming

row("goes on behind the last offset, and shows no message twice", async (clock) => {
  const client = await opened();
  same(String(FakeSocket.last.url), "ws://server/chat");
  for (const offset of [1, 2, 3]) FakeSocket.last.says({ type: "m", offset });
  await again(clock);
  same(String(FakeSocket.last.url), "ws://server/chat?since=3");
  for (const offset of [2, 3, 4]) FakeSocket.last.says({ type: "m", data: { offset } });
  same([client.shown.map((message) => message.offset ?? message.data.offset), client.offset], [[1, 2, 3, 4], 4]);
});

row("ids are no offsets unless the app says so", async () => {
  const plain = await opened();
  FakeSocket.last.says({ type: "user", id: 7, data: { id: 9 } });
  FakeSocket.last.says({ type: "user", data: { id: 3, offset: "8" } });
  same([plain.shown.length, plain.offset], [2, undefined]);
  const own = await opened({ offset: ({ type, data }) => (type === "message" ? data.id : undefined), since: 0, sinceName: "after" });
  same(String(FakeSocket.last.url), "ws://server/chat?after=0");
  for (const id of [1, 1, 2]) FakeSocket.last.says({ type: "message", data: { id } });
  FakeSocket.last.says({ type: "user", data: { id: 1 } });
  same([own.shown.length, own.offset], [3, 2]);
  const none = await opened({ offset: false, since: 5 });
  FakeSocket.last.says({ type: "m", offset: 1 });
  FakeSocket.last.says({ type: "m", offset: 1 });
  same([none.shown.length, String(FakeSocket.last.url)], [2, "ws://server/chat"]);
});

row("a server that has begun anew is believed", async () => {
  const client = await opened({ since: 900 });
  FakeSocket.last.says({ type: "m", offset: 2 });
  FakeSocket.last.says({ type: "history", data: { recovered: false } });
  for (const offset of [1, 2, 2]) FakeSocket.last.says({ type: "m", offset });
  same([client.shown.length, client.offset], [3, 2]);
});

row("the offset can be set, to go on from what was kept elsewhere", async (clock) => {
  const client = await opened();
  client.offset = 41;
  FakeSocket.last.says({ type: "m", offset: 41 });
  FakeSocket.last.says({ type: "m", offset: 42 });
  await again(clock);
  same([client.shown.length, String(FakeSocket.last.url)], [1, "ws://server/chat?since=42"]);
});

// ------------------------------------------------------------------ all together

let clients = [];

for (const { check, ...about } of rows) {
  const [clock, browser] = [new Clock(), new FakeBrowser()];
  FakeSocket.all = [];
  clients = [];
  clock.install();
  const needsBrowser = check.length > 1;
  if (needsBrowser) browser.install();
  await report(about, async () => {
    await check(clock, browser);
    for (const client of clients) client.close();
    await settle();
    same([clock.timers.size, browser.listeners], [0, 0]);
  });
  if (needsBrowser) browser.uninstall();
  Clock.uninstall();
}
