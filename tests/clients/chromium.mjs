// A headless Chromium with a fresh profile.
import { chromium } from "playwright-core";
import { isSecure } from "./report.mjs";

const LIMIT = 30_000; // ms; longer than a row's own limit, for a page that hangs altogether

export async function launch(options = {}) {
  // Playwright gives every launch a fresh profile. The flags keep Chromium from calling home.
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    timeout: LIMIT,
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
