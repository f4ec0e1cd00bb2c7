// Adds to the documentation: a search, a theme switch, the reader's own values, marks of the current section, tabs for
// calls in several languages, and copy buttons. Without script, all languages are shown one below the other.

import './search.js';
import './theme.js';
import './sections.js';
import './values.js';
import { element } from './element.js';
import { layOutAll } from './layout.js';
import { remember, remembered } from './storage.js';

const KEY = 'documentation-language';

const groups = [...document.querySelectorAll('.examples')].map((group, number) => {
  const list = element('div', { className: 'tab-list' }, { role: 'tablist', 'aria-label': 'Language' });
  const tabs = [...group.querySelectorAll('.example')].map((panel) => {
    const { language } = panel.dataset;
    const title = panel.querySelector('.example-title');
    const id = `example-${number}-${language}`;
    title.hidden = true;
    panel.id = `${id}-code`;
    const tab = element(
      'button',
      { type: 'button', className: 'tab', id, textContent: title.textContent },
      { role: 'tab', 'aria-controls': panel.id },
    );
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', tab.id);
    tab.addEventListener('click', () => choose(language, tab));
    list.append(tab);
    return { tab, panel, language };
  });
  list.addEventListener('keydown', (event) => {
    const here = tabs.findIndex(({ tab }) => tab === document.activeElement);
    const last = tabs.length - 1;
    const next = {
      ArrowLeft: here > 0 ? here - 1 : last,
      ArrowRight: here < last ? here + 1 : 0,
      Home: 0,
      End: last,
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      choose(tabs[next].language, tabs[next].tab);
      tabs[next].tab.focus();
    }
  });
  group.prepend(list);
  return tabs;
});

const show = (language) => {
  for (const tabs of groups) {
    const chosen = tabs.find((tab) => tab.language === language) ?? tabs[0];
    for (const { tab, panel } of tabs) {
      const selected = tab === chosen.tab;
      tab.setAttribute('aria-selected', selected);
      tab.tabIndex = selected ? 0 : -1;
      panel.hidden = !selected;
    }
  }
};

/** Selects the language in all groups, and scrolls so that the clicked tab keeps its place on the screen. */
function choose(language, tab) {
  const before = tab.getBoundingClientRect().top;
  layOutAll();
  show(language);
  remember(KEY, language);
  window.scrollBy(0, tab.getBoundingClientRect().top - before);
}

show(remembered(KEY));

for (const code of document.querySelectorAll('.code')) {
  const text = code.querySelector('code');
  const button = element('button', { type: 'button', className: 'button', textContent: 'Copy' });
  const status = element('span', {}, { role: 'status' });
  button.addEventListener('click', async () => {
    status.textContent = '';
    try {
      await navigator.clipboard.writeText(text.textContent);
      status.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(text);
      status.textContent = 'Selected: press Ctrl+C or ⌘C';
    }
  });
  code.querySelector('.code-bar').append(status, button);
}
