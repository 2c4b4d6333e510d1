// A room as its user sees it: what was said, what is to be said, who is there, what was read.

import { connect } from "./connection.js";
import { Outbox } from "./outbox.js";

/** Messages that are kept when nobody looks at old ones; what is older can be had again. */
const KEPT = 400;
/** How long somebody counts as typing who does not say that it goes on. */
const TYPING = 6_000;
/** Time for what was read elsewhere to be known, before it is said that all was read. */
const SETTLING = 400;
/** Time after which it is said again how far the user has read, should the server not have been able to note it. */
const AGAIN = 3_000;

export class Room {
  /** In their order: `{ id, user_id, username, content, created_at }`. */
  messages = [];
  /** Whether there is nothing older. */
  isWhole = false;
  isLoading = false;
  /** Names by the users' ids; those who are typing, and until when; the last message that each has read. */
  people = new Map();
  typing = new Map();
  reads = new Map();
  /** Names of all who were ever seen. */
  names = new Map();
  /** The first message that was new when the user came to look. */
  divider;
  /** What the server has last complained about, if that is not about a message. */
  trouble;

  #me;
  #changed;
  #isCurrent = false;
  #isUpToDate = false;
  /** Where the user is if nothing is known of what was read. */
  #baseline;
  #settledAt = 0;
  /** The last message that the user has seen here, and the last one that the server was told of over this connection. */
  #seen = 0;
  #saidRead = 0;
  #readTimer;
  #typingTimer;
  #askingOlder = false;

  /** `changed` is called with the room and what has changed: `messages`, `people`, `typing`, `state`; `said` with a message. */
  constructor(name, me, changed) {
    this.name = name;
    this.#me = me;
    this.#changed = (what, detail) => changed(this, what, detail);
    this.outbox = new Outbox(`${me.user_id}.${name}`, (event) => this.connection.send(event), () => this.#changed("messages"));
    this.connection = connect(name, me, { take: (event) => this.#take(event), changed: () => this.#stateChanged() });
  }

  close() {
    this.setTyping(false);
    clearTimeout(this.#typingTimer);
    clearTimeout(this.#readTimer);
    this.connection.close();
  }

  /** What the state is called: that of the connection, but `open` only with all that was missed. */
  get state() {
    const { state } = this.connection;
    return state === "open" && !this.#isUpToDate ? "connecting" : state;
  }

  get last() {
    return this.messages.at(-1);
  }

  /** The last message that the user has read. */
  get readUpTo() {
    return Math.max(this.reads.get(this.#me.user_id) ?? this.#baseline ?? 0, this.#seen);
  }

  get unread() {
    return this.messages.filter((message) => this.#isUnread(message)).length;
  }

  #isUnread({ id, user_id }) {
    return id > this.readUpTo && user_id !== this.#me.user_id;
  }

  /** The user looks at it, or at another one. */
  setCurrent(isCurrent) {
    if (isCurrent && !this.#isCurrent) this.#divide();
    if (!isCurrent) {
      this.setTyping(false);
      this.divider = undefined;
      this.trim();
    }
    this.#isCurrent = isCurrent;
  }

  /** The user sees the last message. */
  hasSeenAll() {
    const id = this.last?.id;
    if (!id || id <= Math.max(this.#ownRead, this.#seen) || this.state !== "open") return;
    const wait = this.#settledAt + SETTLING - Date.now();
    if (wait > 0) return void setTimeout(() => this.#changed("messages"), wait); // The view asks again.
    this.#seen = id;
    this.#sayRead();
    this.#changed("messages");
  }

  /** What the server has of it. */
  get #ownRead() {
    return this.reads.get(this.#me.user_id) ?? 0;
  }

  /** Says how far the user has read, if the server has not been told. It may not have heard what was said to it last. */
  #sayRead() {
    const isNews = this.#seen > Math.max(this.#ownRead, this.#saidRead) && this.state === "open";
    if (isNews && this.connection.send({ type: "read", message_id: this.#seen })) this.#saidRead = this.#seen;
  }

  say(content) {
    this.divider = undefined;
    this.setTyping(false);
    this.outbox.add(content);
  }

  #saidTypingAt = 0;

  setTyping(isTyping) {
    const since = Date.now() - this.#saidTypingAt;
    if (isTyping ? since < TYPING / 2 : this.#saidTypingAt === 0) return;
    if (this.state === "open") this.connection.send({ type: "typing", is_typing: isTyping });
    this.#saidTypingAt = isTyping ? Date.now() : 0;
  }

  loadOlder() {
    if (this.isWhole || this.isLoading || this.state !== "open") return;
    this.isLoading = this.connection.send({ type: "history", before: this.messages[0]?.id, limit: 50 });
    this.#askingOlder = this.isLoading;
    this.#changed("messages");
  }

  /** Forgets old messages that nobody looks at. */
  trim() {
    if (this.messages.length <= KEPT * 1.5) return;
    this.messages = this.messages.slice(-KEPT);
    this.isWhole = false;
  }

  /** Those who have read a message, but for its author. */
  readersOf({ id, user_id }) {
    const readers = [...this.reads].filter(([reader, read]) => read >= id && reader !== user_id && reader !== this.#me.user_id);
    return readers.map(([reader]) => this.nameOf(reader));
  }

  nameOf(user_id) {
    return this.people.get(user_id) ?? this.names.get(user_id) ?? `user-${user_id}`;
  }

  // ---------------------------------------------------------------- what the server says

  #stateChanged() {
    this.#isUpToDate = false;
    this.#saidRead = 0;
    this.outbox.setOpen(false);
    this.typing.clear();
    if (this.#askingOlder) this.isLoading = this.#askingOlder = false;
    this.#changed("state");
  }

  #take({ type, data, ...rest }) {
    switch (type) {
      case "connected":
        this.people = new Map(data.active_users.map((user) => [user.user_id, user.username]));
        for (const [id, name] of this.people) this.names.set(id, name);
        return this.#changed("people");
      case "history":
        return this.#askingOlder && this.#isUpToDate ? this.#takeOlder(data) : this.#takeMissed(data);
      case "message":
        this.trouble = undefined;
        this.#add([data]);
        this.#stopTyping(data.user_id);
        return this.#changed("said", data);
      case "message_sent":
        return this.#takeReceipt(rest);
      case "typing":
        return this.#takeTyping(data);
      case "read":
        return this.#takeRead(data);
      case "user_joined":
        this.people.set(data.user_id, data.username);
        this.names.set(data.user_id, data.username);
        return this.#changed("people", `${data.username} has joined`);
      case "user_left":
        this.people.delete(data.user_id);
        this.#stopTyping(data.user_id);
        return this.#changed("people", `${data.username} has left`);
      case "error":
        return this.#takeError(data);
      default:
        return undefined; // A newer server's.
    }
  }

  /** The latest messages, or what was said while we were away. */
  #takeMissed({ messages, recovered, more }) {
    if (!recovered && this.messages.length > 0) {
      // Between what we have and what comes something is missing, or the room has begun anew.
      this.messages = [];
      this.isWhole = false;
      this.#baseline = this.divider = undefined;
      this.#seen = 0;
      this.reads.clear();
    }
    if (this.messages.length === 0) this.isWhole = false;
    this.#add(messages);
    if (more) return;
    const isEmpty = this.messages.length === 0;
    this.isWhole ||= isEmpty ? recovered : this.messages[0].id === 1;
    this.#baseline ??= this.last?.id ?? 0;
    this.#isUpToDate = true;
    this.trouble = undefined;
    this.#settledAt = Date.now();
    this.#sayReadIn(SETTLING);
    this.outbox.setOpen(true);
    if (isEmpty && !recovered) this.loadOlder();
    this.#changed("state");
  }

  #takeOlder({ messages, more }) {
    this.isLoading = this.#askingOlder = false;
    this.isWhole = !more;
    this.#add(messages);
    this.#changed("messages");
  }

  /** One's own message is stored: it is one like any other. */
  #takeReceipt({ message_id, timestamp, client_id }) {
    this.trouble = undefined;
    const stored = this.outbox.take(client_id);
    if (!stored) return;
    this.#add([{ id: message_id, ...this.#me, content: stored.content, created_at: timestamp }]);
    this.#changed("messages");
  }

  #takeTyping({ user_id, username, is_typing }) {
    this.names.set(user_id, username);
    if (!is_typing) return this.#stopTyping(user_id);
    this.typing.set(user_id, Date.now() + TYPING);
    this.#changed("typing");
    clearTimeout(this.#typingTimer);
    this.#typingTimer = setTimeout(() => this.#endTyping(), TYPING);
  }

  #endTyping() {
    for (const [id, until] of this.typing) if (until <= Date.now()) this.typing.delete(id);
    this.#changed("typing");
    if (this.typing.size > 0) this.#typingTimer = setTimeout(() => this.#endTyping(), 1_000);
  }

  #stopTyping(user_id) {
    if (this.typing.delete(user_id)) this.#changed("typing");
  }

  #takeRead({ user_id, message_id }) {
    const isMine = user_id === this.#me.user_id;
    const isFirst = isMine && !this.reads.has(user_id);
    this.reads.set(user_id, Math.max(message_id, this.reads.get(user_id) ?? 0));
    if (isFirst && this.#isCurrent) this.#divide();
    this.#changed("messages");
  }

  #takeError({ client_id, code, message }) {
    if (this.#askingOlder && client_id === undefined) this.isLoading = this.#askingOlder = false;
    if (code === "storage_unavailable") this.trouble = "The server can't store messages just now. Yours will be sent when it can.";
    else if (client_id === undefined) console.warn(`${code}: ${message}`);
    if (client_id === undefined) {
      // It may have been that.
      this.#saidRead = 0;
      this.#sayReadIn(AGAIN);
    }
    if (client_id !== undefined) this.outbox.refused({ client_id, code, message });
    this.#changed("state");
  }

  #sayReadIn(wait) {
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => this.#sayRead(), wait);
  }

  #divide() {
    this.divider = this.messages.find((message) => this.#isUnread(message))?.id;
  }

  /** Puts messages where they belong; those that are there already stay. */
  #add(messages) {
    const known = new Set(this.messages.map(({ id }) => id));
    const fresh = messages.filter(({ id }) => !known.has(id));
    for (const { user_id, username } of fresh) if (!this.people.has(user_id)) this.names.set(user_id, username);
    this.messages.push(...fresh);
    this.messages.sort((a, b) => a.id - b.id);
    if (!this.#isCurrent) this.trim();
  }
}
