// Loads the script and the WASM of the page's islands, then hydrates them.
//
// An outer island is hydrated before the islands in its children, because those use the context that it provides.
// This does the work of Leptos's own script, and two things more:
// - It starts loading immediately, because it is the first element of the page. Prefetch links would load the files
//   for browsers without script, too.
// - A click on a button that needs script is repeated after hydration if it came before.
const hydrateIslands = async (script, wasm) => {
  const loading = [import(script), fetch(wasm)];
  const earlyClicks = [];
  const commands = 'command' in HTMLButtonElement.prototype ? ', [command]' : '';
  const needsScript = `leptos-island button[type=button]:not([popovertarget]${commands})`;
  const noteClick = (event) => {
    const button = event.target.closest?.(needsScript);
    if (button && !event.defaultPrevented) earlyClicks.push(button);
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
  hydrate(document.body);
  removeEventListener('click', noteClick);
  document.documentElement.dataset.hydrated = '';
  for (const button of earlyClicks) button.click();
};
