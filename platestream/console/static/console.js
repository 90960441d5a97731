// What the list of hits says when new ones do not come any more.
"use strict";
const state = (name) => {
  // Once hits may be missing, only a new page knows them all.
  if (document.body.getAttribute("data-live") !== "gap") document.body.setAttribute("data-live", name);
};
document.addEventListener("gap", () => state("gap"));
document.addEventListener("htmx:sse:after:connection", (event) => {
  if (event.detail.connection.status === 200) state("on");
});
document.addEventListener("htmx:sse:error", (event) => state(event.detail.status === 401 ? "ended" : "lost"));
document.addEventListener("htmx:sse:close", (event) => {
  if (event.detail.reason === "message") state("ended");
});
// A hit that came while the page was made is there already.
document.addEventListener("htmx:sse:before:message", (event) => {
  const found = /id="(hit-[0-9a-f-]+)"/.exec(event.detail.message.data);
  if (found && document.getElementById(found[1])) event.detail.cancelled = true;
});
