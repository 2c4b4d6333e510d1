// Drives the page of examples/chat in headless Chromium, mostly by the keyboard, and takes its server and its network away.
//
//   ADDR=127.0.0.1:8000 PROGRAM=<the chat> [SCREENSHOTS=<folder>] node chat_chromium.mjs
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";
import "./rows.js";
import { becomes, launch, lowContrasts } from "./chromium.mjs";
import { addr, report } from "./report.mjs";

const { same, withinLimit, at } = globalThis.Tour;
const { browser } = await launch();
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
let users = 100;

/** Pages of people, each with a browser of its own. What they complain about, and what they ask elsewhere, fails the row. */
async function withPeople(names, check, { host = addr, room = `room-${users}`, expected, ...options } = {}) {
  const contexts = [];
  const complaints = [];
  const pages = [];
  for (const name of names) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.on("console", (message) => !expected?.test(message.text()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.host !== host && url.protocol !== "data:") complaints.push(request.url());
    });
    page.user = ++users;
    page.room = room;
    await page.goto(`http://${host}/?user_id=${page.user}&username=${encodeURIComponent(name)}#${encodeURIComponent(room)}`);
    await isOpen(page);
    pages.push(page);
  }
  await check(...pages);
  same(complaints, []);
  await Promise.all(contexts.map((context) => context.close()));
}

const isOpen = (page, open = true) =>
  page.waitForFunction((open) => (document.querySelector("#state").dataset.state === "open") === open, open);

const has = (page, selector, text) =>
  page.waitForFunction(
    ([selector, text]) => [...document.querySelectorAll(selector)].some((found) => found.textContent.includes(text)),
    [selector, text],
  );

/** What stands in the log: the text, and what has become of it. */
const log = (page) =>
  page.$$eval(".message", (found) =>
    found.map((item) => [item.querySelector(".text").textContent, item.querySelector(".tick")?.classList[1]]),
  );
const texts = async (page) => (await log(page)).map(([text]) => text);

async function write(page, text) {
  await page.bringToFront();
  await page.focus("#text");
  await page.keyboard.insertText(text);
  await page.keyboard.press("Enter");
}

/** Somebody without a page. */
async function peer(host, room, user, name, query = "") {
  const { open } = at(`ws://${host}`, WebSocket);
  const socket = await open(`/ws/${encodeURIComponent(room)}?user_id=${user}&username=${name}${query}`);
  const until = async (type) => {
    for (;;) {
      const event = await socket.nextJson();
      if (event.type === type) return event;
    }
  };
  const say = async (content) => {
    socket.send(JSON.stringify({ type: "message", content }));
    return (await until("message_sent")).message_id;
  };
  await until("history");
  return { socket, until, say };
}

/** All that a room has stored. */
async function stored(host, room) {
  const { open } = at(`ws://${host}`, WebSocket);
  const socket = await open(`/ws/${encodeURIComponent(room)}?user_id=1&since=0`);
  const found = [];
  for (;;) {
    const { type, data } = await socket.nextJson();
    if (type === "history") found.push(...data.messages.map(({ content }) => content));
    if (type === "history" && !data.more) break;
  }
  socket.ws.close();
  return found;
}

// ---------------------------------------------------------------- talking

row("/", "who comes gives a name, and is in the lobby", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`http://${addr}/`);
  same(await page.evaluate(() => document.activeElement.id), "enter-name");
  await page.keyboard.type("Ann");
  await page.keyboard.press("Enter");
  await isOpen(page);
  same(await page.evaluate(() => [document.activeElement.id, location.hash]), ["text", "#lobby"]);
  await has(page, "#people-list", "Annyou");
  // And again, without being asked.
  await page.reload();
  await isOpen(page);
  await has(page, "#my-name", "Ann");
  await context.close();
});

row("/", "two people talk by the keyboard: ticks, typing, people, and texts stay text", () =>
  withPeople(["<b>Ann</b>", "Bob"], async (ann, bob) => {
    await has(ann, "#people-list .name", "Bob");
    await bob.bringToFront();
    await bob.focus("#text");
    await bob.keyboard.type("<img src=x onerror=alert(1)> hello");
    await has(ann, "#typing.on", "Bob is typing");
    await bob.keyboard.press("Shift+Enter");
    await bob.keyboard.type("https://example.org/a?b=1&c, and more");
    await bob.keyboard.press("Enter");
    for (const page of [ann, bob]) {
      await has(page, ".text", "<img src=x onerror=alert(1)> hello\nhttps://example.org/a?b=1&c, and more");
      same(await page.$$eval("#app b, #app img", (found) => found.length), 0);
      same(await page.$eval(".text a", (link) => [link.href, link.rel]), ["https://example.org/a?b=1&c", "noopener noreferrer nofollow"]);
    }
    await becomes(() => ann.$eval("#typing", (line) => line.classList.contains("on")), false);
    same(await bob.$eval("#text", (field) => [field.value, document.activeElement === field]), ["", true]);
    // Ann looks at it, so it is read.
    await ann.bringToFront();
    await bob.waitForSelector(".tick.read");
    await becomes(() => bob.$eval(".tick.read", (tick) => tick.title), "Read by <b>Ann</b>");
    await has(ann, "#announcer", "Bob: <img src=x onerror=alert(1)> hello");
    await write(ann, "so it is");
    await has(bob, ".message:not(.own) .name", "<b>Ann</b>");
    // What is only spaces is nothing.
    await write(ann, "   ");
    await becomes(async () => (await texts(ann)).length, 2);
  }));

row("/", "two messages in a row stand together, and days are told apart", () =>
  withPeople(["Ann"], async (page) => {
    await write(page, "one");
    await write(page, "two");
    await page.waitForFunction(() => document.querySelectorAll(".tick.sent").length === 2);
    await becomes(() => page.$$eval(".message", (found) => found.map((item) => item.className)), ["message own first", "message own last"]);
    await becomes(() => page.$$eval(".day", (found) => found.map((item) => item.textContent)), ["Today"]);
  }));

row("/", "other rooms: created, switched, counted, left", () =>
  withPeople(["Ann"], async (page) => {
    const first = page.room;
    const other = `${first} é/?#%`;
    await page.keyboard.press("Control+k");
    await page.waitForSelector("#room-dialog[open]");
    for (const [name, problem] of [["", "give the room a name"], ["stats", "can't be called"], ["..", "can't be called"]]) {
      await page.fill("#room-field", name);
      await page.keyboard.press("Enter");
      await has(page, "#room-problem", problem);
    }
    await page.fill("#room-field", other);
    await page.keyboard.press("Enter");
    await has(page, "#room-name", other);
    await isOpen(page);
    same(await page.evaluate(() => document.activeElement.id), "text");
    await write(page, "first here");
    await page.keyboard.type("a draft");
    // Somebody talks where Ann is not.
    const bob = await peer(addr, first, 2, "Bob");
    for (const text of ["psst", "Ann?"]) await bob.say(text);
    await has(page, ".room:not([aria-current]) .badge", "2 new");
    await has(page, ".room:not([aria-current]) .preview", "Bob: Ann?");
    await page.waitForFunction(() => document.title.startsWith("(2) "));
    await page.keyboard.press("Alt+ArrowUp");
    await has(page, "#room-name", first);
    await has(page, ".new", "New messages");
    await becomes(() => texts(page), ["psst", "Ann?"]);
    same((await bob.until("read")).data.message_id, 2);
    await page.waitForFunction(() => !document.title.startsWith("(") && !document.querySelector(".badge"));
    await page.keyboard.press("Alt+ArrowDown");
    await has(page, "#room-name", other);
    same(await page.$eval("#text", (field) => field.value), "a draft");
    await page.click("#leave");
    await has(page, "#room-name", first);
    await becomes(() => page.$$eval("#rooms .room .name", (found) => found.map((name) => name.textContent)), [first]);
    bob.socket.ws.close();
    await page.waitForFunction(() => document.querySelectorAll("#people-list li").length === 1);
  }));

row("/", "a room can be clicked while it changes", () =>
  withPeople(["Ann"], async (page) => {
    const [first, other] = [page.room, `${page.room} too`];
    await page.goto(`http://${addr}/?user_id=${page.user}&username=Ann#${encodeURIComponent(other)}`);
    await has(page, "#room-name", other);
    const bob = await peer(addr, first, 2, "Bob");
    await page.hover(`#rooms .room:has-text("${first}") >> nth=0`);
    await page.mouse.down();
    await bob.say("now?");
    await has(page, ".room:not([aria-current]) .badge", "1 new");
    await page.mouse.up();
    await has(page, "#room-name", first);
    await has(page, ".text", "now?");
    bob.socket.ws.close();
  }));

row("/", "the link to the message field leads there, and to no room of that name", () =>
  withPeople(["Ann"], async (page) => {
    await page.focus(".skip");
    await page.keyboard.press("Enter");
    same(await page.evaluate(() => document.activeElement.id), "text");
    same(await page.$$eval("#rooms .room .name", (found) => found.map((name) => name.textContent)), [page.room]);
    await write(page, "here");
    await becomes(() => texts(page), ["here"]);
  }));

row("/", "the dialog shows where people are", () =>
  withPeople(["Ann"], async (page) => {
    const bob = await peer(addr, "busy <i>room</i>", 2, "Bob");
    await page.click("#add-room");
    await page.click("text=busy <i>room</i>");
    await has(page, "#room-name", "busy <i>room</i>");
    await has(page, "#people-list", "Bob");
    bob.socket.ws.close();
  }));

row("/", "a name and colours can be changed", () =>
  withPeople(["Ann", "Bob"], async (ann, bob) => {
    await ann.click("#settings-open");
    await ann.check("input[value=dark]");
    same(await ann.evaluate(() => getComputedStyle(document.body).colorScheme), "dark");
    await ann.keyboard.press("Escape");
    await ann.waitForFunction(() => document.documentElement.dataset.theme === "system");
    await ann.click("#settings-open");
    await ann.check("input[value=dark]");
    await ann.fill("#settings-name", "Anna");
    await ann.keyboard.press("Enter");
    await isOpen(ann);
    await write(ann, "it is me");
    await has(bob, ".name", "Anna");
    await ann.reload();
    same(await ann.evaluate(() => document.documentElement.dataset.theme), "dark");
  }));

// ---------------------------------------------------------------- history

row("/", "scrolling up brings all that was ever said, and the reader stays where they are", async () => {
  const room = "scrolled";
  const bob = await peer(addr, room, 2, "Bob");
  for (let at = 0; at < 220; at++) await bob.say(`message ${at}`);
  await withPeople(
    ["Ann"],
    async (page) => {
      await becomes(async () => (await texts(page)).at(-1), "message 219");
      await page.focus("#text");
      for (let presses = 0; presses < 400 && !(await page.isVisible("#beginning")); presses++) {
        await page.keyboard.press("PageUp");
        await pause(15);
      }
      await becomes(() => texts(page), Array.from({ length: 220 }, (_, at) => `message ${at}`));
      await has(page, "#beginning", `This is where ${room} begins.`);
      // What is said meanwhile moves nothing, and is counted.
      const top = () => page.$eval(".message", (first) => Math.round(first.getBoundingClientRect().top));
      const before = await top();
      for (let at = 220; at < 223; at++) await bob.say(`message ${at}`);
      await has(page, "#latest", "3 new");
      same(await top(), before);
      await page.focus("#latest");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#latest", { state: "hidden" });
      await becomes(() => page.evaluate(() => document.activeElement.id), "text");
      await becomes(async () => (await texts(page)).at(-1), "message 222");
    },
    { room },
  );
  bob.socket.ws.close();
});

row("/", "who comes back sees where the new messages begin", async () => {
  const bob = await peer(addr, "again", 2, "Bob");
  await bob.say("old");
  await withPeople(
    ["Ann"],
    async (page) => {
      same((await bob.until("read")).data.message_id, 1);
      await page.goto("about:blank");
      for (const text of ["new", "newer"]) await bob.say(text);
      await page.goBack();
      await isOpen(page);
      await becomes(() => page.$$eval("#messages > :is(.new, .message)", (found) => found.map((item) => item.classList.contains("new"))), [
        false,
        true,
        false,
        false,
      ]);
    },
    { room: "again" },
  );
  bob.socket.ws.close();
});

// ---------------------------------------------------------------- faults

const broken = /WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION/;

row("/", "without a network it says so, keeps what is written, and goes on where it was", () =>
  withPeople(
    ["Ann"],
    async (page) => {
      const bob = await peer(addr, page.room, 2, "Bob");
      await bob.say("before");
      await has(page, ".text", "before");
      const network = await page.context().newCDPSession(page);
      const online = (offline) =>
        network.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
      await network.send("Network.enable");
      await online(true);
      await isOpen(page, false);
      await has(page, "#banner", "You are offline");
      for (const text of ["meanwhile", "and more"]) await bob.say(text);
      await write(page, "from the tunnel");
      await write(page, "and again");
      await becomes(() => log(page), [["before", undefined], ["from the tunnel", "waiting"], ["and again", "waiting"]]);
      await has(page, "#banner", "What you wrote is sent when you are back.");
      await online(false);
      await isOpen(page);
      await page.waitForFunction(() => document.querySelectorAll(".tick.sent").length === 2);
      const expected = ["before", "meanwhile", "and more", "from the tunnel", "and again"];
      await becomes(() => texts(page), expected);
      same(await stored(addr, page.room), expected);
      await becomes(() => page.isVisible("#banner"), false);
      bob.socket.ws.close();
    },
    { expected: broken },
  ));

row("/", "a room that was empty when the network went is read from its first message on", () =>
  withPeople(
    ["Ann"],
    async (page) => {
      const network = await page.context().newCDPSession(page);
      await network.send("Network.enable");
      const conditions = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
      await network.send("Network.emulateNetworkConditions", { offline: true, ...conditions });
      await isOpen(page, false);
      const bob = await peer(addr, page.room, 2, "Bob");
      for (let at = 0; at < 60; at++) await bob.say(`message ${at}`);
      await network.send("Network.emulateNetworkConditions", { offline: false, ...conditions });
      await isOpen(page);
      await becomes(() => texts(page), Array.from({ length: 60 }, (_, at) => `message ${at}`));
      await has(page, "#beginning", `This is where ${page.room} begins.`);
      bob.socket.ws.close();
    },
    { expected: broken },
  ));

row("/", "the server is killed and comes back: nothing is lost, nothing is there twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-chat-"));
  let server = await start(folder, 0);
  const { host } = server;
  try {
    await withPeople(
      ["Ann", "Bob"],
      async (ann, bob) => {
        const said = [];
        for (let round = 0; round < 3; round++) {
          for (const [page, name] of [[ann, "Ann"], [bob, "Bob"]]) {
            await write(page, `${name} ${round}`);
            said.push(`${name} ${round}`);
            for (const each of [ann, bob]) await has(each, ".text", said.at(-1));
          }
          // One of them writes in the very moment.
          await write(ann, `Ann at the end of ${round}`);
          await server.kill();
          said.push(`Ann at the end of ${round}`);
          await isOpen(ann, false);
          await write(ann, `Ann without a server ${round}`);
          said.push(`Ann without a server ${round}`);
          await ann.waitForSelector(".tick.waiting");
          server = await start(folder, host.split(":")[1]);
          for (const page of [ann, bob]) {
            await isOpen(page);
            await has(page, ".text", said.at(-1));
          }
          await ann.waitForFunction(() => !document.querySelector(".tick.waiting"));
        }
        same(await stored(host, ann.room), said);
        for (const page of [ann, bob]) await becomes(() => texts(page), said);
      },
      { host, expected: broken },
    );
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true });
  }
});

row("/", "a server that has forgotten all begins anew, with what is written then", async () => {
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), "sockeye-chat-")));
  let server = await start(folders[0], 0);
  const { host } = server;
  try {
    await withPeople(
      ["Ann", "Bob"],
      async (ann, bob) => {
        for (let at = 0; at < 5; at++) await write(ann, `forgotten ${at}`);
        await has(bob, ".text", "forgotten 4");
        await server.kill();
        server = await start(folders[1], host.split(":")[1]);
        for (const page of [ann, bob]) {
          await has(page, "#beginning", "Nobody has said anything");
          await isOpen(page);
          await becomes(() => texts(page), []);
        }
        await write(ann, "new");
        await has(bob, ".text", "new");
        await ann.waitForSelector(".tick.sent, .tick.read");
        await bob.bringToFront();
        await ann.waitForSelector(".tick.read");
        for (const page of [ann, bob]) await becomes(() => texts(page), ["new"]);
      },
      { host, expected: broken },
    );
  } finally {
    await server.kill();
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
});

row("/", "what was not sent outlives a reload", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-chat-"));
  let server = await start(folder, 0);
  const { host } = server;
  try {
    await withPeople(
      ["Ann"],
      async (page) => {
        await server.kill();
        await isOpen(page, false);
        await write(page, "still to be said");
        await page.waitForSelector(".tick.waiting");
        server = await start(folder, host.split(":")[1]);
        await page.reload();
        await page.waitForSelector(".tick.sent");
        await becomes(() => texts(page), ["still to be said"]);
        same(await stored(host, page.room), ["still to be said"]);
      },
      { host, expected: broken },
    );
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true });
  }
});

/** A chat of our own, to be killed. */
async function start(folder, port) {
  const env = { ...process.env, SOCKEYE_ADDR: `127.0.0.1:${port}`, CHAT_DB: join(folder, "chat.db") };
  const child = spawn(process.env.PROGRAM, { env, stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((done) => child.on("exit", done));
  const [line] = await Promise.race([
    new Promise((done) => createInterface(child.stdout).once("line", (line) => done([line]))),
    ended.then(() => Promise.reject(new Error("the server has ended"))),
  ]);
  return {
    host: line.replace("listening on http://", ""),
    kill: () => (child.kill("SIGKILL"), ended),
  };
}

// ---------------------------------------------------------------- looks

for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
  row("/", `fits ${width} pixels and is legible in ${colorScheme}`, () =>
    withPeople(
      [`Ann ${"x".repeat(60)}`],
      async (page) => {
        const bob = await peer(addr, page.room, 2, "B".repeat(64));
        await bob.say(`A long word: ${"x".repeat(200)}`);
        await bob.say("line\n".repeat(5) + "https://example.org/");
        await write(page, `A long word: ${"y".repeat(200)}`);
        await write(page, "short");
        bob.socket.send(JSON.stringify({ type: "typing", is_typing: true }));
        await page.waitForSelector("#typing.on");
        await page.waitForSelector(".tick.sent");
        const looks = async (name) => {
          await pause(300); // What slides has arrived.
          if (process.env.SCREENSHOTS) {
            await page.screenshot({ path: join(process.env.SCREENSHOTS, `chat-${name}-${colorScheme}-${width}.png`) });
          }
          const root = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          same([name, root[0] <= root[1]], [name, true]);
          const visible = ":is(h1, h2, h3, p, a, label, button, textarea, input, dt, dd, span, time):not(.hidden, .lamp, .dot)";
          same([name, await page.evaluate(lowContrasts, visible)], [name, []]);
        };
        await looks("room");
        if (width < 800) {
          for (const [button, drawer] of [["#menu", "#sidebar"], ["#people-toggle", "#people"]]) {
            await page.click(button);
            await page.waitForSelector(drawer);
            same(await page.evaluate((drawer) => document.activeElement.closest(drawer) !== null, drawer), true);
            await looks(drawer.slice(1));
            await page.keyboard.press("Escape");
            same(await page.evaluate((button) => document.activeElement.matches(button), button), true);
          }
        }
        await page.keyboard.press("Control+k");
        await looks("dialog");
        await page.keyboard.press("Escape");
        bob.socket.ws.close();
      },
      { colorScheme, viewport: { width, height: 800 } },
    ));
}

try {
  for (const each of rows) await report(each, () => withinLimit(each.check()));
} finally {
  await browser.close();
}
process.exit();
