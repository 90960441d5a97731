// Console on every page: colors, keyboard shortcuts, what was typed, and the installed application.
"use strict";
(() => {
  const signedIn = "signedIn" in document.documentElement.dataset;
  if (signedIn && "serviceWorker" in navigator) {
    navigator.serviceWorker.register(`/sw.js?v=${document.documentElement.dataset.version}`).catch(() => {});
  }

  // Colors, remembered on this device.
  const colors = document.querySelector("[data-colors]");
  const choice = colors.querySelector("select");
  colors.hidden = false;
  choice.value = document.documentElement.dataset.theme ?? "";
  choice.addEventListener("change", () => {
    localStorage.setItem("platestream-theme", choice.value);
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
  });

  // A documented inquiry without case number and reason would be refused, and the refusal logged: say so before.
  for (const why of document.querySelectorAll("fieldset.why")) {
    const [number, reason] = ["case_number", "reason"].map((name) => why.querySelector(`[name=${name}]`));
    const check = () => {
      const missing = !number.value.trim() && !reason.value.trim();
      number.setCustomValidity(missing ? "Enter a case number, or a reason below." : "");
    };
    for (const one of [number, reason]) one.addEventListener("input", check);
    check();
  }

  // A form that was sent says so, and is not sent twice.
  addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.target.method !== "post") return;
    if (button.ariaBusy === "true") event.preventDefault();
    button.ariaBusy = "true";
  });
  addEventListener("pageshow", () => {
    for (const one of document.querySelectorAll("button[aria-busy]")) one.ariaBusy = null;
  });

  // What was typed into a form comes back after a refusal. It stays in this tab and never holds a password or a file.
  const KEY = "platestream-typed";
  const secret = (one) => one.name === "csrf" || one.autocomplete === "one-time-code";
  const kept = (one) => one.name && !["hidden", "password", "file", "submit"].includes(one.type) && !secret(one);
  addEventListener("submit", ({ target }) => {
    if (target.method !== "post") return;
    const fields = [...target.elements].filter(kept).map((one) => [one.name, one.value, one.checked ?? false]);
    const form = target.getAttribute("action");
    sessionStorage.setItem(KEY, JSON.stringify({ form, fields }));
  });
  const again = document.querySelector("[data-again]");
  again?.addEventListener("click", () => sessionStorage.setItem(`${KEY}-back`, "yes"));
  if (sessionStorage.getItem(`${KEY}-back`)) {
    sessionStorage.removeItem(`${KEY}-back`);
    const { form, fields } = JSON.parse(sessionStorage.getItem(KEY) ?? '{"fields": []}');
    const target = [...document.querySelectorAll("main form")].find((one) => one.getAttribute("action") === form);
    for (const [name, value, checked] of target ? fields : []) {
      for (const one of target.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (["radio", "checkbox"].includes(one.type)) one.checked = one.value === value ? checked : one.checked;
        else if (one.type !== "hidden") one.value = value;
      }
    }
    target?.closest("details")?.setAttribute("open", "");
    target?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }
  if (!again) sessionStorage.removeItem(KEY);

  // A print sheet has all its pictures: those below the window are loaded first.
  const sheet = document.querySelector("[data-print]");
  if (sheet) sheet.hidden = false;
  sheet?.addEventListener("click", async () => {
    sheet.disabled = true;
    sheet.textContent = "Loading pictures";
    const late = [...document.querySelectorAll(".passes img")].filter((one) => !one.naturalWidth);
    const loaded = late.map((one) => new Promise((done) => {
      for (const event of ["load", "error"]) one.addEventListener(event, done);
      one.loading = "eager";
    }));
    await Promise.race([Promise.all(loaded), new Promise((done) => setTimeout(done, 120_000))]);
    sheet.disabled = false;
    sheet.textContent = "Print";
    print();
  });

  // Keyboard shortcuts, which a person may turn off on this device.
  const help = document.getElementById("shortcuts");
  if (!help) return;
  const USED = "platestream-keys";
  const used = () => localStorage.getItem(USED) !== "off";
  const box = help.querySelector("[data-keys]");
  box.checked = used();
  box.addEventListener("change", () => localStorage.setItem(USED, box.checked ? "on" : "off"));
  const open = document.querySelector("[data-shortcuts]");
  open.hidden = false;
  open.addEventListener("click", () => help.showModal());
  let before = "";
  const move = (step) => {
    const rows = [...document.querySelectorAll(".hits a, .entries button, .passes a, main tbody a")];
    const next = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(document.activeElement) + step))];
    next?.focus();
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
    if (event.key === "Escape" && !help.open) document.querySelector("[data-seen]")?.click();
    if (!used() || typing || help.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key;
    const go = before === "g" && document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    before = key;
    if (go) location.assign(go.href);
    else if (key === "?") help.showModal();
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "/") {
      event.preventDefault();
      document.querySelector("[data-find]")?.focus();
    }
  });
})();
