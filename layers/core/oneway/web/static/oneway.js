// Everything works without this file; it makes three things kinder.
(() => {
  "use strict";
  // The summary of what is wrong takes focus, so that it is read first.
  const errors = document.querySelector(".errors");
  if (errors) errors.focus();

  // Copy an identifier exactly as it was typed.
  document.documentElement.classList.toggle("copies", Boolean(navigator.clipboard));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const live = document.getElementById("live");
    if (live) live.textContent = button.dataset.copied;
  });

  // A form is sent once, however often its button is pressed; again after a while, for whoever stopped it.
  const awhile = 5000;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (event.timeStamp - form.dataset.sent < awhile) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    form.dataset.sent = event.timeStamp;
  }, true);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form").forEach((form) => delete form.dataset.sent);
  });
})();
