// Drives examples/tour with a page in headless Chromium: the rows that every JavaScript client checks, run inside a page
// of the tour's own origin, and what only a browser can show.
//
//   ADDR=127.0.0.1:8000 STDOUT=<file with what the tour prints> node tour_chromium.mjs
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import "./rows.js";
import { launch } from "./chromium.mjs";
import { base, goodbyes, isSecure, origin, report } from "./report.mjs";

const { moreGoodbyes, same, withinLimit } = globalThis.Tour;

const { browser, context } = await launch();
await context.addInitScript({ path: fileURLToPath(new URL("rows.js", import.meta.url)) });
await context.exposeFunction("goodbyes", goodbyes);

/** A new page of the tour's own origin. What stands on it (a 404, say) does not matter. */
async function tourPage(url = `${origin}/`) {
  const page = await context.newPage();
  await page.goto(url);
  same(await page.evaluate(() => location.origin), new URL(url).origin);
  await page.evaluate((base) => {
    globalThis.tour = globalThis.Tour.at(base, WebSocket, globalThis.goodbyes);
  }, base);
  return page;
}

/** Opens `/ws/disconnect` in a page of its own, lets `leave` end that page, and counts what the tour says. */
async function leavingPage(leave) {
  const before = goodbyes();
  const page = await tourPage();
  await page.evaluate(() => tour.open("/ws/disconnect").then(() => {}));
  await leave(page);
  await moreGoodbyes({ goodbyes }, before, 1);
}

/** Opens a socket that must be refused: the page sees 1006, only the console says why. */
async function refusedWith(why, page, path) {
  const [message] = await Promise.all([
    page.waitForEvent("console", (message) => message.text().includes(path)),
    page.evaluate((path) => tour.dial(path).closesWith(1006), path),
  ]);
  if (!why.test(message.text())) throw new Error(message.text());
}

const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

// Over HTTP/2 the console says no more than that it failed.
if (!isSecure) {
  row("/ws/strict", "the console tells of the 401 behind the 1006", async () => {
    const page = await tourPage();
    // Chromium words a 401 without a challenge in its own way.
    await refusedWith(/response code: 401|HTTP Authentication failed/, page, "/ws/strict?token=wrong");
    await page.close();
  });
}

row("/echo", "one byte more than 16 MiB ends it with 1009", async () => {
  const page = await tourPage();
  await page.evaluate(async () => {
    const socket = await tour.open("/echo");
    socket.send(new Uint8Array(16 * 1024 * 1024 + 1));
    await socket.closesWith(1009);
  });
  await page.close();
});

row("/ws/disconnect", "says so once when the page is closed", () => leavingPage((page) => page.close()));

row("/ws/disconnect", "says so once when the page goes elsewhere", () =>
  leavingPage((page) => page.goto("about:blank")));

row("/ws/disconnect", "says so once when the page crashes", () =>
  leavingPage(async (page) => {
    const crash = page.waitForEvent("crash");
    page.goto("chrome://crash").catch(() => {});
    await crash;
  }));

row("origins", "a page of another origin is refused with 403 and sees 1006", async () => {
  const server = createServer((_, response) => response.end("elsewhere")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const page = await tourPage(`http://127.0.0.1:${server.address().port}/`);
  await refusedWith(/response code: 403/, page, "/ws/lobby");
  await page.close();
  server.close();
});

if (isSecure) {
  row("HTTP/2", "a page and its sockets go over one connection", async () => {
    const page = await tourPage();
    same(await page.evaluate(() => performance.getEntriesByType("navigation")[0].nextHopProtocol), "h2");
    const tools = await context.newCDPSession(page);
    await tools.send("Network.enable");
    const answer = once(tools, "Network.webSocketHandshakeResponseReceived");
    await page.evaluate(() => tour.open("/ws").then(() => {}));
    // RFC 8441 section 5: not 101.
    same((await answer)[0].response.status, 200);
    await page.close();
  });
}

try {
  const page = await tourPage();
  for (const [index, each] of globalThis.Tour.rows.entries()) {
    const inPage = (index) => globalThis.Tour.withinLimit(globalThis.Tour.rows[index].check(tour));
    await report(each, () => page.evaluate(inPage, index));
  }
  for (const each of rows) await report(each, () => withinLimit(each.check()));
} finally {
  await browser.close();
}
process.exit(); // the server of a failed row may still listen
