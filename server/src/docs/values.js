// Puts the reader's own organisation and event in the place of those of the demo server, in all examples of the page.
// They are the numbers that the reader has entered here, or else those of the reader's session in the dashboard.

import { element } from './element.js';
import { forget, remember, remembered } from './storage.js';

const KEY = 'documentation-values';
const ID = /^[1-9]\d{0,14}$/;
const DEMO = { organisation: '903', event: '456' };
const FIELDS = { organisation: 'Organisation ID', event: 'Event ID' };

const marked = [...document.querySelectorAll('.code var')];
/** Only the dashboard knows the session. It may have another origin. */
const hasSession = new URL(document.querySelector('.dashboard-link').href).origin === location.origin;

/** Two IDs as they are stored, or null. Other programs of this origin can write to the storage too. */
const parsed = (text) => {
  const [organisation, event, ...more] = text?.split(' ') ?? [];
  return ID.test(organisation) && ID.test(event) && more.length === 0 ? { organisation, event } : null;
};

let entered = parsed(remembered(KEY));
/** Whether the browser stores what is entered. */
let stores = true;
/** The response for the session: an organisation, and perhaps an event. */
let own = null;

const summary = element('span', { id: 'values-summary' });
const change = element(
  'button',
  { type: 'button', className: 'link', textContent: 'Change values' },
  { 'aria-expanded': false, 'aria-controls': 'values-form', 'aria-describedby': summary.id },
);
const line = element('div', { className: 'values-line' }, {}, [summary, change]);

const named = ({ id, name }, kind) =>
  name === null ? [`${kind} ${id}`] : [element('bdi', { textContent: name }), ` (${id})`];

const described = () => {
  if (entered) {
    return [`organisation ${entered.organisation} and event ${entered.event}`];
  }
  if (!own) {
    return [`the demo’s organisation ${DEMO.organisation} and event ${DEMO.event}`];
  }
  const event = own.event ? named(own.event, 'event') : [`the demo’s event ${DEMO.event}`];
  return [...named(own.organisation, 'organisation'), ' and ', ...event];
};

/** The values that the page shows. */
const current = () => entered ?? {
  organisation: String(own?.organisation.id ?? DEMO.organisation),
  event: String(own?.event?.id ?? DEMO.event),
};

const show = () => {
  const values = current();
  for (const place of marked) {
    const { value: name } = place.dataset;
    // Without a change there is no new layout.
    if (place.textContent !== values[name]) {
      place.textContent = values[name];
      place.classList.toggle('own', values[name] !== DEMO[name]);
    }
  }
  summary.replaceChildren('Examples use ', ...described(), '.');
  summary.title = summary.textContent;
};

let asked = 0;

/** Asks for the values of the session, unless the reader has entered others. If that fails, nothing changes. */
const ask = async () => {
  if (entered || !hasSession) {
    return;
  }
  asked += 1;
  const number = asked;
  try {
    const response = await fetch('/docs/values');
    const values = response.status === 200 ? await response.json() : null;
    // For most readers nothing changes.
    if (number === asked && response.ok && (values ?? own)) {
      own = values;
      show();
    }
  } catch {
    // Offline.
  }
};

const use = (values) => {
  entered = values;
  show();
  ask();
};

const input = (name) => {
  const id = `values-${name}`;
  const error = element('p', { id: `${id}-error`, className: 'field-error' });
  const field = element(
    'input',
    { id, name, type: 'text', inputMode: 'numeric', autocomplete: 'off', maxLength: 15 },
    { 'aria-describedby': error.id },
  );
  const label = element('label', { htmlFor: id, className: 'field-label', textContent: FIELDS[name] });
  return { name, field, error, whole: element('div', { className: 'field' }, {}, [label, field, error]) };
};

const inputs = Object.keys(FIELDS).map(input);
const button = (textContent, properties) => element('button', { className: 'button', textContent, ...properties });
const using = button('Use these values', { type: 'submit', className: 'button button-primary' });
const cancel = button('Cancel', { type: 'button' });
const forgetting = button('Forget these values', { type: 'button' });
const fields = element('fieldset', {}, {}, [
  element('legend', { textContent: 'Values in the examples' }),
  ...inputs.map(({ whole }) => whole),
  element('div', { className: 'values-actions' }, {}, [using, cancel, forgetting]),
]);
const form = element(
  'form',
  { id: 'values-form', className: 'values-form', noValidate: true, hidden: true },
  {},
  [fields],
);

const report = ({ field, error }, isValid) => {
  field.setAttribute('aria-invalid', !isValid);
  error.textContent = isValid ? '' : `Enter a whole number from 1, such as ${DEMO[field.name]}.`;
};

const open = () => {
  const values = current();
  for (const each of inputs) {
    each.field.value = values[each.name];
    report(each, true);
  }
  forgetting.hidden = !entered;
  form.hidden = false;
  change.setAttribute('aria-expanded', true);
  inputs[0].field.select();
};

/** Closes the form. The button then has the focus, and what the examples use as its description. */
const close = () => {
  form.hidden = true;
  change.setAttribute('aria-expanded', false);
  change.focus();
};

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const typed = Object.fromEntries(inputs.map(({ name, field }) => [name, field.value.trim()]));
  const isValid = ({ name }) => ID.test(typed[name]);
  inputs.forEach((each) => report(each, isValid(each)));
  const wrong = inputs.find((each) => !isValid(each));
  if (wrong) {
    wrong.field.focus();
    return;
  }
  stores = remember(KEY, `${typed.organisation} ${typed.event}`);
  use(typed);
  close();
});
form.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    close();
  }
});
forgetting.addEventListener('click', () => {
  forget(KEY);
  use(null);
  close();
});
cancel.addEventListener('click', close);
change.addEventListener('click', () => (form.hidden ? open() : close()));

if (marked.length > 0) {
  document.querySelector('.documentation-head').append(element('div', { className: 'values' }, {}, [line, form]));
  use(entered);
  // Another tab may have entered values, signed in or out, or selected another organisation.
  addEventListener('storage', ({ key, newValue }) => {
    if (key === KEY || key === null) {
      use(parsed(newValue));
    }
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) {
      use(stores ? parsed(remembered(KEY)) : entered);
    }
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') {
      ask();
    }
  });
}
