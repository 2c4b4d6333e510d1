// Before the first paint: the colours that were chosen.
"use strict";

try {
  document.documentElement.dataset.theme = localStorage.getItem("sockeye.chat.theme") ?? "system";
} catch {
  // A browser that keeps nothing: as the system.
}
