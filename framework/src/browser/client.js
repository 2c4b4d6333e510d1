/**
 * Sockeye's client for browsers: a WebSocket that comes back by itself, goes on where it was, asks and answers.
 *
 *     import { Client } from "/sockeye/client.js";
 *     const client = new Client("/chat/tea");
 *     client.on("message", (message) => show(message));
 *     client.send({ type: "message", content: "hello" });
 *
 * It depends on nothing, and also runs in workers and in Node. The types are in `client.d.ts` beside it.
 */

/** All options, with their defaults. Times are in milliseconds. */
const DEFAULTS = {
  /** More values for the URL's query: an object, or a function that gives one, maybe later. Asked at every attempt. */
  query: undefined,
  /** Subprotocols to offer. */
  protocols: [],
  /** Connects at once; `false` waits for `connect()`. */
  connect: true,
  /** Where a message stands in its sequence, if it is a whole number; `false`: nothing is resumed. */
  offset: (message) => message.offset ?? message.data?.offset,
  /** The offset to begin with. */
  since: undefined,
  /** The query's name for the offset after which the server is to go on. */
  sinceName: "since",
  /** Messages that wait at most while there is no connection; beyond, the oldest are dropped. */
  queue: 1000,
  /** Time for an answer. */
  requestTimeout: 10_000,
  /** Time for a connection to open. */
  connectTimeout: 10_000,
  /** Silence after which a ping is sent; 0 sends none. */
  heartbeat: 25_000,
  /** Time in which something has to come after a ping. */
  heartbeatTimeout: 10_000,
  ping: { type: "ping" },
  /** The type of what answers a ping. It is not shown. */
  pong: "pong",
  /** A wait is a random part of a limit, which starts here, doubles with each attempt… */
  minDelay: 250,
  /** …up to this. */
  maxDelay: 30_000,
  /** A connection that has lasted so long was a good one: the limit starts anew. */
  resetAfter: 5_000,
  /** Whether a close code is the end: no other attempt is made. */
  stop: (code, _reason) => code === 1008 || (code >= 4000 && code <= 4999),
  binaryType: "arraybuffer",
  WebSocket: globalThis.WebSocket,
};

/** A timer that fires so much too late was held up: the machine slept, or the page was frozen. */
const HELD_UP = 2_000;

/** Why a request has no answer. `code` is the server's, or `timeout`, `disconnected`, `offline`, `dropped`, `closed` or `aborted`. */
export class RequestError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "RequestError";
    this.code = code;
  }
}

export class Client extends EventTarget {
  /** Is called like a listener of `state`. */
  onstate = null;
  /** The offset of the last message, as far as there was one. It may be set, to go on from there. */
  offset;

  #url;
  #options;
  #state = "closed";
  /** Functions by the type of the messages that they get. */
  #handlers = new Map();
  /** Functions by the type of the questions that they answer. */
  #answerers = new Map();

  #socket;
  /** Counts connections and their ends: what began in another turn is over. */
  #turn = 0;
  /** How the last connection ended. */
  #lastClose = {};
  #attempt = 0;
  #openedAt = 0;
  /** For the attempt that is under way, or the wait for the next. */
  #timer;
  #retryAt;
  #suspended = false;
  #listening = [];

  #beat;
  #heardAt = 0;
  #pingedAt = 0;

  /** What waits for a connection: `{ data, request }`. */
  #queue = [];
  /** Requests without an answer, by their id: `{ data, retry, sent, resolve, reject }`. */
  #requests = new Map();
  #lastId = 0;
  /** The server has begun anew: whatever offset comes next is right. */
  #anyOffset = false;

  constructor(url, options = {}) {
    super();
    const unknown = Object.keys(options).find((name) => !(name in DEFAULTS));
    if (unknown !== undefined) throw new TypeError(`unknown option \`${unknown}\`; there are ${Object.keys(DEFAULTS).join(", ")}`);
    this.#url = url;
    this.#options = { ...DEFAULTS, ...options };
    this.offset = this.#options.since ?? undefined;
    if (!this.#options.WebSocket) throw new TypeError("there is no WebSocket here; give one as the option `WebSocket`");
    if (typeof url !== "function") resolve(url); // What can never work is said at once.
    if (this.#options.connect) this.connect();
  }

  // ---------------------------------------------------------------- what it is like

  /** `connecting`, `open`, `waiting` (for the next attempt), `offline` (the same, and the browser has no network) or `closed`. */
  get state() {
    return this.#state;
  }

  /** Milliseconds to the next attempt, while it waits for one. */
  get retryIn() {
    return this.#retryAt === undefined ? undefined : Math.max(0, this.#retryAt - performance.now());
  }

  /** Messages that wait for a connection. */
  get queued() {
    return this.#queue.length;
  }

  // ---------------------------------------------------------------- coming and going

  /** Connects, unless it has or is about to; while it waits for the next attempt, that is made at once. */
  connect() {
    if (this.#state === "waiting" || this.#state === "offline") return this.#dial();
    if (this.#state !== "closed") return;
    this.#attempt = 0;
    this.#listen();
    this.#dial();
  }

  /** Closes for good: drops what waits, fails open requests, leaves no timer and no listener. `connect()` begins anew. */
  close(code = 1000, reason = "") {
    if (this.#state === "closed") return;
    this.#socket?.close(code, reason); // Throws if the code may not be sent: then nothing has happened.
    this.#end({ code, reason });
  }

  async #dial() {
    this.#leave();
    const turn = this.#turn;
    const { connectTimeout, protocols, binaryType, WebSocket } = this.#options;
    this.#timer = setTimeout(() => this.#lost({ reason: `not open after ${connectTimeout} ms` }), connectTimeout);
    this.#set("connecting");
    try {
      const address = await this.#address();
      if (turn !== this.#turn) return;
      const socket = new WebSocket(address, protocols);
      socket.binaryType = binaryType;
      socket.onopen = () => this.#opened();
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onclose = ({ code, reason }) => this.#lost({ code, reason });
      this.#socket = socket;
    } catch (error) {
      if (turn === this.#turn) this.#lost({ reason: String(error), error });
    }
  }

  async #address() {
    const context = { attempt: this.#attempt, ...this.#lastClose };
    const given = async (value) => (typeof value === "function" ? value(context) : value);
    const url = resolve(await given(this.#url));
    for (const [name, value] of Object.entries((await given(this.#options.query)) ?? {})) {
      url.searchParams.delete(name);
      for (const each of [value].flat()) if (each !== undefined && each !== null) url.searchParams.append(name, each);
    }
    if (this.#options.offset && this.offset !== undefined) url.searchParams.set(this.#options.sinceName, this.offset);
    return url;
  }

  #opened() {
    const turn = this.#turn;
    clearTimeout(this.#timer);
    this.#openedAt = this.#heardAt = performance.now();
    this.#watch(this.#options.heartbeat);
    this.#set("open");
    // A listener may have closed it.
    while (turn === this.#turn && this.#queue.length > 0 && this.#transmit(this.#queue[0])) this.#queue.shift();
  }

  /** The connection, or the attempt at one, has failed. */
  #lost({ code = 1006, reason = "", error }) {
    const { resetAfter, minDelay, maxDelay, stop } = this.#options;
    if (this.#state === "open" && performance.now() - this.#openedAt >= resetAfter) this.#attempt = 0;
    this.#lastClose = { code, reason };
    // One that throws is no reason to stop.
    if (call(() => stop(code, reason))) return this.#end({ code, reason });
    this.#leave();
    const delay = Math.random() * Math.min(maxDelay, minDelay * 2 ** this.#attempt++);
    this.#retryAt = performance.now() + delay;
    this.#timer = setTimeout(() => this.#dial(), delay);
    this.#set(isOnline() ? "waiting" : "offline", { code, reason, error });
    this.#failSent();
  }

  /** Ends what is under way: the connection, the attempt, the wait. */
  #leave() {
    this.#turn++;
    this.#retryAt = undefined;
    this.#suspended = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#beat);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(); // Does nothing if it is closed. A browser may wait long for the answer, we don't.
  }

  #end({ code, reason }) {
    this.#leave();
    this.#lastClose = { code, reason };
    for (const [target, type, listener] of this.#listening.splice(0)) target.removeEventListener(type, listener);
    const why = `the client was closed: ${code} ${reason}`.trim();
    for (const request of this.#requests.values()) request.reject(new RequestError("closed", why));
    for (const item of this.#queue.splice(0)) this.#drop(item, "closed", why);
    this.#set("closed", { code, reason });
  }

  #set(state, { code, reason, error } = {}) {
    const previous = this.#state;
    this.#state = state;
    const detail = { state, previous, retryIn: this.retryIn, code, reason, error };
    this.#dispatch(new CustomEvent("state", { detail }));
  }

  #dispatch(event) {
    if (event.type === "state" && this.onstate) call(this.onstate, event);
    this.dispatchEvent(event);
  }

  /** Follows what the browser says of its network and its page. Workers have less of it, Node has nothing. */
  #listen() {
    const on = (target, type, listener) => {
      if (!target?.addEventListener) return;
      target.addEventListener(type, listener);
      this.#listening.push([target, type, listener]);
    };
    const wake = () => {
      if (this.#state === "waiting" || this.#state === "offline") this.#dial();
      else this.#probe();
    };
    on(globalThis, "online", wake);
    on(globalThis, "offline", () => (this.#state === "waiting" ? this.#set("offline") : this.#probe()));
    on(globalThis.document, "visibilitychange", () => document.visibilityState === "visible" && wake());
    // A page with a socket may not go into the browser's cache, and one that is in it hears nothing.
    on(globalThis, "pagehide", () => this.#suspend());
    on(globalThis, "pageshow", () => this.#suspended && this.#dial());
  }

  #suspend() {
    this.#leave();
    this.#suspended = true;
    this.#set("offline");
    this.#failSent();
  }

  // ---------------------------------------------------------------- heartbeat

  #watch(delay) {
    if (this.#options.heartbeat > 0) this.#beat = setTimeout(() => this.#check(), delay);
  }

  #check() {
    const left = this.#options.heartbeat - (performance.now() - this.#heardAt);
    if (left > 0) this.#watch(left);
    else this.#probe();
  }

  /** Asks whether the server is there. */
  #probe(isSecond = false) {
    if (this.#state !== "open" || !(this.#options.heartbeat > 0)) return;
    clearTimeout(this.#beat);
    this.#pingedAt = performance.now();
    this.#socket.send(encode(this.#options.ping));
    this.#beat = setTimeout(() => this.#judge(isSecond), this.#options.heartbeatTimeout);
  }

  #judge(isSecond) {
    const { heartbeat, heartbeatTimeout } = this.#options;
    const since = performance.now() - this.#pingedAt;
    if (this.#heardAt >= this.#pingedAt) this.#watch(heartbeat - (performance.now() - this.#heardAt));
    // What has come meanwhile may stand behind this timer.
    else if (since > heartbeatTimeout + HELD_UP && !isSecond) this.#probe(true);
    else this.#lost({ reason: `no answer to a ping in ${heartbeatTimeout} ms` });
  }

  // ---------------------------------------------------------------- sending

  /**
   * Sends an object as JSON; a string, an `ArrayBuffer`, a view of one or a `Blob` as it is.
   *
   * Gives `sent`, or without a connection `queued`, or `dropped` if it may not wait (`queue: false`) or the client is closed.
   */
  send(message, { queue = true } = {}) {
    const item = { data: encode(message) };
    if (this.#transmit(item)) return "sent";
    return this.#enqueue(item, queue) ? "queued" : "dropped";
  }

  /**
   * Sends an object with an `id` and gives the promise of the answer's `data`. It is rejected with a `RequestError`: what the
   * server answered, or why there is no answer.
   *
   * A request whose connection breaks fails as `disconnected`: the server may have done it or not. With `retry: true` it
   * is sent once more over the next connection, for what may be done twice.
   */
  request(event, { timeout = this.#options.requestTimeout, retry = false, queue = true, signal } = {}) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const settle = (done) => (value) => {
        if (!this.#requests.delete(id)) return;
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#queue = this.#queue.filter((item) => item.request !== request);
        done(value);
      };
      const request = { data: encode({ ...event, id }), retry, sent: false, resolve: settle(resolve), reject: settle(reject) };
      const fail = (code, message) => request.reject(new RequestError(code, message));
      const abort = () => fail("aborted", "the request was aborted");
      const timer = setTimeout(() => fail("timeout", `no answer within ${timeout} ms`), timeout);
      this.#requests.set(id, request);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) return abort();
      const item = { data: request.data, request };
      if (this.#transmit(item) || this.#enqueue(item, queue)) return;
      if (this.#state === "closed") fail("closed", "the client is closed");
      else fail("offline", "there is no connection");
    });
  }

  /** Whether the socket has taken it. */
  #transmit({ data, request }) {
    // One that is closing would swallow it.
    if (this.#state !== "open" || this.#socket.readyState !== 1) return false;
    this.#socket.send(data);
    if (request) request.sent = true;
    return true;
  }

  #enqueue(item, allowed) {
    const { queue } = this.#options;
    if (!allowed || !(queue > 0) || this.#state === "closed") return false;
    while (this.#queue.length >= queue) this.#drop(this.#queue.shift(), "dropped", `more than ${queue} messages wait`);
    this.#queue.push(item);
    return true;
  }

  #drop({ data, request }, code, message) {
    if (request) request.reject(new RequestError(code, message));
    else this.#dispatch(new CustomEvent("drop", { detail: { data, reason: code } }));
  }

  /** What was asked over a connection that is gone. */
  #failSent() {
    const again = [];
    for (const request of [...this.#requests.values()].filter((request) => request.sent)) {
      request.sent = false;
      if (request.retry) again.push({ data: request.data, request });
      else request.reject(new RequestError("disconnected", "the connection broke before the answer came"));
    }
    this.#queue.unshift(...again);
  }

  // ---------------------------------------------------------------- receiving

  /** Calls `handler` with every message of a type, or with `"*"` with all there is. Gives the function that ends it. */
  on(type, handler) {
    if (!this.#handlers.has(type)) this.#handlers.set(type, new Set());
    this.#handlers.get(type).add(handler);
    return () => this.off(type, handler);
  }

  /** Like `on`, for the next message only. */
  once(type, handler) {
    const off = this.on(type, (message) => {
      off();
      return handler(message);
    });
    return off;
  }

  off(type, handler) {
    const handlers = this.#handlers.get(type);
    if (handlers?.delete(handler) && handlers.size === 0) this.#handlers.delete(type);
  }

  /** Answers the server's questions of a type with what `handler` gives, now or later, or with the error that it throws. */
  answer(type, handler) {
    this.#answerers.set(type, handler);
    return () => this.#answerers.get(type) === handler && this.#answerers.delete(type);
  }

  #receive(data) {
    this.#heardAt = performance.now();
    if (typeof data !== "string") return this.#show("binary", data);
    const message = parse(data);
    if (!message) return this.#show("text", data);
    const { type, id } = message;
    if ((type === "reply" || type === "error") && this.#isOwn(id)) return this.#settle(message);
    if (type === this.#options.pong && this.#options.heartbeat > 0) return;
    const answerer = id === undefined ? undefined : this.#answerers.get(type);
    if (answerer) return this.#reply(message, answerer);
    if (this.#isNew(message)) this.#call(type, message);
  }

  /** Binary messages and texts that are no event: they have no type, so that nobody can forge one. */
  #show(kind, data) {
    this.#dispatch(new MessageEvent(kind, { data }));
    this.#call(undefined, data);
  }

  #call(type, message) {
    const own = type === undefined || type === "*" ? [] : [...(this.#handlers.get(type) ?? [])];
    for (const handler of [...own, ...(this.#handlers.get("*") ?? [])]) call(handler, message);
  }

  /** Whether an answer is for us. One that comes too late still is. */
  #isOwn(id) {
    return Number.isInteger(id) && id > 0 && id <= this.#lastId;
  }

  #settle({ type, id, data }) {
    const request = this.#requests.get(id);
    if (type === "reply") request?.resolve(data);
    else request?.reject(new RequestError(String(data?.code ?? "error"), String(data?.message ?? "the server failed to answer")));
  }

  async #reply(message, answerer) {
    const { id } = message;
    const turn = this.#turn;
    let answer;
    try {
      answer = encode({ type: "reply", id, data: (await answerer(message)) ?? null });
    } catch (error) {
      const data = { code: String(error?.code ?? "failed"), message: String(error?.message ?? error) };
      answer = encode({ type: "error", id, data });
    }
    // Over another connection nobody would know the id.
    if (turn === this.#turn) this.#transmit({ data: answer });
  }

  /** Whether a message was not seen yet, as far as it has an offset. */
  #isNew(message) {
    const offset = this.#options.offset ? call(this.#options.offset, message) : undefined;
    if (message.recovered === false || message.data?.recovered === false) this.#anyOffset = true;
    if (!Number.isSafeInteger(offset)) return true;
    if (!this.#anyOffset && offset <= this.offset) return false;
    this.#anyOffset = false;
    this.offset = offset;
    return true;
  }
}

function resolve(url) {
  const address = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  address.protocol = address.protocol.replace(/^http/, "ws");
  if (!/^wss?:$/.test(address.protocol)) throw new TypeError(`expected a URL of ws, wss, http or https, got ${address.href}`);
  address.hash = "";
  return address;
}

function encode(message) {
  const isRaw = typeof message === "string" || message instanceof ArrayBuffer || ArrayBuffer.isView(message);
  return isRaw || message instanceof Blob ? message : JSON.stringify(message);
}

/** The event in a text, if it is one: a JSON object with a `type`. */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return typeof value?.type === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Only a browser that says `false` knows. */
const isOnline = () => globalThis.navigator?.onLine !== false;

/** What a function of the app throws is reported, and nothing else stops. */
function call(handler, argument) {
  try {
    return handler(argument);
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
    return undefined;
  }
}
