// Page without connection: since when the device is blind, and back to the page as soon as the console answers.
"use strict";
const since = document.querySelector("[data-since]");
try {
  const { contact } = JSON.parse(localStorage.getItem("platestream-live"));
  since.textContent = ` since ${new Date(contact).toLocaleString([], { hour12: false })}`;
} catch { /* not on shift at this device */ }
const check = async () => {
  const answer = await fetch("/health", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
};
document.querySelector("[data-retry]").addEventListener("click", check);
if (location.pathname !== "/offline") {
  addEventListener("online", check);
  setInterval(check, 5_000);
}
