// Loads the script and the WASM of the page's islands, then hydrates them.
//
// An outer island is hydrated before the islands in its children, because those use the context that it provides.
// This does the work of Leptos's own script, and more:
// - It starts loading immediately, because it is the first element of the page. Prefetch links would load the files
//   for browsers without script, too.
// - A click on a button that needs script is repeated after hydration if it came before. Until then the button looks
//   pressed.
// - If an island replaces its content, the focus stays on the same control.
// - On phones, toasts are a bar at the foot. The row that was used last scrolls out from under a new one.
// - After a failure, events no longer reach the islands. Links and forms then work as without script. A form in a dialog
//   works only with script: it reloads the page.
const scrollUsedRows = () => {
  let row;
  const scroll = new MutationObserver((changes) => {
    if (changes.some(({ addedNodes }) => addedNodes.length)) row?.scrollIntoView({ block: 'nearest' });
  });
  addEventListener('click', ({ target }) => {
    row = target.closest?.('tr');
    const toasts = row && document.querySelector('.toasts');
    if (toasts) scroll.observe(toasts, { childList: true, subtree: true });
  });
};
const hydrateIslands = async (script, wasm) => {
  const root = document.documentElement;
  const bypass = (event) => {
    if (!('failed' in root.dataset)) return;
    event.stopImmediatePropagation();
    const form = event.type === 'submit' && event.target;
    if (form && form.method !== 'dialog' && form.closest('dialog')) {
      event.preventDefault();
      location.reload();
    }
  };
  for (const type of ['click', 'submit', 'keydown', 'cancel', 'close']) addEventListener(type, bypass, true);
  const giveUp = () => {
    delete root.dataset.hydrated;
    root.dataset.failed = '';
  };
  // Panics of the WASM, and errors of functions that it calls.
  const check = (error) => {
    if (error?.name === 'RuntimeError' || error?.stack?.includes(script)) giveUp();
  };
  addEventListener('error', (event) => check(event.error));
  addEventListener('unhandledrejection', (event) => check(event.reason));
  const start = async () => {
    const loading = [import(script), fetch(wasm)];
    const earlyClicks = [];
    const commands = 'command' in HTMLButtonElement.prototype ? ', [command]' : '';
    const needsScript = `leptos-island button[type=button]:not([popovertarget]${commands})`;
    const noteClick = (event) => {
      const button = event.target.closest?.(needsScript);
      if (!button || event.defaultPrevented) return;
      button.dataset.pressed = '';
      earlyClicks.push(button);
    };
    addEventListener('click', noteClick);
    const module = await loading[0];
    await module.default({ module_or_path: loading[1] });
    if (document.readyState === 'loading') {
      await new Promise((ready) => document.addEventListener('DOMContentLoaded', ready));
    }
    module.hydrate();
    const owners = [];
    const hydrate = (node) => {
      const island = node.localName === 'leptos-island' && module[node.dataset.component];
      const children = node.localName === 'leptos-children';
      if (island) {
        owners.at(-1)?.();
        island(node);
      }
      if (children) owners.push(node.$$on_hydrate);
      for (const child of node.children) hydrate(child);
      if (children) owners.pop();
    };
    const controls = () => [...document.querySelectorAll('.rebuilt :is(a, button)')];
    const before = controls();
    const focused = document.activeElement;
    hydrate(document.body);
    const after = controls();
    if (!focused?.isConnected && before.length === after.length) after[before.indexOf(focused)]?.focus();
    removeEventListener('click', noteClick);
    scrollUsedRows();
    root.dataset.hydrated = '';
    for (const button of earlyClicks) button.click();
  };
  await start().catch((error) => {
    giveUp();
    throw error;
  });
};
