// Drives the pages of examples/hub in headless Chromium, by the keyboard alone.
//
//   ADDR=127.0.0.1:8000 [SCREENSHOTS=<folder>] node hub_chromium.mjs
import { join } from "node:path";
import "./rows.js";
import { launch } from "./chromium.mjs";
import { addr, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { browser } = await launch();
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

/** Pages in contexts of their own. What they complain about, and what they ask elsewhere, fails the row. */
async function withPages(path, count, check, options = { viewport: { width: 1280, height: 800 } }) {
  const context = await browser.newContext(options);
  const complaints = [];
  const pages = [];
  for (let at = 0; at < count; at++) {
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (new URL(request.url()).host !== addr && !request.url().startsWith("data:")) complaints.push(request.url());
    });
    await page.goto(`http://${addr}${path}`);
    pages.push(page);
  }
  await check(...pages);
  same(complaints, []);
  await context.close();
}

const text = (page, selector, expected) =>
  page.waitForFunction(
    ([selector, expected]) => document.querySelector(selector)?.textContent.includes(expected),
    [selector, expected],
  );

/** Connects with a name and an id: the cursor is in the first field. */
async function connect(page, name, id) {
  await page.bringToFront();
  await page.focus("#username");
  await page.keyboard.type(name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(id);
  await page.keyboard.press("Enter");
  await text(page, "#state", "Connected");
  await text(page, "#log", `Welcome, ${name}`);
}

/** What stands in the log: type, text. */
const log = (page) =>
  page.$$eval("#log li", (items) => items.map((item) => [item.className, item.querySelector(".body").textContent]));

row("/ws/test", "several users chat, names and texts stay text, and the traffic is shown raw", () =>
  withPages("/ws/test", 2, async (ann, bob) => {
    await connect(ann, "<b>Ann</b>", "a");
    await connect(bob, "Bob", "b");
    await text(ann, "#log", "Bob has joined the chat");
    await text(ann, "#people", "2 here: <b>Ann</b>, Bob");
    await bob.keyboard.type("<img src=x onerror=alert(1)> hello");
    await bob.keyboard.press("Enter");
    for (const page of [ann, bob]) {
      await text(page, "#log", "<img src=x onerror=alert(1)> hello");
      same(await page.$$eval("main b, main img", (found) => found.length), 0);
    }
    same(await bob.$eval("#text", (field) => [field.value, document.activeElement === field]), ["", true]);
    const sent = await bob.$$eval("#traffic .out .body", (found) => found.map((item) => JSON.parse(item.textContent)));
    same([sent.length, sent[0].type, sent[0].content], [1, "chat", "<img src=x onerror=alert(1)> hello"]);
    const got = await ann.$$eval("#traffic .in .body", (found) => found.map((item) => JSON.parse(item.textContent)));
    same(got.map((message) => message.type), ["user_list", "system", "user_joined", "chat"]);
    await bob.focus("#connect");
    await bob.keyboard.press("Enter");
    await text(bob, "#state", "Not connected (1000)");
    await text(ann, "#log", "Bob has left the chat");
    await text(ann, "#people", "1 here: <b>Ann</b>");
  }));

row("/ws/test", "every type can be sent by keyboard, and what is no message gets its error", () =>
  withPages("/ws/test", 1, async (page) => {
    await connect(page, "Ann", "a");
    for (const [kind, words] of [["notification", "look"], ["heartbeat", "tick"], ["", "{broken"], ["", ""]]) {
      await page.selectOption("#kind", kind);
      await page.focus("#text");
      await page.keyboard.type(words);
      for (let steps = 0; steps < 2; steps++) await page.keyboard.press("Tab");
      same(await page.evaluate(() => document.activeElement.id), "send");
      await page.keyboard.press("Space");
    }
    await page.waitForFunction(() => document.querySelectorAll("#log .error").length === 2);
    same((await log(page)).map(([kind]) => kind), ["system", "notification", "heartbeat", "error", "error"]);
    await text(page, "#state", "Connected");
    await page.focus("#clear");
    await page.keyboard.press("Enter");
    same(await page.$$eval("#traffic li", (found) => found.length), 0);
  }));

row("/websocket", "its first example runs as it stands", () =>
  withPages("/websocket", 1, async (page) => {
    const code = await page.$eval("#vanilla", (block) => block.textContent);
    same(code.includes(`ws://${addr}/ws?`), true);
    const heard = await page.evaluate(`(async () => {
      const heard = [];
      const console = { log: (...words) => heard.push(words) };
      await new Promise((done, fail) => {
        ${code}
        const take = ws.onmessage;
        ws.onerror = () => fail(new Error("refused"));
        ws.onmessage = (event) => (take(event), heard.length === 3 && done());
      });
      return heard;
    })()`);
    same(heard, [
      ["user_list", "system", "Who is here"],
      ["system", "system", "Welcome, Ann"],
      ["chat", "Ann", "Hello!"],
    ]);
  }));

for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
  for (const path of ["/ws/test", "/websocket"]) {
    row(path, `fits ${width} pixels and is legible in ${colorScheme}`, () =>
      withPages(
        path,
        1,
        async (page) => {
          if (path === "/ws/test") {
            await connect(page, `Ann${"x".repeat(100)}`, "a");
            for (const kind of ["chat", "notification", "heartbeat", ""]) {
              await page.selectOption("#kind", kind);
              await page.focus("#text");
              await page.keyboard.type(`A long word: ${"x".repeat(200)}`);
              await page.keyboard.press("Enter");
            }
            await page.waitForSelector("#log .error");
          }
          if (process.env.SCREENSHOTS) {
            const name = `hub${path.replaceAll("/", "-")}-${colorScheme}-${width}.png`;
            await page.screenshot({ path: join(process.env.SCREENSHOTS, name), fullPage: true });
          }
          const root = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          same(root[0] <= root[1], true);
          same(await page.evaluate(lowContrasts), []);
        },
        { colorScheme, viewport: { width, height: 800 } },
      ));
  }
}

/** In the page: the texts with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3). */
function lowContrasts() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const paper = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = channels(getComputedStyle(each).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("h1, h2, h3, p, a, label, button, input, select, td, th, dt, dd, code, li span")) {
    const pair = [luminance(channels(getComputedStyle(element).color)), luminance(paper(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) low.push(`${element.tagName} ${element.id || element.className}: ${contrast.toFixed(2)}`);
  }
  return low;
}

try {
  for (const each of rows) await report(each, () => withinLimit(each.check()));
} finally {
  await browser.close();
}
process.exit();
