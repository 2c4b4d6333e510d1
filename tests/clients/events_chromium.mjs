// Drives tests/programs/events.rs with Chromium's EventSource.
//
//   ADDR=127.0.0.1:8000 node events_chromium.mjs
import "./rows.js";
import { launch } from "./chromium.mjs";
import { addr, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { browser, context } = await launch();
const rows = [];
const row = (route, claim, check) => rows.push({ route, claim, check });

async function eventsPage() {
  const page = await context.newPage();
  await page.goto(`http://${addr}/`);
  return page;
}

const count = async () => Number(await (await fetch(`http://${addr}/open/count`)).text());

/** Waits until so many streams are open, for less than the 15 s after which the server would send something. */
async function opened(number) {
  for (const end = Date.now() + 5000; (await count()) !== number; ) {
    if (Date.now() > end) throw new Error(`expected ${number} open streams, got ${await count()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

row("/texts", "every text is one event, whatever stands in it", async () => {
  const page = await eventsPage();
  const heard = await page.evaluate(
    () =>
      new Promise((done) => {
        const source = new EventSource("/texts");
        const heard = [];
        source.addEventListener("forged", () => heard.push("forged!"));
        source.onmessage = ({ data }) => heard.push(data);
        source.addEventListener("last", ({ data }) => {
          source.close();
          done([...heard, JSON.parse(data).text]);
        });
      }),
  );
  const texts = ["plain", "two\nlines", "", " ", "a\n\nevent: forged\ndata: b", ":x", "é🐟\0", "a\nb\nc", "\n"];
  same(heard, [...texts, "a\r\nb"]);
  await page.close();
});

row("/counting", "the browser comes back by itself and says where it was", async () => {
  const page = await eventsPage();
  const heard = await page.evaluate(
    () =>
      new Promise((done) => {
        const source = new EventSource("/counting");
        const heard = [];
        source.onmessage = ({ data, lastEventId }) => {
          heard.push(`${lastEventId}: ${data}`);
          if (heard.length < 9) return;
          source.close();
          done(heard);
        };
      }),
  );
  const after = ["the start", "2", "5"];
  same(heard, Array.from({ length: 9 }, (_, id) => `${id}: ${id} after ${after[Math.floor(id / 3)]}`));
  await page.close();
});

row("/open", "opens although nothing is sent, and its end is noticed at once", async () => {
  const page = await eventsPage();
  const open = () =>
    page.evaluate(
      () =>
        new Promise((done, fail) => {
          globalThis.source = new EventSource("/open");
          source.onopen = () => done();
          source.onerror = () => fail(new Error("no stream"));
        }),
    );
  await open();
  await opened(1);
  await page.evaluate(() => source.close());
  await opened(0);
  await open();
  await opened(1);
  await page.reload();
  await opened(0);
  await open();
  await opened(1);
  await page.close();
  await opened(0);
});

row("/open", "a stream that is open does not hold up the server's stop", async () => {
  const page = await eventsPage();
  const again = page.evaluate(
    () =>
      new Promise((done) => {
        const source = new EventSource("/open");
        source.onopen = () => document.title = "open";
        // It tries again, as long as it is told to.
        source.onerror = () => (source.close(), done(source.readyState));
      }),
  );
  await page.waitForFunction(() => document.title === "open");
  process.kill(Number(process.env.SERVER_PID), "SIGTERM");
  same(await again, 2);
  await page.close();
});

try {
  for (const each of rows) await report(each, () => withinLimit(each.check()));
} finally {
  await browser.close();
}
process.exit();
