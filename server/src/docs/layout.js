// Lays out the parts of the reference one after the other, when the browser has nothing else to do. All at once would keep
// a phone busy for half a second before the page reacts.

const parts = document.querySelectorAll('.prose .column > :not(h3)').values();
const layOut = (part) => part.classList.add('laid-out');
const whenIdle = globalThis.requestIdleCallback ?? setTimeout;

const next = () => {
  const { value: part } = parts.next();
  if (part) {
    layOut(part);
    whenIdle(next);
  }
};

addEventListener('load', () => whenIdle(next));

/** Lays out the rest immediately, for what depends on the heights of the whole page. */
export const layOutAll = () => {
  for (const part of parts) layOut(part);
};
