// The connection to a room. It comes back by itself, and goes on where it was: both are the client's business.

import { Client } from "/sockeye/client.js";

/**
 * Connects to a room. `take` gets what the server says, `changed` is called when the state is another one.
 *
 * Gives `send` (whether it went out), `retry` (now, not later), `retryIn` (ms), `state` and `close`.
 */
export function connect(name, me, { take, changed }) {
  // The messages that were missed come in pages of `history`, as do older ones that were asked for: those are no progress.
  let isCatchingUp = false;
  const offset = ({ type, data }) => {
    if (type === "connected") isCatchingUp = true;
    if (type === "message") return data.id;
    if (type !== "history" || !isCatchingUp) return undefined;
    if (!data.more) isCatchingUp = false;
    // In an empty room all that will be said is new. Without an offset it would be the latest only, after a break.
    return data.messages.at(-1)?.id ?? (client.offset === undefined ? 0 : undefined);
  };
  const client = new Client(`/ws/${encodeURIComponent(name)}`, {
    query: () => ({ user_id: me.user_id, username: me.username, reads: true }),
    offset,
    // What is to be sent waits in the outbox, which knows what became of it.
    queue: 0,
    // What ends the connection, a server's restart say, is never its end.
    stop: () => false,
  });
  client.on("*", (event) => event?.type && take(event));
  client.addEventListener("state", changed);
  return {
    send: (event) => client.send(event) === "sent",
    retry: () => client.connect(),
    get retryIn() {
      return client.retryIn;
    },
    get state() {
      return client.state;
    },
    close: () => client.close(),
  };
}
