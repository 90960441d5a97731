// Passkeys: the browser makes one, or uses one, and its answer is sent with the form.
"use strict";
(() => {
  const known = "PublicKeyCredential" in window && "parseCreationOptionsFromJSON" in PublicKeyCredential;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const fault = form.querySelector("[data-passkey-fault]");
    const tell = (text) => {
      fault.textContent = text;
      fault.hidden = !text;
    };
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("[data-passkey-use]").addEventListener("click", async () => {
      if (!known) return tell("This browser does not know passkeys.");
      if (!form.reportValidity()) return;
      tell("");
      try {
        const body = new URLSearchParams({ csrf: form.elements.csrf?.value ?? "" });
        const answer = await fetch(form.dataset.passkey, { method: "POST", body });
        if (!answer.ok) return tell("The console did not answer. Reload the page and try again.");
        const asked = await answer.json();
        const made = "passkeyNew" in form.dataset
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
        form.elements.credential.value = JSON.stringify(made.toJSON());
        form.submit();
      } catch {
        tell("No passkey was used. Try again. Passkeys need the console's name, not a number, in the address.");
      }
    });
  }
})();
