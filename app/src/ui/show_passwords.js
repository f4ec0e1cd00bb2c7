// Shows the passwords of a form while its button is pressed. It runs right after the button.
{
  const button = document.currentScript.previousElementSibling;
  const show = (shown) => {
    button.setAttribute('aria-pressed', shown);
    const fields = button.form.querySelectorAll('[autocomplete$=password]');
    for (const field of fields) field.type = shown ? 'text' : 'password';
  };
  button.hidden = false;
  button.addEventListener('click', () => show(button.getAttribute('aria-pressed') !== 'true'));
// Otherwise the browser could offer the password later, as a text that was typed before.
  button.form.addEventListener('submit', () => show(false));
}
