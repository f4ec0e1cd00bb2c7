// Adds the choice between light and dark to the header. Without script, the system's setting applies.

import { remember, remembered } from './storage.js';

const KEY = 'documentation-theme';
const THEMES = { system: 'System', light: 'Light', dark: 'Dark' };

/** The style sheet knows `light` and `dark`. */
const apply = (theme) => {
  document.documentElement.dataset.theme = theme;
};

const chosen = Object.keys(THEMES).find((theme) => theme === remembered(KEY)) ?? 'system';
apply(chosen);

const label = document.createElement('label');
const select = document.createElement('select');
label.className = 'theme';
select.append(...Object.entries(THEMES).map(([theme, name]) => new Option(name, theme)));
select.value = chosen;
select.addEventListener('change', () => {
  apply(select.value);
  remember(KEY, select.value);
});
const name = document.createElement('span');
name.textContent = 'Theme';
label.append(name, select);
document.querySelector('.documentation-header').append(label);
