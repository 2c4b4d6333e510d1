// A headless Chromium with a fresh profile.
import { chromium } from "playwright-core";
import { isSecure } from "./report.mjs";

const LIMIT = 30_000; // ms; longer than a row's own limit, for a page that hangs altogether

/** `without`: flags of Playwright's that would change what is tested. */
export async function launch(options = {}, without = []) {
  // Playwright gives every launch a fresh profile. The flags keep Chromium from calling home.
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    timeout: LIMIT,
    ignoreDefaultArgs: without,
    args: [
      "--no-sandbox", // needed as root, as in most containers
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--no-proxy-server",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(isSecure ? ["--ignore-certificate-errors"] : []),
    ],
  });
  const context = await browser.newContext(options);
  context.setDefaultTimeout(LIMIT);
  return { browser, context };
}

/** Waits until what `read` gives is as expected: a page draws when it comes to it. */
export async function becomes(read, expected) {
  const end = Date.now() + 10_000;
  for (;;) {
    const got = await read();
    try {
      return globalThis.Tour.same(got, expected);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** To run in a page: of what `texts` selects, the texts with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3). */
export function lowContrasts(texts) {
  // Whatever way a colour is written, a canvas knows what it looks like.
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const channels = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const paper = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = channels(getComputedStyle(each).backgroundColor);
      if (color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll(texts)) {
    if (element.closest("[hidden]")) continue;
    const pair = [luminance(channels(getComputedStyle(element).color)), luminance(paper(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) low.push(`${element.tagName} ${element.id || element.className}: ${contrast.toFixed(2)}`);
  }
  return low;
}
