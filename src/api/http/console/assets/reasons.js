// The menu of reasons to reject: a digit chooses, Escape leaves.
import { $, $$ } from "./dom.js";
import { closeMenu, openMenu } from "./keys.js";

/** Opens and closes the menu; `chosen` gets the code. */
export function reasons(chosen) {
  const box = $("#reasons");
  const button = $("[aria-controls=reasons]");
  const items = $$("[data-reason-code]", box);
  const hide = () => {
    box.hidden = true;
    button?.setAttribute("aria-expanded", "false");
    closeMenu();
  };
  const choose = (item) => {
    hide();
    chosen(item.dataset.reasonCode);
  };
  const listen = (event) => {
    if (event.key === "Escape") {
      hide();
      button?.focus();
      return true;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const at = items.indexOf(document.activeElement);
      items.at((at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length).focus();
      return true;
    }
    if (/^[0-9]$/.test(event.key)) {
      choose(items.at(event.key === "0" ? 9 : Number(event.key) - 1));
      return true;
    }
    // Other keys wait: a reason was asked for.
    return event.key.length === 1;
  };
  box.addEventListener("click", (event) => {
    const item = event.target.closest("[data-reason-code]");
    if (item) choose(item);
  });
  return {
    hide,
    toggle: () => {
      if (!box.hidden) return hide();
      box.hidden = false;
      button?.setAttribute("aria-expanded", "true");
      openMenu(listen);
    },
  };
}
