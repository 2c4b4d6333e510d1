// What both JavaScript clients need around their rows.
import { readFileSync } from "node:fs";

export const addr = process.env.ADDR;
/** Over TLS, where the server was given a certificate. */
export const isSecure = Boolean(process.env.TOUR_CERTIFICATE);
export const origin = `${isSecure ? "https" : "http"}://${addr}`;
/** Where sockets are. */
export const base = `${isSecure ? "wss" : "ws"}://${addr}`;

/** How often the tour has printed its line so far. */
export function goodbyes() {
  const lines = readFileSync(process.env.STDOUT, "utf8").split("\n");
  return lines.filter((line) => line === "Client disconnected").length;
}

/** Runs one check, prints its line, and makes the exit code 1 when it failed. */
export async function report({ route, claim }, check) {
  try {
    await check();
    console.log(`ok ${route}: ${claim}`);
  } catch (error) {
    console.log(`not ok ${route}: ${claim}: ${error.message.split("\n")[0]}`);
    process.exitCode = 1;
  }
}
