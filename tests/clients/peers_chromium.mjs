// Drives the page of examples/peers in headless Chromium, by its keyboard alone.
//
//   ADDR=127.0.0.1:8000 [SCREENSHOTS=<folder>] node peers_chromium.mjs
import { join } from "node:path";
import "./rows.js";
import { launch, lowContrasts } from "./chromium.mjs";
import { addr, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { browser, context } = await launch({ viewport: { width: 900, height: 640 } });
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

/** The page, connected. What it complains about, and what it asks elsewhere, fails the row. */
async function withPage(check, options) {
  const own = options ? await browser.newContext(options) : context;
  const page = await own.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== addr && !request.url().startsWith("data:")) complaints.push(request.url());
  });
  await page.goto(`http://${addr}/`);
  await connected(page);
  await check(page);
  same(complaints, []);
  await page.close();
}

const connected = (page) => page.waitForFunction(() => document.querySelector("#state").textContent === "Connected");

/** Waits for so many entries, and gives those from `start` on. */
async function log(page, count, start = 0) {
  await page.waitForFunction((count) => document.querySelectorAll("#log li").length >= count, count);
  const entries = await page.$$eval("#log li", (items) => items.map((item) => [...item.children].map((part) => part.textContent)));
  return entries.slice(start);
}

async function name(page) {
  const [[user, text]] = await log(page, 1);
  same(user, "server");
  return text.match(/^Welcome (\S+)!$/)[1];
}

row("/", "a message goes out with Enter, comes to everybody, and HTML stays text", () =>
  withPage(async (ada) => {
    const own = await name(ada);
    await withPage(async (bob) => {
      const other = await name(bob);
      same(await log(ada, 2, 1), [["server", `${other} joined!`]]);
      // The cursor is in the field from the start.
      await bob.keyboard.type("<b>Hola</b>");
      await bob.keyboard.press("Enter");
      same(await log(bob, 2, 1), [[other, "<b>Hola</b>"]]);
      same(await log(ada, 3, 2), [[other, "<b>Hola</b>"]]);
      same(await ada.$$eval("#log b", (found) => found.length), 0);
      same(await bob.$eval("#text", (field) => [field.value, document.activeElement === field]), ["", true]);
      await ada.bringToFront();
      await ada.keyboard.type("ping");
      await ada.keyboard.press("Tab");
      same(await ada.evaluate(() => document.activeElement.id), "send");
      await ada.keyboard.press("Space");
      same(await log(ada, 4, 3), [["server", "pong"]]);
    });
    const left = await log(ada, 5, 4);
    same(left[0][0] === "server" && left[0][1].endsWith(" left!") && !left[0][1].startsWith(own), true);
  }));

row("/", "an empty message is not sent, a lost connection is shown and made again", () =>
  withPage(async (page) => {
    await name(page);
    await page.keyboard.press("Enter");
    await page.keyboard.type("  ");
    await page.keyboard.press("Enter");
    await page.evaluate(() => socket.close());
    await page.waitForFunction(() => document.querySelector("#state").textContent.startsWith("Not connected"));
    await connected(page);
    same((await log(page, 2, 1))[0][1].startsWith("Welcome "), true);
  }));

row("/api/sse", "the clock ticks", () =>
  withPage(async (page) => {
    await page.waitForFunction(() => document.querySelectorAll("#ticks li").length >= 3);
    const ticks = await page.$$eval("#ticks li", (items) => items.map((item) => item.textContent));
    same(ticks.every((tick) => /^Message @ \d\d:\d\d:\d\d$/.test(tick)), true);
    same(new Set(ticks).size, ticks.length);
    same(await page.$eval("#clock-state", (state) => state.textContent), "Connected");
  }));

for (const [colorScheme, width] of [["light", 900], ["dark", 900], ["dark", 320]]) {
  row("/", `fits ${width} pixels and is legible in ${colorScheme}`, () =>
    withPage(
      async (page) => {
        for (const text of ["Hola", "ping", `A long word: ${"x".repeat(200)}`]) {
          await page.keyboard.type(text);
          await page.keyboard.press("Enter");
        }
        await log(page, 4);
        await page.waitForFunction(() => document.querySelectorAll("#ticks li").length >= 2);
        const root = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        same(root[0] <= root[1], true);
        same(await page.evaluate(lowContrasts, "h1, h2, p, label, button, input, #log span, #ticks li"), []);
        if (process.env.SCREENSHOTS) {
          await page.screenshot({ path: join(process.env.SCREENSHOTS, `peers-${colorScheme}-${width}.png`) });
        }
      },
      { colorScheme, viewport: { width, height: 640 } },
    ));
}

try {
  for (const each of rows) await report(each, () => withinLimit(each.check()));
} finally {
  await browser.close();
}
process.exit();
