// Drives the page of examples/assistant in headless Chromium, by its keyboard alone.
//
//   ADDR=127.0.0.1:8000 [SCREENSHOTS=<folder>] node assistant_chromium.mjs
import { join } from "node:path";
import "./rows.js";
import { launch, lowContrasts } from "./chromium.mjs";
import { addr, report } from "./report.mjs";

const { same, withinLimit } = globalThis.Tour;
const { browser, context } = await launch({ viewport: { width: 900, height: 700 } });
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
  await state(page, "Connected");
  await check(page);
  same(complaints, []);
  await page.close();
}

const state = (page, text) =>
  page.waitForFunction((text) => document.querySelector("#state").textContent === text, text);

/** Waits until so many answers are complete, and gives what stands in the log. */
async function log(page, answers) {
  await page.waitForFunction(
    (answers) =>
      document.querySelectorAll("#log .answer").length === answers && !document.querySelector("[aria-busy]"),
    answers,
  );
  return page.$$eval("#log li", (items) => items.map((item) => [item.className, item.querySelector(".text").textContent]));
}

row("/", "a question goes out with Enter, its answer comes in, and HTML stays text", () =>
  withPage(async (page) => {
    // The cursor is in the field from the start.
    await page.keyboard.type("<b>Hola</b>");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("mundo");
    await page.keyboard.press("Enter");
    const [mine, answer] = await log(page, 1);
    same(mine, ["mine", "<b>Hola</b>\nmundo"]);
    same(answer[1].startsWith("You said: “<b>Hola</b> mundo”, which is 2 words."), true);
    same(await page.$$eval("#log b", (found) => found.length), 0);
    same(await page.$eval("#question", (field) => [field.value, document.activeElement === field]), ["", true]);
  }));

row("/", "the button can be reached and pressed by keyboard, an empty question is not sent", () =>
  withPage(async (page) => {
    await page.keyboard.press("Enter");
    await page.keyboard.type("  ");
    await page.keyboard.press("Enter");
    same(await page.$$eval("#log li", (found) => found.length), 0);
    await page.keyboard.type("Hi");
    await page.keyboard.press("Tab");
    same(await page.evaluate(() => document.activeElement.id), "send");
    await page.keyboard.press("Space");
    same((await log(page, 1))[0], ["mine", "Hi"]);
  }));

row("/", "questions can be asked while an answer comes", () =>
  withPage(async (page) => {
    for (const text of ["one", "two", "three"]) {
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
    }
    const entries = await log(page, 3);
    same(entries.map(([name]) => name), ["mine", "answer", "mine", "answer", "mine", "answer"]);
    for (const [index, text] of ["one", "two", "three"].entries()) {
      same(entries[2 * index + 1][1].startsWith(`You said: “${text}”`), true);
    }
  }));

row("/", "a lost connection is shown, and made again", () =>
  withPage(async (page) => {
    await page.keyboard.type("cut off");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#log .answer")?.textContent.includes("You said"));
    await page.evaluate(() => socket.close());
    await page.waitForFunction(() => document.querySelector("#log .failure")?.textContent.includes("was lost"));
    await state(page, "Connected");
    await page.keyboard.type("again");
    await page.keyboard.press("Enter");
    same((await log(page, 2))[3][1].startsWith("You said: “again”"), true);
  }));

for (const [colorScheme, width] of [["light", 900], ["dark", 900], ["dark", 320]]) {
  row("/", `fits ${width} pixels and is legible in ${colorScheme}`, () =>
    withPage(
      async (page) => {
        await page.keyboard.type(`A long word: ${"x".repeat(200)}`);
        await page.keyboard.press("Enter");
        await log(page, 1);
        const root = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        same(root[0] <= root[1], true);
        const low = await page.evaluate(lowContrasts, "h1, p, label, button, textarea, #log span");
        same(low, []);
        if (process.env.SCREENSHOTS) {
          await page.screenshot({ path: join(process.env.SCREENSHOTS, `assistant-${colorScheme}-${width}.png`) });
        }
      },
      { colorScheme, viewport: { width, height: 640 } },
    ));
}

row("/api/eco-ws", "a page's own script gets its welcome", () =>
  withPage(async (page) => {
    const heard = await page.evaluate(
      () =>
        new Promise((done, fail) => {
          const heard = [];
          const socket = new WebSocket(`ws://${location.host}/api/eco-ws`);
          socket.onerror = () => fail(new Error("refused"));
          socket.onmessage = ({ data }) => {
            heard.push(data);
            if (heard.length === 2) done(heard);
            else socket.send("Hola");
          };
        }),
    );
    same(heard, ["¡Bienvenido!", "Eco: Hola"]);
  }));

try {
  for (const each of rows) await report(each, () => withinLimit(each.check()));
} finally {
  await browser.close();
}
process.exit();
