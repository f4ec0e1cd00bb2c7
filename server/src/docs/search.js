// Adds a search over all pages to the header: a combobox (ARIA Authoring Practices Guide). The server's index is loaded
// when the reader first comes to the field.

import { element } from './element.js';
import { remembered } from './storage.js';

const INDEX = '/docs/search.json';
/** How many results the list has. */
const SHOWN = 20;
/** About how long the text of a result is. */
const LENGTH = 150;
/** What a word counts, by the part of the entry in which it is. */
const WEIGHTS = [['title', 20], ['place', 5], ['text', 1]];
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** The dashboard stores this when its reader has turned keyboard shortcuts off. */
const SHORTCUTS_OFF = 'shortcuts-off';

/** A text for comparisons: without accents, in lower case. */
const folded = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
const wordsOf = (text) => (text.match(WORD) ?? []).map(folded);

const list = element('div', { id: 'search-results', tabIndex: -1 }, { role: 'listbox', 'aria-label': 'Results' });
const field = element(
  'input',
  { id: 'search', type: 'text', placeholder: 'Search', autocomplete: 'off', spellcheck: false, enterKeyHint: 'go' },
  {
    role: 'combobox',
    autocapitalize: 'none',
    'aria-label': 'Search the documentation',
    'aria-autocomplete': 'list',
    'aria-controls': list.id,
    'aria-expanded': false,
  },
);
const key = element('kbd', { textContent: '/' }, { 'aria-hidden': true });
/** What a screen reader announces. It is there before its text. */
const announced = element('p', { className: 'visually-hidden' }, { role: 'status' });
const message = element('p', { className: 'search-message' }, { 'aria-hidden': true });
const retry = element('button', { type: 'button', className: 'button', textContent: 'Try again' });
const popup = element('div', { className: 'search-popup', hidden: true }, {}, [message, retry, list]);
const search = element('div', { className: 'search' }, { role: 'search' }, [field, key, announced, popup]);

/** What can be found, or null until it is loaded. */
let entries = null;
let state = 'not loaded';
/** Whether the reader has closed the results of what is in the field. */
let isClosed = false;
let options = [];
let active = -1;

const load = async () => {
  if (state === 'loading' || entries) {
    return;
  }
  state = 'loading';
  show();
  try {
    const response = await fetch(INDEX);
    if (!response.ok) {
      throw new Error(response.statusText);
    }
    entries = (await response.json()).map((entry) => ({
      ...entry,
      words: { title: wordsOf(entry.title), place: wordsOf(entry.place.join(' ')), text: wordsOf(entry.text) },
    }));
    state = 'loaded';
  } catch {
    state = 'failed';
  }
  show();
};

/**
 * How well the entry fits: 0 if it lacks one of the words. A word also fits as the beginning of a word. Of two entries
 * that fit alike, the one with the shorter title fits better.
 */
const score = ({ words }, wanted) => {
  let sum = 1 / words.title.length;
  for (const word of wanted) {
    const found = WEIGHTS.find(([part]) => words[part].some((own) => own.startsWith(word)));
    if (!found) {
      return 0;
    }
    const [part, weight] = found;
    sum += words[part].includes(word) ? 2 * weight : weight;
  }
  return sum;
};

/** The entries with all words, the best first. */
const found = (wanted) =>
  entries
    .map((entry) => ({ entry, score: score(entry, wanted) }))
    .filter((result) => result.score > 0)
    .sort((one, other) => other.score - one.score)
    .map(({ entry }) => entry);

const fits = (word, wanted) => wanted.some((start) => folded(word).startsWith(start));

/** The text, in which the words that fit are marked. */
const marked = (text, wanted) => {
  const parts = [];
  let end = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (fits(word, wanted)) {
      parts.push(text.slice(end, index), element('mark', { textContent: word }));
      end = index + word.length;
    }
  }
  return [...parts, text.slice(end)];
};

/** The part of the text around the first word that fits. */
const excerpt = (text, wanted) => {
  const first = [...text.matchAll(WORD)].find(([word]) => fits(word, wanted))?.index ?? 0;
  const start = first < LENGTH / 2 ? 0 : text.lastIndexOf(' ', first - LENGTH / 4) + 1;
  const rest = text.slice(start);
  const isWhole = rest.length <= LENGTH;
  const end = isWhole ? rest.length : Math.max(rest.lastIndexOf(' ', LENGTH), first - start + 1);
  return `${start > 0 ? '… ' : ''}${rest.slice(0, end)}${isWhole ? '' : ' …'}`;
};

const option = ({ address, title, place, text }, number, wanted) => {
  const line = (className, content) => element('span', { className }, {}, marked(content, wanted));
  const result = element(
    'a',
    { id: `search-result-${number}`, className: 'search-result', href: address, tabIndex: -1 },
    { role: 'option' },
    [
      line('search-title', title),
      ...(place.length > 0 ? [line('search-place', place.join(' › '))] : []),
      line('search-text', excerpt(text, wanted)),
    ],
  );
  result.addEventListener('click', () => {
    isClosed = true;
    field.blur();
    show();
  });
  return result;
};

/** What is said about the results. */
const outcome = (count) => {
  if (state === 'failed') {
    return 'The search could not be loaded. Check your connection, then try again.';
  }
  if (!entries) {
    return 'Loading the search…';
  }
  if (count === 0) {
    return `Nothing found for “${field.value.trim()}”. Try fewer or other words.`;
  }
  if (count > SHOWN) {
    return `First ${SHOWN} of ${count} results`;
  }
  return count === 1 ? '1 result' : `${count} results`;
};

const activate = (number) => {
  active = number;
  options.forEach((result, index) => result.setAttribute('aria-selected', index === active));
  if (options[active]) {
    field.setAttribute('aria-activedescendant', options[active].id);
    options[active].scrollIntoView({ block: 'nearest' });
  } else {
    field.removeAttribute('aria-activedescendant');
  }
};

/** Shows the results of what is in the field, while the focus is in the search. */
const show = () => {
  const wanted = wordsOf(field.value);
  const isOpen = !isClosed && wanted.length > 0 && search.contains(document.activeElement);
  const results = isOpen && entries ? found(wanted) : [];
  options = results.slice(0, SHOWN).map((entry, number) => option(entry, number, wanted));
  list.replaceChildren(...options);
  list.hidden = options.length === 0;
  popup.hidden = !isOpen;
  list.scrollTop = 0;
  field.setAttribute('aria-expanded', isOpen && options.length > 0);
  retry.hidden = state !== 'failed';
  message.textContent = isOpen ? outcome(results.length) : '';
  announced.textContent = message.textContent;
  activate(-1);
};

/** The option to which a key leads. Before the first and after the last one is the field itself. */
const moved = { ArrowDown: () => active + 1, ArrowUp: () => (active < 0 ? options.length - 1 : active - 1) };

field.addEventListener('focus', () => {
  load();
  show();
});
field.addEventListener('input', () => {
  isClosed = false;
  show();
});
field.addEventListener('keydown', (event) => {
  const modified = event.ctrlKey || event.altKey || event.metaKey;
  if (event.isComposing || modified) {
    return;
  }
  if (event.key in moved) {
    event.preventDefault();
    if (popup.hidden) {
      isClosed = false;
      show();
    }
    const next = moved[event.key]();
    activate(next < options.length ? next : -1);
  } else if (event.key === 'Enter') {
    event.preventDefault();
    if (state === 'failed') {
      load();
    }
    (options[active] ?? options[0])?.click();
  } else if (event.key === 'Escape' && field.value) {
    event.preventDefault();
    if (popup.hidden) {
      field.value = '';
    }
    isClosed = true;
    show();
  }
});
// The focus stays in the field, also in browsers that do not move it to a link.
popup.addEventListener('mousedown', (event) => event.preventDefault());
retry.addEventListener('click', () => {
  field.focus();
  load();
});
search.addEventListener('focusout', ({ relatedTarget }) => {
  if (!search.contains(relatedTarget)) {
    isClosed = false;
    popup.hidden = true;
    field.setAttribute('aria-expanded', false);
    activate(-1);
  }
});
addEventListener('keydown', (event) => {
  const modified = event.ctrlKey || event.altKey || event.metaKey;
  const types = document.activeElement?.matches('input, textarea, select, [contenteditable]');
  if (event.key !== '/' || modified || types || event.defaultPrevented || remembered(SHORTCUTS_OFF) !== null) {
    return;
  }
  event.preventDefault();
  field.focus();
  field.select();
});
if (remembered(SHORTCUTS_OFF) === null) {
  field.setAttribute('aria-keyshortcuts', '/');
} else {
  key.hidden = true;
}

document.querySelector('.documentation-header').append(search);
