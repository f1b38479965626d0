// <script src="https://…/embed.js" data-practice="harbor" async></script> puts a practice's booking tool on its own site.
// data-mode="inline" shows it right there, else a button opens it in a dialog. See docs/booking.md.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || !script.dataset.practice) return;
  const { practice, provider, colour, mode } = script.dataset;
  const site = script.src.replace(/\/embed\.js.*$/, "");
  const said = { en: ["Book an appointment", "Close", "Open in a new window"], es: ["Pedir una cita", "Cerrar", "Abrir en otra ventana"] };
  const language = [script.dataset.language, document.documentElement.lang]
    .map((one) => (one || "").slice(0, 2).toLowerCase()).find((one) => one in said) || "en";
  const [book, close, open] = said[language];
  const label = script.dataset.label || book;
  const query = new URLSearchParams({ lang: language, ...(colour && { colour }), ...(provider && { provider }) });
  const address = (place) => `${site}/${place}/${encodeURIComponent(practice)}${provider ? "/visit" : ""}?${query}`;

  const make = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const link = (words) => make("a", { href: address("book"), target: "_blank", rel: "noopener", textContent: words });

  // Browsers of before 2023 (Safari 16.3): a link, and the tool itself where it is to stand in the page.
  if (!("replaceSync" in CSSStyleSheet.prototype && "adoptedStyleSheets" in Document.prototype && "HTMLDialogElement" in window)) {
    if (mode === "inline") script.after(make("iframe", { title: label, src: address("embed"), width: "100%", height: "900" }), link(open));
    else script.after(link(label));
    return;
  }

  // A shadow tree: neither style reaches the other. Set by script, as strict policies of sites allow.
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: block; }
    button, a { font: 600 1rem/1.4 system-ui, sans-serif; }
    .open { padding: .7rem 1.4rem; border: 0; border-radius: .5rem; background: var(--c); color: var(--on); cursor: pointer; }
    :focus-visible { outline: 3px solid var(--c); outline-offset: 2px; }
    dialog { width: min(46rem, 100vw); max-width: none; height: min(56rem, 100dvh); max-height: none; padding: 0; border: 0; border-radius: .75rem; overflow: hidden; background: #fff; color: #16202b; }
    dialog[open] { display: grid; grid-template-rows: auto 1fr; }
    dialog::backdrop { background: rgb(10 16 22 / 60%); }
    header { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .5rem .5rem .5rem 1rem; }
    header strong { font: 600 1rem/1.4 system-ui, sans-serif; }
    .close { min-width: 2.75rem; min-height: 2.75rem; border: 0; border-radius: .5rem; background: none; color: inherit; cursor: pointer; }
    iframe { display: block; width: 100%; border: 0; color-scheme: light dark; background: transparent; }
    dialog iframe { height: 100%; }
    .inline iframe { min-height: 36rem; }
    p { margin: 0; padding: 1rem; } p a { color: inherit; }
    @media (prefers-color-scheme: dark) { dialog { background: #11161c; color: #e9eef3; } }
    @media (max-width: 40rem) { dialog { height: 100dvh; width: 100vw; border-radius: 0; } }`);
  root.adoptedStyleSheets = [style];
  const accent = /^#[0-9a-f]{6}$/i.test(colour || "") ? colour : "#0b6e99";
  const light = [1, 3, 5].map((n) => parseInt(accent.slice(n, n + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  host.style.setProperty("--c", accent);
  host.style.setProperty("--on", 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#fff" : "#000");

  const frame = make("iframe", { title: label });
  // Where the practice's settings do not allow this site, browsers show nothing: then there is a link.
  const otherwise = make("p", { hidden: true }, link(open));
  const load = () => {
    if (frame.src) return;
    frame.src = address("embed");
    setTimeout(() => { otherwise.hidden = Boolean(frame.dataset.came); }, 6000);
  };
  let shut = () => {};
  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== new URL(site).origin || !event.data || !event.data.oneway) return;
    const first = !frame.dataset.came;
    frame.dataset.came = "yes";
    otherwise.hidden = true;
    if (event.data.oneway === "close") shut();
    if (mode !== "inline") return;
    const height = Number(event.data.height);
    if (height > 0 && height < 20000) frame.style.height = `${Math.ceil(height)}px`;
    // The page around it is moved for somebody who went on in it, not for the one who has just come.
    if (event.data.oneway === "page" && !first && host.getBoundingClientRect().top < 0) host.scrollIntoView();
  });

  if (mode === "inline") {
    root.append(make("div", { className: "inline" }, frame, otherwise));
    load();
  } else {
    const dialog = make("dialog", { ariaLabel: label },
      make("header", {}, make("strong", { textContent: label }), make("button", { className: "close", type: "button", ariaLabel: close, textContent: "✕", onclick: () => dialog.close() })),
      make("div", {}, frame, otherwise));
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.lastChild.style.cssText = "display:grid;min-height:0";
    const button = make("button", { className: "open", type: "button", textContent: label, onclick: () => { load(); dialog.showModal(); } });
    shut = () => dialog.close();
    root.append(button, dialog);
  }
  script.after(host);
})();
