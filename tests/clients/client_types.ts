// What the types of the browser client allow, and, by `@ts-expect-error`, what they don't. Checked, never run.
import { Client, RequestError, type State, type StateDetail } from "/sockeye/client.js";

interface FromServer {
  said: { type: "said"; offset: number; text: string };
  confirm: { type: "confirm"; what: string };
}

const client = new Client<FromServer>("/chat", {
  query: async ({ attempt, code }) => ({ token: `${attempt} ${code ?? 0}`, tags: ["a", "b"], none: undefined }),
  offset: (message) => message.data?.id,
  stop: (code, reason) => code === 1008 && reason !== "",
  heartbeat: 0,
});

const off: () => void = client.on("said", ({ offset, text }) => offset.toFixed() + text.trim());
off();
client.on("*", (message) => message instanceof ArrayBuffer);
client.once("said", ({ text }) => text.length);
client.answer("confirm", async ({ what }) => what.length > 1);

const given: "sent" | "queued" | "dropped" = client.send({ type: "say", text: "a" }, { queue: false });
client.send(new Uint8Array([1]));
const answer: Promise<number> = client.request<number>({ type: "say" }, { retry: true, signal: new AbortController().signal });
answer.catch((error: unknown) => error instanceof RequestError && error.code.length);

interface Say { type: "say"; text: string }
const say: Say = { type: "say", text: "a" };
client.request(say, { timeout: 1 });

const state: State = client.state;
const wait: number | undefined = client.retryIn;
client.offset = 7;
client.onstate = ({ detail }: CustomEvent<StateDetail>) => detail.previous === "open" && detail.code;
client.addEventListener("state", ({ detail }) => detail.retryIn?.toFixed());
client.addEventListener("drop", ({ detail }) => detail.reason === "closed");
client.addEventListener("binary", ({ data }) => data.byteLength);
client.addEventListener("text", ({ data }) => data.length, { once: true });
client.close(4000, "bye");
console.log(given, state, wait);

const loose = new Client(() => new URL("wss://example.com/"));
loose.on("anything", (message) => message.whatever.there.is);

// @ts-expect-error: there is no such type
client.on("sayed", () => {});
// @ts-expect-error: the message is another
client.on("said", ({ what }) => what);
// @ts-expect-error: a misspelt option
new Client("/", { hearbeat: 1 });
// @ts-expect-error: a request is an event
client.request({ text: "no type" });
// @ts-expect-error: it can only be read
client.state = "open";
// @ts-expect-error: numbers are no messages
client.send(7);
// @ts-expect-error: there is no such state
const wrong: State = "opened";
console.log(wrong);
