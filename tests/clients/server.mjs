// A server that a test may kill, and start again at its port; and a proxy in front of it, whose wires a test may cut.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";

const START_LIMIT = 15_000; // ms

export class Server {
  #child;
  address = "127.0.0.1:0";

  constructor(program, environment) {
    Object.assign(this, { program, environment });
  }

  /** Starts it, at the port that it had before. */
  async start() {
    const env = { ...process.env, ...this.environment, SOCKEYE_ADDR: this.address };
    this.#child = spawn(this.program, { env, stdio: ["ignore", "pipe", "inherit"] });
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), START_LIMIT);
    let said = "";
    for await (const chunk of this.#child.stdout) {
      said += chunk;
      if (said.includes("\n")) break;
    }
    clearTimeout(limit);
    const found = said.match(/^listening on http:\/\/(\S+)\n/);
    if (!found) throw new Error(`expected the server to say where it listens, it said ${JSON.stringify(said)}`);
    this.address = found[1];
  }

  /** Ends it, and waits until it is gone. */
  async stop(signal = "SIGKILL") {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }

  /** Ends it without waiting. */
  kill() {
    this.#child?.kill("SIGKILL");
  }

  get port() {
    return Number(this.address.split(":").at(-1));
  }
}

export class Proxy {
  #server = createServer((near) => this.#accept(near));
  #wires = new Set();
  isCut = false;

  async listen(port) {
    this.port = port;
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.address = `127.0.0.1:${this.#server.address().port}`;
  }

  #accept(near) {
    if (this.isCut) return near.destroy();
    const far = connect(this.port, "127.0.0.1");
    const wire = { near, far };
    this.#wires.add(wire);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => (other.destroy(), this.#wires.delete(wire)));
      one.pipe(other);
    }
  }

  /** Nothing passes any more on what is open, and nobody is told: a dead path. */
  stall() {
    for (const { near, far } of this.#wires) {
      for (const end of [near, far]) end.unpipe().pause();
    }
  }

  /** All that is open breaks, and nothing opens, until it is mended. */
  cut() {
    this.isCut = true;
    for (const { near } of this.#wires) near.destroy();
  }

  mend() {
    this.isCut = false;
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
