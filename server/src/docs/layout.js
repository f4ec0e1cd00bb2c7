// Lays out the columns of the reference one after the other, when the browser has nothing else to do. All at once would
// keep a phone busy for half a second before the page reacts.

const columns = document.querySelectorAll('.prose .column').values();
const layOut = (column) => column.classList.add('laid-out');
const whenIdle = globalThis.requestIdleCallback ?? setTimeout;

const next = () => {
  const { value: column } = columns.next();
  if (column) {
    layOut(column);
    whenIdle(next);
  }
};

addEventListener('load', () => whenIdle(next));

/** Lays out the rest immediately, for what depends on the heights of the whole page. */
export const layOutAll = () => {
  for (const column of columns) layOut(column);
};
