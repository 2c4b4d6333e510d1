/** Types of `client.js`, Sockeye's client for browsers. */

export type State = "connecting" | "open" | "waiting" | "offline" | "closed";

/** What a function for the URL or the query gets: how often it was tried, and how the last connection ended. */
export interface Attempt {
  attempt: number;
  code?: number;
  reason?: string;
}

type MaybeLater<T> = T | Promise<T>;
type Query = Record<string, string | number | boolean | null | undefined | readonly (string | number | boolean)[]>;

/** Times are in milliseconds. */
export interface Options {
  /** More values for the URL's query. A function is asked at every attempt. */
  query?: Query | ((attempt: Attempt) => MaybeLater<Query | undefined>);
  /** Subprotocols to offer. */
  protocols?: string | string[];
  /** Connects at once (`true`); `false` waits for `connect()`. */
  connect?: boolean;
  /**
   * Where a message stands in its sequence, if it is a whole number (`m.offset ?? m.data?.offset`); `false`: nothing is
   * resumed.
   */
  offset?: false | ((message: any) => number | undefined | null);
  /** The offset to begin with. */
  since?: number;
  /** The query's name for the offset after which the server is to go on (`since`). */
  sinceName?: string;
  /** Messages that wait at most while there is no connection (1,000). Beyond, the oldest are dropped. */
  queue?: number;
  /** Time for an answer (10,000). */
  requestTimeout?: number;
  /** Time for a connection to open (10,000). */
  connectTimeout?: number;
  /** Silence after which a ping is sent (25,000); 0 sends none. */
  heartbeat?: number;
  /** Time in which something has to come after a ping (10,000). */
  heartbeatTimeout?: number;
  /** What is sent as a ping (`{ type: "ping" }`). */
  ping?: unknown;
  /** The type of what answers a ping (`pong`). It is not shown. */
  pong?: string;
  /** The limit of the first wait (250). It doubles with each attempt; the wait is a random part of it. */
  minDelay?: number;
  /** The largest limit of a wait (30,000). */
  maxDelay?: number;
  /** How long a connection has to last for the limit to start anew (5,000). */
  resetAfter?: number;
  /** Whether a close code is the end (1008 and 4000 to 4999): no other attempt is made. */
  stop?: (code: number, reason: string) => boolean;
  binaryType?: BinaryType;
  /** The class of the sockets, where there is none or another one is to be used. */
  WebSocket?: new (url: URL, protocols?: string | string[]) => WebSocket;
}

export interface SendOptions {
  /** Whether it may wait for a connection (`true`). */
  queue?: boolean;
}

export interface RequestOptions extends SendOptions {
  /** Time for the answer, from now on (10,000 ms). */
  timeout?: number;
  /** Sends it once more when the connection breaks (`false`): for what may be done twice. */
  retry?: boolean;
  signal?: AbortSignal;
}

export interface StateDetail {
  state: State;
  previous: State;
  /** Milliseconds to the next attempt, if there is one to wait for. */
  retryIn?: number;
  /** How the connection ended: 1006 also if it never opened. */
  code?: number;
  reason?: string;
  /** What the functions for the URL or the query threw. */
  error?: unknown;
}

export interface DropDetail {
  data: string | ArrayBuffer | ArrayBufferView | Blob;
  reason: "dropped" | "closed";
}

export interface ClientEvents {
  state: CustomEvent<StateDetail>;
  /** A message that waited will not be sent. */
  drop: CustomEvent<DropDetail>;
  /** A binary message came. */
  binary: MessageEvent<ArrayBuffer>;
  /** A text came that is no JSON object with a `type`. */
  text: MessageEvent<string>;
}

/** Why a request has no answer. */
export class RequestError extends Error {
  constructor(code: string, message: string);
  /** The server's, or `timeout`, `disconnected`, `offline`, `dropped`, `closed` or `aborted`. */
  readonly code: string;
}

/**
 * A WebSocket that comes back by itself, goes on where it was, asks and answers.
 *
 * `In` is what the server sends and asks, by its `type`: `{ typing: { type: "typing"; user: string } }`.
 */
export class Client<In extends object = Record<string, any>> extends EventTarget {
  constructor(
    url: string | URL | ((attempt: Attempt) => MaybeLater<string | URL>),
    options?: Options,
  );

  readonly state: State;
  /** Milliseconds to the next attempt, while it waits for one. */
  readonly retryIn: number | undefined;
  /** Messages that wait for a connection. */
  readonly queued: number;
  /** The offset of the last message, as far as there was one. It may be set, to go on from there. */
  offset: number | undefined;
  /** Is called like a listener of `state`. */
  onstate: ((event: CustomEvent<StateDetail>) => void) | null;

  /** Connects, unless it has or is about to; while it waits for the next attempt, that is made at once. */
  connect(): void;
  /** Closes for good: drops what waits, fails open requests, leaves no timer. `connect()` begins anew. */
  close(code?: number, reason?: string): void;

  /** Sends an object as JSON; a string or binary data as it is. */
  send(message: object | string | ArrayBuffer | ArrayBufferView | Blob, options?: SendOptions): "sent" | "queued" | "dropped";
  /** Sends an object with an `id`, and gives the answer's `data`. Rejected with a `RequestError`. */
  request<Answer = any>(event: { type: string; [field: string]: any }, options?: RequestOptions): Promise<Answer>;

  /** Calls `handler` with every message of a type. Gives the function that ends it. */
  on<Type extends keyof In & string>(type: Type, handler: (message: In[Type]) => unknown): () => void;
  /** Calls `handler` with all there is, other texts and binary data too. */
  on(type: "*", handler: (message: any) => unknown): () => void;
  /** Like `on`, for the next message only. */
  once<Type extends keyof In & string>(type: Type, handler: (message: In[Type]) => unknown): () => void;
  once(type: "*", handler: (message: any) => unknown): () => void;
  off<Type extends (keyof In & string) | "*">(type: Type, handler: (message: any) => unknown): void;
  /** Answers the server's questions of a type with what `handler` gives or throws. One handler a type. */
  answer<Type extends keyof In & string>(type: Type, handler: (question: In[Type]) => unknown): () => void;

  addEventListener<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: ClientEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: ClientEvents[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}
