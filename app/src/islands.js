// Loads what the islands of the page need, and takes them over from the outside in, because one within another's
// children finds what the outer one provides. What Leptos' own script does, and two things more. It is the first of
// the page, so that loading begins at once (by links, it would without script, too). And a click on a button that
// does nothing without script, made before its island was ready, is made again when it is.
const takeOverIslands = async (script, wasm) => {
  const loading = [import(script), fetch(wasm)];
  const early = [];
  const commands = 'command' in HTMLButtonElement.prototype ? ', [command]' : '';
  const idle = `leptos-island button[type=button]:not([popovertarget]${commands})`;
  const note = (event) => {
    const button = event.target.closest?.(idle);
    if (button && !event.defaultPrevented) early.push(button);
  };
  addEventListener('click', note);
  const module = await loading[0];
  await module.default({ module_or_path: loading[1] });
  if (document.readyState === 'loading') {
    await new Promise((ready) => document.addEventListener('DOMContentLoaded', ready));
  }
  module.hydrate();
  const owners = [];
  const takeOver = (node) => {
    const island = node.localName === 'leptos-island' && module[node.dataset.component];
    const children = node.localName === 'leptos-children';
    if (island) {
      owners.at(-1)?.();
      island(node);
    }
    if (children) owners.push(node.$$on_hydrate);
    for (const child of node.children) takeOver(child);
    if (children) owners.pop();
  };
  takeOver(document.body);
  removeEventListener('click', note);
  document.documentElement.dataset.hydrated = '';
  for (const button of early) button.click();
};
