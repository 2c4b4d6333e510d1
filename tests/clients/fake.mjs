// A clock and sockets that do what a test says, for the browser client under Node.
import { copyFileSync, mkdirSync } from "node:fs";

// Under a name by which Node knows that it is a module.
const copy = new URL(".cache/client.mjs", import.meta.url);
mkdirSync(new URL(".", copy), { recursive: true });
copyFileSync(new URL("../../framework/src/browser/client.js", import.meta.url), copy);

export const { Client, RequestError } = await import(copy.href);

const immediate = setImmediate;
const realTimers = { setTimeout, clearTimeout };
const realNow = performance.now;

/** Lets everything run that waits for nothing but its turn. */
export const settle = () => new Promise((done) => immediate(() => immediate(done)));

/** Timers that fire only when the test lets the time go on. */
export class Clock {
  now = 1000;
  timers = new Map();
  #next = 1;

  install() {
    globalThis.setTimeout = (callback, delay = 0) => {
      this.timers.set(this.#next, { at: this.now + Math.max(0, delay), callback });
      return this.#next++;
    };
    globalThis.clearTimeout = (id) => this.timers.delete(id);
    performance.now = () => this.now;
  }

  static uninstall() {
    Object.assign(globalThis, realTimers);
    performance.now = realNow;
  }

  /** Lets `ms` pass, timer by timer. */
  async pass(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b);
      if (due.length === 0) break;
      const [id, { at, callback }] = due[0];
      this.timers.delete(id);
      this.now = Math.max(this.now, at);
      callback();
      await settle();
    }
    this.now = end;
  }

  /** The machine sleeps: what was due fires afterwards, at once. */
  async sleep(ms) {
    this.now += ms;
    await this.pass(0);
  }
}

/** A socket whose other end is the test. */
export class FakeSocket {
  static all = [];
  readyState = 0;
  sent = [];
  closed;

  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
    FakeSocket.all.push(this);
  }

  static get last() {
    return this.all.at(-1);
  }

  send(data) {
    if (this.readyState === 0) throw new Error("still connecting");
    if (this.readyState === 1) this.sent.push(data);
  }

  close(code, reason) {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) throw new RangeError(`close code ${code}`);
    if (this.readyState < 2) this.closed = { code, reason };
    this.readyState = Math.max(this.readyState, 2);
  }

  // -------------------------------------------------------------- the other end

  opens() {
    this.readyState = 1;
    this.onopen?.({});
  }

  says(message) {
    this.onmessage?.({ data: typeof message === "object" && !(message instanceof ArrayBuffer) ? JSON.stringify(message) : message });
  }

  ends(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** What was sent, as JSON where it is. */
  get messages() {
    return this.sent.map((data) => (typeof data === "string" && data.startsWith("{") ? JSON.parse(data) : data));
  }
}

/** A target that knows how many listen. */
class CountingTarget extends EventTarget {
  listeners = 0;

  addEventListener(...given) {
    this.listeners += 1;
    super.addEventListener(...given);
  }

  removeEventListener(...given) {
    this.listeners -= 1;
    super.removeEventListener(...given);
  }
}

/** A browser's window and document, as far as the client looks at them. */
export class FakeBrowser {
  page = new CountingTarget();
  document = Object.assign(new CountingTarget(), { visibilityState: "visible", baseURI: "https://example.com/app/page#top" });
  navigator = { onLine: true };
  #before = Object.getOwnPropertyDescriptor(globalThis, "navigator");

  install() {
    globalThis.document = this.document;
    globalThis.addEventListener = (...given) => this.page.addEventListener(...given);
    globalThis.removeEventListener = (...given) => this.page.removeEventListener(...given);
    Object.defineProperty(globalThis, "navigator", { value: this.navigator, configurable: true });
  }

  uninstall() {
    delete globalThis.document;
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
    delete globalThis.navigator;
    if (this.#before) Object.defineProperty(globalThis, "navigator", this.#before);
  }

  get listeners() {
    return this.page.listeners + this.document.listeners;
  }

  /** The network goes or comes. */
  network(isThere) {
    this.navigator.onLine = isThere;
    this.page.dispatchEvent(new Event(isThere ? "online" : "offline"));
  }

  show(isVisible) {
    this.document.visibilityState = isVisible ? "visible" : "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
}
