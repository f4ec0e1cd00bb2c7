// Adds the choice between light and dark to the header. Without script, the system's setting applies.

import { element } from './element.js';
import { remember, remembered } from './storage.js';

const KEY = 'documentation-theme';
const THEMES = { system: 'System', light: 'Light', dark: 'Dark' };

/** The style sheet knows `light` and `dark`. */
const apply = (theme) => {
  document.documentElement.dataset.theme = theme;
};

const chosen = Object.keys(THEMES).find((theme) => theme === remembered(KEY)) ?? 'system';
apply(chosen);

const options = Object.entries(THEMES).map(([theme, name]) => new Option(name, theme));
const select = element('select', {}, {}, options);
select.value = chosen;
select.addEventListener('change', () => {
  apply(select.value);
  remember(KEY, select.value);
});
const name = element('span', { textContent: 'Theme' });
document.querySelector('.documentation-header').append(element('label', { className: 'theme' }, {}, [name, select]));
