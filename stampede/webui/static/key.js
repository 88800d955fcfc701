"use strict";
// Sends the session's key with every request of our pages: see stampede/webui/keys.py.
// gate.html has this script too, with the attribute data-gate: it opens the page at its own address.
(() => {
  const { ticket: ticketUrl, login: loginUrl, gate } = document.currentScript.dataset;
  const DOWNLOADS = "a[download], a[href$='/csv'], a[href*='download=']";

  /** Keeps the key that a login has put behind the #, and takes it out of the address. */
  function keepKey() {
    const key = new URLSearchParams(location.hash.slice(1)).get("key");
    if (!key) return;
    localStorage.stampedeKey = key;
    history.replaceState(null, "", location.pathname + location.search);
  }

  const send = window.fetch;
  window.fetch = (resource, options) => {
    const request = new Request(resource, options);
    const isOurs = new URL(request.url).origin === location.origin;
    if (isOurs) request.headers.set("Stampede-Key", localStorage.stampedeKey ?? "");
    return send(request);
  };

  /** Returns an address without a ticket, or with the one given. */
  function addressed(address, ticket) {
    const url = new URL(address);
    url.searchParams.delete("ticket");
    if (ticket) url.searchParams.set("ticket", ticket);
    return url.href;
  }

  /** Opens an address with a new ticket, or the login page where the session has ended. */
  async function open(address) {
    const answer = await fetch(ticketUrl, { method: "POST" });
    location.replace(answer.ok ? addressed(address, (await answer.json()).ticket) : loginUrl);
  }

  keepKey();
  if (gate !== undefined) {
    open(location.href).catch((error) => (document.body.textContent = `No answer from the master: ${error.message}`));
    return;
  }
  history.replaceState(history.state, "", addressed(location.href)); // the ticket is used up
  document.addEventListener("click", (event) => {
    const link = event.target.closest(DOWNLOADS);
    if (!link || link.origin !== location.origin) return;
    event.preventDefault();
    open(link.href);
  });
})();
