// What was said, as the page shows it: days, groups of messages, ticks, and where the reader is.

import { dayKey, dayOf, hue, initials, listed, momentOf, nodes, timeOf } from "./words.js";

/** Messages of one user that come within this belong together. */
const TOGETHER = 5 * 60_000; // ms
/** Pixels from the end within which the reader is at the end. */
const NEAR = 48;

/** Pixels from the top within which older messages are asked for. */
const AHEAD = 300;

const byId = (id) => document.getElementById(id);
const [log, list, older, olderButton, beginning, latest, latestWords] = [
  "log", "messages", "older", "older-button", "beginning", "latest", "latest-words",
].map(byId);

export class Log {
  #me;
  #room;
  #seen;
  /** Elements by their keys, with a word for what they show. */
  #shown = new Map();
  #isAtEnd = true;

  /** `seen` is called when the reader has the last message before the eyes. */
  constructor(me, seen) {
    this.#me = me;
    this.#seen = seen;
    log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    addEventListener("resize", () => this.#isAtEnd && this.toEnd());
    new ResizeObserver(() => this.#isAtEnd && this.toEnd()).observe(log);
    olderButton.addEventListener("click", () => this.#room?.loadOlder());
    latest.addEventListener("click", () => {
      this.toEnd();
      byId("text").focus();
    });
    list.addEventListener("click", ({ target }) => this.#pressed(target));
  }

  /** Shows another room: from the first new message on, or its end. */
  show(room) {
    this.#room = room;
    this.#shown.clear();
    list.replaceChildren();
    this.#isAtEnd = true;
    this.update();
    const divider = list.querySelector(".new");
    if (divider && divider.offsetTop < log.scrollHeight - log.clientHeight) {
      divider.scrollIntoView({ block: "start" });
      this.#scrolled();
    }
  }

  update() {
    const room = this.#room;
    if (!room) return;
    const anchor = this.#isAtEnd ? undefined : this.#firstInSight();
    this.#reconcile(entriesOf(room, this.#me));
    older.hidden = room.isWhole || room.state !== "open";
    olderButton.textContent = room.isLoading ? "Loading…" : "Older messages";
    beginning.hidden = !room.isWhole;
    beginning.textContent = room.messages.length + room.outbox.waiting.length > 0
      ? `This is where ${room.name} begins.`
      : `Nobody has said anything in ${room.name} yet.`;
    if (this.#isAtEnd) this.toEnd();
    else if (anchor) log.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
    this.#mark();
    this.#fill();
  }

  toEnd() {
    log.scrollTop = log.scrollHeight;
    this.#isAtEnd = true;
    this.#mark();
  }

  /** Moves by pages, for the keyboard. */
  page(direction) {
    log.scrollBy({ top: direction * log.clientHeight * 0.8 });
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  #scrolled() {
    this.#isAtEnd = log.scrollHeight - log.clientHeight - log.scrollTop <= NEAR;
    if (this.#isAtEnd) this.#room?.trim();
    this.#mark();
    this.#fill();
  }

  /** Near the top, asks for what was said before. */
  #fill() {
    if (log.scrollTop < AHEAD) this.#room?.loadOlder();
  }

  #mark() {
    latest.hidden = this.#isAtEnd;
    const unread = this.#room?.unread ?? 0;
    latestWords.textContent = unread > 0 ? `${unread} new` : "Latest";
    latest.classList.toggle("fresh", unread > 0);
    if (this.#isAtEnd) this.#seen();
  }

  /** What stays where it is while others come and go above it. */
  #firstInSight() {
    const top = log.getBoundingClientRect().top;
    for (const element of list.children) {
      const box = element.getBoundingClientRect();
      if (box.bottom > top) return { element, top: box.top };
    }
    return undefined;
  }

  #reconcile(entries) {
    let next = list.firstElementChild;
    const keys = new Set();
    for (const entry of entries) {
      keys.add(entry.key);
      let shown = this.#shown.get(entry.key);
      if (shown?.what !== entry.what) {
        const element = elementOf(entry);
        if (shown) {
          if (next === shown.element) next = element;
          shown.element.replaceWith(element);
        }
        shown = { element, what: entry.what };
        this.#shown.set(entry.key, shown);
      }
      if (shown.element === next) next = next.nextElementSibling;
      else list.insertBefore(shown.element, next);
    }
    for (const [key, { element }] of this.#shown) {
      if (keys.has(key)) continue;
      element.remove();
      this.#shown.delete(key);
    }
  }

  #pressed(target) {
    const button = target.closest("button[data-id]");
    const message = this.#room.outbox.waiting.find(({ client_id }) => client_id === button?.dataset.id);
    if (!message) return;
    this.#room.outbox.remove(message.client_id);
    const text = byId("text");
    text.value = text.value || message.content;
    text.dispatchEvent(new Event("input"));
    text.focus();
  }
}

/** All that is to be shown, in its order. `what` changes with what an element has to show. */
function entriesOf(room, me) {
  const waiting = room.outbox.waiting.map((message) => ({ ...message, ...me, isWaiting: true }));
  const entries = [];
  let previous;
  let day;
  for (const message of [...room.messages, ...waiting]) {
    const date = new Date(message.created_at);
    const key = dayKey(date);
    if (key !== day) entries.push({ kind: "day", key: `day ${key}`, what: dayOf(date), date });
    if (message.id && message.id === room.divider) entries.push({ kind: "new", key: "new", what: "new" });
    const isAlone = entries.at(-1)?.message === undefined;
    const follows = !isAlone && previous.user_id === message.user_id && date - previous.date < TOGETHER;
    if (follows) entries.at(-1).isLast = false;
    const isOwn = message.user_id === me.user_id;
    const readers = isOwn && !message.isWaiting ? room.readersOf(message) : [];
    entries.push({
      kind: "message", key: message.isWaiting ? `own ${message.client_id}` : `id ${message.id}`,
      message, date, isOwn, isFirst: !follows, isLast: true, readers,
    });
    [previous, day] = [{ user_id: message.user_id, date }, key];
  }
  for (const entry of entries.filter(({ message }) => message)) {
    const { message, isFirst, isLast, readers } = entry;
    entry.what = [isFirst, isLast, message.username, message.problem, readers.length, readers[0]].join("\n");
  }
  return entries;
}

function elementOf(entry) {
  if (entry.kind === "message") return messageElement(entry);
  const element = make("li", entry.kind === "day" ? "day" : "new");
  element.append(make("span", "", entry.kind === "day" ? entry.what : "New messages"));
  return element;
}

function messageElement({ message, date, isOwn, isFirst, isLast, readers }) {
  const element = make("li", "message");
  element.classList.toggle("own", isOwn);
  element.classList.toggle("first", isFirst);
  element.classList.toggle("last", isLast);
  element.classList.toggle("failed", Boolean(message.problem));
  element.style.setProperty("--hue", hue(message.user_id));
  if (!isOwn) element.append(avatar(isFirst ? message : undefined));
  const bubble = make("div", "bubble");
  if (!isOwn) bubble.append(make("p", isFirst ? "name" : "hidden", message.username));
  const text = make("p", "text");
  text.dir = "auto";
  text.append(nodes(message.content));
  const foot = make("p", "foot");
  const time = make("time", "", timeOf(date));
  time.dateTime = date.toISOString();
  time.title = momentOf(date);
  foot.append(time);
  if (isOwn) foot.append(...tick(message, readers));
  bubble.append(text, foot);
  element.append(bubble);
  if (message.problem) element.append(problem(message));
  return element;
}

/** What has become of one's own message. */
function tick(message, readers) {
  const [name, words] = message.problem
    ? ["failed", "Not sent"]
    : message.isWaiting
      ? ["waiting", "Waiting to be sent"]
      : readers.length > 0
        ? ["read", `Read by ${listed(readers)}`]
        : ["sent", "Stored"];
  const mark = make("span", `tick ${name}`);
  mark.title = words;
  mark.append(icon(name));
  return [mark, make("span", "hidden", words)];
}

function problem({ client_id, problem }) {
  const element = make("p", "problem", `Not sent: ${problem} `);
  const button = make("button", "link", "Edit");
  button.type = "button";
  button.dataset.id = client_id;
  element.append(button);
  return element;
}

/** A circle with the first letters of a name; without a user the place for one. */
export function avatar(user) {
  const element = make("span", user ? "avatar" : "avatar none", user ? initials(user.username) : "");
  element.ariaHidden = "true";
  if (user) element.style.setProperty("--hue", hue(user.user_id));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Names and texts are data: they become text, never HTML. */
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
