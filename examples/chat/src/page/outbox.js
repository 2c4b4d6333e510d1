// What was written and is not stored yet. It outlives the connection and the page's reload; each message has an id of its
// own, so that it is stored once however often it is sent.

import { own } from "./storage.js";

/** Waits after which a message is tried again that the server could not take. */
const RETRY = { rate_limited: 1_500, storage_unavailable: 3_000 };

export class Outbox {
  /** The oldest first: `{ client_id, content, created_at, problem? }`; with a problem it is not sent any more. */
  waiting;
  #name;
  #send;
  #changed;
  /** The one that was sent and not answered: one at a time, so that they are stored in their order. */
  #sent;
  #isOpen = false;
  #timer;

  /** `send` sends an event and says whether it went out. */
  constructor(name, send, changed) {
    this.#name = `outbox.${name}`;
    this.#send = send;
    this.#changed = changed;
    this.waiting = own.get(this.#name) ?? [];
  }

  add(content) {
    const client_id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    this.waiting.push({ client_id, content, created_at: new Date().toISOString() });
    this.#keep();
    this.#next();
  }

  /** The connection is up to date, or gone. What was not answered then is sent again. */
  setOpen(isOpen) {
    this.#isOpen = isOpen;
    this.#sent = undefined;
    clearTimeout(this.#timer);
    if (isOpen) this.#next();
  }

  /** It is stored. Gives it back. */
  take(client_id) {
    const stored = this.waiting.find((message) => message.client_id === client_id);
    this.remove(client_id);
    return stored;
  }

  remove(client_id) {
    this.waiting = this.waiting.filter((message) => message.client_id !== client_id);
    if (this.#sent === client_id) this.#sent = undefined;
    this.#keep();
    this.#next();
  }

  /** The server did not take it. Gives whether it is tried again. */
  refused({ client_id, code, message }) {
    if (this.#sent !== client_id) return false;
    const delay = RETRY[code];
    if (delay) {
      this.#timer = setTimeout(() => {
        this.#sent = undefined;
        this.#next();
      }, delay);
      return true;
    }
    this.#sent = undefined;
    for (const each of this.waiting) if (each.client_id === client_id) each.problem = message;
    this.#keep();
    this.#next();
    return false;
  }

  #next() {
    if (!this.#isOpen || this.#sent) return;
    const next = this.waiting.find((message) => !message.problem);
    if (next && this.#send({ type: "message", content: next.content, client_id: next.client_id })) {
      this.#sent = next.client_id;
    }
  }

  #keep() {
    if (this.waiting.length > 0) own.set(this.#name, this.waiting);
    else own.remove(this.#name);
    this.#changed();
  }
}
