// Islands are taken over from the outside in, because one within another's children finds what the outer one
// provides. What Leptos' own script does, and one thing more: a click on a button that does nothing without
// script, made before its island was ready, is made again when it is.
const early = [];
const idle = `leptos-island button[type=button]:not([popovertarget]${'command' in HTMLButtonElement.prototype ? ', [command]' : ''})`;
const note = (event) => {
  const button = event.target.closest?.(idle);
  if (button && !event.defaultPrevented) early.push(button);
};
addEventListener('click', note);
const start = async (loading, wasm) => {
  const module = await loading;
  await module.default({ module_or_path: wasm });
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
