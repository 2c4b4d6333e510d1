// Puts the address of this very hub into the page, and copies examples.
"use strict";

const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
for (const place of document.querySelectorAll(".base")) place.textContent = base;

for (const block of document.querySelectorAll("pre[id]")) {
  // Without a secure context there is no clipboard.
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-describedby", block.getAttribute("aria-labelledby"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  block.before(button);
}
