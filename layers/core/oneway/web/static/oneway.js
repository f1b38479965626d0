// Everything works without this file; it makes three things kinder.
(() => {
  "use strict";
  // The summary of what is wrong takes focus, so that it is read first.
  const errors = document.querySelector(".errors");
  if (errors) errors.focus();

  // Copy an identifier exactly as it was typed.
  document.querySelectorAll("[data-copy]").forEach((button) => {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      const live = document.getElementById("live");
      if (live) live.textContent = button.dataset.copied;
    });
  });

  // A form is sent once, however often its button is pressed.
  document.querySelectorAll("form[method=post]").forEach((form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    });
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form").forEach((form) => delete form.dataset.sent);
  });
})();
